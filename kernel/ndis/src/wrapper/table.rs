//! A table that only grows, read without a lock.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicUsize, Ordering};

use spin::Once;

/// A fixed number of places, filled one after the other.
pub(super) struct Table<T> {
    places: Box<[Once<T>]>,
    reserved: AtomicUsize,
}

impl<T: Copy> Table<T> {
    pub(super) fn new(size: usize) -> Self {
        Self {
            places: (0..size).map(|_| Once::new()).collect(),
            reserved: AtomicUsize::new(0),
        }
    }

    /// Fills the next place; `None` when there is none.
    pub(super) fn push(&self, value: T) -> Option<()> {
        let index = self
            .reserved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < self.places.len()).then_some(used + 1)
            })
            .ok()?;
        self.places.get(index)?.call_once(|| value);
        Some(())
    }

    /// Whether a place is left.
    pub(super) fn has_room(&self) -> bool {
        self.reserved.load(Ordering::Relaxed) < self.places.len()
    }

    /// What is in the table, in the order of filling.
    pub(super) fn iter(&self) -> impl Iterator<Item = T> {
        self.places.iter().filter_map(|place| place.get().copied())
    }
}
