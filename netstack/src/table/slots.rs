//! Numbered places for values, with handles that notice a place's reuse.

use alloc::boxed::Box;

use super::Link;

/// Names a value in [`Slots`] until it is removed; after that the handle leads
/// nowhere, even when the slot is used again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Handle {
    slot: u32,
    generation: u32,
}

impl Handle {
    /// The number of the slot.
    pub(crate) const fn slot(self) -> usize {
        self.slot as usize
    }

    /// The handle as a number.
    pub(crate) const fn number(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }
}

struct Place<T> {
    value: Option<T>,
    generation: u32,
    next_free: Link,
}

/// A fixed number of slots for values.
pub(crate) struct Slots<T> {
    places: Box<[Place<T>]>,
    first_free: Link,
    used: usize,
}

impl<T> Slots<T> {
    /// Allocates `size` slots.
    pub(crate) fn new(size: usize) -> Self {
        let places = (0..size)
            .map(|slot| Place {
                value: None,
                generation: 0,
                next_free: if slot + 1 < size {
                    Link::to(slot + 1)
                } else {
                    Link::NONE
                },
            })
            .collect();
        Self {
            places,
            first_free: if size == 0 { Link::NONE } else { Link::to(0) },
            used: 0,
        }
    }

    /// How many values there are.
    pub(crate) const fn len(&self) -> usize {
        self.used
    }

    /// How many values there can be.
    pub(crate) const fn capacity(&self) -> usize {
        self.places.len()
    }

    /// Puts `value` into a free slot; gives it back when there is none.
    pub(crate) fn insert(&mut self, value: T) -> Result<Handle, T> {
        let Some((slot, place)) = self
            .first_free
            .slot()
            .and_then(|slot| Some((slot, self.places.get_mut(slot)?)))
        else {
            return Err(value);
        };
        self.first_free = place.next_free;
        place.value = Some(value);
        self.used += 1;
        Ok(Handle {
            slot: slot as u32,
            generation: place.generation,
        })
    }

    /// Takes the value that `handle` names.
    pub(crate) fn remove(&mut self, handle: Handle) -> Option<T> {
        let place = self.places.get_mut(handle.slot())?;
        if place.generation != handle.generation {
            return None;
        }
        let value = place.value.take()?;
        place.generation = place.generation.wrapping_add(1);
        place.next_free = self.first_free;
        self.first_free = Link(handle.slot);
        self.used -= 1;
        Some(value)
    }

    /// Takes the value in `slot`.
    pub(crate) fn remove_at(&mut self, slot: usize) -> Option<T> {
        self.remove(self.handle(slot)?)
    }

    /// The handle of the value in `slot`.
    pub(crate) fn handle(&self, slot: usize) -> Option<Handle> {
        let place = self.places.get(slot)?;
        place.value.as_ref()?;
        Some(Handle {
            slot: slot as u32,
            generation: place.generation,
        })
    }

    /// The value that `handle` names.
    pub(crate) fn get(&self, handle: Handle) -> Option<&T> {
        let place = self.places.get(handle.slot())?;
        (place.generation == handle.generation)
            .then_some(place.value.as_ref())
            .flatten()
    }

    /// The value that `handle` names.
    pub(crate) fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let place = self.places.get_mut(handle.slot())?;
        (place.generation == handle.generation)
            .then_some(place.value.as_mut())
            .flatten()
    }

    /// The value in `slot`.
    pub(crate) fn at(&self, slot: usize) -> Option<&T> {
        self.places.get(slot)?.value.as_ref()
    }

    /// The value in `slot`.
    pub(crate) fn at_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.places.get_mut(slot)?.value.as_mut()
    }

    /// All values with their handles, in the order of the slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle, &T)> {
        let values = self.places.iter().enumerate().filter_map(|(slot, place)| {
            let handle = Handle {
                slot: slot as u32,
                generation: place.generation,
            };
            place.value.as_ref().map(|value| (handle, value))
        });
        // Not further than the last one: most tables are nearly empty.
        values.take(self.used)
    }
}
