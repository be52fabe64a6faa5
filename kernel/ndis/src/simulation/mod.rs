//! A card, an intermediate driver and a protocol for host tests, and a machine that runs them by a
//! script of bytes.
//!
//! The card does what it is told: it sends at once, later or not at all, keeps transfers, requests
//! and resets pending, and applies its packet filter. The intermediate driver passes everything
//! through, or holds packets in both directions until it is told to let them go.

mod card;
mod endpoint;
mod filter;
mod ledger;
mod script;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use filter::{Filter, FilterDriver, Way};
pub use script::run_script;

/// Locks a mutex; a test that failed with it locked has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
