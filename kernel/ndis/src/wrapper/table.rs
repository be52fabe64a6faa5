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

    /// Fills the next place with what `make` makes for it; `None` when there is none. A place for
    /// which nothing could be made stays empty.
    pub(super) fn push_with<E>(
        &self,
        make: impl FnOnce(u32) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let reserve = |used| (used < self.places.len()).then_some(used + 1);
        let index = self
            .reserved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve)
            .ok()?;
        let place = self.places.get(index)?;
        Some(make(index as u32).map(|value| *place.call_once(|| value)))
    }

    /// Fills the next place; `None` when there is none.
    pub(super) fn push(&self, value: T) -> Option<()> {
        self.push_with(|_| Ok::<T, ()>(value)).map(drop)
    }

    /// What is at a place.
    pub(super) fn get(&self, place: u32) -> Option<T> {
        self.places.get(place as usize)?.get().copied()
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
