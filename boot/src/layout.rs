//! Where everything goes in the kernel's address space.

use core::fmt;
use core::ops::Range;

use bootloader_api::BootloaderConfig;
use bootloader_api::config::Mapping;
use heapless::Vec;

use crate::error::{BootError, LayoutError};
use crate::kernel_image::{KernelImage, MAX_SEGMENTS};
use crate::memory_map::PAGE_SIZE;

/// Bytes of a 2 MiB page.
pub const HUGE_PAGE_SIZE: u64 = 0x20_0000;
/// Bytes of a 1 GiB page.
pub const GIANT_PAGE_SIZE: u64 = 0x4000_0000;

/// What one entry of the level 4 page table spans.
const LEVEL_4_ENTRY_SIZE: u64 = 1 << 39;
/// The smallest extent of the physical memory mapping: device registers below 4 GiB belong to it.
const PHYSICAL_MEMORY_AT_LEAST: u64 = 1 << 32;
/// First address that is not canonical, and the first one after the hole that is again.
const NOT_CANONICAL: Range<u64> = 0x0000_8000_0000_0000..0xffff_8000_0000_0000;
/// The dynamic range ends here unless the kernel says otherwise.
const DYNAMIC_RANGE_END: u64 = 0xffff_ffff_ffff_f000;
/// Everything the layout places, and the two ranges that are taken from the start.
const MAX_ITEMS: usize = MAX_SEGMENTS + 7;

/// What takes a range of virtual addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The loader itself and the low memory before it.
    Loader,
    /// Addresses that the processor does not have.
    NotCanonical,
    /// A segment of the kernel.
    Segment,
    /// The kernel's stack with its guard page.
    Stack,
    /// `BootInfo` and the memory regions.
    BootInfo,
    /// The command line.
    CommandLine,
    /// The mapping of the physical memory.
    PhysicalMemory,
    /// The page tables, mapped by an entry that refers to the level 4 table itself.
    RecursivePageTable,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loader => "the loader",
            Self::NotCanonical => "addresses that are not canonical",
            Self::Segment => "a segment",
            Self::Stack => "the stack",
            Self::BootInfo => "the boot information",
            Self::CommandLine => "the command line",
            Self::PhysicalMemory => "the physical memory",
            Self::RecursivePageTable => "the recursive page table",
        })
    }
}

/// Sizes that the layout needs beside the kernel's image; all in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The end of the loader, whose pages are mapped at their physical addresses.
    pub loader_end: u64,
    /// `BootInfo` and the memory regions.
    pub boot_info: u64,
    /// The command line, 0 if there is none.
    pub command_line: u64,
    /// The end of physical memory.
    pub memory_end: u64,
    /// The page size for the physical memory: [`HUGE_PAGE_SIZE`] or [`GIANT_PAGE_SIZE`].
    pub physical_memory_page: u64,
}

/// Virtual address ranges, in bytes; all but the command line's end consist of whole pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The stack without its guard page, which lies right below.
    pub stack: Range<u64>,
    /// `BootInfo` and the memory regions.
    pub boot_info: Range<u64>,
    /// The command line, if there is one.
    pub command_line: Option<Range<u64>>,
    /// The physical memory from address 0, if the kernel asks for it.
    pub physical_memory: Option<Range<u64>>,
    /// Index of the level 4 entry that refers to its own table, if the kernel asks for it.
    pub recursive_index: Option<u16>,
}

impl Layout {
    /// Places everything: first what has a fixed address, then the rest in the gaps of the dynamic
    /// range.
    ///
    /// # Errors
    /// [`BootError::Layout`] when a fixed address is not aligned or taken, or no gap is large
    /// enough; [`BootError::NotEnoughMemory`] for a stack larger than any memory.
    pub fn plan(kernel: &KernelImage<'_>, sizes: &Sizes) -> Result<Self, BootError> {
        let mappings = &kernel.config.mappings;
        let stack_size = stack_size(&kernel.config)?;
        let physical_size = sizes
            .memory_end
            .max(PHYSICAL_MEMORY_AT_LEAST)
            .next_multiple_of(sizes.physical_memory_page);
        let requests = [
            Request::new(
                Item::Stack,
                Some(mappings.kernel_stack),
                stack_size,
                PAGE_SIZE,
            ),
            Request::new(
                Item::BootInfo,
                Some(mappings.boot_info),
                sizes.boot_info,
                PAGE_SIZE,
            ),
            Request::new(
                Item::CommandLine,
                Some(mappings.ramdisk_memory),
                sizes.command_line,
                PAGE_SIZE,
            ),
            Request::new(
                Item::PhysicalMemory,
                mappings.physical_memory,
                physical_size,
                sizes.physical_memory_page,
            ),
            Request::new(
                Item::RecursivePageTable,
                mappings.page_table_recursive,
                LEVEL_4_ENTRY_SIZE,
                LEVEL_4_ENTRY_SIZE,
            ),
        ];
        let mut addresses = Addresses::new(&kernel.config, sizes.loader_end)?;
        for segment in &kernel.segments {
            addresses.take(Item::Segment, segment.address, segment.size)?;
        }
        let mut placed = [None; 5];
        for (request, place) in requests.iter().zip(&mut placed) {
            *place = request.place_fixed(&mut addresses)?;
        }
        for (request, place) in requests.iter().zip(&mut placed) {
            *place = place.map_or_else(
                || request.place_dynamic(&mut addresses),
                |start| Ok(Some(start)),
            )?;
        }
        let [stack, boot_info, command_line, physical_memory, recursive] = placed;
        let stack = stack.unwrap_or_default();
        let boot_info = boot_info.unwrap_or_default();
        Ok(Self {
            stack: stack + PAGE_SIZE..stack + stack_size,
            boot_info: boot_info..boot_info + sizes.boot_info,
            command_line: command_line.map(|start| start..start + sizes.command_line),
            physical_memory: physical_memory.map(|start| start..start + physical_size),
            recursive_index: recursive.map(|start| ((start / LEVEL_4_ENTRY_SIZE) & 0x1ff) as u16),
        })
    }
}

/// Bytes of the stack and its guard page.
fn stack_size(config: &BootloaderConfig) -> Result<u64, BootError> {
    let asked = config.kernel_stack_size;
    asked
        .max(1)
        .checked_next_multiple_of(PAGE_SIZE)
        .and_then(|size| size.checked_add(PAGE_SIZE))
        .filter(|size| *size < NOT_CANONICAL.start)
        .ok_or(BootError::NotEnoughMemory {
            needed: asked,
            free: 0,
        })
}

/// Something to place.
struct Request {
    item: Item,
    /// `None` when it is not to be placed.
    mapping: Option<Mapping>,
    size: u64,
    alignment: u64,
}

impl Request {
    fn new(item: Item, mapping: Option<Mapping>, size: u64, alignment: u64) -> Self {
        Self {
            item,
            mapping: mapping.filter(|_| size > 0),
            size,
            alignment,
        }
    }

    fn place_fixed(&self, addresses: &mut Addresses) -> Result<Option<u64>, LayoutError> {
        let (item, alignment) = (self.item, self.alignment);
        let Some(Mapping::FixedAddress(address)) = self.mapping else {
            return Ok(None);
        };
        if !address.is_multiple_of(alignment) {
            return Err(LayoutError::Unaligned {
                item,
                address,
                alignment,
            });
        }
        addresses.take(item, address, self.size)?;
        Ok(Some(address))
    }

    fn place_dynamic(&self, addresses: &mut Addresses) -> Result<Option<u64>, LayoutError> {
        match self.mapping {
            Some(Mapping::Dynamic) => addresses
                .find(self.item, self.size, self.alignment)
                .map(Some),
            _ => Ok(None),
        }
    }
}

/// The virtual addresses that are taken, as ranges of page numbers, so that the end of the address
/// space is a number too.
struct Addresses {
    taken: Vec<(Range<u64>, Item), MAX_ITEMS>,
    dynamic: Range<u64>,
}

impl Addresses {
    fn new(config: &BootloaderConfig, loader_end: u64) -> Result<Self, LayoutError> {
        let start = config
            .mappings
            .dynamic_range_start
            .unwrap_or(0)
            .div_ceil(PAGE_SIZE);
        let end = config
            .mappings
            .dynamic_range_end
            .unwrap_or(DYNAMIC_RANGE_END)
            / PAGE_SIZE;
        let mut addresses = Self {
            taken: Vec::new(),
            dynamic: start..end,
        };
        addresses.take(Item::Loader, 0, loader_end)?;
        addresses.take(
            Item::NotCanonical,
            NOT_CANONICAL.start,
            NOT_CANONICAL.end - NOT_CANONICAL.start,
        )?;
        Ok(addresses)
    }

    /// Takes the pages that `size` bytes at `address` touch.
    fn take(&mut self, item: Item, address: u64, size: u64) -> Result<(), LayoutError> {
        let pages = pages(address, size).ok_or(LayoutError::Overlap {
            item,
            address,
            other: Item::NotCanonical,
        })?;
        match self.overlapping(&pages) {
            Some((_, other)) => Err(LayoutError::Overlap {
                item,
                address,
                other: *other,
            }),
            None => self
                .taken
                .push((pages, item))
                .map_err(|_| LayoutError::NoGap(item)),
        }
    }

    /// Takes the first gap of the dynamic range that is large enough, and returns its address.
    fn find(&mut self, item: Item, size: u64, alignment: u64) -> Result<u64, LayoutError> {
        let no_gap = LayoutError::NoGap(item);
        let alignment = alignment / PAGE_SIZE;
        let mut start = self.dynamic.start;
        loop {
            start = start.checked_next_multiple_of(alignment).ok_or(no_gap)?;
            let end = start
                .checked_add(size.div_ceil(PAGE_SIZE))
                .filter(|end| *end <= self.dynamic.end)
                .ok_or(no_gap)?;
            // Every round starts behind another taken range, so their number bounds the rounds.
            let Some((taken, _)) = self.overlapping(&(start..end)) else {
                self.taken.push((start..end, item)).map_err(|_| no_gap)?;
                return Ok(start * PAGE_SIZE);
            };
            start = taken.end;
        }
    }

    fn overlapping(&self, pages: &Range<u64>) -> Option<&(Range<u64>, Item)> {
        self.taken
            .iter()
            .find(|(taken, _)| taken.start < pages.end && pages.start < taken.end)
    }
}

/// The numbers of the pages that `size` bytes at `address` touch, `None` if they reach beyond the
/// last address.
fn pages(address: u64, size: u64) -> Option<Range<u64>> {
    let last = address.checked_add(size.checked_sub(1)?)?;
    Some(address / PAGE_SIZE..last / PAGE_SIZE + 1)
}
