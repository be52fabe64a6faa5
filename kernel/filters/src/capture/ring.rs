//! A ring of records of different sizes in a fixed piece of memory.
//!
//! A record is a header and the packet's first bytes, in one piece; one that does not fit in front
//! of the memory's end begins at its start.

use alloc::boxed::Box;
use alloc::vec;

use executive::Instant;
use ndis::Packet;

use crate::Direction;

/// Bytes of a record's header.
pub(super) const HEADER_LENGTH: usize = 16;

/// The bit of the original length that tells the direction.
const OUT: u32 = 0x8000_0000;

/// A packet as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<'a> {
    /// When it passed.
    pub time: Instant,
    /// Which way it went.
    pub direction: Direction,
    /// Bytes it had on the wire, the link-layer header included.
    pub length: usize,
    /// The first of them.
    pub bytes: &'a [u8],
}

/// Where a reader of the ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Number of the next record.
    pub(super) number: u64,
    offset: usize,
}

/// The ring. Its memory is allocated once.
pub(super) struct Ring {
    memory: Box<[u8]>,
    /// Where the oldest record begins.
    head: usize,
    /// Where the next record begins, if it fits.
    tail: usize,
    /// Where the records that are not at the start of the memory end, while `is_wrapped`.
    end: usize,
    /// Whether the newest record is in front of the oldest.
    is_wrapped: bool,
    /// Number of the oldest record.
    first: u64,
    /// Number of the next record.
    next: u64,
    bytes: usize,
}

impl Ring {
    /// A ring of `size` bytes. Allocates.
    pub(super) fn new(size: usize) -> Self {
        Self {
            memory: vec![0; size].into(),
            head: 0,
            tail: 0,
            end: 0,
            is_wrapped: false,
            first: 0,
            next: 0,
            bytes: 0,
        }
    }

    /// Records in the ring.
    pub(super) fn len(&self) -> usize {
        (self.next - self.first) as usize
    }

    /// Whether there is no record.
    pub(super) fn is_empty(&self) -> bool {
        self.first == self.next
    }

    /// Bytes of the records, their headers included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        self.memory.len()
    }

    /// Where the oldest record is.
    pub(super) fn start(&self) -> Position {
        Position {
            number: self.first,
            offset: self.head,
        }
    }

    /// Number of the next record to come.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// Forgets every record.
    pub(super) fn clear(&mut self) {
        self.first = self.next;
        self.forget_places();
    }

    fn forget_places(&mut self) {
        (self.head, self.tail, self.end, self.bytes) = (0, 0, 0, 0);
        self.is_wrapped = false;
    }

    /// Stores the first `snap_length` bytes of a packet if there is room.
    pub(super) fn push(
        &mut self,
        time: Instant,
        direction: Direction,
        packet: &Packet,
        snap_length: usize,
    ) -> bool {
        let captured = packet.len().min(snap_length);
        let size = HEADER_LENGTH + captured;
        let Some(offset) = self.place(size) else {
            return false;
        };
        let length = packet.len() as u32
            | match direction {
                Direction::Out => OUT,
                Direction::In => 0,
            };
        let header = [
            &time.as_micros().to_le_bytes()[..],
            &length.to_le_bytes(),
            &(captured as u32).to_le_bytes(),
        ];
        let Some(mut space) = self.memory.get_mut(offset..offset + size) else {
            return false;
        };
        for field in header {
            let Some((place, rest)) = space.split_at_mut_checked(field.len()) else {
                return false;
            };
            place.copy_from_slice(field);
            space = rest;
        }
        packet.copy_to(0, space);
        self.tail = offset + size;
        self.next += 1;
        self.bytes += size;
        true
    }

    /// Finds room for a record.
    fn place(&mut self, size: usize) -> Option<usize> {
        if self.is_wrapped {
            return (self.head - self.tail >= size).then_some(self.tail);
        }
        if self.memory.len() - self.tail >= size {
            return Some(self.tail);
        }
        if self.head < size {
            return None;
        }
        self.end = self.tail;
        self.is_wrapped = true;
        Some(0)
    }

    /// Removes the oldest record; false if there is none.
    pub(super) fn pop(&mut self) -> bool {
        let Some((_, behind)) = self.record_at(self.start()) else {
            return false;
        };
        self.bytes -= behind.offset - self.head;
        self.first += 1;
        self.head = behind.offset;
        if self.is_wrapped && self.head == self.end {
            self.head = 0;
            self.is_wrapped = false;
        }
        if self.is_empty() {
            self.forget_places();
        }
        true
    }

    /// The record at `position`, or the oldest one if that is overwritten; and the position
    /// behind it. `None` at the end.
    pub(super) fn read(&self, position: Position) -> Option<(Captured<'_>, Position)> {
        if position.number <= self.first {
            return self.record_at(self.start());
        }
        self.record_at(position)
    }

    fn record_at(&self, position: Position) -> Option<(Captured<'_>, Position)> {
        if position.number >= self.next {
            return None;
        }
        let offset = if self.is_wrapped && position.offset == self.end {
            0
        } else {
            position.offset
        };
        let (header, rest) = self
            .memory
            .get(offset..)?
            .split_first_chunk::<HEADER_LENGTH>()?;
        let (time, rest_of_header) = header.split_first_chunk()?;
        let (length, rest_of_header) = rest_of_header.split_first_chunk()?;
        let length = u32::from_le_bytes(*length);
        let captured = u32::from_le_bytes(*rest_of_header.first_chunk()?) as usize;
        let record = Captured {
            time: Instant::from_micros(u64::from_le_bytes(*time)),
            direction: if length & OUT == 0 {
                Direction::In
            } else {
                Direction::Out
            },
            length: (length & !OUT) as usize,
            bytes: rest.get(..captured)?,
        };
        let behind = Position {
            number: position.number + 1,
            offset: offset + HEADER_LENGTH + captured,
        };
        Some((record, behind))
    }

    /// Every record, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Captured<'_>> {
        let mut position = self.start();
        core::iter::from_fn(move || {
            let (record, behind) = self.read(position)?;
            position = behind;
            Some(record)
        })
    }
}
