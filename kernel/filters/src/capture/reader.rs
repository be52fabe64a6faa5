//! Reading the store packet by packet while it goes on.

use super::ring::{Captured, Position};
use super::{Capture, Excerpt};

/// How far a reader of the store is: the packets that were stored when it began.
///
/// It borrows nothing, so the capture can go on between two packets; one that is overwritten
/// meanwhile is left out and counted.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    position: Position,
    /// Number of the first packet that is not read.
    until: u64,
    lost: u64,
}

impl Reader {
    /// Begins with the oldest packet.
    pub fn new(capture: &Capture) -> Self {
        Self {
            position: capture.store.start(),
            until: capture.store.next_number(),
            lost: 0,
        }
    }

    /// Begins with the last `count` packets. Goes through the others.
    pub fn last(capture: &Capture, count: usize) -> Self {
        let mut reader = Self::new(capture);
        for _ in count..capture.store.len() {
            if let Some((_, behind)) = reader.peek(capture) {
                reader.position = behind;
            }
        }
        reader
    }

    /// Packets overwritten before they were read.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The next packet's first bytes.
    pub fn next(&mut self, capture: &Capture) -> Option<Excerpt> {
        let (packet, behind) = self.peek(capture)?;
        self.position = behind;
        Some(Excerpt::of(&packet))
    }

    /// The next packet and the position behind it, those that were overwritten left out.
    pub(super) fn peek<'a>(&mut self, capture: &'a Capture) -> Option<(Captured<'a>, Position)> {
        let start = capture.store.start();
        let first = start.number.min(self.until);
        self.lost += first.saturating_sub(self.position.number);
        if self.position.number < first {
            self.position = start;
        }
        (self.position.number < self.until)
            .then(|| capture.store.read(self.position))
            .flatten()
    }

    /// Goes on behind a packet that was looked at.
    pub(super) fn pass(&mut self, behind: Position) {
        self.position = behind;
    }
}
