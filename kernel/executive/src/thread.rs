//! Threads as their users see them.

use alloc::boxed::Box;
use core::fmt;

use crate::dispatcher::Body;
use crate::executive::Executive;
pub use crate::platform::ThreadId;
use crate::status::NtStatus;
use crate::time::Duration;

/// A thread's priority: 0 to 31, higher runs first. From 16 on NT calls them
/// the real-time priorities: those never change by themselves. Below, a thread
/// whose IRP was completed runs above its own priority for one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// How many there are.
    pub const COUNT: usize = 32;
    /// Just above the idle thread.
    pub const LOWEST: Self = Self(0);
    /// For work that must not disturb.
    pub const LOW: Self = Self(4);
    /// For everything without a reason to be elsewhere.
    pub const NORMAL: Self = Self(8);
    /// For threads that serve others.
    pub const HIGH: Self = Self(13);
    /// The first of the real-time range.
    pub const REAL_TIME: Self = Self(16);
    /// Above all others.
    pub const HIGHEST: Self = Self(31);

    /// From a number; `None` above 31.
    pub const fn new(number: u8) -> Option<Self> {
        if number < Self::COUNT as u8 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Raised by `increment`, within its range: the real-time priorities stay,
    /// and no other gets there.
    pub(crate) const fn boosted(self, increment: u8) -> Self {
        let highest = Self::REAL_TIME.0 - 1;
        match self.0.saturating_add(increment) {
            _ if self.0 > highest => self,
            raised if raised < highest => Self(raised),
            _ => Self(highest),
        }
    }

    /// As a number, 0 to 31.
    pub const fn number(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// What a thread does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// It is being made.
    Initialized,
    /// It could run.
    Ready,
    /// It runs.
    Running,
    /// It waits for an object or for its time.
    Waiting,
    /// It has ended; the slot is free.
    Terminated,
}

/// One line of the list of threads.
#[derive(Clone, Copy, Debug)]
pub struct ThreadInformation {
    /// Its identity.
    pub id: ThreadId,
    /// The name given at its start.
    pub name: &'static str,
    /// What it does.
    pub state: ThreadState,
    /// Its own priority; `None` for the idle thread, which is below all.
    pub priority: Option<Priority>,
    /// The time it has run, with the interrupts and DPCs that came meanwhile.
    pub cpu_time: Duration,
    /// How often it was switched to.
    pub switches: u64,
}

/// A thread that was started. Dropping this does not end the thread.
#[derive(Clone, Copy, Debug)]
pub struct Thread {
    executive: &'static Executive,
    id: ThreadId,
}

impl Thread {
    /// The thread's identity.
    pub fn id(&self) -> ThreadId {
        self.id
    }

    /// Waits until the thread has ended: `SUCCESS`, or `TIMEOUT`. Passive or
    /// Apc.
    pub fn join(&self, timeout: Option<Duration>) -> NtStatus {
        let object = self
            .executive
            .with_database(|database| database.thread_object(self.id));
        let Some(object) = object else {
            return NtStatus::SUCCESS;
        };
        match self.executive.wait_for(&[object], timeout) {
            Some(_) => NtStatus::SUCCESS,
            None => NtStatus::TIMEOUT,
        }
    }
}

impl Executive {
    /// Starts a thread, which ends when `body` returns. The body is boxed: a
    /// closure that captures something allocates. Below Dispatch, or while
    /// starting; if its priority is higher, the thread runs before this
    /// returns.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when `Limits::threads` exist, or what the
    /// platform says when it has no stack.
    pub fn spawn(
        &'static self,
        name: &'static str,
        priority: Priority,
        stack_bytes: usize,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<Thread, NtStatus> {
        self.spawn_body(name, priority, stack_bytes, Body::Owned(Box::new(body)))
    }

    /// Like [`Executive::spawn`], without any allocation.
    ///
    /// # Errors
    /// Those of [`Executive::spawn`].
    pub fn spawn_static(
        &'static self,
        name: &'static str,
        priority: Priority,
        stack_bytes: usize,
        body: &'static (dyn Fn() + Sync),
    ) -> Result<Thread, NtStatus> {
        self.spawn_body(name, priority, stack_bytes, Body::Static(body))
    }

    fn spawn_body(
        &'static self,
        name: &'static str,
        priority: Priority,
        stack_bytes: usize,
        body: Body,
    ) -> Result<Thread, NtStatus> {
        let id = self.with_database(|database| database.reserve_thread(name));
        let id = id.ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        if let Err(status) = self.platform().create_context(id, stack_bytes) {
            self.with_database(|database| database.release_thread(id));
            return Err(status);
        }
        self.with_database(|database| database.start_thread(id, priority, body));
        self.dispatch_if_due();
        Ok(Thread {
            executive: self,
            id,
        })
    }

    /// What there is to know of every thread, the idle thread first; each read
    /// on its own. At or below Dispatch.
    pub fn threads(&'static self) -> impl Iterator<Item = ThreadInformation> {
        let slots = self.with_database(|database| database.thread_slots());
        (0..slots).filter_map(move |slot| {
            let now = self.now();
            self.with_database(|database| database.information(slot, now))
        })
    }
}
