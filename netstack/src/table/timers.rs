//! Deadlines of numbered slots, the earliest first.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use executive::time::Instant;

/// A binary heap of at most one deadline for each slot, in which each slot's
/// place is known: setting, moving and clearing a deadline cost the logarithm
/// of how many are set, looking at the earliest nothing.
pub(crate) struct Timers {
    heap: Vec<(Instant, usize)>,
    places: Box<[Option<u32>]>,
}

impl Timers {
    /// Allocates room for the deadlines of `slots` slots.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            heap: Vec::with_capacity(slots),
            places: vec![None; slots].into_boxed_slice(),
        }
    }

    /// Sets or moves the deadline of `slot`.
    pub(crate) fn set(&mut self, slot: usize, deadline: Instant) {
        let Some(place) = self.places.get_mut(slot) else {
            return;
        };
        let at = if let Some(at) = *place {
            at as usize
        } else {
            *place = Some(self.heap.len() as u32);
            self.heap.push((deadline, slot));
            self.heap.len() - 1
        };
        if let Some(entry) = self.heap.get_mut(at) {
            entry.0 = deadline;
        }
        let at = self.sift_up(at);
        self.sift_down(at);
    }

    /// Clears the deadline of `slot`, if it has one.
    pub(crate) fn clear(&mut self, slot: usize) {
        let Some(at) = self.places.get_mut(slot).and_then(Option::take) else {
            return;
        };
        let at = at as usize;
        if at >= self.heap.len() {
            return;
        }
        self.heap.swap_remove(at);
        if at < self.heap.len() {
            self.note_place(at);
            let at = self.sift_up(at);
            self.sift_down(at);
        }
    }

    /// The earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.heap.first().map(|&(deadline, _)| deadline)
    }

    /// Takes one slot whose deadline has come.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<usize> {
        let &(deadline, slot) = self.heap.first()?;
        if deadline > now {
            return None;
        }
        self.clear(slot);
        Some(slot)
    }

    fn deadline(&self, at: usize) -> Option<Instant> {
        self.heap.get(at).map(|&(deadline, _)| deadline)
    }

    fn note_place(&mut self, at: usize) {
        if let Some(&(_, slot)) = self.heap.get(at)
            && let Some(place) = self.places.get_mut(slot)
        {
            *place = Some(at as u32);
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note_place(a);
        self.note_place(b);
    }

    fn sift_up(&mut self, mut at: usize) -> usize {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.deadline(parent) <= self.deadline(at) {
                break;
            }
            self.swap(at, parent);
            at = parent;
        }
        at
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let left = at * 2 + 1;
            let right = left + 1;
            let Some(mut earliest) = self.deadline(left) else {
                break;
            };
            let mut child = left;
            if let Some(deadline) = self.deadline(right)
                && deadline < earliest
            {
                (child, earliest) = (right, deadline);
            }
            if self.deadline(at) <= Some(earliest) {
                break;
            }
            self.swap(at, child);
            at = child;
        }
    }
}
