//! Locks that raise the IRQL.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::executive::Executive;
use crate::irql::level::{Dispatch, Level};
use crate::irql::{Irql, RaisedIrql};

/// A value that is reached only at the level `L`: holding it keeps away every
/// thread (`level::Dispatch`) and every interrupt (`level::Device`).
///
/// There is one processor, so a lock that is found taken was taken by the
/// caller itself, or by code that it has interrupted from a level at which the
/// lock must not be used; both are bug checks.
pub struct SpinLock<T, L = Dispatch> {
    executive: &'static Executive,
    value: spin::Mutex<T>,
    level: PhantomData<L>,
}

impl<T, L: Level> SpinLock<T, L> {
    /// A lock around `value`.
    pub const fn new(executive: &'static Executive, value: T) -> Self {
        Self {
            executive,
            value: spin::Mutex::new(value),
            level: PhantomData,
        }
    }

    /// Raises the IRQL to the lock's level and gives access until the guard is
    /// dropped. Called at or below the lock's level; anything else, and taking
    /// a lock that is held, is a bug check.
    #[inline]
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        let raised = self.executive.raise_irql(L::IRQL);
        let Some(value) = self.value.try_lock() else {
            self.recursion(L::IRQL)
        };
        SpinLockGuard {
            value,
            _raised: raised,
        }
    }

    /// Gives access like [`SpinLock::lock`] to a caller that is at the lock's
    /// level already and stays there until the guard is dropped; the level is
    /// not touched (the `KeAcquireSpinLockAtDpcLevel` of Windows). Another
    /// level, and taking a lock that is held, is a bug check.
    #[inline(always)]
    pub fn lock_at_level(&self) -> SpinLockGuardAtLevel<'_, T> {
        if self.executive.irql() != L::IRQL {
            self.wrong_level(L::IRQL)
        }
        let Some(value) = self.value.try_lock() else {
            self.recursion(L::IRQL)
        };
        SpinLockGuardAtLevel { value }
    }

    /// The value, without locking: there is no other reference.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    #[cold]
    fn wrong_level(&self, level: Irql) -> ! {
        let value = core::any::type_name::<T>();
        let found = self.executive.irql();
        self.executive.bug_check(format_args!(
            "the {level:?} lock of {value} is taken at {found:?} as if raised"
        ))
    }

    #[cold]
    fn recursion(&self, level: Irql) -> ! {
        let value = core::any::type_name::<T>();
        self.executive.bug_check(format_args!(
            "the {level:?} lock of {value} is taken recursively"
        ))
    }
}

impl<T, L> fmt::Debug for SpinLock<T, L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SpinLock").finish_non_exhaustive()
    }
}

/// Access to a locked value; dropping it unlocks and lowers the IRQL.
#[must_use = "the lock is released when this is dropped"]
pub struct SpinLockGuard<'a, T> {
    /// Before `_raised`: the value is unlocked first, then the IRQL lowered.
    value: spin::MutexGuard<'a, T>,
    _raised: RaisedIrql,
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for SpinLockGuard<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

/// Access to a locked value, from [`SpinLock::lock_at_level`]; dropping it
/// unlocks.
#[must_use = "the lock is released when this is dropped"]
pub struct SpinLockGuardAtLevel<'a, T> {
    value: spin::MutexGuard<'a, T>,
}

impl<T> Deref for SpinLockGuardAtLevel<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for SpinLockGuardAtLevel<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for SpinLockGuardAtLevel<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}
