//! Output that waits for a UART's transmitter.

use executive::{Duration, Instant};
use heapless::Deque;

/// How long the transmitter may take nothing before it is taken for stuck. Sending a full
/// FIFO takes 1.4 ms at 115200 baud; on a virtual machine whoever reads the port's other
/// end may be late.
const SILENCE: Duration = Duration::from_millis(500);

/// How much of the time between two looks at the transmitter counts as its silence. The
/// clock's interrupt looks every millisecond; a longer time is one in which a virtual
/// machine did not run, and then the transmitter and its reader may not have run either.
const LONGEST_LOOK: Duration = Duration::from_millis(2);

/// Bytes on their way to a transmitter that takes some of them at a time, so that no
/// writer has to wait for it.
#[derive(Debug)]
pub struct OutputQueue<const SIZE: usize> {
    bytes: Deque<u8, SIZE>,
    /// How long the transmitter has taken nothing although something waited.
    silence: Duration,
    /// Up to when `silence` counts.
    looked: Instant,
    /// Whether output was given up since the queue was last empty.
    has_gap: bool,
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
            silence: Duration::ZERO,
            looked: Instant::ZERO,
            has_gap: false,
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
            self.end_silence(now);
        }
        let taken = bytes.iter().take(self.room()).copied();
        taken.map(|byte| self.bytes.push_back(byte)).count()
    }

    /// Gives at most `most` bytes to `send`, which says how many it has taken, until it
    /// takes none or nothing is left.
    pub fn drain(&mut self, most: usize, now: Instant, mut send: impl FnMut(&[u8]) -> usize) {
        let mut left = most;
        while left > 0 && !self.bytes.is_empty() {
            let (front, _) = self.bytes.as_slices();
            let taken = send(front.get(..left).unwrap_or(front));
            if taken == 0 {
                self.count_silence(now);
                return;
            }
            for _ in 0..taken {
                self.bytes.pop_front();
            }
            self.end_silence(now);
            left = left.saturating_sub(taken);
        }
    }

    /// Whether output waits and the transmitter has taken nothing for half a second in
    /// which the machine ran. From then on it is not worth while to wait for room.
    pub fn is_stuck(&self) -> bool {
        !self.bytes.is_empty() && self.silence >= SILENCE
    }

    /// Notes that output was given up behind what waits.
    pub fn note_gap(&mut self) {
        self.has_gap = true;
    }

    /// Whether output was given up and all that was taken in has been sent, so that there is
    /// room again; asking resets it.
    pub fn take_gap(&mut self) -> bool {
        self.bytes.is_empty() && core::mem::take(&mut self.has_gap)
    }

    fn count_silence(&mut self, now: Instant) {
        self.silence += now.duration_since(self.looked).min(LONGEST_LOOK);
        self.looked = now;
    }

    fn end_silence(&mut self, now: Instant) {
        self.silence = Duration::ZERO;
        self.looked = now;
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use executive::{Duration, Instant};
    use proptest::prelude::*;

    use super::OutputQueue;

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

    /// Looks at a transmitter that takes nothing once a millisecond, up to `until`.
    fn refuse(queue: &mut OutputQueue<8>, from: u64, until: u64) {
        for time in from..=until {
            queue.drain(8, at(time), |_| 0);
        }
    }

    #[test]
    fn a_transmitter_is_stuck_after_half_a_second_without_taking_anything() {
        let mut queue = OutputQueue::<8>::new();
        refuse(&mut queue, 0, 1000);
        assert!(!queue.is_stuck(), "nothing waits");
        queue.put(b"ab", at(1000));
        refuse(&mut queue, 1001, 1499);
        assert!(!queue.is_stuck());
        refuse(&mut queue, 1500, 1500);
        assert!(queue.is_stuck());
        queue.put(b"c", at(1500));
        assert!(queue.is_stuck(), "more output is no progress");
        queue.drain(1, at(1500), |_| 1);
        assert!(!queue.is_stuck(), "it has taken a byte");
        refuse(&mut queue, 1501, 2000);
        assert!(queue.is_stuck());
    }

    #[test]
    fn while_the_machine_does_not_run_the_transmitter_is_not_stuck() {
        let mut queue = OutputQueue::<8>::new();
        queue.put(b"ab", at(0));
        // Stopped for a minute.
        refuse(&mut queue, 60_000, 60_000);
        assert!(!queue.is_stuck());
        // Run for a millisecond of ten.
        for turn in 1..100 {
            refuse(&mut queue, 60_000 + 10 * turn, 60_000 + 10 * turn);
        }
        assert!(!queue.is_stuck());
        refuse(&mut queue, 61_000, 61_500);
        assert!(queue.is_stuck(), "it runs, and nothing is taken");
    }

    #[test]
    fn a_gap_is_told_once_and_when_there_is_room_again() {
        let mut queue = OutputQueue::<8>::new();
        assert!(!queue.take_gap());
        queue.put(b"abcd", at(0));
        queue.note_gap();
        assert!(!queue.take_gap(), "what was taken in still waits");
        queue.drain(3, at(1), <[u8]>::len);
        assert!(!queue.take_gap());
        queue.drain(8, at(1), <[u8]>::len);
        assert!(queue.take_gap());
        assert!(!queue.take_gap(), "once");
        queue.put(b"e", at(2));
        queue.drain(8, at(2), <[u8]>::len);
        assert!(!queue.take_gap(), "nothing is missing here");
    }
}
