//! Memory management: physical frames, the address space, stacks and the heap.
//!
//! Everything is taken while the system starts and nothing is ever given back, so
//! there is no fragmentation to think of and no way to run out later.

mod address_space;
mod frames;
mod heap;

use bootloader_api::BootInfo;
use bootloader_api::info::Optional;
use wiring::machine::MemoryFigures;
use wiring::support::heap_size;
use x86_64::VirtAddr;

use crate::hal::gdt;
use crate::hal::lock::InterruptLock;
use crate::report::symbols;
use frames::Frames;

pub(crate) use address_space::{Plain, guard_page, map_device, map_stack, peek};
pub(crate) use heap::seal;

/// Physical memory that is free.
static FRAMES: InterruptLock<Frames> = InterruptLock::new(Frames::empty());

/// The address space asked of the loader.
pub(crate) mod layout {
    /// Where physical memory is mapped.
    pub(crate) const PHYSICAL_MEMORY: u64 = 0xffff_8000_0000_0000;
    /// Where the stacks of threads are mapped.
    pub(crate) const STACKS: u64 = 0xffff_c000_0000_0000;
    /// Where device registers are mapped.
    pub(crate) const DEVICES: u64 = 0xffff_d000_0000_0000;
    /// From where on the loader maps what it provides.
    pub(crate) const LOADER: u64 = 0xffff_9000_0000_0000;
    /// Bytes of the stack the loader provides, which becomes that of the idle thread.
    pub(crate) const BOOT_STACK_SIZE: u64 = 64 * 1024;
}

/// Smallest heap that the system is tried with, in bytes.
const SMALLEST_HEAP: u64 = 2 << 20;
/// Largest heap that is set up unasked, in bytes.
const LARGEST_DEFAULT_HEAP: u64 = 32 << 20;
/// Alignment of the heap, in bytes.
const HEAP_ALIGNMENT: u64 = 4096;

/// Takes over from the loader: its memory map, page tables and kernel file. To be
/// called once, before anything allocates, with interrupts disabled.
///
/// # Panics
/// When the loader has not done what was asked of it.
pub(crate) fn init(boot_info: &'static BootInfo) {
    assert!(
        matches!(
            boot_info.physical_memory_offset,
            Optional::Some(layout::PHYSICAL_MEMORY)
        ),
        "physical memory is not mapped where it was asked for"
    );
    clear_boot_stack(boot_info);
    FRAMES.lock().add_usable(&boot_info.memory_regions);
    reclaim_kernel_file(boot_info);
    address_space::unmap_lower_half();
    for guard in gdt::guard_pages() {
        address_space::unmap(VirtAddr::new(guard.start));
    }
}

/// Sets the heap up, as large as the command line says or as is fit for the memory there
/// is.
///
/// # Panics
/// When there is not as much memory.
pub(crate) fn init_heap(command_line: &[u8]) {
    let mut frames = FRAMES.lock();
    let bytes = match heap_size::configured(command_line) {
        Some(kibibytes) => kibibytes << 10,
        None => (frames.longest() / 2).clamp(SMALLEST_HEAP, LARGEST_DEFAULT_HEAP),
    };
    let Some(range) = frames.take(bytes, HEAP_ALIGNMENT) else {
        panic!(
            "no room for a heap of {bytes} bytes: {} bytes of memory are free, {} in one piece",
            frames.free(),
            frames.longest()
        );
    };
    drop(frames);
    // SAFETY: the range was just taken out of the free memory for good, and it is
    // mapped with all physical memory.
    unsafe {
        heap::init(
            physical_pointer(range.start),
            (range.end - range.start) as usize,
        );
    }
}

/// Memory in numbers.
pub(crate) fn figures() -> MemoryFigures {
    let heap = heap::figures();
    let frames = FRAMES.lock();
    MemoryFigures {
        physical: frames.total(),
        physical_free: frames.free(),
        heap: heap.size,
        heap_used: heap.used,
        heap_peak: heap.peak,
        sealed: heap.sealed,
        // The first one ends the run.
    }
}

/// Where physical memory can be accessed.
fn physical_pointer<T>(address: u64) -> *mut T {
    VirtAddr::new(layout::PHYSICAL_MEMORY + address).as_mut_ptr()
}

/// Overwrites memory that was something else before.
///
/// It may have been code, of the firmware or the loader. An emulator that still holds
/// translations of it checks every write to its page, which makes a stack there ten
/// times slower than others, until all of the code is overwritten.
///
/// # Safety
/// The memory must be mapped, writable and unused.
unsafe fn clear(start: *mut u8, bytes: usize) {
    // SAFETY: the caller's word.
    unsafe { start.write_bytes(0, bytes) };
}

/// Clears the part of the boot stack that is not in use.
fn clear_boot_stack(boot_info: &BootInfo) {
    /// For this function and what it calls.
    const SPARE: u64 = 4096;

    let here = (&raw const boot_info) as u64;
    let bottom = boot_info.kernel_stack_bottom;
    if let Some(unused) = here.checked_sub(bottom + SPARE)
        && unused < boot_info.kernel_stack_len
    {
        // SAFETY: interrupts are disabled, so nothing uses the stack below this
        // function's frame but what it calls.
        unsafe { clear(VirtAddr::new(bottom).as_mut_ptr(), unused as usize) };
    }
}

/// Takes the symbols from the kernel's ELF file, and frees the memory of the rest of
/// it.
fn reclaim_kernel_file(boot_info: &'static BootInfo) {
    let start = boot_info.kernel_addr;
    let Ok(length) = usize::try_from(boot_info.kernel_len) else {
        return;
    };
    if start == 0 || length == 0 {
        return;
    }
    // SAFETY: the loader has left the file it loaded the kernel from in memory that it
    // does not call usable.
    let file = unsafe { core::slice::from_raw_parts(physical_pointer(start), length) };
    let mut keep = symbols::load(file).unwrap_or_default();
    keep.sort_unstable_by_key(|range| range.start);
    let mut frames = FRAMES.lock();
    let mut free_from = start;
    for range in keep {
        frames.give(free_from..start + range.start as u64);
        free_from = start + range.end as u64;
    }
    frames.give(free_from..start + length as u64);
}
