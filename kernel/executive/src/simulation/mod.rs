//! A machine made of host threads, for host tests of everything above the
//! executive.
//!
//! Each thread of the executive is a host thread, and exactly one of them runs
//! at a time. The clock is virtual: it stands still while threads run and
//! jumps to the next timer or interrupt when all of them wait. With a seed
//! other than zero, clock interrupts come at places chosen by it (wherever
//! interrupts are enabled or the IRQL is lowered), each of which ends the
//! running thread's turn, so that many interleavings can be tried and each one
//! be repeated.
//!
//! A panic in a simulated thread, a bug check, and a deadlock (nothing ready,
//! no timer armed, no interrupt scheduled) become a panic of
//! [`Simulation::run`]; after that the machine is of no further use. Threads
//! that still wait when a test ends stay parked until the process ends.
//!
//! ```
//! use executive::simulation::Simulation;
//! use executive::{Duration, Event, EventKind, NtStatus};
//!
//! let machine = Simulation::new(1);
//! let executive = machine.executive();
//! let waited = machine.run(move || {
//!     let event = Event::new(executive, EventKind::Notification, false)?;
//!     let status = executive.wait(&event, Some(Duration::from_secs(3600)));
//!     assert_eq!(status, NtStatus::TIMEOUT);
//!     Ok::<_, NtStatus>(executive.now())
//! });
//! assert!(waited.is_ok_and(|now| now.as_secs() == 3600));
//! ```

mod baton;
mod machine;
mod panics;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use std::sync::Mutex;

use crate::executive::Executive;
use crate::limits::Limits;
use crate::thread::Priority;
use crate::time::{Duration, Instant};
use baton::lock;
use machine::Machine;

/// A simulated machine with its executive; a handle that can be copied into
/// threads and interrupt routines. The thread that makes it is its idle thread
/// and is the one to call [`Simulation::run`].
#[derive(Clone, Copy)]
pub struct Simulation {
    machine: &'static Machine,
}

impl Simulation {
    /// A machine with the default limits and a quantum of one clock tick. Seed
    /// zero means no preemption by chance.
    pub fn new(seed: u64) -> Self {
        Self::with_limits(
            seed,
            &Limits {
                quantum_ticks: 1,
                ..Limits::default()
            },
        )
    }

    /// A machine with these limits.
    pub fn with_limits(seed: u64, limits: &Limits) -> Self {
        let machine: &'static Machine = Box::leak(Box::new(Machine::new(seed)));
        machine.install(Executive::new(Box::leak(Box::new(machine)), limits));
        panics::belong_to(machine.executive());
        Self { machine }
    }

    /// The executive that runs on the machine.
    pub fn executive(&self) -> &'static Executive {
        self.machine.executive()
    }

    /// Runs `body` in a thread of normal priority at Passive and answers its
    /// result, once no thread is ready any more. Other threads go on where
    /// they are in the next call.
    ///
    /// # Panics
    /// When a simulated thread panics, at a bug check, and at a deadlock.
    pub fn run<T: Send + 'static>(&self, body: impl FnOnce() -> T + Send + 'static) -> T {
        let executive = self.machine.executive();
        panics::belong_to(executive);
        let result = Arc::new(Mutex::new(None));
        let place = Arc::clone(&result);
        executive.begin_idle();
        let thread = executive.spawn("run", Priority::NORMAL, 0, move || {
            let value = body();
            *lock(&place) = Some(value);
        });
        assert!(thread.is_ok(), "no thread for the body: {thread:?}");
        loop {
            if let Some(value) = lock(&result).take() {
                return value;
            }
            executive.idle_once();
        }
    }

    /// Chooses the places of preemption by another seed from now on, so that one machine can be
    /// used for many runs each of which can be repeated.
    pub fn reseed(&self, seed: u64) {
        self.machine.reseed(seed);
    }

    /// The virtual time, without moving it.
    pub fn now(&self) -> Instant {
        self.machine.time()
    }

    /// Has `service` called as a device's interrupt service routine at `at`,
    /// or as soon as interrupts are enabled after that. It may queue DPCs.
    pub fn interrupt_at(&self, at: Instant, service: impl FnOnce() + Send + 'static) {
        self.machine.schedule(at, Box::new(service));
    }

    /// Moves the clock on, as if the caller had computed for so long; timers
    /// and interrupts come at their times if interrupts are enabled.
    pub fn advance(&self, duration: Duration) {
        self.machine.advance(duration);
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Simulation")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}
