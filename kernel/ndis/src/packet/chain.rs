//! Packets of several segments: chaining buffers, and what takes more than one of them.

use super::segment::Segment;
use super::{BUFFER_SIZE, Descriptor, HEADROOM, Packet};

/// A packet no longer than this is copied, not chained, by [`Packet::append_packet`]
/// when it fits: a segment of its own would cost a buffer of [`BUFFER_SIZE`] bytes.
const COPY_LIMIT: usize = 512;

impl Packet {
    /// Puts a buffer with room for `length` bytes in front of the chain.
    #[cold]
    pub(super) fn add_front_buffer(&mut self, length: usize) -> Option<()> {
        if length > BUFFER_SIZE {
            return None;
        }
        self.reserve(1)?;
        let buffer = self.pool()?.allocate_buffer()?;
        // At the buffer's end, so that still lower layers find headroom too.
        self.descriptor
            .segments
            .push_front(Segment::empty(buffer, BUFFER_SIZE))
            .ok()
    }

    pub(super) fn reserve(&mut self, segments: usize) -> Option<()> {
        let pool = self.pool()?;
        self.descriptor
            .segments
            .reserve(segments, || pool.tables().allocate())
            .then_some(())
    }

    /// Copies `bytes` behind the last ones, with new buffers chained as needed.
    ///
    /// `false`, with the packet as it was, when there are not enough buffers.
    pub fn append_slice(&mut self, bytes: &[u8]) -> bool {
        let before = self.len();
        let done = self.append_copy(bytes).is_some();
        if !done {
            self.truncate(before);
        }
        done
    }

    fn append_copy(&mut self, mut bytes: &[u8]) -> Option<()> {
        loop {
            let (here, rest) = bytes
                .split_at_checked(self.tailroom())
                .unwrap_or((bytes, &[]));
            if !here.is_empty() {
                self.append(here.len())?.copy_from_slice(here);
            }
            if rest.is_empty() {
                return Some(());
            }
            bytes = rest;
            self.reserve(1)?;
            let buffer = self.pool()?.allocate_buffer()?;
            self.descriptor
                .segments
                .push_back(Segment::empty(buffer, 0))
                .ok()?;
        }
    }

    /// Chains the bytes of `other` behind the last ones.
    ///
    /// A short packet is copied into the tailroom when it fits there; else its buffers are moved.
    ///
    /// # Errors
    /// `other` itself, when the chain has no room for its segments.
    pub fn append_packet(&mut self, mut other: Packet) -> Result<(), Packet> {
        if other.len() <= COPY_LIMIT.min(self.tailroom()) {
            for bytes in other.segments() {
                if let Some(space) = self.append(bytes.len()) {
                    space.copy_from_slice(bytes);
                }
            }
            return Ok(());
        }
        self.drop_empty_front();
        if self.reserve(other.descriptor.segments.len()).is_none() {
            return Err(other);
        }
        while let Some(segment) = other.descriptor.segments.pop_front() {
            let length = segment.len();
            if length != 0 && self.descriptor.segments.push_back(segment).is_ok() {
                self.descriptor.length += length;
            }
        }
        Ok(())
    }

    pub(super) fn trim_front_of_chain(&mut self, length: usize) {
        let mut left = length.min(self.len());
        self.descriptor.length -= left;
        while left > 0 {
            let Some(first) = self.descriptor.segments.first_mut() else {
                return;
            };
            left -= first.trim_front(left);
            self.drop_empty_front();
        }
    }

    /// Drops empty segments at the front, but not the last one there is: its buffer has room.
    pub(super) fn drop_empty_front(&mut self) {
        let segments = &mut self.descriptor.segments;
        while segments.len() > 1 && segments.first().is_some_and(Segment::is_empty) {
            let _ = segments.pop_front();
        }
    }

    pub(super) fn truncate_chain(&mut self, length: usize) {
        let Descriptor {
            length: now,
            segments,
            ..
        } = &mut *self.descriptor;
        while *now > length {
            let surplus = *now - length;
            let several = segments.len() > 1;
            let Some(last) = segments.last_mut() else {
                return;
            };
            let here = last.len();
            if here <= surplus && several {
                let _ = segments.pop_back();
                *now -= here;
            } else {
                last.truncate(here.saturating_sub(surplus));
                *now -= here.min(surplus);
                return;
            }
        }
    }

    pub(super) fn copy_chain_to(&self, offset: usize, destination: &mut [u8]) -> usize {
        let mut skip = offset;
        let mut copied = 0;
        for bytes in self.segments() {
            let here = bytes.get(skip..).unwrap_or_default();
            skip = skip.saturating_sub(bytes.len());
            let length = here.len().min(destination.len() - copied);
            if let (Some(to), Some(from)) = (
                destination.get_mut(copied..copied + length),
                here.get(..length),
            ) {
                to.copy_from_slice(from);
                copied += length;
            }
        }
        copied
    }

    pub(super) fn pull_up_by_copy(&mut self, length: usize) -> Option<()> {
        if length > self.len() || length > BUFFER_SIZE - HEADROOM {
            return None;
        }
        self.reserve(1)?;
        let mut front = Segment::empty(self.pool()?.allocate_buffer()?, HEADROOM);
        self.copy_to(0, front.extend_back(length)?);
        self.trim_front(length);
        self.descriptor.length += length;
        self.descriptor.segments.push_front(front).ok()
    }
}
