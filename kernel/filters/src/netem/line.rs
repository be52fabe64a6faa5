//! A line of limited rate: one packet leaves after another, each for as long as its bytes take.

use core::num::NonZeroU64;

use executive::{Duration, Instant};

const MICROS_PER_SECOND: u64 = 1_000_000;

/// When the line is free again, exact to a fraction of a microsecond, so that rounding does not
/// add up: over any time without a gap it carries `rate` bytes a second, not one more or less.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// When the last packet's last byte has left, rounded down.
    free_at: Instant,
    /// What was rounded away, in units of a microsecond divided by `rate`.
    remainder: u64,
    /// The rate that `remainder` is meant for.
    rate: u64,
}

impl Line {
    /// Puts `length` bytes on the line at `ready` or when it is free; returns when they have left.
    pub(super) fn transmit(&mut self, length: usize, rate: NonZeroU64, ready: Instant) -> Instant {
        if ready > self.free_at {
            self.free_at = ready;
            self.remainder = 0;
        }
        if self.rate != rate.get() {
            self.rate = rate.get();
            self.remainder = 0;
        }
        let work = (length as u64)
            .saturating_mul(MICROS_PER_SECOND)
            .saturating_add(self.remainder);
        self.free_at += Duration::from_micros(work / rate);
        self.remainder = work % rate;
        // A packet has left when its last byte has: a fraction counts as a whole microsecond.
        self.free_at + Duration::from_micros(u64::from(self.remainder != 0))
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;
    use std::vec::Vec;

    use executive::{Duration, Instant};

    use super::Line;

    fn rate(bytes_per_second: u64) -> NonZeroU64 {
        NonZeroU64::new(bytes_per_second).expect("a rate")
    }

    #[test]
    fn rounding_does_not_add_up() {
        let mut line = Line::default();
        let start = Instant::from_secs(1);
        // 1,000 bytes at 3 bytes a microsecond: 333 and a third of a microsecond each.
        let ends: Vec<u64> = (0..4)
            .map(|_| line.transmit(1000, rate(3_000_000), start))
            .map(|end| (end - start).as_micros())
            .collect();
        assert_eq!(ends, [334, 667, 1000, 1334]);
        for _ in 4..3000 {
            line.transmit(1000, rate(3_000_000), start);
        }
        let end = line.transmit(3, rate(3_000_000), start);
        assert_eq!(end - start, Duration::from_micros(1_000_001));
    }

    #[test]
    fn an_idle_line_saves_nothing_up() {
        let mut line = Line::default();
        line.transmit(100, rate(1_000_000), Instant::from_secs(1));
        let later = Instant::from_secs(9);
        let end = line.transmit(100, rate(1_000_000), later);
        assert_eq!(end - later, Duration::from_micros(100));
    }

    #[test]
    fn the_slowest_line_does_not_overflow() {
        let mut line = Line::default();
        line.transmit(usize::MAX, rate(1), Instant::MAX);
        assert_eq!(line.transmit(1, rate(1), Instant::ZERO), Instant::MAX);
    }
}
