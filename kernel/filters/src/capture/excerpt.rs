//! The start of a packet, copied out, to be decoded with no lock held.

use core::fmt;

use executive::Instant;

use super::Captured;
use crate::Direction;
use crate::decode::Summary;

/// Bytes of a packet in an excerpt: every header with options, and what tells of its data.
pub const EXCERPT_LENGTH: usize = 192;

/// A captured packet's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// When it passed.
    pub time: Instant,
    /// Which way it went.
    pub direction: Direction,
    /// Bytes it had on the wire, the link-layer header included.
    pub length: usize,
    captured: usize,
    bytes: [u8; EXCERPT_LENGTH],
}

impl Excerpt {
    /// The excerpt of a packet.
    pub fn of(packet: &Captured<'_>) -> Self {
        let mut bytes = [0; EXCERPT_LENGTH];
        let captured = packet.bytes.len().min(EXCERPT_LENGTH);
        if let (Some(to), Some(from)) = (bytes.get_mut(..captured), packet.bytes.get(..captured)) {
            to.copy_from_slice(from);
        }
        Self {
            time: packet.time,
            direction: packet.direction,
            length: packet.length,
            captured,
            bytes,
        }
    }

    /// The first bytes of it.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.captured).unwrap_or_default()
    }
}

/// One line, tcpdump's way: time, direction, and what the packet is.
impl fmt::Display for Excerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packet = Captured {
            time: self.time,
            direction: self.direction,
            length: self.length,
            bytes: self.bytes(),
        };
        fmt::Display::fmt(&packet, formatter)
    }
}

/// One line, tcpdump's way: time, direction, and what the packet is.
impl fmt::Display for Captured<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Out => "Out",
            Direction::In => "In ",
        };
        let summary = Summary {
            bytes: self.bytes,
            length: self.length,
        };
        write!(formatter, "{} {direction} {summary}", self.time)
    }
}
