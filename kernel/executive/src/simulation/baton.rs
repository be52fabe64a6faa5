//! Host threads that run one at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The right to run, for one context of the simulated processor.
#[derive(Debug, Default)]
pub(super) struct Baton {
    held: Mutex<bool>,
    given: Condvar,
}

impl Baton {
    /// Lets the context run. The caller stops running at once.
    pub(super) fn give(&self) {
        *lock(&self.held) = true;
        self.given.notify_one();
    }

    /// Waits until the context may run.
    pub(super) fn take(&self) {
        let held = lock(&self.held);
        let mut held = self
            .given
            .wait_while(held, |held| !*held)
            .unwrap_or_else(PoisonError::into_inner);
        *held = false;
    }
}

/// Locks even after a panic elsewhere: what these locks hold stays consistent.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
