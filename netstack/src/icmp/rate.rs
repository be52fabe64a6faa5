//! A token bucket, which limits how often something happens (RFC 1812 section
//! 4.3.2.8).

use executive::time::Instant;

const MICROS_PER_TOKEN_AT_ONE_PER_SECOND: u64 = 1_000_000;

pub(super) struct TokenBucket {
    per_second: u64,
    /// In millionths of a token.
    capacity: u64,
    level: u64,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens, which gets `per_second` new ones.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        let capacity = u64::from(burst) * MICROS_PER_TOKEN_AT_ONE_PER_SECOND;
        Self {
            per_second: u64::from(per_second),
            capacity,
            level: capacity,
            filled: Instant::ZERO,
        }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.duration_since(self.filled).as_micros();
        self.filled = self.filled.max(now);
        self.level = self
            .level
            .saturating_add(elapsed.saturating_mul(self.per_second))
            .min(self.capacity);
        match self.level.checked_sub(MICROS_PER_TOKEN_AT_ONE_PER_SECOND) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TokenBucket;
    use executive::time::{Duration, Instant};

    #[test]
    fn gives_the_burst_and_then_the_rate() {
        let mut bucket = TokenBucket::new(100, 20);
        let mut now = Instant::from_secs(1);
        assert_eq!((0..50).filter(|_| bucket.take(now)).count(), 20);
        now += Duration::from_millis(35);
        assert_eq!((0..50).filter(|_| bucket.take(now)).count(), 3);
        now += Duration::from_millis(5);
        assert_eq!((0..50).filter(|_| bucket.take(now)).count(), 1);
        now += Duration::from_secs(1_000_000);
        assert_eq!((0..50).filter(|_| bucket.take(now)).count(), 20);
    }
}
