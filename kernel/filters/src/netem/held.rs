//! The packets that wait for their time.

use alloc::collections::BinaryHeap;
use core::cmp::{Ordering, Reverse};

use executive::Instant;
use ndis::Packet;

use super::MAXIMUM_HELD;
use crate::Direction;

/// A packet and when it goes on.
struct Entry {
    due: Instant,
    /// Those due at the same time go in the order in which they came.
    sequence: u64,
    direction: Direction,
    packet: Packet,
}

impl Entry {
    const fn key(&self) -> (Instant, u64) {
        (self.due, self.sequence)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A heap with room for [`MAXIMUM_HELD`] packets of each direction, the earliest first.
pub(super) struct Held {
    entries: BinaryHeap<Reverse<Entry>>,
    outbound: usize,
    inbound: usize,
    sequence: u64,
}

impl Held {
    /// An empty heap. Allocates; nothing else here does.
    pub(super) fn new() -> Self {
        Self {
            entries: BinaryHeap::with_capacity(2 * MAXIMUM_HELD),
            outbound: 0,
            inbound: 0,
            sequence: 0,
        }
    }

    const fn count_mut(&mut self, direction: Direction) -> &mut usize {
        match direction {
            Direction::Out => &mut self.outbound,
            Direction::In => &mut self.inbound,
        }
    }

    /// Packets of one direction.
    pub(super) const fn count(&self, direction: Direction) -> usize {
        match direction {
            Direction::Out => self.outbound,
            Direction::In => self.inbound,
        }
    }

    /// Keeps a packet until `due`; given back when its direction has no room.
    pub(super) fn push(
        &mut self,
        direction: Direction,
        due: Instant,
        packet: Packet,
    ) -> Result<(), Packet> {
        let count = self.count_mut(direction);
        if *count >= MAXIMUM_HELD {
            return Err(packet);
        }
        *count += 1;
        self.sequence += 1;
        self.entries.push(Reverse(Entry {
            due,
            sequence: self.sequence,
            direction,
            packet,
        }));
        Ok(())
    }

    /// When the next packet goes on.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.entries.peek().map(|Reverse(entry)| entry.due)
    }

    /// The next packet, if it is due by `until`.
    pub(super) fn pop(&mut self, until: Instant) -> Option<(Direction, Packet)> {
        if self.next_due()? > until {
            return None;
        }
        let Reverse(entry) = self.entries.pop()?;
        *self.count_mut(entry.direction) -= 1;
        Some((entry.direction, entry.packet))
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
