//! How often rejected frames are answered.

use executive::{Duration, Instant};

/// One answer so often on the average: 100 a second.
const INTERVAL: Duration = Duration::from_millis(10);

/// Answers that may follow each other at once.
const BURST: u64 = 20;

/// A limit on answers, so that a flood of rejected frames does not become a flood of answers (RFC
/// 1812 section 4.3.2.8). It is the virtual scheduling algorithm of ITU-T I.371.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerRate {
    /// When the next answer would be on time if they came evenly.
    next: Instant,
}

impl AnswerRate {
    /// Whether there may be an answer now; it counts then.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.next - now > INTERVAL * (BURST - 1) {
            return false;
        }
        self.next = self.next.max(now) + INTERVAL;
        true
    }
}

#[cfg(test)]
mod tests {
    use executive::{Duration, Instant};

    use super::AnswerRate;

    #[test]
    fn gives_the_burst_and_then_the_rate() {
        let mut rate = AnswerRate::default();
        let mut now = Instant::from_secs(1);
        assert_eq!((0..50).filter(|_| rate.take(now)).count(), 20);
        now += Duration::from_millis(35);
        assert_eq!((0..50).filter(|_| rate.take(now)).count(), 3);
        now += Duration::from_millis(5);
        assert_eq!((0..50).filter(|_| rate.take(now)).count(), 1);
        now += Duration::from_secs(1_000_000);
        assert_eq!((0..50).filter(|_| rate.take(now)).count(), 20);
    }
}
