//! The two kinds of handles to a pool's value.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use super::Slot;
use crate::sync::atomic::Ordering;

/// The only handle to a value of a pool; one pointer in size. Dropping it
/// gives the value back. Any IRQL.
pub struct Pooled<T: 'static> {
    slot: &'static Slot<T>,
    /// It may go to another thread or be shared exactly as a `Box` may.
    owns: PhantomData<Box<T>>,
}

impl<T> Pooled<T> {
    /// `slot` must have been taken from the free list for this handle.
    pub(super) fn new(slot: &'static Slot<T>) -> Self {
        Self {
            slot,
            owns: PhantomData,
        }
    }

    /// The value's place in its pool, below the pool's size: the same as long
    /// as the value is held, and reused afterwards.
    pub fn index(&self) -> usize {
        self.slot.index as usize
    }

    /// Turns the handle into one that can be cloned.
    pub fn into_shared(self) -> PooledArc<T> {
        let slot = self.slot;
        // The reference that this handle holds passes to the new one.
        core::mem::forget(self);
        PooledArc {
            slot,
            shares: PhantomData,
        }
    }
}

impl<T> Deref for Pooled<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this is the only handle to the slot, so the only way to the
        // value; a mutable borrow of it is a mutable borrow of the handle.
        #[expect(unsafe_code, reason = "the handle owns the slot's value")]
        unsafe {
            &*self.slot.value.get()
        }
    }
}

impl<T> DerefMut for Pooled<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the handle is borrowed mutably.
        #[expect(unsafe_code, reason = "the handle owns the slot's value")]
        unsafe {
            &mut *self.slot.value.get()
        }
    }
}

impl<T> Drop for Pooled<T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.list.insert(self.slot.index, self.slot);
    }
}

impl<T: fmt::Debug> fmt::Debug for Pooled<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

/// A counted handle to a value of a pool; one pointer in size. Dropping the
/// last one gives the value back. Any IRQL.
pub struct PooledArc<T: 'static> {
    slot: &'static Slot<T>,
    /// It may go to another thread or be shared exactly as an `Arc` may.
    shares: PhantomData<Arc<T>>,
}

impl<T> PooledArc<T> {
    /// The value's place in its pool, below the pool's size.
    pub fn index(&self) -> usize {
        self.slot.index as usize
    }

    /// Whether both are handles to the same value.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.slot, other.slot)
    }

    /// Whether this is the only handle. Others cannot come into being
    /// meanwhile, because a handle is cloned only from a handle.
    #[inline]
    pub fn is_unique(&self) -> bool {
        // Acquire: what the other handles' owners did comes before.
        self.slot.references.load(Ordering::Acquire) == 1
    }

    /// Gives this handle's reference up; true if it was the last one.
    #[cold]
    fn release(&self) -> bool {
        // Release and acquire: every owner's use of the value comes before the
        // last one gives it back.
        let is_last = self.slot.references.fetch_sub(1, Ordering::AcqRel) == 1;
        if is_last {
            self.slot.references.store(1, Ordering::Relaxed);
        }
        is_last
    }

    /// The value for writing, if this is the only handle.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: this is the only handle and it is borrowed mutably, so
        // nobody else can reach the value or clone the handle.
        #[expect(unsafe_code, reason = "the only handle owns the slot's value")]
        Some(unsafe { &mut *self.slot.value.get() })
    }

    /// The handle as the only one, or back as it was if there are others.
    ///
    /// # Errors
    /// The handle itself when it is shared.
    pub fn try_into_unique(self) -> Result<Pooled<T>, Self> {
        if !self.is_unique() {
            return Err(self);
        }
        let slot = self.slot;
        // The reference that this handle holds passes to the new one.
        core::mem::forget(self);
        Ok(Pooled::new(slot))
    }
}

impl<T> Clone for PooledArc<T> {
    /// # Panics
    /// At 2^31 handles: only a leak in a loop gets there.
    fn clone(&self) -> Self {
        let references = self.slot.references.fetch_add(1, Ordering::Relaxed);
        assert!(
            references < u32::MAX / 2,
            "a pooled value is shared without end"
        );
        Self {
            slot: self.slot,
            shares: PhantomData,
        }
    }
}

impl<T> Deref for PooledArc<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the value is written only through `get_mut`, which needs
        // the only handle borrowed mutably; this handle proves there is none.
        #[expect(unsafe_code, reason = "shared handles only read the slot's value")]
        unsafe {
            &*self.slot.value.get()
        }
    }
}

impl<T> Drop for PooledArc<T> {
    #[inline]
    fn drop(&mut self) {
        // Nobody can clone the only handle meanwhile.
        if self.is_unique() || self.release() {
            self.slot.list.insert(self.slot.index, self.slot);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for PooledArc<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}
