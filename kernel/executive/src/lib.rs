//! IRQL, DPCs, dispatcher objects, threads, work items and IRPs of a small NT-like kernel
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "simulation"))]
extern crate std;

pub mod counters;
mod dispatcher;
pub mod dpc;
pub mod event;
mod executive;
pub mod irp;
pub mod irql;
pub mod limits;
pub mod lock;
pub mod platform;
pub mod pool;
mod scheduling;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub mod status;
mod sync;
pub mod thread;
pub mod time;
pub mod timer;
pub mod work_item;

pub use dispatcher::MAXIMUM_WAIT_OBJECTS;
pub use dpc::Dpc;
pub use event::{Event, EventKind};
pub use executive::{AtomicExecutiveCounters, Executive, ExecutiveCounters};
pub use irql::{Irql, PreviousIrql, RaisedIrql, level};
pub use limits::Limits;
pub use lock::{SpinLock, SpinLockGuard};
pub use platform::{Platform, ThreadId};
pub use status::NtStatus;
pub use thread::{Priority, Thread, ThreadInformation, ThreadState};
pub use time::{Duration, Instant};
pub use timer::Timer;
pub use work_item::WorkItem;

#[cfg(test)]
mod tests;
