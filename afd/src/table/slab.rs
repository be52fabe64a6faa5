//! A fixed number of slots that are named by keys which do not survive them.

use alloc::boxed::Box;
use executive::pool::PoolUsage;

/// Names one use of a slot: after the slot is freed, its next use has another
/// generation and the old key finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// The slot's place in its table.
    pub(crate) const fn index(self) -> usize {
        self.index as usize
    }

    /// The key as a number, never 0.
    pub(crate) const fn to_raw(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The key that a number stands for, whether it names anything or not.
    pub(crate) const fn from_raw(raw: u64) -> Self {
        Self {
            index: raw as u32,
            generation: (raw >> 32) as u32,
        }
    }
}

#[derive(Debug)]
struct Slot<T> {
    /// Counts the uses of the slot, from 1.
    generation: u32,
    content: Content<T>,
}

#[derive(Debug)]
enum Content<T> {
    Free { next: Option<u32> },
    Used(T),
}

/// A fixed number of slots for `T`; every operation takes constant time.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Box<[Slot<T>]>,
    free: Option<u32>,
    usage: PoolUsage,
}

impl<T> Slab<T> {
    /// Allocates `size` free slots.
    pub(crate) fn new(size: u32) -> Self {
        let slots = (0..size)
            .map(|index| Slot {
                generation: 1,
                content: Content::Free {
                    next: Some(index + 1).filter(|next| *next < size),
                },
            })
            .collect();
        Self {
            slots,
            free: Some(0).filter(|_| size > 0),
            usage: PoolUsage::new(size),
        }
    }

    /// Puts a value into a free slot.
    ///
    /// # Errors
    /// The value itself when every slot is in use.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Result<Key, T> {
        match self.vacant() {
            Some(vacant) => Ok(vacant.fill(value)),
            None => Err(value),
        }
    }

    /// The slot that the next value goes into; `None` when every slot is in
    /// use, which is counted.
    #[inline]
    pub(crate) fn vacant(&mut self) -> Option<Vacant<'_, T>> {
        let free = self
            .free
            .and_then(|index| Some((index, self.slots.get_mut(index as usize)?)));
        let Some((index, slot)) = free else {
            self.usage.failures += 1;
            return None;
        };
        Some(Vacant {
            index,
            slot,
            free: &mut self.free,
            usage: &mut self.usage,
        })
    }

    /// Frees a slot and gives its value.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.index())?;
        if slot.generation != key.generation || matches!(slot.content, Content::Free { .. }) {
            return None;
        }
        let content = core::mem::replace(&mut slot.content, Content::Free { next: self.free });
        // Generation 0 is skipped, so that no key has the number 0.
        slot.generation = slot.generation.checked_add(1).unwrap_or(1);
        self.free = Some(key.index);
        self.usage.give_back();
        match content {
            Content::Used(value) => Some(value),
            Content::Free { .. } => None,
        }
    }

    /// The value that `key` names.
    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index())?;
        let is_named = slot.generation == key.generation;
        match &slot.content {
            Content::Used(value) if is_named => Some(value),
            _ => None,
        }
    }

    /// The value that `key` names, for writing.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index())?;
        let is_named = slot.generation == key.generation;
        match &mut slot.content {
            Content::Used(value) if is_named => Some(value),
            _ => None,
        }
    }

    /// Every value in use with its key, in the order of the slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| match &slot.content {
                Content::Used(value) => Some((
                    Key {
                        index: index as u32,
                        generation: slot.generation,
                    },
                    value,
                )),
                Content::Free { .. } => None,
            })
    }

    /// The first slot in use from `index` on.
    pub(crate) fn next_from(&self, index: usize) -> Option<Key> {
        let slots = self.slots.get(index..)?;
        let used = |slot: &Slot<T>| matches!(slot.content, Content::Used(_));
        let offset = slots.iter().position(used)?;
        let generation = slots.get(offset)?.generation;
        Some(Key {
            index: (index + offset) as u32,
            generation,
        })
    }

    /// How full the table is and was.
    pub(crate) const fn usage(&self) -> PoolUsage {
        self.usage
    }
}

/// A free slot, whose key is known before its value.
pub(crate) struct Vacant<'a, T> {
    index: u32,
    slot: &'a mut Slot<T>,
    free: &'a mut Option<u32>,
    usage: &'a mut PoolUsage,
}

impl<T> Vacant<'_, T> {
    /// The key that the value will have.
    #[inline]
    pub(crate) const fn key(&self) -> Key {
        Key {
            index: self.index,
            generation: self.slot.generation,
        }
    }

    /// Puts the value in.
    #[inline]
    pub(crate) fn fill(self, value: T) -> Key {
        let key = self.key();
        if let Content::Free { next } = self.slot.content {
            *self.free = next;
        }
        self.slot.content = Content::Used(value);
        self.usage.take();
        key
    }
}
