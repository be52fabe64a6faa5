//! A lock with the interface of `SpinLock`.

use loom::sync::{Mutex, MutexGuard};

use crate::executive::Executive;

pub(crate) struct SpinLock<T>(Mutex<T>);

impl<T> SpinLock<T> {
    pub(crate) fn new(_executive: &'static Executive, value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("no model panics while it holds this")
    }
}
