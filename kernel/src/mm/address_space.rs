//! The kernel's one address space.

use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use executive::NtStatus;
use x86_64::instructions::tlb;
use x86_64::registers::control::Cr3;
use x86_64::structures::paging::page_table::PageTableEntry;
use x86_64::structures::paging::{
    Mapper, OffsetPageTable, Page, PageTable, PageTableFlags, PhysFrame, Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use super::frames::FRAME_SIZE;
use super::{FRAMES, clear, layout, physical_pointer};
use crate::hal::context::MAX_THREADS;
use crate::hal::gdt;

/// Bytes of address space for each thread's stack; the lowest page is never mapped.
const STACK_SLOT: u64 = 1 << 20;

/// Entries of the level 4 page table for the lower half of the address space.
const LOWER_HALF_ENTRIES: usize = 256;

/// Where the next device registers are mapped.
static NEXT_DEVICE: AtomicU64 = AtomicU64::new(layout::DEVICES);

/// Types that any bytes are a value of.
///
/// # Safety
/// As it says.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: any eight bytes are a number.
unsafe impl Plain for u64 {}

/// The page tables in use.
///
/// # Safety
/// At most one may be used at a time.
unsafe fn page_table() -> OffsetPageTable<'static> {
    let (root, _) = Cr3::read();
    let root = physical_pointer::<PageTable>(root.start_address().as_u64());
    // SAFETY: CR3 holds the root of valid page tables, all physical memory is mapped at
    // the one offset, and the caller sees to it that there is no other reference.
    unsafe { OffsetPageTable::new(&mut *root, VirtAddr::new(layout::PHYSICAL_MEMORY)) }
}

/// Maps one page that is not mapped yet.
///
/// # Safety
/// Nobody else may use the frame, or it must be one of device registers.
unsafe fn map(
    page: Page<Size4KiB>,
    frame: PhysFrame,
    flags: PageTableFlags,
) -> Result<(), NtStatus> {
    let mut frames = FRAMES.lock();
    // SAFETY: the lock on the frames is held, and whoever changes page tables takes it.
    let mut table = unsafe { page_table() };
    // SAFETY: the page was not mapped, so nothing can refer to what it shows now; the
    // frame is as the caller says.
    unsafe { table.map_to(page, frame, flags, &mut *frames) }
        .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?
        // The processor does not remember that there was nothing.
        .ignore();
    Ok(())
}

/// Takes the lower half out of the address space, where the loader was; its page tables
/// are lost.
pub(super) fn unmap_lower_half() {
    let _frames = FRAMES.lock();
    // SAFETY: as in `map`.
    let mut table = unsafe { page_table() };
    for entry in table
        .level_4_table_mut()
        .iter_mut()
        .take(LOWER_HALF_ENTRIES)
    {
        entry.set_unused();
    }
    tlb::flush_all();
}

/// Takes one page out of the address space; its memory is lost.
pub(super) fn unmap(address: VirtAddr) {
    let _frames = FRAMES.lock();
    // SAFETY: as in `map`.
    let mut table = unsafe { page_table() };
    if let Ok((_, flush)) = table.unmap(Page::<Size4KiB>::containing_address(address)) {
        flush.flush();
    }
}

/// Maps the stack of the thread in slot `index` of the thread table and returns its
/// upper end. A stack that an earlier thread in the slot had is used again and made
/// larger if need be.
///
/// # Errors
/// `INVALID_PARAMETER` for a size or index that does not fit,
/// `INSUFFICIENT_RESOURCES` when memory has run out.
pub(crate) fn map_stack(index: usize, bytes: usize) -> Result<VirtAddr, NtStatus> {
    if index >= MAX_THREADS || bytes == 0 || bytes as u64 > STACK_SLOT - FRAME_SIZE {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let bytes = (bytes as u64).next_multiple_of(FRAME_SIZE);
    let top = VirtAddr::new(layout::STACKS + (index as u64 + 1) * STACK_SLOT);
    for offset in (FRAME_SIZE..=bytes).step_by(FRAME_SIZE as usize) {
        let address = top - offset;
        if is_mapped(address.as_u64()) {
            continue;
        }
        let frame = FRAMES
            .lock()
            .take(FRAME_SIZE, FRAME_SIZE)
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        // SAFETY: the frame was just taken out of the free memory.
        unsafe { clear(physical_pointer(frame.start), FRAME_SIZE as usize) };
        // SAFETY: as above.
        unsafe {
            map(
                Page::containing_address(address),
                PhysFrame::containing_address(PhysAddr::new(frame.start)),
                PageTableFlags::PRESENT | PageTableFlags::WRITABLE | PageTableFlags::NO_EXECUTE,
            )?;
        }
    }
    Ok(top)
}

/// Maps `bytes` of device registers at a physical address, without caching.
///
/// # Errors
/// `INSUFFICIENT_RESOURCES` when there is no memory for page tables.
///
/// # Safety
/// There must be device registers, or nothing at all.
pub(crate) unsafe fn map_device(physical: u64, bytes: u64) -> Result<NonNull<u8>, NtStatus> {
    let first = physical & !(FRAME_SIZE - 1);
    let pages = (physical + bytes).next_multiple_of(FRAME_SIZE) - first;
    let start = NEXT_DEVICE.fetch_add(pages, Ordering::Relaxed);
    for offset in (0..pages).step_by(FRAME_SIZE as usize) {
        // SAFETY: the caller says that these are device registers.
        unsafe {
            map(
                Page::containing_address(VirtAddr::new(start + offset)),
                PhysFrame::containing_address(PhysAddr::new(first + offset)),
                PageTableFlags::PRESENT
                    | PageTableFlags::WRITABLE
                    | PageTableFlags::NO_EXECUTE
                    | PageTableFlags::NO_CACHE,
            )?;
        }
    }
    NonNull::new(VirtAddr::new(start + (physical - first)).as_mut_ptr())
        .ok_or(NtStatus::INSUFFICIENT_RESOURCES)
}

/// Whether anything can be read at an address. Looks at the page tables only, takes no
/// lock and trusts no pointer: for use after a fault.
fn is_mapped(address: u64) -> bool {
    let Ok(address) = VirtAddr::try_new(address) else {
        return false;
    };
    let (root, _) = Cr3::read();
    let mut table = root.start_address();
    for index in [
        address.p4_index(),
        address.p3_index(),
        address.p2_index(),
        address.p1_index(),
    ] {
        // SAFETY: page tables lie in physical memory, all of which is mapped; an entry
        // is read whole.
        let entry = unsafe {
            physical_pointer::<PageTableEntry>(table.as_u64())
                .add(usize::from(index))
                .read_volatile()
        };
        if !entry.flags().contains(PageTableFlags::PRESENT) {
            return false;
        }
        if entry.flags().contains(PageTableFlags::HUGE_PAGE) {
            return true;
        }
        table = entry.addr();
    }
    true
}

/// The value at an address, if it is aligned and mapped.
pub(crate) fn peek<T: Plain>(address: u64) -> Option<T> {
    let last = address.checked_add(size_of::<T>() as u64 - 1)?;
    if !address.is_multiple_of(align_of::<T>() as u64) || !is_mapped(address) || !is_mapped(last) {
        return None;
    }
    let pointer = VirtAddr::new(address).as_ptr::<T>();
    // SAFETY: aligned, mapped at both ends (no `T` is as large as a page), and `Plain`.
    Some(unsafe { pointer.read_volatile() })
}

/// What guard page an address lies in, if any.
pub(crate) fn guard_page(address: u64) -> Option<&'static str> {
    let within = |range: &Range<u64>| range.contains(&address);
    if gdt::guard_pages().iter().any(within) {
        return Some("stack overflow in an exception handler");
    }
    let stacks = layout::STACKS..layout::STACKS + MAX_THREADS as u64 * STACK_SLOT;
    if within(&stacks) {
        return Some("stack overflow of a thread");
    }
    if within(&(0..FRAME_SIZE)) {
        return Some("null pointer");
    }
    None
}
