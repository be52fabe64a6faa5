//! A queue of a fixed size.

use alloc::boxed::Box;

/// A first in, first out queue, allocated once: a ring of places, of which
/// those with an entry follow each other.
pub(crate) struct Queue<T> {
    places: Box<[Option<T>]>,
    /// The place of the entry that came first.
    first: usize,
    length: usize,
}

impl<T> Queue<T> {
    /// Allocates room for `capacity` entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            places: (0..capacity).map(|_| None).collect(),
            first: 0,
            length: 0,
        }
    }

    /// The place of the entry that came `later` than the first one, or of the
    /// next entry to come.
    #[inline(always)]
    fn place(&self, later: usize) -> usize {
        let place = self.first + later;
        if place < self.places.len() {
            place
        } else {
            place - self.places.len()
        }
    }

    /// Appends an entry; gives it back when the queue is full.
    #[inline(always)]
    pub(crate) fn push(&mut self, entry: T) -> Result<(), T> {
        let next = self.place(self.length);
        let Some(place @ None) = self.places.get_mut(next) else {
            return Err(entry);
        };
        *place = Some(entry);
        self.length += 1;
        Ok(())
    }

    /// Takes the entry that came first.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        let entry = self.places.get_mut(self.first)?.take();
        if entry.is_some() {
            self.first = self.place(1);
            self.length -= 1;
        }
        entry
    }

    /// The entry that came last.
    pub(crate) fn last(&self) -> Option<&T> {
        let last = self.place(self.length.checked_sub(1)?);
        self.places.get(last)?.as_ref()
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many more there is room for.
    pub(crate) fn room(&self) -> usize {
        self.places.len() - self.length
    }

    /// Whether there is no room for another.
    pub(crate) fn is_full(&self) -> bool {
        self.length == self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    #[test]
    fn one_without_places_is_empty_and_full() {
        let mut queue = Queue::new(0);
        assert_eq!(queue.push(1), Err(1));
        assert_eq!(queue.pop(), None);
        assert_eq!(queue.last(), None);
        assert!(queue.is_empty() && queue.is_full() && queue.room() == 0);
    }

    proptest! {
        #[test]
        fn entries_leave_in_the_order_in_which_they_came(
            capacity in 1..6_usize,
            pushes in prop::collection::vec(any::<bool>(), 0..60),
        ) {
            let mut queue = Queue::new(capacity);
            let mut expected = VecDeque::new();
            for (number, is_push) in pushes.into_iter().enumerate() {
                if is_push && expected.len() < capacity {
                    prop_assert_eq!(queue.push(number), Ok(()));
                    expected.push_back(number);
                } else if is_push {
                    prop_assert_eq!(queue.push(number), Err(number));
                } else {
                    prop_assert_eq!(queue.pop(), expected.pop_front());
                }
                prop_assert_eq!(queue.len(), expected.len());
                prop_assert_eq!(queue.last(), expected.back());
                prop_assert_eq!(queue.is_empty(), expected.is_empty());
                prop_assert_eq!(queue.room(), capacity - expected.len());
                prop_assert_eq!(queue.is_full(), expected.len() == capacity);
            }
        }
    }
}
