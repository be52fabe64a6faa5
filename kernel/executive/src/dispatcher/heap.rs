//! A heap of due times with O(log n) insertion and removal.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::NONE;
use crate::time::Instant;

/// One armed timer. Ordered by due time, then by the order of arming, so that
/// timers due at the same time expire first in first out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    due: Instant,
    sequence: u64,
    timer: u32,
}

/// A binary heap over a fixed number of timers that knows the place of each.
pub(super) struct TimerHeap {
    /// Has capacity for every timer, so that it never grows.
    heap: Vec<Entry>,
    /// The place of each timer in the heap, or `NONE`.
    places: Box<[u32]>,
    sequence: u64,
}

impl TimerHeap {
    pub(super) fn new(timers: usize) -> Self {
        Self {
            heap: Vec::with_capacity(timers),
            places: vec![NONE; timers].into_boxed_slice(),
            sequence: 0,
        }
    }

    /// When the first timer is due.
    pub(super) fn earliest(&self) -> Option<Instant> {
        self.heap.first().map(|entry| entry.due)
    }

    /// Arms `timer`, which must not be armed.
    pub(super) fn insert(&mut self, timer: u32, due: Instant) {
        self.sequence += 1;
        self.heap.push(Entry {
            due,
            sequence: self.sequence,
            timer,
        });
        self.rise(self.heap.len() - 1);
    }

    /// Disarms `timer`; answers whether it was armed.
    pub(super) fn remove(&mut self, timer: u32) -> bool {
        let place = self.places[timer as usize];
        if place == NONE {
            return false;
        }
        self.remove_at(place as usize);
        true
    }

    /// Takes the first timer if it is due at `now`, with its due time.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(u32, Instant)> {
        let first = *self.heap.first().filter(|entry| entry.due <= now)?;
        self.remove_at(0);
        Some((first.timer, first.due))
    }

    fn remove_at(&mut self, place: usize) {
        let entry = self.heap.swap_remove(place);
        self.places[entry.timer as usize] = NONE;
        if place < self.heap.len() {
            // What came from the end may belong further up or further down.
            self.rise(place);
            self.sink(place);
        }
    }

    /// Moves the entry at `place` up until its parent is due before it.
    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] < self.heap[place] {
                break;
            }
            self.exchange(place, parent);
            place = parent;
        }
        self.note(place);
    }

    /// Moves the entry at `place` down until its children are due after it.
    fn sink(&mut self, mut place: usize) {
        loop {
            let children = 2 * place + 1..(2 * place + 3).min(self.heap.len());
            let Some(child) = children.min_by_key(|&child| self.heap[child]) else {
                break;
            };
            if self.heap[place] < self.heap[child] {
                break;
            }
            self.exchange(place, child);
            place = child;
        }
        self.note(place);
    }

    fn exchange(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.note(one);
        self.note(other);
    }

    fn note(&mut self, place: usize) {
        if let Some(entry) = self.heap.get(place) {
            self.places[entry.timer as usize] = place as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TimerHeap;
    use crate::time::Instant;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[test]
    fn timers_due_at_one_time_expire_in_the_order_of_arming() {
        let mut heap = TimerHeap::new(4);
        let due = Instant::from_secs(1);
        for timer in [2, 0, 3, 1] {
            heap.insert(timer, due);
        }
        let order: alloc::vec::Vec<u32> = core::iter::from_fn(|| heap.pop_due(due))
            .map(|(timer, _)| timer)
            .collect();
        assert_eq!(order, [2, 0, 3, 1]);
    }

    proptest! {
        #[test]
        fn behaves_like_a_sorted_map(
            steps in prop::collection::vec((0_u32..12, 0_u64..50, 0_u8..3), 1..200)
        ) {
            let mut heap = TimerHeap::new(12);
            let mut model = BTreeMap::new();
            for (timer, time, step) in steps {
                let time = Instant::from_micros(time);
                if step == 2 {
                    let expected = model
                        .iter()
                        .map(|(&timer, &(due, order))| (due, order, timer))
                        .min()
                        .filter(|&(due, ..)| due <= time);
                    let popped = heap.pop_due(time);
                    prop_assert_eq!(popped, expected.map(|(due, _, timer)| (timer, due)));
                    if let Some((timer, _)) = popped {
                        model.remove(&timer);
                    }
                } else {
                    prop_assert_eq!(heap.remove(timer), model.remove(&timer).is_some());
                    if step == 0 {
                        heap.insert(timer, time);
                        model.insert(timer, (time, heap.sequence));
                    }
                }
                let earliest = model.values().map(|&(due, _)| due).min();
                prop_assert_eq!(heap.earliest(), earliest);
            }
        }
    }
}
