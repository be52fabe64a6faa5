//! The simulated processor: the platform of the simulation.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt::{self, Write as _};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, OnceLock};

use super::baton::{Baton, lock};
use super::panics;
use crate::executive::Executive;
use crate::platform::{Platform, ThreadId};
use crate::status::NtStatus;
use crate::time::{Duration, Instant};

/// An interrupt service routine that is called once.
pub(super) type Service = Box<dyn FnOnce() + Send>;

/// The payload with which the host thread of an ended thread unwinds.
struct ThreadEnded;

/// How often the clock can be read until it moves on by a microsecond, so
/// that a loop that waits for the time comes to an end.
const READS_PER_MICROSECOND: u32 = 16;

/// One preemption point in so many gets a clock interrupt, with a seed.
const PREEMPTION_ODDS: u64 = 16;

/// The stack of a host thread, in bytes.
const HOST_STACK: usize = 1 << 20;

/// One simulated processor with its clock.
pub(super) struct Machine {
    executive: OnceLock<&'static Executive>,
    /// By slot of the thread; the first is the one that made the machine.
    contexts: Mutex<Vec<Arc<Baton>>>,
    /// Interrupts to come, by time and order.
    schedule: Mutex<BTreeMap<(Instant, u64), Service>>,
    scheduled: AtomicU64,
    /// When the first of the schedule is due, in microseconds.
    next_scheduled: AtomicU64,
    now: AtomicU64,
    reads: AtomicU32,
    interrupts_enabled: AtomicBool,
    /// The generator's state; zero for no random preemption.
    random: AtomicU64,
    failure: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Machine {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            executive: OnceLock::new(),
            contexts: Mutex::new(alloc::vec![Arc::default()]),
            schedule: Mutex::default(),
            scheduled: AtomicU64::new(0),
            next_scheduled: AtomicU64::new(u64::MAX),
            now: AtomicU64::new(0),
            reads: AtomicU32::new(0),
            interrupts_enabled: AtomicBool::new(true),
            random: AtomicU64::new(seed),
            failure: Mutex::new(None),
        }
    }

    pub(super) fn install(&self, executive: &'static Executive) {
        assert!(
            self.executive.set(executive).is_ok(),
            "a machine has one executive"
        );
    }

    pub(super) fn executive(&self) -> &'static Executive {
        self.executive
            .get()
            .expect("the machine is used after its executive was made")
    }

    /// The time, without the reading being counted.
    pub(super) fn time(&self) -> Instant {
        Instant::from_micros(self.now.load(Ordering::SeqCst))
    }

    pub(super) fn schedule(&self, at: Instant, service: Service) {
        let order = self.scheduled.fetch_add(1, Ordering::SeqCst);
        lock(&self.schedule).insert((at, order), service);
        self.note_schedule();
        self.preemption_point();
    }

    /// Moves the clock to `end` and lets everything happen that is due until
    /// then, each at its time.
    pub(super) fn advance(&self, duration: Duration) {
        let end = self.time() + duration;
        while let Some(due) = self.next_due().filter(|&due| due <= end) {
            self.move_to(due);
            if !self.interrupts_enabled.load(Ordering::SeqCst) {
                break;
            }
            self.deliver_due();
        }
        self.move_to(end);
        self.preemption_point();
    }

    /// A place at which an interrupt can come.
    pub(super) fn preemption_point(&self) {
        if self.executive.get().is_none() || !self.interrupts_enabled.load(Ordering::SeqCst) {
            return;
        }
        self.deliver_due();
        if self.draw() {
            self.interrupt(Box::new(|| self.executive().clock_tick()));
        }
    }

    /// Raises the failure of a simulated thread in the thread that made the
    /// machine.
    fn raise_failure(&self) {
        let failure = lock(&self.failure).take();
        if let Some(payload) = failure {
            resume_unwind(payload);
        }
    }

    fn fail(&self, payload: Box<dyn Any + Send>) {
        *lock(&self.failure) = Some(payload);
        self.baton(ThreadId::IDLE).give();
    }

    fn baton(&self, thread: ThreadId) -> Arc<Baton> {
        let contexts = lock(&self.contexts);
        Arc::clone(
            contexts
                .get(thread.index())
                .expect("a thread has a context"),
        )
    }

    /// Never backwards: another thread may have moved the clock meanwhile.
    fn move_to(&self, time: Instant) {
        self.now.fetch_max(time.as_micros(), Ordering::SeqCst);
        self.reads.store(0, Ordering::SeqCst);
    }

    /// When the next interrupt or timer is due. A timer that the executive
    /// knows to be due is not named again.
    fn next_due(&self) -> Option<Instant> {
        let scheduled = Instant::from_micros(self.next_scheduled.load(Ordering::SeqCst));
        let timer = self
            .executive()
            .next_timer()
            .filter(|_| !self.executive().is_timer_pending());
        Some(timer.map_or(scheduled, |timer| timer.min(scheduled)))
            .filter(|&due| due != Instant::MAX)
    }

    fn note_schedule(&self) {
        let schedule = lock(&self.schedule);
        let next = schedule
            .first_key_value()
            .map_or(u64::MAX, |(&(at, _), _)| at.as_micros());
        self.next_scheduled.store(next, Ordering::SeqCst);
    }

    /// Delivers every interrupt that is due, and a clock interrupt if a timer
    /// is. Interrupts are enabled.
    fn deliver_due(&self) {
        while self.next_due().is_some_and(|due| due <= self.time()) {
            match self.next_service() {
                Some(service) => self.interrupt(service),
                None => self.interrupt(Box::new(|| self.executive().clock_tick())),
            }
        }
    }

    fn next_service(&self) -> Option<Service> {
        let mut schedule = lock(&self.schedule);
        let first = schedule
            .first_entry()
            .filter(|entry| entry.key().0 <= self.time())?;
        let service = first.remove();
        drop(schedule);
        self.note_schedule();
        Some(service)
    }

    /// The way of an interrupt, as a real platform goes it.
    fn interrupt(&self, service: Box<dyn FnOnce() + '_>) {
        let executive = self.executive();
        self.interrupts_enabled.store(false, Ordering::SeqCst);
        let previous = executive.enter_interrupt();
        service();
        if executive.leave_interrupt(previous) {
            executive.dispatch_interrupt();
        }
        self.interrupts_enabled.store(true, Ordering::SeqCst);
    }

    pub(super) fn reseed(&self, seed: u64) {
        self.random.store(seed, Ordering::SeqCst);
    }

    /// Whether chance wants a preemption here (`SplitMix64`).
    fn draw(&self) -> bool {
        let state = self.random.load(Ordering::SeqCst);
        if state == 0 {
            return false;
        }
        let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15).max(1);
        self.random.store(state, Ordering::SeqCst);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31).is_multiple_of(PREEMPTION_ODDS)
    }

    /// The life of a host thread.
    fn run_context(&'static self, thread: ThreadId, baton: &Baton) {
        panics::belong_to(self.executive());
        baton.take();
        let end = catch_unwind(AssertUnwindSafe(|| self.executive().thread_start(thread)));
        if let Err(payload) = end
            && !payload.is::<ThreadEnded>()
        {
            self.fail(payload);
        }
    }

    fn describe_threads(&self) -> String {
        let mut text = String::new();
        for thread in self.executive().threads() {
            let _ = write!(
                text,
                "\n  {} {}: {:?}",
                thread.id, thread.name, thread.state
            );
        }
        text
    }
}

/// For a machine that lives for ever, because its host threads may.
impl Platform for &'static Machine {
    fn now(&self) -> Instant {
        let machine: &'static Machine = self;
        let reads = machine.reads.fetch_add(1, Ordering::SeqCst) + 1;
        if reads == READS_PER_MICROSECOND {
            machine.reads.store(0, Ordering::SeqCst);
            machine.now.fetch_add(1, Ordering::SeqCst);
            machine.preemption_point();
        }
        machine.time()
    }

    fn disable_interrupts(&self) -> bool {
        self.interrupts_enabled.swap(false, Ordering::SeqCst)
    }

    fn restore_interrupts(&self, were_enabled: bool) {
        if were_enabled {
            self.interrupts_enabled.store(true, Ordering::SeqCst);
            self.preemption_point();
        }
    }

    fn create_context(&self, thread: ThreadId, _stack_bytes: usize) -> Result<(), NtStatus> {
        let machine: &'static Machine = self;
        let baton = Arc::<Baton>::default();
        let mut contexts = lock(&machine.contexts);
        if contexts.len() <= thread.index() {
            contexts.resize_with(thread.index() + 1, Arc::default);
        }
        contexts[thread.index()] = Arc::clone(&baton);
        std::thread::Builder::new()
            .name(format!("simulated {thread}"))
            .stack_size(HOST_STACK)
            .spawn(move || machine.run_context(thread, &baton))
            .map(drop)
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)
    }

    fn switch(&self, from: ThreadId, to: ThreadId) {
        if std::thread::panicking() {
            std::eprintln!("thread {from} waits while it unwinds from a panic");
            std::process::abort();
        }
        let own = self.baton(from);
        self.baton(to).give();
        own.take();
        if from == ThreadId::IDLE {
            self.raise_failure();
        }
    }

    fn switch_last(&self, _from: ThreadId, to: ThreadId) -> ! {
        self.baton(to).give();
        resume_unwind(Box::new(ThreadEnded))
    }

    fn wait_for_interrupt(&self) {
        let machine: &'static Machine = self;
        let Some(due) = machine.next_due() else {
            panic!(
                "deadlock: no thread is ready, no timer armed, no interrupt scheduled{}",
                machine.describe_threads()
            );
        };
        machine.move_to(due);
        machine.interrupts_enabled.store(true, Ordering::SeqCst);
        machine.deliver_due();
    }

    fn irql_lowered(&self) {
        self.preemption_point();
    }

    fn bug_check(&self, message: fmt::Arguments<'_>) -> ! {
        if std::thread::panicking() {
            std::eprintln!("bug check while unwinding from a panic: {message}");
            std::process::abort();
        }
        panic!("bug check: {message}")
    }
}
