//! The atomic types of every structure that is shared without a lock.
//!
//! The structures name their atomics through this module, so that
//! `tests/interleavings` can compile the very same source files against the
//! instrumented atomics of a model checker.

pub(crate) mod atomic {
    pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}
