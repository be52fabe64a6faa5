//! The deadlines of pending requests, earliest first.

use alloc::boxed::Box;
use alloc::vec::Vec;

use executive::time::Instant;

use super::slab::Key;

/// A binary heap of deadlines in which each entry can also be removed by its
/// key. Inserting and removing take logarithmic time, looking at the earliest
/// constant time.
#[derive(Debug)]
pub(crate) struct Deadlines {
    heap: Vec<(Instant, Key)>,
    /// Where the entry of the slot with this index stands in the heap.
    places: Box<[Option<u32>]>,
}

impl Deadlines {
    /// Room for one deadline for each slot of a table of `size`.
    pub(crate) fn new(size: u32) -> Self {
        let size = size as usize;
        Self {
            heap: Vec::with_capacity(size),
            places: alloc::vec![None; size].into(),
        }
    }

    /// The earliest deadline and whose it is.
    pub(crate) fn earliest(&self) -> Option<(Instant, Key)> {
        self.heap.first().copied()
    }

    /// Sets the deadline of `key`; one that its slot had before is replaced.
    pub(crate) fn insert(&mut self, deadline: Instant, key: Key) {
        if let Some(place) = self.places.get(key.index()).copied().flatten() {
            self.remove_at(place as usize);
        }
        if self.heap.len() == self.heap.capacity() {
            debug_assert!(false, "a table has no more keys than slots");
            return;
        }
        self.heap.push((deadline, key));
        self.rise(self.heap.len() - 1);
    }

    /// Removes the deadline of `key`, if it has one.
    pub(crate) fn remove(&mut self, key: Key) {
        let place = self.places.get(key.index()).copied().flatten();
        if let Some(place) = place.map(|place| place as usize)
            && self
                .heap
                .get(place)
                .is_some_and(|(_, holder)| *holder == key)
        {
            self.remove_at(place);
        }
    }

    fn remove_at(&mut self, place: usize) {
        if place >= self.heap.len() {
            return;
        }
        let (_, removed) = self.heap.swap_remove(place);
        self.set_place(removed, None);
        if place < self.heap.len() {
            let place = self.rise(place);
            self.sink(place);
        }
    }

    /// Moves the entry at `place` up to where it belongs.
    fn rise(&mut self, mut place: usize) -> usize {
        while place > 0 && self.is_before(place, (place - 1) / 2) {
            self.exchange(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        self.record(place);
        place
    }

    /// Moves the entry at `place` down to where it belongs.
    fn sink(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let child = if self.is_before(right, left) {
                right
            } else {
                left
            };
            if !self.is_before(child, place) {
                break;
            }
            self.exchange(place, child);
            place = child;
        }
        self.record(place);
    }

    /// Whether the entry at `place` comes before the one at `other`; a place
    /// behind the end never does.
    fn is_before(&self, place: usize, other: usize) -> bool {
        match (self.heap.get(place), self.heap.get(other)) {
            (Some((deadline, _)), Some((than, _))) => deadline < than,
            _ => false,
        }
    }

    fn exchange(&mut self, place: usize, other: usize) {
        self.heap.swap(place, other);
        self.record(place);
        self.record(other);
    }

    fn record(&mut self, place: usize) {
        if let Some((_, key)) = self.heap.get(place).copied() {
            self.set_place(key, Some(place as u32));
        }
    }

    fn set_place(&mut self, key: Key, place: Option<u32>) {
        if let Some(slot) = self.places.get_mut(key.index()) {
            *slot = place;
        }
    }
}
