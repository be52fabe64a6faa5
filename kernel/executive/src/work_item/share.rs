//! The share of the time that a worker may take.

use crate::limits::Limits;
use crate::time::{Duration, Instant};

/// How much of the present window a worker has run.
pub(super) struct Share {
    window: Duration,
    limit: Duration,
    window_start: Instant,
    used: Duration,
    /// Up to when `used` counts.
    counted: Instant,
}

impl Share {
    /// For a worker that begins to run.
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            window: limits.worker_window,
            limit: limits.worker_window_share,
            window_start: now,
            used: Duration::ZERO,
            counted: now,
        }
    }

    /// Counts the time since the last call as the worker's, interrupts and DPCs
    /// included; whether that is its share of the window, which then ends.
    pub(super) fn is_used_up(&mut self, now: Instant) -> bool {
        self.used += now - self.counted;
        self.counted = now;
        let is_used_up = self.used >= self.limit;
        if is_used_up || now - self.window_start >= self.window {
            self.window_start = now;
            self.used = Duration::ZERO;
        }
        is_used_up
    }

    /// The worker runs again after it has waited.
    pub(super) fn resume(&mut self, now: Instant) {
        self.counted = now;
    }
}

#[cfg(test)]
mod tests {
    use super::Share;
    use crate::limits::Limits;
    use crate::time::Instant;

    #[test]
    fn only_time_that_the_worker_runs_is_counted_and_each_window_anew() {
        let at = Instant::from_millis;
        let mut share = Share::new(&Limits::default(), at(0));
        assert!(!share.is_used_up(at(7)));
        share.resume(at(9));
        assert!(share.is_used_up(at(10)), "8 ms of 10");
        assert!(!share.is_used_up(at(17)), "7 ms of a new window");
        share.resume(at(20));
        assert!(!share.is_used_up(at(20)), "that window is over");
        assert!(!share.is_used_up(at(27)));
        assert!(share.is_used_up(at(28)));
    }
}
