//! The limits of DPC passes, and the thread that runs what they leave over.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use spin::Once;

use crate::event::Event;
use crate::executive::Executive;
use crate::irql::Irql;
use crate::limits::Limits;
use crate::time::{Duration, Instant};

/// The state of the limits. It is used at Dispatch only, so plain loads and
/// stores of the atomics suffice on one processor.
pub(crate) struct Pass {
    count: u32,
    window: Duration,
    share: Duration,
    window_start: AtomicU64,
    /// Microseconds of the window taken by DPCs.
    window_used: AtomicU64,
    /// The queue belongs to the DPC thread until it is empty.
    deferred: AtomicBool,
    /// Wakes the DPC thread; empty until that exists.
    wake: Once<Event>,
}

impl Pass {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            count: limits.dpc_pass_count.max(1),
            window: limits.dpc_window,
            share: limits.dpc_window_share,
            window_start: AtomicU64::new(0),
            window_used: AtomicU64::new(0),
            deferred: AtomicBool::new(false),
            wake: Once::new(),
        }
    }

    /// The time that passes may still take of the window that `now` is in.
    fn allowance(&self, now: Instant) -> Duration {
        let start = Instant::from_micros(self.window_start.load(Ordering::Relaxed));
        if now - start >= self.window {
            self.window_start.store(now.as_micros(), Ordering::Relaxed);
            self.window_used.store(0, Ordering::Relaxed);
        }
        self.share - Duration::from_micros(self.window_used.load(Ordering::Relaxed))
    }

    fn charge(&self, time: Duration) {
        let used = self.window_used.load(Ordering::Relaxed);
        self.window_used
            .store(used + time.as_micros(), Ordering::Relaxed);
    }
}

impl Executive {
    /// Runs queued DPCs within the limits. At Dispatch, interrupts enabled.
    pub(crate) fn run_dpc_pass(&'static self) {
        let pass = &self.dpc_table().pass;
        if pass.deferred.load(Ordering::Relaxed) {
            return;
        }
        let start = self.now();
        let allowance = pass.allowance(start);
        if allowance.is_zero() && self.defer_dpcs() {
            return;
        }
        let mut count = 0;
        let mut time = Duration::ZERO;
        while self.run_dpc() {
            count += 1;
            time = self.now() - start;
            if (count >= pass.count || time >= allowance) && self.defer_dpcs() {
                break;
            }
        }
        pass.charge(time);
        self.count_dpc_time(time);
    }

    /// Leaves the rest of the queue to the DPC thread; false if nothing is
    /// left, or if there is no such thread yet.
    fn defer_dpcs(&'static self) -> bool {
        let table = self.dpc_table();
        let Some(wake) = table.pass.wake.get() else {
            return false;
        };
        if table.queue.is_empty() {
            return false;
        }
        table.pass.deferred.store(true, Ordering::Relaxed);
        self.counters_of_executive()
            .dpc_passes_deferred
            .fetch_add(1, Ordering::Relaxed);
        wake.set();
        true
    }

    /// Runs the first queued DPC; false if there is none.
    fn run_dpc(&'static self) -> bool {
        let table = self.dpc_table();
        let Some(index) = table.queue.remove() else {
            return false;
        };
        self.counters_of_executive()
            .dpcs_run
            .fetch_add(1, Ordering::Relaxed);
        if let Some(dpc) = table.get(index) {
            dpc.run();
        }
        true
    }

    /// The body of the DPC thread: takes the queue over whenever a pass has
    /// left something. It gives way when it has run as long as DPCs may in a
    /// window. A thread whose IRP was completed meanwhile has run before that,
    /// so that what the DPCs have brought is taken before they bring more.
    pub(crate) fn run_dpc_thread(&'static self, wake: Event) {
        let wake = self.dpc_table().pass.wake.call_once(|| wake);
        loop {
            let _ = self.wait(wake, None);
            let mut turn = self.now();
            while self.run_deferred_dpc() {
                if self.now() - turn >= self.dpc_table().pass.share {
                    self.yield_now();
                    turn = self.now();
                }
            }
        }
    }

    /// One DPC in the DPC thread; false when the queue is empty and belongs to
    /// the passes again.
    fn run_deferred_dpc(&'static self) -> bool {
        let _raised = self.raise_irql(Irql::Dispatch);
        let table = self.dpc_table();
        let start = self.now();
        let more = self.run_dpc();
        let counters = self.counters_of_executive();
        counters
            .dpcs_run_by_thread
            .fetch_add(u64::from(more), Ordering::Relaxed);
        self.count_dpc_time(self.now() - start);
        // An interrupt that queues a DPC right here leaves it pending, and the
        // pass when the IRQL is lowered runs it.
        table.pass.deferred.store(more, Ordering::Relaxed);
        more
    }
}
