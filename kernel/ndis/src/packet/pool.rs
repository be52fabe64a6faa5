//! The pools packets come from.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use executive::pool::{Pool, PoolUsage, Pooled, PooledArc};

use super::segment::{Buffer, FarSegments, Segment};
use super::{BUFFER_SIZE, Descriptor, Packet};

/// One table of far segments for so many packets, and at least [`LEAST_TABLES`].
const PACKETS_PER_TABLE: usize = 16;
const LEAST_TABLES: usize = 4;

/// Packet descriptors and buffers, all allocated at start.
///
/// Allocation and return work at any IRQL and take constant time.
pub struct PacketPool {
    descriptors: Pool<Descriptor>,
    buffers: Pool<Buffer>,
    tables: &'static Pool<FarSegments>,
    next_id: AtomicU64,
}

/// The state of a [`PacketPool`], for the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketPoolUsage {
    /// Packet descriptors.
    pub packets: PoolUsage,
    /// Buffers of [`BUFFER_SIZE`] bytes.
    pub buffers: PoolUsage,
    /// Tables for packets of more than four segments.
    pub segment_tables: PoolUsage,
}

impl PacketPool {
    /// Makes a pool of `packets` descriptors and `buffers` buffers of [`BUFFER_SIZE`] bytes.
    ///
    /// At start only: it allocates, and never frees. Size: about [`BUFFER_SIZE`] bytes a buffer
    /// and 300 a descriptor.
    pub fn new(packets: usize, buffers: usize) -> &'static Self {
        Box::leak(Box::new(Self {
            descriptors: *Pool::new(packets, Descriptor::new),
            buffers: *Pool::new(buffers, Buffer::new),
            tables: Pool::new(
                (packets / PACKETS_PER_TABLE).max(LEAST_TABLES),
                FarSegments::new,
            ),
            next_id: AtomicU64::new(1),
        }))
    }

    /// An empty packet of one buffer with `headroom` free bytes in front.
    ///
    /// `None`, and counted in the pool that was empty, when there is no descriptor or no buffer,
    /// or when `headroom` is more than [`BUFFER_SIZE`]. Any IRQL.
    #[inline(always)]
    pub fn allocate(&'static self, headroom: usize) -> Option<Packet> {
        self.allocate_with(headroom, 0, |_| {})
    }

    /// A packet of one buffer with `headroom` free bytes in front of `length` bytes, which `fill`
    /// writes; their content is undefined before.
    ///
    /// `None`, and counted in the pool that was empty, when there is no descriptor or no buffer,
    /// or when both together are more than [`BUFFER_SIZE`]. Any IRQL.
    #[inline(always)]
    pub fn allocate_with(
        &'static self,
        headroom: usize,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Option<Packet> {
        if headroom.saturating_add(length) > BUFFER_SIZE {
            return None;
        }
        let descriptor = self.descriptors.allocate()?;
        let buffer = self.buffers.allocate()?;
        let mut packet = self.packet_of(descriptor);
        packet.start_with(Segment::filled(buffer, headroom, length, fill)?);
        Some(packet)
    }

    /// Used, peak, size and failures of each of the pools.
    pub fn usage(&self) -> PacketPoolUsage {
        PacketPoolUsage {
            packets: self.descriptors.usage(),
            buffers: self.buffers.usage(),
            segment_tables: self.tables.usage(),
        }
    }

    /// A packet without a buffer.
    #[inline(always)]
    pub(super) fn allocate_descriptor(&'static self) -> Option<Packet> {
        self.descriptors
            .allocate()
            .map(|descriptor| self.packet_of(descriptor))
    }

    #[inline(always)]
    fn packet_of(&'static self, descriptor: Pooled<Descriptor>) -> Packet {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        Packet::from_descriptor(descriptor, self, id)
    }

    #[inline(always)]
    pub(super) fn allocate_buffer(&self) -> Option<PooledArc<Buffer>> {
        self.buffers.allocate().map(Pooled::into_shared)
    }

    pub(super) fn tables(&self) -> &'static Pool<FarSegments> {
        self.tables
    }
}
