//! Packets: owned chains of fixed-size buffers with headroom.
//!
//! A [`Packet`] is a handle to a descriptor; dropping it returns the descriptor
//! and those buffers that no other packet shares. Headers go in front of the
//! data without a copy, into the headroom or into a buffer of their own when
//! the data is shared (seed item 53).

mod chain;
mod pool;
mod segment;
mod sender;

use bitflags::bitflags;
use executive::pool::Pooled;
use executive::time::Instant;

pub use pool::{PacketPool, PacketPoolUsage};
use segment::{Segment, SegmentList};
pub(crate) use sender::{Passage, Sender, SenderStack};

/// Bytes in one buffer.
pub const BUFFER_SIZE: usize = 2048;

/// Headroom for every header in front of a payload: an Ethernet header (14), an
/// IPv4 header with options (60) and a TCP header with options (60), rounded up.
pub const HEADROOM: usize = 144;

bitflags! {
    /// How a packet is sent, or was received, with the values of `NDIS_FLAGS_*` in the Windows
    /// `ndis.h` header.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct PacketFlags: u16 {
        /// Set by the sender: the wrapper does not loop it back to this machine.
        const DONT_LOOPBACK = 0x0080;
        /// Set by the wrapper: this machine sent it, and it was looped back.
        const IS_LOOPBACK_PACKET = 0x0100;
    }
}

/// What is known of a packet besides its bytes.
#[derive(Debug)]
pub struct PacketInfo {
    /// Number of the packet in the order of allocation, for traces; never used twice.
    pub id: u64,
    /// When the packet was received, or zero.
    pub timestamp: Instant,
    /// How it is sent, or was received.
    pub flags: PacketFlags,
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
                flags: PacketFlags::empty(),
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
        descriptor.info.flags = PacketFlags::empty();
        descriptor.info.senders.clear();
        Self { descriptor }
    }

    /// Gives a new packet its first segment.
    #[inline(always)]
    fn start_with(&mut self, segment: Segment) {
        self.descriptor.length = segment.len();
        self.descriptor.segments.start_with(segment);
    }

    /// The pool the packet came from.
    #[inline]
    fn pool(&self) -> Option<&'static PacketPool> {
        self.descriptor.pool
    }

    /// Forgets whose send this was: an intermediate driver that completes the send by itself sends
    /// the packet on as its own.
    pub fn forget_senders(&mut self) {
        self.descriptor.info.senders.clear();
    }

    /// Bytes in the packet.
    #[inline]
    pub fn len(&self) -> usize {
        self.descriptor.length
    }

    /// Whether the packet has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of the packet besides its bytes.
    #[inline]
    pub fn info(&self) -> &PacketInfo {
        &self.descriptor.info
    }

    /// The same, for writing.
    #[inline]
    pub fn info_mut(&mut self) -> &mut PacketInfo {
        &mut self.descriptor.info
    }

    /// The bytes of the first segment; all of the packet if [`Packet::is_contiguous`].
    #[inline(always)]
    pub fn data(&self) -> &[u8] {
        match self.only_segment() {
            Some(bytes) => bytes,
            None => self.segments().next().unwrap_or_default(),
        }
    }

    /// The bytes of the first segment for writing; `None` while another packet shares its buffer.
    #[inline]
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

    /// All bytes, if the packet has one segment only.
    #[inline(always)]
    pub fn only_segment(&self) -> Option<&[u8]> {
        self.descriptor.segments.only().map(Segment::bytes)
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
    #[inline]
    pub fn tailroom(&self) -> usize {
        self.descriptor.segments.last().map_or(0, Segment::tailroom)
    }

    /// Puts `length` bytes in front and returns them; their content is undefined.
    ///
    /// They lie in the headroom if there is enough and the buffer is not shared, else in a new
    /// buffer. `None` when that cannot be had, or `length` is more than [`BUFFER_SIZE`].
    #[inline(always)]
    pub fn prepend(&mut self, length: usize) -> Option<&mut [u8]> {
        if !self.descriptor.segments.has_headroom(length) {
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

    /// Puts `length` bytes behind the last ones and returns them; their content is undefined.
    ///
    /// `None` when [`Packet::tailroom`] is less than `length`.
    #[inline]
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

    /// Takes `length` bytes off the front, or all there are.
    #[inline(always)]
    pub fn trim_front(&mut self, length: usize) {
        let Descriptor {
            length: now,
            segments,
            ..
        } = &mut *self.descriptor;
        match segments.only_mut() {
            Some(only) => *now -= only.trim_front(length),
            None => self.trim_front_of_chain(length),
        }
    }

    /// Keeps the first `length` bytes; the buffers of the others are returned.
    #[inline(always)]
    pub fn truncate(&mut self, length: usize) {
        let Descriptor {
            length: now,
            segments,
            ..
        } = &mut *self.descriptor;
        match segments.only_mut() {
            Some(only) => {
                only.truncate(length);
                *now = only.len();
            }
            None => self.truncate_chain(length),
        }
    }

    /// Keeps `length` bytes from `offset` on, or as many of them as there are.
    #[inline(always)]
    pub fn keep(&mut self, offset: usize, length: usize) {
        let Descriptor {
            length: now,
            segments,
            ..
        } = &mut *self.descriptor;
        if let Some(only) = segments.only_mut() {
            only.keep(offset, length);
            *now = only.len();
        } else {
            self.truncate_chain(offset.saturating_add(length));
            self.trim_front_of_chain(offset);
        }
    }

    /// Copies bytes from `offset` on into `destination`; returns how many there were.
    #[inline(always)]
    pub fn copy_to(&self, offset: usize, destination: &mut [u8]) -> usize {
        let Some(only) = self.descriptor.segments.only() else {
            return self.copy_chain_to(offset, destination);
        };
        let bytes = only.bytes().get(offset..).unwrap_or_default();
        let length = bytes.len().min(destination.len());
        if let (Some(to), Some(from)) = (destination.get_mut(..length), bytes.get(..length)) {
            to.copy_from_slice(from);
        }
        length
    }

    /// Makes the first `length` bytes contiguous, so that [`Packet::data`] has them.
    ///
    /// `false`, with the packet as it was, when the packet is shorter, `length` is more than
    /// [`BUFFER_SIZE`] less [`HEADROOM`], or no buffer can be had.
    #[inline(always)]
    pub fn pull_up(&mut self, length: usize) -> bool {
        self.data().len() >= length || self.pull_up_by_copy(length).is_some()
    }

    /// Another packet over the same buffers, which neither of the two can write while both live.
    ///
    /// `None` when no descriptor can be had. The new packet has an id of its own and the same
    /// time stamp and flags.
    pub fn share(&self) -> Option<Packet> {
        self.share_range(0, self.len())
    }

    /// Another packet over `length` bytes from `offset` of the same buffers, or as many as there are.
    pub fn share_range(&self, offset: usize, length: usize) -> Option<Packet> {
        let mut shared = self.pool()?.allocate_descriptor()?;
        shared.info_mut().timestamp = self.info().timestamp;
        shared.info_mut().flags = self.info().flags;
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
    #[inline]
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
