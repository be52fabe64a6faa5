//! The dispatcher database: threads, dispatcher objects and timers, and the
//! decision which thread runs.
//!
//! It is plain data under one lock that is held with interrupts disabled, so
//! every operation is short: constant time, or logarithmic in the number of
//! timers. Signalling a notification event takes time for each waiter.

mod heap;
mod objects;
mod ready;
mod threads;
mod timers;
mod waits;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::limits::Limits;
use crate::thread::Priority;
use crate::time::Instant;
use heap::TimerHeap;
use objects::Objects;
pub(crate) use objects::{ObjectKind, ObjectName};
use ready::ReadyQueues;
pub(crate) use threads::Body;
use threads::ThreadBlock;
pub(crate) use timers::Expired;
use timers::TimerBlock;
use waits::WaitBlock;
pub(crate) use waits::WaitResult;

/// No index: the end of a list, or not in a list.
const NONE: u32 = u32::MAX;

/// The slot of the idle thread, which is never in a ready queue.
const IDLE: u32 = 0;

/// The most objects that a thread can wait for at one time.
pub const MAXIMUM_WAIT_OBJECTS: usize = 8;

/// See the module's description.
pub(crate) struct Database {
    threads: Box<[ThreadBlock]>,
    free_threads: Vec<u32>,
    ready: ReadyQueues,
    current: u32,
    /// When the running thread was switched to.
    switched_at: Instant,
    /// The running thread has used up its quantum, or yields.
    quantum_ended: bool,
    /// Another thread may have to run instead of the current one.
    reschedule: bool,
    quantum_ticks: u32,
    objects: Objects,
    /// [`MAXIMUM_WAIT_OBJECTS`] for each thread.
    waits: Box<[WaitBlock]>,
    /// The timeout of each thread's wait, then the timer objects.
    heap: TimerHeap,
    /// Has capacity for `timer_limit`.
    timers: Vec<TimerBlock>,
    timer_limit: usize,
}

/// From which thread to which the processor goes.
#[derive(Clone, Copy)]
pub(crate) struct Switch {
    pub(crate) from: crate::platform::ThreadId,
    pub(crate) to: crate::platform::ThreadId,
}

impl Database {
    /// The caller is the idle thread.
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        let threads = limits.threads.max(1);
        let mut blocks: Box<[ThreadBlock]> = (0..threads).map(|_| ThreadBlock::new()).collect();
        blocks[IDLE as usize].become_idle();
        Self {
            threads: blocks,
            free_threads: (1..threads as u32).rev().collect(),
            ready: ReadyQueues::new(threads),
            current: IDLE,
            switched_at: now,
            quantum_ended: false,
            reschedule: false,
            quantum_ticks: limits.quantum_ticks.max(1),
            objects: Objects::new(threads, limits.events),
            waits: (0..threads * MAXIMUM_WAIT_OBJECTS)
                .map(|_| WaitBlock::new())
                .collect(),
            heap: TimerHeap::new(threads + limits.timers),
            timers: Vec::with_capacity(limits.timers),
            timer_limit: limits.timers,
        }
    }

    /// Whether another thread may have to run; asking resets it.
    pub(crate) fn take_reschedule(&mut self) -> bool {
        core::mem::take(&mut self.reschedule)
    }

    /// When the first timer is due.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.heap.earliest()
    }

    /// Whether a thread could run if the current one did not.
    pub(crate) fn is_any_ready(&self) -> bool {
        self.ready.highest().is_some()
    }

    /// The priority of the running thread; `None` for the idle thread, which
    /// is below all.
    fn current_priority(&self) -> Option<Priority> {
        (self.current != IDLE).then(|| self.threads[self.current as usize].priority)
    }

    /// Makes a thread ready to run, at the end of its queue.
    fn make_ready(&mut self, thread: u32) {
        let block = &mut self.threads[thread as usize];
        block.state = crate::thread::ThreadState::Ready;
        block.quantum = self.quantum_ticks;
        let priority = block.priority;
        self.ready.push_back(thread, priority);
        if Some(priority) > self.current_priority() {
            self.reschedule = true;
        }
    }

    /// Chooses the thread to run instead of the current one, if there is one
    /// with more right to run.
    pub(crate) fn preempt(&mut self, now: Instant) -> Option<Switch> {
        let quantum_ended = core::mem::take(&mut self.quantum_ended);
        self.reschedule = false;
        let highest = self.ready.highest()?;
        if let Some(current) = self.current_priority() {
            if highest < current || highest == current && !quantum_ended {
                return None;
            }
            let block = &mut self.threads[self.current as usize];
            block.state = crate::thread::ThreadState::Ready;
            if quantum_ended {
                block.quantum = self.quantum_ticks;
                self.ready.push_back(self.current, current);
            } else {
                self.ready.push_front(self.current, current);
            }
        }
        Some(self.switch_away(now))
    }

    /// Takes the next ready thread, or the idle thread, as the current one.
    /// The caller has given the current one its new state.
    fn switch_away(&mut self, now: Instant) -> Switch {
        let from = self.current;
        let to = self.ready.pop().unwrap_or(IDLE);
        self.threads[from as usize].cpu_time += now - self.switched_at;
        self.switched_at = now;
        self.current = to;
        let block = &mut self.threads[to as usize];
        block.state = crate::thread::ThreadState::Running;
        block.switches += 1;
        Switch {
            from: self.thread_id(from),
            to: self.thread_id(to),
        }
    }

    /// One clock tick of the running thread's quantum.
    pub(crate) fn tick(&mut self) {
        if self.current == IDLE {
            return;
        }
        let block = &mut self.threads[self.current as usize];
        block.quantum = block.quantum.saturating_sub(1);
        if block.quantum == 0 {
            block.quantum = self.quantum_ticks;
            self.yield_current();
        }
    }

    /// The running thread's turn is over: it has its own priority again, and
    /// gives way to others of that.
    pub(crate) fn yield_current(&mut self) {
        self.threads[self.current as usize].boost(0);
        self.quantum_ended = true;
        self.reschedule = true;
    }
}
