//! Output that waits for a UART's transmitter.

use executive::{Duration, Instant};
use heapless::Deque;

/// How long the transmitter may take nothing before it is taken for stuck. Sending a full
/// FIFO takes 1.4 ms at 115200 baud; on a virtual machine whoever reads the port's other
/// end may be late.
const SILENCE: Duration = Duration::from_millis(500);

/// Bytes on their way to a transmitter that takes some of them at a time, so that no
/// writer has to wait for it.
#[derive(Debug)]
pub struct OutputQueue<const SIZE: usize> {
    bytes: Deque<u8, SIZE>,
    /// When the transmitter last took something, or the queue was last empty.
    progress: Instant,
}

impl<const SIZE: usize> Default for OutputQueue<SIZE> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SIZE: usize> OutputQueue<SIZE> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            bytes: Deque::new(),
            progress: Instant::ZERO,
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes there is room for.
    pub fn room(&self) -> usize {
        SIZE - self.bytes.len()
    }

    /// Takes as many bytes as there is room for, from the front; says how many.
    pub fn put(&mut self, bytes: &[u8], now: Instant) -> usize {
        if self.bytes.is_empty() {
            self.progress = now;
        }
        let taken = bytes.iter().take(self.room()).copied();
        taken.map(|byte| self.bytes.push_back(byte)).count()
    }

    /// Gives at most `most` bytes to `send`, which says how many it has taken, until it
    /// takes none or nothing is left.
    pub fn drain(&mut self, most: usize, now: Instant, mut send: impl FnMut(&[u8]) -> usize) {
        let mut left = most;
        while left > 0 {
            let (front, _) = self.bytes.as_slices();
            let front = front.get(..left).unwrap_or(front);
            let taken = if front.is_empty() { 0 } else { send(front) };
            if taken == 0 {
                return;
            }
            for _ in 0..taken {
                self.bytes.pop_front();
            }
            self.progress = now;
            left = left.saturating_sub(taken);
        }
    }

    /// Whether output waits and the transmitter has taken nothing for half a second. From
    /// then on it is not worth while to wait for room.
    pub fn is_stuck(&self, now: Instant) -> bool {
        !self.bytes.is_empty() && now.duration_since(self.progress) >= SILENCE
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use executive::{Duration, Instant};
    use proptest::prelude::*;

    use super::{OutputQueue, SILENCE};

    fn at(milliseconds: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(milliseconds)
    }

    proptest! {
        #[test]
        fn every_byte_taken_in_comes_out_once_and_in_order(
            steps in proptest::collection::vec((0..20_usize, 0..20_usize, 1..5_usize), 0..60)
        ) {
            let mut queue = OutputQueue::<32>::new();
            let (mut put, mut sent) = (Vec::new(), Vec::new());
            let mut next = 0_u8;
            for (length, most, fifo) in steps {
                let bytes: Vec<u8> = (0..length).map(|n| next.wrapping_add(n as u8)).collect();
                let room = queue.room();
                let taken = queue.put(&bytes, at(0));
                prop_assert_eq!(taken, length.min(room));
                put.extend_from_slice(&bytes[..taken]);
                next = next.wrapping_add(taken as u8);
                let before = sent.len();
                queue.drain(most, at(0), |bytes| {
                    let taken = bytes.len().min(fifo);
                    sent.extend_from_slice(&bytes[..taken]);
                    taken
                });
                prop_assert!(sent.len() - before <= most);
            }
            queue.drain(32, at(0), |bytes| {
                sent.extend_from_slice(bytes);
                bytes.len()
            });
            prop_assert!(queue.is_empty());
            prop_assert_eq!(put, sent);
        }
    }

    #[test]
    fn a_transmitter_is_stuck_after_half_a_second_without_taking_anything() {
        let mut queue = OutputQueue::<8>::new();
        assert!(!queue.is_stuck(at(10_000)), "nothing waits");
        queue.put(b"ab", at(1000));
        let end = at(1000) + SILENCE;
        assert!(!queue.is_stuck(end - Duration::from_micros(1)));
        assert!(queue.is_stuck(end));
        queue.put(b"c", end);
        assert!(queue.is_stuck(end), "more output is no progress");
        queue.drain(1, end, |_| 1);
        assert!(!queue.is_stuck(end), "it has taken a byte");
        queue.drain(8, end, |_| 0);
        assert!(queue.is_stuck(end + SILENCE));
    }
}
