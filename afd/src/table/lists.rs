//! First-in-first-out lists whose entries live in one common table.

use super::slab::{Key, Slab};
use executive::pool::PoolUsage;

/// One list: the keys of its ends and its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct List {
    head: Option<Key>,
    tail: Option<Key>,
    length: u32,
}

impl List {
    /// The oldest entry.
    pub(crate) const fn head(&self) -> Option<Key> {
        self.head
    }

    /// How many entries there are.
    pub(crate) const fn len(&self) -> u32 {
        self.length
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    previous: Option<Key>,
    next: Option<Key>,
}

/// The table that holds the entries of any number of [`List`]s. An entry is in
/// exactly one list, which the caller names at every operation.
#[derive(Debug)]
pub(crate) struct Lists<T> {
    entries: Slab<Entry<T>>,
}

impl<T> Lists<T> {
    /// Allocates room for `size` entries in all lists together.
    pub(crate) fn new(size: u32) -> Self {
        Self {
            entries: Slab::new(size),
        }
    }

    /// Appends a value to `list`.
    ///
    /// # Errors
    /// The value itself when the table is full.
    #[inline]
    pub(crate) fn push_back(&mut self, list: &mut List, value: T) -> Result<Key, T> {
        let entry = Entry {
            value,
            previous: list.tail,
            next: None,
        };
        let key = self.entries.insert(entry).map_err(|entry| entry.value)?;
        match list.tail.and_then(|tail| self.entries.get_mut(tail)) {
            Some(tail) => tail.next = Some(key),
            None => list.head = Some(key),
        }
        list.tail = Some(key);
        list.length += 1;
        Ok(key)
    }

    /// Takes an entry out of `list`, which must be the one it is in.
    pub(crate) fn remove(&mut self, list: &mut List, key: Key) -> Option<T> {
        let entry = self.entries.remove(key)?;
        match entry
            .previous
            .and_then(|previous| self.entries.get_mut(previous))
        {
            Some(previous) => previous.next = entry.next,
            None => list.head = entry.next,
        }
        match entry.next.and_then(|next| self.entries.get_mut(next)) {
            Some(next) => next.previous = entry.previous,
            None => list.tail = entry.previous,
        }
        list.length -= 1;
        Some(entry.value)
    }

    /// The entry that `key` names.
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The entry that `key` names, for writing.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// The key and value of each entry of `list`, oldest first.
    pub(crate) fn iter<'a>(
        &'a self,
        list: &List,
    ) -> impl Iterator<Item = (Key, &'a T)> + use<'a, T> {
        let mut next = list.head;
        core::iter::from_fn(move || {
            let key = next?;
            let entry = self.entries.get(key)?;
            next = entry.next;
            Some((key, &entry.value))
        })
    }

    /// How full the table is and was.
    pub(crate) const fn usage(&self) -> PoolUsage {
        self.entries.usage()
    }
}
