//! Work items: what a DPC leaves to be done at Passive.

mod share;
pub(crate) mod state;

use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use spin::Once;

use crate::dpc::{CallQueue, Routine};
use crate::event::{Event, EventKind};
use crate::executive::Executive;
use crate::irql::Irql;
use crate::limits::Limits;
use crate::status::NtStatus;
use share::Share;
use state::{CallState, Requested};

/// A routine for the worker threads. Lives for ever.
pub struct WorkItem {
    executive: &'static Executive,
    index: u32,
    name: &'static str,
    routine: Routine,
    state: CallState,
    runs: AtomicU64,
}

/// Every work item and their queue.
pub(crate) struct WorkTable {
    items: Box<[Once<&'static WorkItem>]>,
    count: AtomicU32,
    queue: CallQueue,
    /// Wakes one worker; empty until there are workers.
    available: Once<Event>,
}

impl WorkTable {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            items: (0..limits.work_items).map(|_| Once::new()).collect(),
            count: AtomicU32::new(0),
            queue: CallQueue::new(limits.work_items),
            available: Once::new(),
        }
    }

    /// Every work item in the order of creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static WorkItem> {
        self.items.iter().map_while(Once::get).copied()
    }

    fn wake_worker(&self) {
        if let Some(available) = self.available.get() {
            available.set();
        }
    }
}

impl WorkItem {
    /// Makes a work item with its routine, which a worker thread calls at
    /// Passive, never two at a time. Allocates, so call it while starting.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when `Limits::work_items` exist.
    pub fn new(
        executive: &'static Executive,
        name: &'static str,
        routine: impl Fn() + Send + Sync + 'static,
    ) -> Result<&'static Self, NtStatus> {
        let table = executive.work_table();
        let index = table.count.fetch_add(1, Ordering::Relaxed);
        let Some(slot) = table.items.get(index as usize) else {
            table.count.fetch_sub(1, Ordering::Relaxed);
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        let item = Box::leak(Box::new(Self {
            executive,
            index,
            name,
            routine: Box::new(routine),
            state: CallState::new(),
            runs: AtomicU64::new(0),
        }));
        Ok(slot.call_once(|| item))
    }

    /// Has the routine called; false if that is due already. Either way the
    /// routine starts after this once more. At or below Dispatch.
    pub fn queue(&self) -> bool {
        self.executive
            .require_at_most(Irql::Dispatch, "WorkItem::queue");
        let requested = self.state.request();
        if requested == Requested::Enqueue {
            self.enqueue();
        }
        requested != Requested::Already
    }

    /// The name given at creation.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How often the routine was called.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    fn enqueue(&self) {
        let table = self.executive.work_table();
        let counters = self.executive.counters_of_executive();
        counters.work_items_queued.fetch_add(1, Ordering::Relaxed);
        table.queue.insert(self.index);
        table.wake_worker();
    }

    fn run(&self) {
        self.state.begin();
        self.runs.fetch_add(1, Ordering::Relaxed);
        (self.routine)();
        if self.state.end() {
            self.enqueue();
        }
    }
}

impl fmt::Debug for WorkItem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("WorkItem").field(&self.name).finish()
    }
}

impl Executive {
    /// Starts the DPC thread and `workers` worker threads, with the priorities
    /// and stacks of the limits. Once, while starting. What was queued before
    /// runs then.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when threads, events or stacks run out;
    /// `INVALID_DEVICE_STATE` when called again.
    pub fn start_workers(&'static self, workers: usize) -> Result<(), NtStatus> {
        if self.work_table().available.get().is_some() {
            return Err(NtStatus::INVALID_DEVICE_STATE);
        }
        let stack_bytes = self.limits().worker_stack_bytes;
        let wake = Event::new(self, EventKind::Synchronization, false)?;
        let priority = self.limits().dpc_thread_priority;
        self.spawn("dpc", priority, stack_bytes, move || {
            self.run_dpc_thread(wake);
        })?;
        let available = Event::new(self, EventKind::Synchronization, true)?;
        let available = self.work_table().available.call_once(|| available);
        for _ in 0..workers {
            let priority = self.limits().worker_priority;
            self.spawn("worker", priority, stack_bytes, move || {
                self.run_worker(available);
            })?;
        }
        Ok(())
    }

    /// The body of a worker thread. Work that never ends must not keep the
    /// threads below from running.
    fn run_worker(&'static self, available: &'static Event) {
        let mut share = Share::new(self.limits(), self.now());
        loop {
            while let Some(item) = self.next_work_item() {
                self.counters_of_executive()
                    .work_items_run
                    .fetch_add(1, Ordering::Relaxed);
                item.run();
                if share.is_used_up(self.now()) && self.is_any_thread_ready() {
                    self.sleep(self.limits().worker_pause);
                    share.resume(self.now());
                }
            }
            let _ = self.wait(available, None);
            share.resume(self.now());
        }
    }

    fn is_any_thread_ready(&self) -> bool {
        self.with_database(|database| database.is_any_ready())
    }

    /// Takes the first queued work item. Another worker is woken if there are
    /// more: several requests may have woken one worker only.
    fn next_work_item(&'static self) -> Option<&'static WorkItem> {
        let table = self.work_table();
        let _raised = self.raise_irql(Irql::Dispatch);
        let index = table.queue.remove()?;
        if !table.queue.is_empty() {
            table.wake_worker();
        }
        table.items.get(index as usize)?.get().copied()
    }
}
