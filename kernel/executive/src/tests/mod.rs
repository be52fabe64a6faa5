//! The executive as a whole on the simulated machine.

mod dpc_thread;
mod dpcs;
mod events;
mod interrupts;
mod irps;
mod irql;
mod pool;
mod simulation;
mod threads;
mod timers;
mod work_items;

use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};

/// What happened, in its order.
#[derive(Clone, Debug, Default)]
struct Record<T>(Arc<Mutex<Vec<T>>>);

impl<T> Record<T> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Vec::new())))
    }

    fn add(&self, entry: T) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }

    fn take(&self) -> Vec<T> {
        core::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
