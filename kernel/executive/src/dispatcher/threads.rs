//! The life of threads in the database.

use alloc::boxed::Box;

use super::{Database, IDLE, Switch};
use crate::platform::ThreadId;
use crate::thread::{Priority, ThreadInformation, ThreadState};
use crate::time::{Duration, Instant};

/// What a thread runs.
pub(crate) enum Body {
    /// Made for this thread.
    Owned(Box<dyn FnOnce() + Send>),
    /// Lives for ever; needs no allocation.
    Static(&'static (dyn Fn() + Sync)),
}

/// One slot of the table of threads.
pub(super) struct ThreadBlock {
    pub(super) generation: u32,
    pub(super) state: ThreadState,
    /// Its own priority.
    base: Priority,
    /// That, or a higher one until its turn is over.
    pub(super) priority: Priority,
    /// Clock ticks left of its turn.
    pub(super) quantum: u32,
    pub(super) name: &'static str,
    pub(super) cpu_time: Duration,
    pub(super) switches: u64,
    body: Option<Body>,
    /// How many wait blocks are in use; 0 while it does not wait for objects.
    pub(super) wait_count: usize,
    /// How the last wait ended.
    pub(super) wait_result: super::waits::WaitResult,
}

impl ThreadBlock {
    pub(super) fn new() -> Self {
        Self {
            generation: 0,
            state: ThreadState::Terminated,
            base: Priority::LOWEST,
            priority: Priority::LOWEST,
            quantum: 0,
            name: "",
            cpu_time: Duration::ZERO,
            switches: 0,
            body: None,
            wait_count: 0,
            wait_result: super::waits::WaitResult::TimedOut,
        }
    }

    pub(super) fn become_idle(&mut self) {
        self.name = "idle";
        self.state = ThreadState::Running;
    }

    /// For its next turn, it is so much above its own priority.
    pub(super) fn boost(&mut self, increment: u8) {
        self.priority = self.base.boosted(increment);
    }
}

impl Database {
    pub(super) fn thread_id(&self, thread: u32) -> ThreadId {
        ThreadId::new(thread, self.threads[thread as usize].generation)
    }

    /// Takes a free slot for a thread that has no context yet.
    pub(crate) fn reserve_thread(&mut self, name: &'static str) -> Option<ThreadId> {
        let thread = self.free_threads.pop()?;
        let block = &mut self.threads[thread as usize];
        *block = ThreadBlock {
            generation: block.generation.wrapping_add(1),
            state: ThreadState::Initialized,
            name,
            ..ThreadBlock::new()
        };
        self.objects.reset_thread(thread);
        Some(self.thread_id(thread))
    }

    /// Gives back a slot whose thread got no context.
    pub(crate) fn release_thread(&mut self, thread: ThreadId) {
        let index = thread.index() as u32;
        self.threads[thread.index()].state = ThreadState::Terminated;
        self.signal(index, 0);
        self.free_threads.push(index);
    }

    /// Lets a reserved thread with a context run.
    pub(crate) fn start_thread(&mut self, thread: ThreadId, priority: Priority, body: Body) {
        let block = &mut self.threads[thread.index()];
        block.base = priority;
        block.boost(0);
        block.body = Some(body);
        self.make_ready(thread.index() as u32);
    }

    /// What `thread` is to run; once.
    pub(crate) fn take_body(&mut self, thread: ThreadId) -> Option<Body> {
        self.threads.get_mut(thread.index())?.body.take()
    }

    /// Ends the running thread; its slot is free from now on.
    pub(crate) fn end_current(&mut self, now: Instant) -> Switch {
        let thread = self.current;
        self.threads[thread as usize].state = ThreadState::Terminated;
        self.signal(thread, 0);
        let switch = self.switch_away(now);
        self.free_threads.push(thread);
        switch
    }

    /// What is known of the thread in a slot; `None` for a free slot and
    /// beyond the table.
    pub(crate) fn information(&self, index: usize, now: Instant) -> Option<ThreadInformation> {
        let block = self.threads.get(index)?;
        if block.state == ThreadState::Terminated {
            return None;
        }
        let mut cpu_time = block.cpu_time;
        if index == self.current as usize {
            cpu_time += now - self.switched_at;
        }
        Some(ThreadInformation {
            id: self.thread_id(index as u32),
            name: block.name,
            state: block.state,
            priority: (index != IDLE as usize).then_some(block.base),
            cpu_time,
            switches: block.switches,
        })
    }

    /// The size of the table of threads.
    pub(crate) fn thread_slots(&self) -> usize {
        self.threads.len()
    }
}
