//! The kernel's page tables.

use core::ops::Range;
use core::ptr::NonNull;

use x86_64::structures::paging::frame::PhysFrameRange;
use x86_64::structures::paging::mapper::MapToError;
use x86_64::structures::paging::{
    FrameAllocator, Mapper, OffsetPageTable, Page, PageSize, PageTable, PageTableFlags, PhysFrame,
    Size1GiB, Size2MiB, Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use crate::frames::Frames;
use crate::layout::GIANT_PAGE_SIZE;
use crate::memory_map::PAGE_SIZE;
use crate::physical_memory::PhysicalMemory;

/// No frame is left, or the mapping contradicts one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappingFailed;

impl<S: PageSize> From<MapToError<S>> for MappingFailed {
    fn from(_: MapToError<S>) -> Self {
        Self
    }
}

/// What may be done with a page; always readable, never both writable and executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    ReadOnly,
    /// Read and write.
    ReadWrite,
    /// Read and execute.
    ReadExecute,
}

impl Access {
    const fn flags(self) -> PageTableFlags {
        match self {
            Self::ReadOnly => PageTableFlags::PRESENT.union(PageTableFlags::NO_EXECUTE),
            Self::ReadWrite => PageTableFlags::PRESENT
                .union(PageTableFlags::WRITABLE)
                .union(PageTableFlags::NO_EXECUTE),
            Self::ReadExecute => PageTableFlags::PRESENT,
        }
    }
}

/// Page tables under construction.
pub struct AddressSpace<'a> {
    memory: &'a PhysicalMemory,
    frames: Frames<'a>,
    level_4: PhysFrame,
}

impl<'a> AddressSpace<'a> {
    /// An empty address space, its tables and pages to be taken from `frames`, all of which must be
    /// within reach of `memory`.
    ///
    /// # Errors
    /// [`MappingFailed`] when there is not a single frame.
    pub fn new(memory: &'a PhysicalMemory, mut frames: Frames<'a>) -> Result<Self, MappingFailed> {
        let level_4 = frames.allocate_frame().ok_or(MappingFailed)?;
        let space = Self {
            memory,
            frames,
            level_4,
        };
        space
            .bytes_of(PhysFrame::range(level_4, level_4 + 1))?
            .fill(0);
        Ok(space)
    }

    /// The frame of the level 4 table, for `CR3`.
    pub const fn level_4(&self) -> PhysFrame {
        self.level_4
    }

    /// The physical memory that holds every page and table.
    pub const fn used(&self) -> Range<u64> {
        self.frames.used()
    }

    /// Maps the page of the physical address `address` at the same virtual address.
    ///
    /// # Errors
    /// [`MappingFailed`].
    pub fn map_identity(&mut self, address: u64, access: Access) -> Result<(), MappingFailed> {
        let frame: PhysFrame<Size4KiB> = PhysFrame::containing_address(physical(address)?);
        self.map_page(page(address)?, frame, access)
    }

    /// Maps the pages that `size` bytes at `address` touch to new frames in one piece, and fills
    /// them: `bytes` from `address` on, zeros before and after. Returns where the byte of `address`
    /// is.
    ///
    /// # Errors
    /// [`MappingFailed`].
    pub fn map_bytes(
        &mut self,
        address: u64,
        size: u64,
        bytes: &[u8],
        access: Access,
    ) -> Result<NonNull<u8>, MappingFailed> {
        let last = size
            .checked_sub(1)
            .and_then(|size| address.checked_add(size))
            .ok_or(MappingFailed)?;
        let pages = Page::range_inclusive(page(address)?, page(last)?);
        let frames = self
            .frames
            .allocate_in_one_piece(pages.len())
            .ok_or(MappingFailed)?;
        let contents = self.bytes_of(frames)?;
        let (before, here) = contents
            .split_at_mut_checked((address % PAGE_SIZE) as usize)
            .ok_or(MappingFailed)?;
        let start = NonNull::from(&mut *here).cast();
        let (copied, after) = here
            .split_at_mut_checked(bytes.len())
            .ok_or(MappingFailed)?;
        before.fill(0);
        copied.copy_from_slice(bytes);
        after.fill(0);
        for (page, frame) in pages.zip(frames) {
            self.map_page(page, frame, access)?;
        }
        Ok(start)
    }

    /// Maps physical memory from address 0 on at the addresses of `range`, for reading and writing,
    /// by pages of `page_size` bytes (2 MiB or 1 GiB).
    ///
    /// # Errors
    /// [`MappingFailed`].
    pub fn map_physical_memory(
        &mut self,
        range: &Range<u64>,
        page_size: u64,
    ) -> Result<(), MappingFailed> {
        let pages = (range.end - range.start) / page_size;
        for offset in (0..pages).map(|index| index * page_size) {
            if page_size == GIANT_PAGE_SIZE {
                self.map_large::<Size1GiB>(range.start + offset, offset)?;
            } else {
                self.map_large::<Size2MiB>(range.start + offset, offset)?;
            }
        }
        Ok(())
    }

    fn map_large<S: PageSize>(
        &mut self,
        address: u64,
        physical_address: u64,
    ) -> Result<(), MappingFailed>
    where
        for<'b> OffsetPageTable<'b>: Mapper<S>,
    {
        let page =
            Page::<S>::containing_address(VirtAddr::try_new(address).map_err(|_| MappingFailed)?);
        let frame = PhysFrame::<S>::containing_address(physical(physical_address)?);
        let flags = Access::ReadWrite.flags();
        let (mut table, frames) = self.table()?;
        // SAFETY: these tables are not in use yet, so no mapping of anything that runs now changes.
        unsafe { table.map_to(page, frame, flags, frames) }?.ignore();
        Ok(())
    }

    /// Lets entry `index` of the level 4 table refer to the table itself.
    ///
    /// # Errors
    /// [`MappingFailed`] when the entry is in use.
    pub fn map_recursively(&mut self, index: u16) -> Result<(), MappingFailed> {
        let level_4 = self.level_4;
        let (mut table, _) = self.table()?;
        let entry = &mut table.level_4_table_mut()[usize::from(index & 0x1ff)];
        if !entry.is_unused() {
            return Err(MappingFailed);
        }
        entry.set_frame(level_4, Access::ReadWrite.flags());
        Ok(())
    }

    fn map_page(
        &mut self,
        page: Page,
        frame: PhysFrame,
        access: Access,
    ) -> Result<(), MappingFailed> {
        // Entries above the last level allow everything; the last one decides.
        let above = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
        let (mut table, frames) = self.table()?;
        // SAFETY: these tables are not in use yet, so no mapping of anything that runs now changes.
        unsafe { table.map_to_with_table_flags(page, frame, access.flags(), above, frames) }?
            .ignore();
        Ok(())
    }

    /// The tables, and the frames for new ones.
    fn table(&mut self) -> Result<(OffsetPageTable<'_>, &mut Frames<'a>), MappingFailed> {
        let start = self.level_4.start_address().as_u64();
        let pointer = self
            .memory
            .pointer(start..start + PAGE_SIZE)
            .ok_or(MappingFailed)?
            .cast::<PageTable>();
        let offset = VirtAddr::try_new(self.memory.offset() as u64).map_err(|_| MappingFailed)?;
        // SAFETY: the frame is ours and holds a valid table since `new`; `self` is borrowed as long
        // as the reference.
        let level_4 = unsafe { &mut *pointer.as_ptr() };
        // SAFETY: all tables come from `frames`, which `memory` reaches at this offset.
        Ok((
            unsafe { OffsetPageTable::new(level_4, offset) },
            &mut self.frames,
        ))
    }

    /// The bytes of frames that were just taken.
    fn bytes_of(&self, frames: PhysFrameRange) -> Result<&'a mut [u8], MappingFailed> {
        let range = frames.start.start_address().as_u64()..frames.end.start_address().as_u64();
        let length = usize::try_from(range.end - range.start).map_err(|_| MappingFailed)?;
        let pointer = self.memory.pointer(range).ok_or(MappingFailed)?;
        // SAFETY: the range is mapped; the allocator hands a frame out once, and nothing refers to
        // these yet.
        Ok(unsafe { core::slice::from_raw_parts_mut(pointer.as_ptr(), length) })
    }
}

fn page(address: u64) -> Result<Page, MappingFailed> {
    Ok(Page::containing_address(
        VirtAddr::try_new(address).map_err(|_| MappingFailed)?,
    ))
}

fn physical(address: u64) -> Result<PhysAddr, MappingFailed> {
    PhysAddr::try_new(address).map_err(|_| MappingFailed)
}
