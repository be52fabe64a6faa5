//! First in, first out lists through numbered slots.

use alloc::boxed::Box;
use alloc::vec;

use super::Link;

/// The ends of one list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    head: Link,
    tail: Link,
    length: usize,
}

impl List {
    /// A list without slots.
    pub(crate) const EMPTY: Self = Self {
        head: Link::NONE,
        tail: Link::NONE,
        length: 0,
    };

    /// How many slots are in the list.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// The slot that came first.
    pub(crate) const fn first(&self) -> Option<usize> {
        self.head.slot()
    }
}

#[derive(Clone, Copy)]
struct Links {
    previous: Link,
    next: Link,
}

/// The links of all lists through one set of slots; a slot is in one list at
/// most.
pub(crate) struct Lists {
    links: Box<[Links]>,
}

impl Lists {
    /// Allocates links for `slots` slots.
    pub(crate) fn new(slots: usize) -> Self {
        let free = Links {
            previous: Link::NONE,
            next: Link::NONE,
        };
        Self {
            links: vec![free; slots].into_boxed_slice(),
        }
    }

    /// Appends `slot`, which is in no list.
    pub(crate) fn push_back(&mut self, list: &mut List, slot: usize) {
        let Some(links) = self.links.get_mut(slot) else {
            return;
        };
        *links = Links {
            previous: list.tail,
            next: Link::NONE,
        };
        match list.tail.slot().and_then(|tail| self.links.get_mut(tail)) {
            Some(tail) => tail.next = Link::to(slot),
            None => list.head = Link::to(slot),
        }
        list.tail = Link::to(slot);
        list.length += 1;
    }

    /// Removes `slot`, which is in `list`.
    pub(crate) fn remove(&mut self, list: &mut List, slot: usize) {
        let Some(&Links { previous, next }) = self.links.get(slot) else {
            return;
        };
        match previous.slot().and_then(|slot| self.links.get_mut(slot)) {
            Some(links) => links.next = next,
            None => list.head = next,
        }
        match next.slot().and_then(|slot| self.links.get_mut(slot)) {
            Some(links) => links.previous = previous,
            None => list.tail = previous,
        }
        list.length -= 1;
    }

    /// Removes the slot that came first.
    pub(crate) fn pop_front(&mut self, list: &mut List) -> Option<usize> {
        let slot = list.first()?;
        self.remove(list, slot);
        Some(slot)
    }
}
