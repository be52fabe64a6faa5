//! A lock for state that interrupt handlers share with everything else.

use core::ops::{Deref, DerefMut};

use spin::mutex::{SpinMutex, SpinMutexGuard};
use x86_64::instructions::interrupts;

/// Interrupts are disabled until this is dropped; then they are as before.
pub(crate) struct InterruptsDisabled {
    were_enabled: bool,
}

impl InterruptsDisabled {
    /// Disables interrupts.
    pub(crate) fn enter() -> Self {
        let were_enabled = interrupts::are_enabled();
        interrupts::disable();
        Self { were_enabled }
    }
}

impl Drop for InterruptsDisabled {
    fn drop(&mut self) {
        if self.were_enabled {
            interrupts::enable();
        }
    }
}

/// Protects `T` by disabling interrupts while it is held.
///
/// For the machine's own state below the executive (log, PICs, frames); everything
/// above takes the executive's locks. There is one processor, so a lock that is
/// already held means that its holder was interrupted by a fault or calls itself.
pub(crate) struct InterruptLock<T>(SpinMutex<T>);

impl<T> InterruptLock<T> {
    /// A lock around `value`.
    pub(crate) const fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    /// Disables interrupts and takes the lock.
    ///
    /// # Panics
    /// When it is already held.
    #[track_caller]
    pub(crate) fn lock(&self) -> InterruptGuard<'_, T> {
        let Some(guard) = self.try_lock() else {
            panic!("a lock of the machine layer is taken twice");
        };
        guard
    }

    /// As [`Self::lock`], but `None` when it is already held: for code that runs
    /// after a fault.
    pub(crate) fn try_lock(&self) -> Option<InterruptGuard<'_, T>> {
        let disabled = InterruptsDisabled::enter();
        self.0.try_lock().map(|guard| InterruptGuard {
            guard,
            _disabled: disabled,
        })
    }
}

/// Access to what an [`InterruptLock`] protects; interrupts are disabled meanwhile.
///
/// Fields are dropped in their order: the lock is free before an interrupt can come
/// in.
pub(crate) struct InterruptGuard<'a, T> {
    guard: SpinMutexGuard<'a, T>,
    _disabled: InterruptsDisabled,
}

impl<T> Deref for InterruptGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for InterruptGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
