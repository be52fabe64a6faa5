//! Timer objects in the database.

use super::Database;
use super::waits::WaitResult;
use crate::time::{Duration, Instant};

/// What a timer does when it is due.
pub(super) struct TimerBlock {
    dpc: u32,
    /// Zero for a timer that fires once.
    period: Duration,
}

/// What was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// A thread's wait has timed out; the thread is ready.
    Wait,
    /// A timer's DPC, by its index, is to be queued.
    Timer(u32),
}

impl Database {
    /// Makes a timer that queues a DPC; `None` when the table is full.
    pub(crate) fn create_timer(&mut self, dpc: u32) -> Option<u32> {
        if self.timers.len() == self.timer_limit {
            return None;
        }
        self.timers.push(TimerBlock {
            dpc,
            period: Duration::ZERO,
        });
        Some(self.timers.len() as u32 - 1)
    }

    /// Arms a timer, anew if it was armed; answers whether it was.
    pub(crate) fn arm_timer(&mut self, timer: u32, due: Instant, period: Duration) -> bool {
        let place = self.heap_index(timer);
        let was_armed = self.heap.remove(place);
        self.timers[timer as usize].period = period;
        self.heap.insert(place, due);
        was_armed
    }

    /// Disarms a timer; answers whether it was armed.
    pub(crate) fn cancel_timer(&mut self, timer: u32) -> bool {
        let place = self.heap_index(timer);
        self.heap.remove(place)
    }

    /// Takes what is due first, if it is due at `now`.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Expired> {
        let (place, due) = self.heap.pop_due(now)?;
        let Some(timer) = (place as usize).checked_sub(self.threads.len()) else {
            self.end_wait(place, WaitResult::TimedOut, 0);
            return Some(Expired::Wait);
        };
        let &TimerBlock { dpc, period } = &self.timers[timer];
        if !period.is_zero() {
            self.heap.insert(place, next_period(due, period, now));
        }
        Some(Expired::Timer(dpc))
    }

    /// Timers stand in the heap behind the threads' timeouts.
    fn heap_index(&self, timer: u32) -> u32 {
        timer + self.threads.len() as u32
    }
}

/// The first multiple of the period after `due` that is in the future: a
/// machine that was busy for several periods gets one expiry, not a burst.
fn next_period(due: Instant, period: Duration, now: Instant) -> Instant {
    let periods = (now - due).as_micros() / period.as_micros() + 1;
    due + period * periods
}
