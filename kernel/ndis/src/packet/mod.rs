//! Packets: owned chains of fixed-size buffers with headroom.
//!
//! A [`Packet`] is a handle to a descriptor; dropping it returns the descriptor
//! and those buffers that no other packet shares. Headers go in front of the
//! data without a copy, into the headroom or into a buffer of their own when
//! the data is shared (seed item 53).

mod pool;
mod segment;
mod sender;

use executive::pool::Pooled;
use executive::time::Instant;

pub use pool::{PacketPool, PacketPoolUsage};
use segment::{Segment, SegmentList};
pub(crate) use sender::{Sender, SenderStack};

/// Bytes in one buffer.
pub const BUFFER_SIZE: usize = 2048;

/// Headroom for every header in front of a payload: an Ethernet header (14), an
/// IPv4 header with options (60) and a TCP header with options (60), rounded up.
pub const HEADROOM: usize = 144;

/// A packet no longer than this is copied, not chained, by [`Packet::append_packet`]
/// when it fits: a segment of its own would cost a buffer of [`BUFFER_SIZE`] bytes.
const COPY_LIMIT: usize = 512;

/// What is known of a packet besides its bytes.
#[derive(Debug)]
pub struct PacketInfo {
    /// Number of the packet in the order of allocation, for traces; never used twice.
    pub id: u64,
    /// When the packet was received, or zero.
    pub timestamp: Instant,
    /// The bindings it is being sent through, the lowest last.
    pub(crate) senders: SenderStack,
}

/// The pooled part of a packet.
struct Descriptor {
    pool: Option<&'static PacketPool>,
    info: PacketInfo,
    /// Bytes in all segments together.
    length: usize,
    segments: SegmentList,
}

impl Descriptor {
    const fn new(_index: usize) -> Self {
        Self {
            pool: None,
            info: PacketInfo {
                id: 0,
                timestamp: Instant::from_micros(0),
                senders: SenderStack::new(),
            },
            length: 0,
            segments: SegmentList::new(),
        }
    }
}

/// An owned packet.
pub struct Packet {
    descriptor: Pooled<Descriptor>,
}

impl Packet {
    fn from_descriptor(
        mut descriptor: Pooled<Descriptor>,
        pool: &'static PacketPool,
        id: u64,
    ) -> Self {
        descriptor.pool = Some(pool);
        descriptor.length = 0;
        descriptor.info.id = id;
        descriptor.info.timestamp = Instant::from_micros(0);
        descriptor.info.senders.clear();
        Self { descriptor }
    }

    /// Gives a packet without a segment its first one.
    fn start_with(&mut self, segment: Segment) {
        self.descriptor.length += segment.len();
        // The list of a new packet is empty, so there is room.
        let _ = self.descriptor.segments.push_back(segment);
    }

    /// The pool the packet came from.
    fn pool(&self) -> Option<&'static PacketPool> {
        self.descriptor.pool
    }

    /// Bytes in the packet.
    pub fn len(&self) -> usize {
        self.descriptor.length
    }

    /// Whether the packet has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of the packet besides its bytes.
    pub fn info(&self) -> &PacketInfo {
        &self.descriptor.info
    }

    /// The same, for writing.
    pub fn info_mut(&mut self) -> &mut PacketInfo {
        &mut self.descriptor.info
    }

    /// The bytes of the first segment; all of the packet if [`Packet::is_contiguous`].
    pub fn data(&self) -> &[u8] {
        self.segments().next().unwrap_or_default()
    }

    /// The bytes of the first segment for writing; `None` while another packet shares its buffer.
    pub fn data_mut(&mut self) -> Option<&mut [u8]> {
        self.drop_empty_front();
        self.descriptor.segments.first_mut()?.bytes_mut()
    }

    /// The bytes in order, a slice for each segment, none of them empty.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.descriptor
            .segments
            .iter()
            .filter(|segment| !segment.is_empty())
            .map(Segment::bytes)
    }

    /// Whether the whole packet is in its first segment.
    pub fn is_contiguous(&self) -> bool {
        self.data().len() == self.len()
    }

    /// Bytes that [`Packet::prepend`] can give without a new buffer.
    pub fn headroom(&self) -> usize {
        self.descriptor
            .segments
            .first()
            .map_or(0, Segment::headroom)
    }

    /// Bytes that [`Packet::append`] can give.
    pub fn tailroom(&self) -> usize {
        self.descriptor.segments.last().map_or(0, Segment::tailroom)
    }

    /// Puts `length` bytes in front and returns them; their content is undefined.
    ///
    /// They lie in the headroom if there is enough and the buffer is not shared, else in a new
    /// buffer. `None` when that cannot be had, or `length` is more than [`BUFFER_SIZE`].
    pub fn prepend(&mut self, length: usize) -> Option<&mut [u8]> {
        if self.headroom() < length {
            self.add_front_buffer(length)?;
        }
        let Descriptor {
            length: now,
            segments,
            ..
        } = &mut *self.descriptor;
        let space = segments.first_mut()?.extend_front(length)?;
        *now += length;
        Some(space)
    }

    /// Puts a buffer with room for `length` bytes in front of the chain.
    fn add_front_buffer(&mut self, length: usize) -> Option<()> {
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

    fn reserve(&mut self, segments: usize) -> Option<()> {
        let pool = self.pool()?;
        self.descriptor
            .segments
            .reserve(segments, || pool.tables().allocate())
            .then_some(())
    }

    /// Puts `length` bytes behind the last ones and returns them; their content is undefined.
    ///
    /// `None` when [`Packet::tailroom`] is less than `length`.
    pub fn append(&mut self, length: usize) -> Option<&mut [u8]> {
        let Descriptor {
            length: now,
            segments,
            ..
        } = &mut *self.descriptor;
        let space = segments.last_mut()?.extend_back(length)?;
        *now += length;
        Some(space)
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

    /// Takes `length` bytes off the front, or all there are.
    pub fn trim_front(&mut self, length: usize) {
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
    fn drop_empty_front(&mut self) {
        let segments = &mut self.descriptor.segments;
        while segments.len() > 1 && segments.first().is_some_and(Segment::is_empty) {
            let _ = segments.pop_front();
        }
    }

    /// Keeps the first `length` bytes; the buffers of the others are returned.
    pub fn truncate(&mut self, length: usize) {
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

    /// Copies bytes from `offset` on into `destination`; returns how many there were.
    pub fn copy_to(&self, offset: usize, destination: &mut [u8]) -> usize {
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

    /// Makes the first `length` bytes contiguous, so that [`Packet::data`] has them.
    ///
    /// `false`, with the packet as it was, when the packet is shorter, `length` is more than
    /// [`BUFFER_SIZE`] less [`HEADROOM`], or no buffer can be had.
    pub fn pull_up(&mut self, length: usize) -> bool {
        self.data().len() >= length || self.pull_up_by_copy(length).is_some()
    }

    fn pull_up_by_copy(&mut self, length: usize) -> Option<()> {
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

    /// Another packet over the same buffers, which neither of the two can write while both live.
    ///
    /// `None` when no descriptor can be had. The new packet has an id of its own and the same
    /// time stamp.
    pub fn share(&self) -> Option<Packet> {
        self.share_range(0, self.len())
    }

    /// Another packet over `length` bytes from `offset` of the same buffers, or as many as there are.
    pub fn share_range(&self, offset: usize, length: usize) -> Option<Packet> {
        let mut shared = self.pool()?.allocate_descriptor()?;
        shared.info_mut().timestamp = self.info().timestamp;
        let (mut skip, mut left) = (offset, length);
        for segment in self.descriptor.segments.iter() {
            let part = segment.share(skip, left);
            skip = skip.saturating_sub(segment.len());
            if part.is_empty() {
                continue;
            }
            left -= part.len();
            shared.reserve(1)?;
            shared.descriptor.length += part.len();
            shared.descriptor.segments.push_back(part).ok()?;
        }
        Some(shared)
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        self.descriptor.segments.clear();
    }
}

impl core::fmt::Debug for Packet {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Packet")
            .field("id", &self.info().id)
            .field("length", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
