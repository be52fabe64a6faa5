//! IRQL, DPCs, dispatcher objects, threads, work items and IRPs of a small NT-like kernel.
//!
//! The names and the rules are those of the Windows driver kit. There is one
//! processor; the machine below is a [`Platform`], which the kernel's hardware
//! layer implements, and for host tests the `simulation` module.
//!
//! | Level | Who runs there | May | Must not |
//! |---|---|---|---|
//! | [`Irql::Passive`] | threads, [`WorkItem`]s | wait, start threads | |
//! | [`Irql::Apc`] | a thread's procedure calls | wait | |
//! | [`Irql::Dispatch`] | [`Dpc`]s, [`Timer`]s, holders of a [`SpinLock`] | [`Event::set`], queue work items, complete IRPs | wait |
//! | [`Irql::Device`] | interrupt service routines | [`Dpc::queue`] | use events, work items, IRPs |
//!
//! An interrupt is handled on this way: its service routine queues a DPC, the
//! DPC runs before the interrupted thread goes on and queues a work item, a
//! worker thread runs that. DPCs are bounded in number and time, see [`dpc`].
//!
//! Memory is allocated by [`Executive::new`] and by the functions that say so,
//! all of which belong to the start; nothing allocates afterwards. A full
//! table or pool is the status `INSUFFICIENT_RESOURCES`.
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
pub use lock::{SpinLock, SpinLockGuard, SpinLockGuardAtLevel};
pub use platform::{Platform, ThreadId};
pub use status::NtStatus;
pub use thread::{Priority, Thread, ThreadInformation, ThreadState};
pub use time::{Duration, Instant};
pub use timer::Timer;
pub use work_item::WorkItem;

#[cfg(test)]
mod tests;
