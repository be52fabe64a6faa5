//! Dispatching: DPCs, timers, thread switches and waits.

use core::sync::atomic::Ordering;

use crate::dispatcher::{
    Body, Database, Expired, MAXIMUM_WAIT_OBJECTS, ObjectName, Switch, WaitResult,
};
use crate::event::Event;
use crate::executive::{Executive, pending};
use crate::irql::Irql;
use crate::platform::ThreadId;
use crate::status::NtStatus;
use crate::time::Duration;

/// How a wait begins.
enum Begun {
    /// It is over: by the object at this place of the list, or by a timeout of
    /// zero.
    Over(Option<usize>),
    /// The thread waits; another one is to run.
    Blocked(Switch),
    /// The thread must not wait.
    Refused,
}

impl Executive {
    /// Waits until `event` is signalled or `timeout` has passed (`None`:
    /// without limit): `SUCCESS` or `TIMEOUT`. Passive or Apc; with a timeout
    /// of zero also at Dispatch. A synchronization event is cleared by the
    /// wait that it ends.
    pub fn wait(&'static self, event: &Event, timeout: Option<Duration>) -> NtStatus {
        match self.wait_for(&[event.name()], timeout) {
            Some(_) => NtStatus::SUCCESS,
            None => NtStatus::TIMEOUT,
        }
    }

    /// Waits until any of `events` is signalled and answers its place; the
    /// first one if several are. Otherwise like [`Executive::wait`].
    ///
    /// # Errors
    /// `TIMEOUT` when the time has passed; `INVALID_PARAMETER` for no events
    /// or more than [`MAXIMUM_WAIT_OBJECTS`].
    pub fn wait_any(
        &'static self,
        events: &[&Event],
        timeout: Option<Duration>,
    ) -> Result<usize, NtStatus> {
        let Some(first) = events
            .first()
            .filter(|_| events.len() <= MAXIMUM_WAIT_OBJECTS)
        else {
            return Err(NtStatus::INVALID_PARAMETER);
        };
        let mut names = [first.name(); MAXIMUM_WAIT_OBJECTS];
        for (name, event) in names.iter_mut().zip(events) {
            *name = event.name();
        }
        self.wait_for(&names[..events.len()], timeout)
            .ok_or(NtStatus::TIMEOUT)
    }

    /// Lets other threads run for `duration` at least; zero gives way to
    /// threads of the same priority. Passive or Apc.
    pub fn sleep(&'static self, duration: Duration) {
        if duration.is_zero() {
            self.yield_now();
        } else {
            self.wait_for(&[], Some(duration));
        }
    }

    /// Gives way to other ready threads of the same priority. Passive or Apc.
    pub fn yield_now(&'static self) {
        self.with_database(Database::yield_current);
        self.dispatch_if_due();
    }

    /// The first thing a new thread does, called by the platform on the
    /// thread's own stack with interrupts disabled: enables them, runs the
    /// body, and ends the thread.
    pub fn thread_start(&'static self, thread: ThreadId) -> ! {
        let body = self.with_database(|database| database.take_body(thread));
        self.set_irql(Irql::Passive as u8);
        self.platform().restore_interrupts(true);
        self.dispatch_if_due();
        match body {
            Some(Body::Owned(body)) => body(),
            Some(Body::Static(body)) => body(),
            None => self.bug_check(format_args!("thread {thread} is started again")),
        }
        self.end_thread()
    }

    /// The rest of the idle thread's life: lowers the level to Passive,
    /// enables interrupts, and lets threads run; halts the processor while
    /// there is none.
    pub fn run_idle(&'static self) -> ! {
        self.begin_idle();
        loop {
            self.idle_once();
        }
    }

    pub(crate) fn begin_idle(&'static self) {
        self.set_irql(Irql::Passive as u8);
        self.platform().restore_interrupts(true);
    }

    /// One round of the idle thread.
    pub(crate) fn idle_once(&'static self) {
        // With interrupts disabled, so that none can come between the look at
        // what is due and the halt: that one would be noticed only after the
        // next.
        self.platform().disable_interrupts();
        if self.is_dispatch_due() {
            self.platform().restore_interrupts(true);
            self.dispatch_if_due();
        } else {
            self.platform().wait_for_interrupt();
        }
    }

    /// Queues a DPC. Any IRQL.
    pub(crate) fn queue_dpc(&'static self, index: u32) -> bool {
        let queued = self.dpc_table().queue.insert(index);
        let counters = self.counters_of_executive();
        let counter = if queued {
            &counters.dpcs_queued
        } else {
            &counters.dpcs_already_queued
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.request(pending::DPC);
        self.dispatch_if_due();
        queued
    }

    /// Runs `operation` on the database with interrupts disabled.
    pub(crate) fn with_database<R>(&self, operation: impl FnOnce(&mut Database) -> R) -> R {
        let were_enabled = self.platform().disable_interrupts();
        let result = self.with_database_locked(operation);
        self.platform().restore_interrupts(were_enabled);
        result
    }

    /// The same where interrupts are disabled already.
    fn with_database_locked<R>(&self, operation: impl FnOnce(&mut Database) -> R) -> R {
        let mut database = self.lock_database();
        let result = operation(&mut database);
        self.publish(&mut database);
        result
    }

    /// The database where interrupts are disabled already, for looking at it.
    fn lock_database(&self) -> spin::MutexGuard<'_, Database> {
        let Some(database) = self.database.try_lock() else {
            self.bug_check(format_args!("the dispatcher database is used recursively"))
        };
        database
    }

    /// If the level is below Dispatch and something is due, does it.
    pub(crate) fn dispatch_if_due(&'static self) {
        if self.is_dispatch_due() && self.irql() < Irql::Dispatch {
            self.dispatch_below();
        }
    }

    /// Goes to Dispatch as often as something is due. An interrupt that comes
    /// after the level is lowered does its own dispatching; one that came
    /// before left its work pending for the next round.
    fn dispatch_below(&'static self) {
        while self.is_dispatch_due() {
            let previous = self.exchange_irql(Irql::Dispatch as u8);
            self.dispatch();
            self.set_irql(previous);
        }
    }

    /// Does what is due. At Dispatch, interrupts enabled.
    pub(crate) fn dispatch(&'static self) {
        let due = self.take_pending();
        if due & pending::TIMER != 0 {
            self.expire_timers();
        }
        if due & pending::DPC != 0 {
            self.run_dpc_pass();
        }
        if due & pending::RESCHEDULE != 0 {
            self.reschedule();
        }
    }

    /// Handles every timer that is due now.
    fn expire_timers(&'static self) {
        let now = self.now();
        while let Some(expired) = self.with_database(|database| database.expire(now)) {
            self.counters_of_executive()
                .timers_expired
                .fetch_add(1, Ordering::Relaxed);
            if let Expired::Timer(dpc) = expired {
                self.queue_dpc(dpc);
            }
        }
    }

    /// Switches to a thread that has more right to run, if there is one.
    fn reschedule(&'static self) {
        let were_enabled = self.platform().disable_interrupts();
        let now = self.now();
        if let Some(switch) = self.with_database_locked(|database| database.preempt(now)) {
            self.counters_of_executive()
                .preemptions
                .fetch_add(1, Ordering::Relaxed);
            self.switch(switch);
        }
        self.platform().restore_interrupts(were_enabled);
    }

    /// At Dispatch, interrupts disabled; returns when the thread runs again.
    fn switch(&self, Switch { from, to }: Switch) {
        self.counters_of_executive()
            .context_switches
            .fetch_add(1, Ordering::Relaxed);
        self.set_current(to);
        self.platform().switch(from, to);
    }

    /// Waits for any of `names`; answers which, or `None` after the timeout.
    pub(crate) fn wait_for(
        &'static self,
        names: &[ObjectName],
        timeout: Option<Duration>,
    ) -> Option<usize> {
        self.require_at_most(Irql::Dispatch, "wait");
        let were_enabled = self.platform().disable_interrupts();
        let begun = self.with_database_locked(|database| self.begin_wait(database, names, timeout));
        let result = match begun {
            Begun::Over(result) => result,
            Begun::Blocked(switch) => self.switch_until_ended(switch),
            Begun::Refused => self.refuse_wait(),
        };
        self.platform().restore_interrupts(were_enabled);
        self.dispatch_if_due();
        result
    }

    /// Takes one of `names`, or makes the running thread wait for them.
    fn begin_wait(
        &self,
        database: &mut Database,
        names: &[ObjectName],
        timeout: Option<Duration>,
    ) -> Begun {
        let acquired = database.try_acquire(names);
        if acquired.is_some() || timeout == Some(Duration::ZERO) {
            return Begun::Over(acquired);
        }
        if self.irql() >= Irql::Dispatch || !database.may_wait() {
            return Begun::Refused;
        }
        let now = self.now();
        let due = timeout.map(|timeout| now + timeout);
        Begun::Blocked(database.block(names, due, now))
    }

    /// Gives the processor away until the wait of the running thread, which has
    /// begun, ends. Interrupts disabled.
    fn switch_until_ended(&self, switch: Switch) -> Option<usize> {
        let counters = self.counters_of_executive();
        counters.waits_blocked.fetch_add(1, Ordering::Relaxed);
        let previous = self.exchange_irql(Irql::Dispatch as u8);
        self.switch(switch);
        self.set_irql(previous);
        match self.lock_database().wait_result() {
            WaitResult::Object(place) => Some(place),
            WaitResult::TimedOut => {
                counters.waits_timed_out.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    #[cold]
    fn refuse_wait(&self) -> ! {
        let (thread, level) = (self.current_thread(), self.irql());
        self.bug_check(format_args!("thread {thread} waits at {level:?}"))
    }

    /// Ends the running thread.
    fn end_thread(&'static self) -> ! {
        self.require_at_most(Irql::Passive, "the end of a thread");
        self.platform().disable_interrupts();
        self.set_irql(Irql::Dispatch as u8);
        let now = self.now();
        let Switch { from, to } = self.with_database_locked(|database| database.end_current(now));
        self.counters_of_executive()
            .context_switches
            .fetch_add(1, Ordering::Relaxed);
        self.set_current(to);
        self.platform().switch_last(from, to)
    }
}
