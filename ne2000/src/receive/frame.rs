//! A received frame in the card's memory.

use super::guard::Guard;
use crate::bus::RegisterBus;
use crate::memory::CardMemory;
use crate::ring::{FRAME_HEADER_SIZE, MINIMUM_FRAME, Ring};
use crate::transmit::ETHERNET_HEADER_SIZE;

/// The card has written over the frame while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overwritten;

/// A received frame, still in the card's memory but for its first 60 bytes.
#[derive(Debug)]
pub struct ReceivedFrame<'f, B> {
    pub(super) memory: &'f mut CardMemory<B>,
    pub(super) guard: &'f mut Guard,
    pub(super) ring: Ring,
    pub(super) page: u8,
    pub(super) length: usize,
    pub(super) first: &'f [u8; MINIMUM_FRAME],
    pub(super) overwritten: bool,
}

impl<'f, B: RegisterBus> ReceivedFrame<'f, B> {
    /// The Ethernet header.
    pub fn header(&self) -> &'f [u8] {
        self.first.split_at(ETHERNET_HEADER_SIZE).0
    }

    /// The first [`LOOKAHEAD_SIZE`](super::LOOKAHEAD_SIZE) bytes of the payload;
    /// all of it if the frame is 60 bytes long. That of a longer frame is known
    /// to be whole when more of the frame was read.
    pub fn lookahead(&self) -> &'f [u8] {
        self.first.split_at(ETHERNET_HEADER_SIZE).1
    }

    /// Header and lookahead together.
    pub const fn first_bytes(&self) -> &'f [u8; MINIMUM_FRAME] {
        self.first
    }

    /// Bytes of the frame, header included, checksum excluded.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Bytes of the frame after its header.
    pub const fn payload_size(&self) -> usize {
        self.length - ETHERNET_HEADER_SIZE
    }

    /// Copies payload from `payload_offset` on, and returns how many bytes there
    /// were: fewer than `buffer` holds at the payload's end. What the lookahead
    /// has isn't read from the card again.
    ///
    /// # Errors
    /// The card has lapped its ring: neither these bytes nor the lookahead can
    /// be relied on.
    #[inline(always)]
    pub fn read_payload(
        &mut self,
        payload_offset: usize,
        buffer: &mut [u8],
    ) -> Result<usize, Overwritten> {
        let available = self.payload_size().saturating_sub(payload_offset);
        let (buffer, _) = buffer.split_at_mut(buffer.len().min(available));
        let total = buffer.len();
        let known = self.lookahead().get(payload_offset..).unwrap_or_default();
        let (known, _) = known.split_at(known.len().min(total));
        let (front, rest) = buffer.split_at_mut(known.len());
        if !known.is_empty() {
            front.copy_from_slice(known);
        }
        if self.length > MINIMUM_FRAME {
            self.read_rest(payload_offset + known.len(), rest)?;
        }
        Ok(total)
    }

    #[inline(always)]
    fn read_rest(&mut self, payload_offset: usize, rest: &mut [u8]) -> Result<(), Overwritten> {
        let offset = FRAME_HEADER_SIZE + ETHERNET_HEADER_SIZE + payload_offset;
        let address = self.ring.address(self.page, offset);
        if rest.len() <= self.ring.bytes_to_end(address) {
            self.memory.read(address, rest);
        } else {
            self.read_around(offset, rest);
        }
        self.overwritten |= !self.guard.is_intact(self.memory);
        if self.overwritten {
            return Err(Overwritten);
        }
        Ok(())
    }

    /// Reads from `offset` into the frame, which goes on at the ring's start.
    #[cold]
    fn read_around(&mut self, mut offset: usize, mut rest: &mut [u8]) {
        while !rest.is_empty() {
            let address = self.ring.address(self.page, offset);
            let chunk = rest.len().min(self.ring.bytes_to_end(address));
            let (part, tail) = rest.split_at_mut(chunk);
            self.memory.read(address, part);
            offset += chunk;
            rest = tail;
        }
    }
}
