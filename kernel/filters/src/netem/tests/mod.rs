//! Netem against a recorder with a clock of its own.

mod chance;
mod script;
mod settings;
mod time;

use std::vec::Vec;

use executive::{Duration, Instant};
use ndis::PacketPool;

use super::{DirectionCounters, Netem};
use crate::Direction;
use crate::intermediate::testing::Recorder;

/// A netem and the two ends it is between.
struct Bench {
    netem: Netem,
    recorder: Recorder,
    start: Instant,
}

impl Bench {
    fn with_pool(settings: &str, pool: &'static PacketPool) -> Self {
        let mut netem = Netem::new();
        netem.set(settings).expect("settings");
        let recorder = Recorder::new(pool);
        let start = Instant::from_secs(1);
        Self {
            netem,
            recorder,
            start,
        }
    }

    fn new(settings: &str) -> Self {
        Self::with_pool(settings, PacketPool::new(1024, 1024))
    }

    fn set(&mut self, settings: &str) {
        self.netem.set(settings).expect("settings");
    }

    fn send(&mut self, bytes: &[u8]) {
        self.give(Direction::Out, bytes);
    }

    fn give(&mut self, direction: Direction, bytes: &[u8]) {
        self.recorder.give(&mut self.netem, direction, bytes);
    }

    /// Sends numbered frames of 60 bytes.
    fn send_numbered(&mut self, numbers: core::ops::Range<u32>) {
        for number in numbers {
            self.send(&numbered(number));
        }
    }

    /// Moves the clock to so many microseconds after the start.
    fn run_until(&mut self, micros: u64) {
        let until = self.start + Duration::from_micros(micros);
        self.recorder.run_until(&mut self.netem, until);
    }

    /// What has come out: microseconds after the start, and the frame's number.
    fn numbers(&mut self) -> Vec<(u64, u32)> {
        let taken = self.recorder.take();
        taken
            .into_iter()
            .map(|(when, _, bytes)| ((when - self.start).as_micros(), number_of(&bytes)))
            .collect()
    }

    /// The frames that have come out.
    fn frames(&mut self) -> Vec<Vec<u8>> {
        let taken = self.recorder.take();
        taken.into_iter().map(|(_, _, bytes)| bytes).collect()
    }

    fn counters(&self) -> DirectionCounters {
        *self.netem.direction_counters(Direction::Out)
    }

    /// Asserts that every packet is accounted for.
    fn assert_accounted(&self) {
        for direction in [Direction::Out, Direction::In] {
            let counters = self.netem.direction_counters(direction);
            assert_eq!(
                counters.taken + counters.duplicated,
                counters.passed
                    + counters.lost
                    + counters.over_limit
                    + counters.pool_short
                    + self.netem.held(direction) as u64,
                "{direction}: {counters:?}"
            );
        }
    }
}

/// A frame of 60 bytes with a number.
fn numbered(number: u32) -> [u8; 60] {
    let mut frame = [0; 60];
    frame[..4].copy_from_slice(&number.to_be_bytes());
    frame
}

/// The number of such a frame.
fn number_of(frame: &[u8]) -> u32 {
    u32::from_be_bytes(*frame.first_chunk().expect("a numbered frame"))
}
