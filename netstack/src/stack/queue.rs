//! A queue of a fixed size.

use alloc::collections::VecDeque;

/// A first in, first out queue, allocated once.
pub(crate) struct Queue<T> {
    entries: VecDeque<T>,
    capacity: usize,
}

impl<T> Queue<T> {
    /// Allocates room for `capacity` entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    /// Appends an entry; gives it back when the queue is full.
    pub(crate) fn push(&mut self, entry: T) -> Result<(), T> {
        if self.entries.len() >= self.capacity {
            return Err(entry);
        }
        self.entries.push_back(entry);
        Ok(())
    }

    /// Takes the entry that came first.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.entries.pop_front()
    }

    /// The entry that came last.
    pub(crate) fn last(&self) -> Option<&T> {
        self.entries.back()
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many more there is room for.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.entries.len()
    }

    /// Whether there is no room for another.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }
}
