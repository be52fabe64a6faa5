//! The frame allocator: which physical memory is free.

use core::ops::Range;

use bootloader_api::info::{MemoryRegion, MemoryRegionKind};
use wiring::support::ranges::Ranges;
use x86_64::PhysAddr;
use x86_64::structures::paging::{FrameAllocator, PhysFrame, Size4KiB};

/// Bytes of a frame and of a page.
pub(crate) const FRAME_SIZE: u64 = 4096;

/// Memory below 1 MiB stays untouched: firmware tables and buffers live there.
const LOWEST: u64 = 0x10_0000;

/// Most ranges of free memory. A PC's firmware reports two or three, and the
/// loader splits each at most a few times.
const MAX_RANGES: usize = 64;

/// Hands out frames of usable memory and takes memory that becomes free.
#[derive(Debug)]
pub(crate) struct Frames {
    free: Ranges<MAX_RANGES>,
    total: u64,
}

impl Frames {
    /// No memory at all.
    pub(crate) const fn empty() -> Self {
        Self {
            free: Ranges::new(),
            total: 0,
        }
    }

    /// Makes all usable memory of the loader's map free. Ranges beyond
    /// [`MAX_RANGES`] are left unused.
    pub(crate) fn add_usable(&mut self, regions: &[MemoryRegion]) {
        for region in regions
            .iter()
            .filter(|region| region.kind == MemoryRegionKind::Usable)
        {
            self.give(region.start.max(LOWEST)..region.end);
        }
    }

    /// Adds memory that has become free; only whole frames count.
    pub(crate) fn give(&mut self, range: Range<u64>) {
        let start = range.start.next_multiple_of(FRAME_SIZE);
        let end = range.end & !(FRAME_SIZE - 1);
        if start < end && self.free.insert(start..end) {
            self.total += end - start;
        }
    }

    /// Takes `bytes`, rounded up to whole frames, that lie together. The address
    /// is a multiple of `alignment`, a power of two of at least a frame.
    pub(crate) fn take(&mut self, bytes: u64, alignment: u64) -> Option<Range<u64>> {
        self.free
            .take(bytes.checked_next_multiple_of(FRAME_SIZE)?, alignment)
    }

    /// All memory the allocator was ever given, in bytes.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Free memory, in bytes.
    pub(crate) fn free(&self) -> u64 {
        self.free.total()
    }

    /// The longest run of free memory, in bytes.
    pub(crate) fn longest(&self) -> u64 {
        self.free.longest()
    }
}

// SAFETY: `take` removes what it hands out from the set of free memory, and `give` is
// only ever called with memory that nobody uses.
unsafe impl FrameAllocator<Size4KiB> for Frames {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        let range = self.take(FRAME_SIZE, FRAME_SIZE)?;
        Some(PhysFrame::containing_address(
            PhysAddr::try_new(range.start).ok()?,
        ))
    }
}
