//! The loader's frame allocator.

use core::ops::Range;

use bootloader_api::info::{MemoryRegion, MemoryRegionKind};
use x86_64::PhysAddr;
use x86_64::structures::paging::frame::PhysFrameRange;
use x86_64::structures::paging::{FrameAllocator, PhysFrame, Size4KiB};

use crate::memory_map::PAGE_SIZE;

/// The loader takes nothing below this address: firmware tables, buffers and the first processors'
/// start-up code live there.
const LOWEST: u64 = 0x10_0000;

/// Hands out the free frames of a memory map in ascending order, and never takes one back.
#[derive(Debug)]
pub struct Frames<'a> {
    regions: &'a [MemoryRegion],
    limit: u64,
    first: u64,
    next: u64,
}

impl<'a> Frames<'a> {
    /// Frames from the usable ones of `regions` (in order) between 1 MiB and the physical address
    /// `limit`.
    pub const fn new(regions: &'a [MemoryRegion], limit: u64) -> Self {
        Self {
            regions,
            limit,
            first: LOWEST,
            next: LOWEST,
        }
    }

    /// What can still be handed out, in bytes.
    pub fn free_bytes(&self) -> u64 {
        self.usable().map(|range| range.end - range.start).sum()
    }

    /// Holds every frame handed out, and what was passed over between them; all other usable memory
    /// is free.
    pub const fn used(&self) -> Range<u64> {
        self.first..self.next
    }

    /// `count` frames that follow each other. What is left of a usable range that is too small is
    /// passed over.
    pub fn allocate_in_one_piece(&mut self, count: u64) -> Option<PhysFrameRange> {
        let size = count.checked_mul(PAGE_SIZE)?;
        let range = self
            .usable()
            .find(|range| size <= range.end - range.start)?;
        if self.next == LOWEST {
            self.first = range.start;
        }
        self.next = range.start + size;
        let frame = |address| {
            PhysAddr::try_new(address)
                .ok()
                .map(PhysFrame::containing_address)
        };
        Some(PhysFrame::range(frame(range.start)?, frame(self.next)?))
    }

    /// The usable ranges that are left, in ascending order.
    fn usable(&self) -> impl Iterator<Item = Range<u64>> {
        self.regions
            .iter()
            .filter(|region| region.kind == MemoryRegionKind::Usable)
            .map(|region| region.start.max(self.next)..region.end.min(self.limit))
            .filter(|range| range.start < range.end)
    }
}

// SAFETY: every frame lies in a usable region and is handed out once, since `next` only grows.
unsafe impl FrameAllocator<Size4KiB> for Frames<'_> {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        self.allocate_in_one_piece(1).map(|frames| frames.start)
    }
}
