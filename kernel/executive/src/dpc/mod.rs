//! Deferred procedure calls: what an interrupt leaves to be done at Dispatch.
//!
//! A DPC is at most once in the queue, first in first out. Everything queued
//! runs when the IRQL falls below Dispatch, in a *pass* before the interrupted
//! code goes on. A flood of interrupts must not keep threads from running, so
//! a pass is limited in the number of calls, and all passes together in their
//! share of the time. What is left over then is run by the DPC thread at an
//! ordinary priority, in turns with other threads, until the queue is empty.

mod pass;
mod queue;

use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use spin::Once;

use crate::executive::Executive;
use crate::status::NtStatus;
pub(crate) use pass::Pass;
pub(crate) use queue::CallQueue;

/// A routine that can be called, boxed once at the start.
pub(crate) type Routine = Box<dyn Fn() + Send + Sync>;

/// A deferred procedure call. Lives for ever.
pub struct Dpc {
    executive: &'static Executive,
    index: u32,
    name: &'static str,
    routine: Routine,
    runs: AtomicU64,
}

/// Every DPC, their queue, and the limits of running them.
pub(crate) struct DpcTable {
    dpcs: Box<[Once<&'static Dpc>]>,
    count: AtomicU32,
    pub(crate) queue: CallQueue,
    pub(crate) pass: Pass,
}

impl DpcTable {
    pub(crate) fn new(limits: &crate::limits::Limits) -> Self {
        Self {
            dpcs: (0..limits.dpcs).map(|_| Once::new()).collect(),
            count: AtomicU32::new(0),
            queue: CallQueue::new(limits.dpcs),
            pass: Pass::new(limits),
        }
    }

    /// The DPC of an index that came out of the queue.
    pub(crate) fn get(&self, index: u32) -> Option<&'static Dpc> {
        self.dpcs.get(index as usize)?.get().copied()
    }

    /// Every DPC in the order of creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static Dpc> {
        self.dpcs.iter().map_while(Once::get).copied()
    }
}

impl Dpc {
    /// Makes a DPC with its routine, which is called at Dispatch, never while
    /// it already runs. Allocates, so call it while starting.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when `Limits::dpcs` exist.
    pub fn new(
        executive: &'static Executive,
        name: &'static str,
        routine: impl Fn() + Send + Sync + 'static,
    ) -> Result<&'static Self, NtStatus> {
        let table = executive.dpc_table();
        let index = table.count.fetch_add(1, Ordering::Relaxed);
        let Some(slot) = table.dpcs.get(index as usize) else {
            table.count.fetch_sub(1, Ordering::Relaxed);
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        let routine: Routine = Box::new(routine);
        let runs = AtomicU64::new(0);
        let dpc = Box::leak(Box::new(Self {
            executive,
            index,
            name,
            routine,
            runs,
        }));
        Ok(slot.call_once(|| dpc))
    }

    /// Queues the DPC; false if it is queued already. Either way it runs after
    /// this, once. Any IRQL; below Dispatch it runs before this returns.
    pub fn queue(&self) -> bool {
        self.executive.queue_dpc(self.index)
    }

    /// The name given at creation.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How often the routine was called.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    pub(crate) fn run(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        (self.routine)();
    }
}

impl fmt::Debug for Dpc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Dpc").field(&self.name).finish()
    }
}
