//! The executive itself: its state, IRQL, the interrupt path, waiting.

use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::dispatcher::Database;
use crate::dpc::{Dpc, DpcTable};
use crate::irp::IrpId;
use crate::irql::{Irql, PreviousIrql, RaisedIrql};
use crate::limits::Limits;
use crate::platform::{Platform, ThreadId};
use crate::time::{Duration, Instant};
use crate::work_item::{WorkItem, WorkTable};

crate::atomic_counters! {
    /// What the executive has done.
    pub struct ExecutiveCounters / AtomicExecutiveCounters {
        /// Interrupts entered.
        interrupts,
        /// Clock ticks among them.
        clock_ticks,
        /// DPCs put into the queue.
        dpcs_queued,
        /// Requests for a DPC that was queued already.
        dpcs_already_queued,
        /// DPCs run.
        dpcs_run,
        /// DPCs run by the DPC thread among them.
        dpcs_run_by_thread,
        /// Passes that reached a limit and left the rest to the DPC thread.
        dpc_passes_deferred,
        /// Microseconds spent in DPCs.
        dpc_micros,
        /// Timers and waits that became due.
        timers_expired,
        /// Work items put into the queue.
        work_items_queued,
        /// Work items run.
        work_items_run,
        /// Switches from one thread to another.
        context_switches,
        /// Switches among them that the thread did not ask for.
        preemptions,
        /// Waits that had to wait.
        waits_blocked,
        /// Waits ended by their timeout.
        waits_timed_out,
        /// IRPs dropped by their owner without being completed.
        irps_abandoned,
    }
}

/// Reasons to go to Dispatch when the IRQL falls below it.
pub(crate) mod pending {
    pub(crate) const DPC: u32 = 1;
    pub(crate) const TIMER: u32 = 2;
    pub(crate) const RESCHEDULE: u32 = 4;
}

/// The executive of one processor.
pub struct Executive {
    platform: &'static dyn Platform,
    limits: Limits,
    irql: AtomicU8,
    /// The bits of [`pending`].
    pending: AtomicU32,
    /// After a bug check nothing is dispatched any more.
    halted: AtomicBool,
    /// The running thread: generation and index.
    current: AtomicU64,
    /// When the clock last ticked, in microseconds.
    last_tick: AtomicU64,
    /// When the first timer is due, in microseconds; the maximum if none is.
    next_due: AtomicU64,
    pub(crate) database: spin::Mutex<Database>,
    dpcs: DpcTable,
    work: WorkTable,
    counters: AtomicExecutiveCounters,
}

impl Executive {
    /// Makes the executive with all its tables, which live for ever. The
    /// caller becomes the idle thread and is at Dispatch until it calls
    /// [`Executive::run_idle`]: threads that it starts run from then on.
    pub fn new(platform: &'static dyn Platform, limits: &Limits) -> &'static Self {
        Box::leak(Box::new(Self {
            platform,
            limits: *limits,
            irql: AtomicU8::new(Irql::Dispatch as u8),
            pending: AtomicU32::new(0),
            halted: AtomicBool::new(false),
            current: AtomicU64::new(0),
            last_tick: AtomicU64::new(platform.now().as_micros()),
            next_due: AtomicU64::new(u64::MAX),
            database: spin::Mutex::new(Database::new(limits, platform.now())),
            dpcs: DpcTable::new(limits),
            work: WorkTable::new(limits),
            counters: AtomicExecutiveCounters::default(),
        }))
    }

    /// The time since the machine started. Any IRQL.
    pub fn now(&self) -> Instant {
        self.platform.now()
    }

    /// The time of the last clock tick, as Windows' `KeQueryInterruptTime`
    /// answers it: at most a tick behind [`Executive::now`], and had for a
    /// load. For what does not measure anything shorter. Any IRQL.
    #[inline]
    pub fn tick_time(&self) -> Instant {
        Instant::from_micros(self.last_tick.load(Ordering::Relaxed))
    }

    /// The level at which the processor runs.
    pub fn irql(&self) -> Irql {
        Irql::from_number(self.irql.load(Ordering::Relaxed))
    }

    /// Raises the level until the guard is dropped; from `Device` on this
    /// disables the processor's interrupts. Raising to a level below the
    /// present one is a bug check.
    #[inline]
    pub fn raise_irql(&'static self, level: Irql) -> RaisedIrql {
        RaisedIrql::new(self, level)
    }

    /// The running thread. At or below Dispatch; in a DPC it is the thread
    /// that was interrupted.
    pub fn current_thread(&self) -> ThreadId {
        let word = self.current.load(Ordering::Relaxed);
        ThreadId::new(word as u32, (word >> 32) as u32)
    }

    /// What the executive has done so far.
    pub fn counters(&self) -> ExecutiveCounters {
        self.counters.snapshot()
    }

    /// The sizes and parameters that the executive was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Every DPC, for a list.
    pub fn dpcs(&'static self) -> impl Iterator<Item = &'static Dpc> {
        self.dpcs.iter()
    }

    /// Every work item, for a list.
    pub fn work_items(&'static self) -> impl Iterator<Item = &'static WorkItem> {
        self.work.iter()
    }

    /// When the first timer or timeout is due, for a platform that programs
    /// its clock by that. Any IRQL.
    pub fn next_timer(&self) -> Option<Instant> {
        let due = self.next_due.load(Ordering::Relaxed);
        (due != u64::MAX).then_some(Instant::from_micros(due))
    }

    /// Begins an interrupt: the level becomes Device. Called by the platform
    /// with interrupts disabled.
    pub fn enter_interrupt(&self) -> PreviousIrql {
        self.counters.interrupts.fetch_add(1, Ordering::Relaxed);
        PreviousIrql(self.exchange_irql(Irql::Device as u8))
    }

    /// Ends an interrupt: the level is again what it was. Called by the
    /// platform with interrupts disabled. If this answers true, the platform
    /// must call [`Executive::dispatch_interrupt`] on the interrupted thread's
    /// stack before it returns from the interrupt.
    pub fn leave_interrupt(&self, previous: PreviousIrql) -> bool {
        self.set_irql(previous.0);
        previous.0 < Irql::Dispatch as u8 && self.is_dispatch_due()
    }

    /// Runs what the interrupt has made due: timers, DPCs, a thread switch, so
    /// that it may return much later. Called by the platform with interrupts
    /// disabled on the interrupted thread's stack; enables them meanwhile and
    /// returns with them disabled.
    pub fn dispatch_interrupt(&'static self) {
        while self.is_dispatch_due() {
            let previous = self.exchange_irql(Irql::Dispatch as u8);
            self.platform.restore_interrupts(true);
            self.dispatch();
            self.platform.disable_interrupts();
            self.set_irql(previous);
        }
    }

    /// One tick of the clock: timers that are due are noted, the running
    /// thread's quantum goes on. Called by the clock's interrupt service
    /// routine, between `enter_interrupt` and `leave_interrupt`.
    pub fn clock_tick(&self) {
        self.counters.clock_ticks.fetch_add(1, Ordering::Relaxed);
        let now = self.now();
        self.last_tick.store(now.as_micros(), Ordering::Relaxed);
        if self.next_timer().is_some_and(|due| due <= now) {
            self.pending.fetch_or(pending::TIMER, Ordering::Relaxed);
        }
        self.with_database(Database::tick);
    }

    /// Waits for `duration` without giving the processor away: for a device's
    /// short delays. Any IRQL.
    pub fn stall(&self, duration: Duration) {
        let end = self.now() + duration;
        while self.now() < end {
            core::hint::spin_loop();
        }
    }

    /// Stops all dispatching, for code that reports a fault: locks still work,
    /// but no DPC runs and no thread is switched to.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    /// Reports that the kernel's state cannot be trusted any more, and stops.
    pub fn bug_check(&self, message: fmt::Arguments<'_>) -> ! {
        self.halt();
        self.platform.bug_check(message)
    }

    pub(crate) fn platform(&self) -> &'static dyn Platform {
        self.platform
    }

    pub(crate) fn dpc_table(&self) -> &DpcTable {
        &self.dpcs
    }

    pub(crate) fn work_table(&self) -> &WorkTable {
        &self.work
    }

    pub(crate) fn counters_of_executive(&self) -> &AtomicExecutiveCounters {
        &self.counters
    }

    pub(crate) fn count_dpc_time(&self, time: Duration) {
        self.counters
            .dpc_micros
            .fetch_add(time.as_micros(), Ordering::Relaxed);
    }

    /// An IRP's owner has lost it.
    pub(crate) fn irp_abandoned(&self, id: IrpId) {
        self.counters.irps_abandoned.fetch_add(1, Ordering::Relaxed);
        log::error!(target: "executive", "IRP {id} was dropped without being completed");
    }

    /// Sets the level's number without any consequence; answers what it was.
    #[inline]
    pub(crate) fn exchange_irql(&self, level: u8) -> u8 {
        // Plain load and store: an interruption in between restores the level.
        let previous = self.irql.load(Ordering::Relaxed);
        self.set_irql(level);
        previous
    }

    /// The same, whatever it was.
    #[inline]
    pub(crate) fn set_irql(&self, level: u8) {
        self.irql.store(level, Ordering::Relaxed);
    }

    /// Bug check if the level is above `limit`.
    pub(crate) fn require_at_most(&self, limit: Irql, operation: &str) {
        let level = self.irql();
        if level > limit {
            self.bug_check(format_args!("{operation} called at {level:?}"));
        }
    }

    pub(crate) fn set_current(&self, thread: ThreadId) {
        let word = u64::from(thread.generation()) << 32 | thread.index() as u64;
        self.current.store(word, Ordering::Relaxed);
    }

    /// Makes known what an operation on the database has changed. With
    /// interrupts disabled.
    pub(crate) fn publish(&self, database: &mut Database) {
        if database.take_reschedule() {
            self.pending
                .fetch_or(pending::RESCHEDULE, Ordering::Relaxed);
        }
        let due = database.earliest().map_or(u64::MAX, Instant::as_micros);
        self.next_due.store(due, Ordering::Relaxed);
    }

    pub(crate) fn request(&self, reason: u32) {
        self.pending.fetch_or(reason, Ordering::Relaxed);
    }

    /// The reasons that have come up; asking resets them.
    pub(crate) fn take_pending(&self) -> u32 {
        self.pending.swap(0, Ordering::Relaxed)
    }

    /// Whether timers are known to be due.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn is_timer_pending(&self) -> bool {
        self.pending.load(Ordering::Relaxed) & pending::TIMER != 0
    }

    #[inline]
    pub(crate) fn is_dispatch_due(&self) -> bool {
        self.pending.load(Ordering::Relaxed) != 0 && !self.halted.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Executive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Executive")
            .field("irql", &self.irql())
            .finish_non_exhaustive()
    }
}
