//! Fixed pools of values that can be taken and given back at any IRQL.
//!
//! All memory is reserved when a [`Pool`] is made. Taking a value gives a
//! one-pointer handle that owns it: [`Pooled`], or after
//! [`Pooled::into_shared`] a counted [`PooledArc`]. Dropping the last handle
//! gives the value back as it is; it is not reset, so that a user decides what
//! is worth clearing.
//!
//! The free values form a list of indices whose head carries a tag that
//! changes with every removal, so that a head read before an interruption
//! cannot be mistaken for the head after it (the ABA problem of such lists).
//! `tests/interleavings` checks this code with a model checker.

mod free_list;
mod handle;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;

use crate::sync::atomic::AtomicU32;
use free_list::{FreeList, Linked, MAXIMUM_SIZE};
pub use handle::{Pooled, PooledArc};

/// What a pool holds and held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Values that exist.
    pub size: u32,
    /// Values that are taken now.
    pub used: u32,
    /// The highest `used` there ever was.
    pub peak: u32,
    /// Requests refused because every value was taken.
    pub failures: u64,
}

impl PoolUsage {
    /// Of a pool of `size` values, all of them free.
    pub const fn new(size: u32) -> Self {
        Self {
            size,
            used: 0,
            peak: 0,
            failures: 0,
        }
    }

    /// Counts a value as taken; `false`, counted as a failure, when every one
    /// is.
    #[inline]
    pub const fn take(&mut self) -> bool {
        if self.used >= self.size {
            self.failures += 1;
            return false;
        }
        self.used += 1;
        if self.used > self.peak {
            self.peak = self.used;
        }
        true
    }

    /// Counts a value as given back.
    #[inline]
    pub const fn give_back(&mut self) {
        self.used -= 1;
    }
}

/// One value and its administration.
struct Slot<T> {
    list: &'static FreeList,
    /// This slot's place in the pool.
    index: u32,
    /// The next free slot while this one is free.
    next: AtomicU32,
    /// Handles to the value; 1 while the slot is free, for the next handle.
    references: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through handles. A `Pooled` is the only
// handle to its slot and so is like a `Box<T>`; several `PooledArc` share a
// slot like an `Arc<T>`. Both restrict `Send` and `Sync` by their markers, and
// a slot passes from one owner to the next through the free list, whose
// operations release and acquire.
#[expect(unsafe_code, reason = "the slot hands its value from owner to owner")]
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Linked for Slot<T> {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

/// A fixed number of `T`, all made when the pool is made and never freed. A
/// copy is the same pool.
pub struct Pool<T: 'static> {
    list: &'static FreeList,
    slots: &'static [Slot<T>],
}

impl<T: Send + 'static> Pool<T> {
    /// Makes a pool of `count` values, each from `init`, which gets the
    /// value's index. Allocates, so call it while starting.
    ///
    /// # Panics
    /// When `count` is 2^20 or more.
    pub fn new(count: usize, init: impl FnMut(usize) -> T) -> &'static Self {
        Self::from_values((0..count).map(init).collect())
    }

    /// Makes a pool of these values. Allocates, so call it while starting.
    ///
    /// # Panics
    /// When there are 2^20 values or more.
    pub fn from_values(values: Vec<T>) -> &'static Self {
        let size = u32::try_from(values.len())
            .ok()
            .filter(|&size| size <= MAXIMUM_SIZE)
            .expect("a pool's indices have 20 bits");
        let list: &'static FreeList = Box::leak(Box::new(FreeList::new(size)));
        let slots = (0..size).zip(values).map(|(index, value)| Slot {
            list,
            index,
            next: AtomicU32::new(FreeList::successor(index, size)),
            references: AtomicU32::new(1),
            value: UnsafeCell::new(value),
        });
        let slots: &'static [Slot<T>] = Box::leak(slots.collect());
        Box::leak(Box::new(Self { list, slots }))
    }

    /// Takes a value; `None` when every one is taken, which is counted. Any
    /// IRQL. The value is as its last owner left it.
    #[inline]
    pub fn allocate(&self) -> Option<Pooled<T>> {
        let index = self.list.remove(self.slots)?;
        Some(Pooled::new(self.slots.get(index as usize)?))
    }

    /// How full the pool is and was. Any IRQL.
    pub fn usage(&self) -> PoolUsage {
        self.list.usage()
    }

    /// The number of values, free and taken.
    pub fn size(&self) -> usize {
        self.slots.len()
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pool<T> {}

impl<T> core::fmt::Debug for Pool<T> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_tuple("Pool")
            .field(&self.list.usage())
            .finish()
    }
}
