//! The map of physical memory as the firmware reports it, put in order.

use core::ops::Range;

use bootloader_api::info::{MemoryRegion, MemoryRegionKind};
use heapless::Vec;

use crate::error::BootError;

/// Most entries that a firmware's map may have; PCs have about ten.
pub const MAX_FIRMWARE_REGIONS: usize = 128;

/// Most ranges that [`MemoryMap::without`] takes out.
pub const MAX_RESERVED: usize = 8;

/// Most regions of an ordered map: every entry and every reserved range adds two boundaries at
/// most.
pub const MAX_REGIONS: usize = 2 * (MAX_FIRMWARE_REGIONS + MAX_RESERVED);

/// Bytes of a page and of a frame.
pub const PAGE_SIZE: u64 = 4096;

/// The E820 type of usable memory. PVH and multiboot2 number the types as E820 does.
const TYPE_RAM: u32 = 1;
/// The E820 type of memory that holds ACPI tables.
const TYPE_ACPI_RECLAIMABLE: u32 = 3;
/// The E820 type of memory that ACPI keeps over a sleep.
const TYPE_ACPI_NVS: u32 = 4;

/// Regions in ascending order that do not overlap; usable ones consist of whole pages.
pub type OrderedRegions = Vec<MemoryRegion, MAX_REGIONS>;

/// The firmware's map, in its own order; entries may overlap.
#[derive(Debug, Default)]
pub struct MemoryMap {
    regions: Vec<MemoryRegion, MAX_FIRMWARE_REGIONS>,
}

impl MemoryMap {
    /// An empty map.
    pub const fn new() -> Self {
        Self {
            regions: Vec::new(),
        }
    }

    /// Adds `length` bytes at physical address `start` of an E820 type. Empty entries are left out.
    ///
    /// # Errors
    /// [`BootError::MemoryMapTooLong`] when more than [`MAX_FIRMWARE_REGIONS`] are added.
    pub fn add(&mut self, start: u64, length: u64, e820_type: u32) -> Result<(), BootError> {
        let end = start.saturating_add(length);
        if start == end {
            return Ok(());
        }
        let kind = if e820_type == TYPE_RAM {
            MemoryRegionKind::Usable
        } else {
            MemoryRegionKind::UnknownBios(e820_type)
        };
        self.regions
            .push(MemoryRegion { start, end, kind })
            .map_err(|_| BootError::MemoryMapTooLong)
    }

    /// The end of the last region that is memory, and not merely an address range that is taken.
    ///
    /// Firmware reports ranges far above the memory (QEMU: 12 GiB below 1 TiB on AMD processors);
    /// mapping up to them would take megabytes of page tables.
    pub fn memory_end(&self) -> u64 {
        self.regions
            .iter()
            .filter(|region| is_memory(region.kind))
            .map(|region| region.end)
            .max()
            .unwrap_or(0)
    }

    /// The map in order, with usable memory inside the `reserved` ranges (widened to whole pages)
    /// marked [`MemoryRegionKind::Bootloader`]. Where entries overlap, a kind that is not usable
    /// wins.
    ///
    /// # Errors
    /// [`BootError::MemoryMapTooLong`] when there are more than [`MAX_RESERVED`] reserved ranges.
    pub fn without(&self, reserved: &[Range<u64>]) -> Result<OrderedRegions, BootError> {
        if reserved.len() > MAX_RESERVED {
            return Err(BootError::MemoryMapTooLong);
        }
        let reserved: Vec<Range<u64>, MAX_RESERVED> =
            reserved.iter().map(whole_pages_around).collect();
        let mut ordered = OrderedRegions::new();
        let boundaries = self.boundaries(&reserved);
        for (&start, &end) in boundaries.iter().zip(boundaries.iter().skip(1)) {
            if let Some(kind) = self.kind_at(start, &reserved) {
                append(&mut ordered, MemoryRegion { start, end, kind })?;
            }
        }
        ordered.retain_mut(keep_whole_pages);
        Ok(ordered)
    }

    /// Every address at which the kind of memory may change, ascending.
    fn boundaries(&self, reserved: &[Range<u64>]) -> Vec<u64, MAX_REGIONS> {
        let mut boundaries: Vec<u64, MAX_REGIONS> = self
            .regions
            .iter()
            .map(|region| region.start..region.end)
            .chain(reserved.iter().cloned())
            .flat_map(|range| [range.start, range.end])
            .collect();
        boundaries.sort_unstable();
        boundaries
    }

    fn kind_at(&self, address: u64, reserved: &[Range<u64>]) -> Option<MemoryRegionKind> {
        let mut here = self
            .regions
            .iter()
            .filter(|region| (region.start..region.end).contains(&address))
            .peekable();
        here.peek()?;
        if let Some(taken) = here.find(|region| region.kind != MemoryRegionKind::Usable) {
            return Some(taken.kind);
        }
        if reserved.iter().any(|range| range.contains(&address)) {
            return Some(MemoryRegionKind::Bootloader);
        }
        Some(MemoryRegionKind::Usable)
    }
}

fn is_memory(kind: MemoryRegionKind) -> bool {
    matches!(
        kind,
        MemoryRegionKind::Usable
            | MemoryRegionKind::UnknownBios(TYPE_ACPI_RECLAIMABLE | TYPE_ACPI_NVS)
    )
}

fn whole_pages_around(range: &Range<u64>) -> Range<u64> {
    range.start & !(PAGE_SIZE - 1)
        ..range
            .end
            .checked_next_multiple_of(PAGE_SIZE)
            .unwrap_or(u64::MAX)
}

/// Appends `region`, or lengthens the last one if they belong together.
fn append(ordered: &mut OrderedRegions, region: MemoryRegion) -> Result<(), BootError> {
    if region.start == region.end {
        return Ok(());
    }
    match ordered.last_mut() {
        Some(last) if last.end == region.start && last.kind == region.kind => {
            last.end = region.end;
            Ok(())
        }
        _ => ordered
            .push(region)
            .map_err(|_| BootError::MemoryMapTooLong),
    }
}

/// Narrows a usable region to whole pages; `false` if none is left.
fn keep_whole_pages(region: &mut MemoryRegion) -> bool {
    if region.kind == MemoryRegionKind::Usable {
        region.start = region
            .start
            .checked_next_multiple_of(PAGE_SIZE)
            .unwrap_or(u64::MAX);
        region.end &= !(PAGE_SIZE - 1);
    }
    region.start < region.end
}
