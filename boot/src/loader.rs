//! The loader's steps in their order.

use core::mem::offset_of;
use core::ops::Range;
use core::ptr::NonNull;

use bootloader_api::BootInfo;
use bootloader_api::info::{MemoryRegion, MemoryRegions, Optional};
use heapless::Vec;
use x86_64::structures::paging::PhysFrame;

use crate::address_space::{Access, AddressSpace, MappingFailed};
use crate::boot_data::BootData;
use crate::error::BootError;
use crate::frames::Frames;
use crate::kernel_image::{KernelImage, Segment};
use crate::layout::{GIANT_PAGE_SIZE, HUGE_PAGE_SIZE, Layout, Sizes};
use crate::memory_map::{MAX_REGIONS, MAX_RESERVED, OrderedRegions, PAGE_SIZE};
use crate::physical_memory::PhysicalMemory;

/// The loader itself in memory, and what it found out about the processor.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Physical addresses of the loader's image.
    pub image: Range<u64>,
    /// Address of the page with the code that switches to the kernel's page tables.
    pub switch_page: u64,
    /// Whether the processor has 1 GiB pages.
    pub has_giant_pages: bool,
}

/// A kernel ready to be entered.
#[derive(Clone, Copy, Debug)]
pub struct LoadedKernel {
    /// The frame of its level 4 page table.
    pub level_4: PhysFrame,
    /// Virtual address of its entry point.
    pub entry: u64,
    /// Virtual address of the end of its stack.
    pub stack_top: u64,
    /// Virtual address of its `BootInfo`.
    pub boot_info: u64,
}

/// Page tables beside those that map the physical memory: the level 4 table, three levels each for
/// the switch page, the image, and what is placed dynamically, and one for the physical memory's
/// first gigabytes.
const TABLES: u64 = 11;

/// `BootInfo` with the memory regions right behind it, as the kernel finds them.
#[repr(C)]
struct HandedOver {
    info: BootInfo,
    regions: [MemoryRegion; MAX_REGIONS],
}

/// Loads the kernel of `data` into free memory and builds its address space.
///
/// # Errors
/// [`BootError`], one for each thing that can be wrong with the kernel or the machine.
///
/// # Safety
/// The memory map of `data` must be true, and nobody but the loader may use the memory it calls
/// usable.
pub unsafe fn load(
    memory: &PhysicalMemory,
    data: &BootData<'_>,
    environment: &Environment,
) -> Result<LoadedKernel, BootError> {
    // SAFETY: the module's range is reserved below, so nobody writes to it.
    let file = unsafe { memory.bytes(data.kernel.clone()) }.ok_or(BootError::KernelOutOfReach)?;
    let kernel = KernelImage::parse(file)?;
    let sizes = sizes(data, environment);
    let layout = Layout::plan(&kernel, &sizes)?;
    let regions = data
        .memory_map
        .without(&reserved(data, &environment.image))?;
    let frames = Frames::new(&regions, memory.limit());
    let needed = needed(&kernel, &layout, &sizes);
    let no_memory = BootError::NotEnoughMemory {
        needed,
        free: frames.free_bytes(),
    };

    let mut space = AddressSpace::new(memory, frames).map_err(|MappingFailed| no_memory)?;
    let handed_over = map(
        &mut space,
        &kernel,
        &layout,
        &sizes,
        data,
        environment.switch_page,
    )
    .map_err(|MappingFailed| no_memory)?;
    // Of the loader, only the page it enters the kernel from is still in use then.
    let mut reserved = reserved(
        data,
        &(environment.switch_page..environment.switch_page + PAGE_SIZE),
    );
    reserved
        .push(space.used())
        .map_err(|_| BootError::MemoryMapTooLong)?;
    let regions = data.memory_map.without(&reserved)?;
    let info = boot_info(&kernel, &layout, data, regions.len());
    // SAFETY: `map` gave room for a `HandedOver`, page-aligned, that nobody else refers to.
    unsafe { write(handed_over, info, &regions) };
    Ok(LoadedKernel {
        level_4: space.level_4(),
        entry: kernel.entry,
        stack_top: layout.stack.end,
        boot_info: layout.boot_info.start,
    })
}

fn sizes(data: &BootData<'_>, environment: &Environment) -> Sizes {
    Sizes {
        loader_end: environment.image.end,
        boot_info: (size_of::<HandedOver>() as u64).next_multiple_of(PAGE_SIZE),
        command_line: data.command_line.len() as u64,
        memory_end: data.memory_map.memory_end(),
        physical_memory_page: if environment.has_giant_pages {
            GIANT_PAGE_SIZE
        } else {
            HUGE_PAGE_SIZE
        },
    }
}

/// The usable memory that is in use: page 0 (no frame shall have the address 0), the `loader`, the
/// kernel's file, and what the boot protocol left.
fn reserved(data: &BootData<'_>, loader: &Range<u64>) -> Vec<Range<u64>, MAX_RESERVED> {
    let mut reserved = Vec::new();
    reserved.extend([0..PAGE_SIZE, loader.clone(), data.kernel.clone()]);
    reserved.extend(data.keep.clone());
    reserved
}

/// Bytes of memory that the kernel takes before it runs.
fn needed(kernel: &KernelImage<'_>, layout: &Layout, sizes: &Sizes) -> u64 {
    let segments = kernel.segments.iter().map(|segment| segment.size);
    let mapped = layout
        .physical_memory
        .iter()
        .map(|range| (range.end - range.start) / sizes.physical_memory_page * 8);
    segments
        .chain(mapped)
        .chain([
            layout.stack.end - layout.stack.start,
            sizes.boot_info,
            sizes.command_line,
            TABLES * PAGE_SIZE,
        ])
        .fold(0, u64::saturating_add)
}

/// Maps everything and fills all but the `BootInfo`, whose place is returned.
fn map(
    space: &mut AddressSpace<'_>,
    kernel: &KernelImage<'_>,
    layout: &Layout,
    sizes: &Sizes,
    data: &BootData<'_>,
    switch_page: u64,
) -> Result<NonNull<HandedOver>, MappingFailed> {
    space.map_identity(switch_page, Access::ReadExecute)?;
    for segment in &kernel.segments {
        space.map_bytes(
            segment.address,
            segment.size,
            segment.bytes,
            access(segment),
        )?;
    }
    space.map_bytes(
        layout.stack.start,
        layout.stack.end - layout.stack.start,
        &[],
        Access::ReadWrite,
    )?;
    if let Some(range) = &layout.command_line {
        space.map_bytes(
            range.start,
            range.end - range.start,
            data.command_line,
            Access::ReadOnly,
        )?;
    }
    if let Some(range) = &layout.physical_memory {
        space.map_physical_memory(range, sizes.physical_memory_page)?;
    }
    if let Some(index) = layout.recursive_index {
        space.map_recursively(index)?;
    }
    let boot_info = &layout.boot_info;
    let place = space.map_bytes(
        boot_info.start,
        boot_info.end - boot_info.start,
        &[],
        Access::ReadWrite,
    )?;
    Ok(place.cast())
}

fn access(segment: &Segment<'_>) -> Access {
    match (segment.writable, segment.executable) {
        (true, _) => Access::ReadWrite,
        (false, true) => Access::ReadExecute,
        (false, false) => Access::ReadOnly,
    }
}

fn boot_info(
    kernel: &KernelImage<'_>,
    layout: &Layout,
    data: &BootData<'_>,
    region_count: usize,
) -> BootInfo {
    let regions = layout.boot_info.start + offset_of!(HandedOver, regions) as u64;
    let mut info = BootInfo::new(memory_regions(regions, region_count));
    info.physical_memory_offset = layout
        .physical_memory
        .as_ref()
        .map(|range| range.start)
        .into();
    info.recursive_index = layout.recursive_index.into();
    info.rsdp_addr = data.rsdp.into();
    info.tls_template = kernel.tls_template.into();
    info.ramdisk_addr = layout.command_line.as_ref().map(|range| range.start).into();
    info.ramdisk_len = data.command_line.len() as u64;
    info.kernel_addr = data.kernel.start;
    info.kernel_len = data.kernel.end - data.kernel.start;
    info.kernel_image_offset = 0;
    info.kernel_stack_bottom = layout.stack.start;
    info.kernel_stack_len = layout.stack.end - layout.stack.start;
    info.framebuffer = Optional::None;
    info
}

/// The slice of `count` regions at `address` in the kernel's address space, where a reference would
/// not be valid yet.
fn memory_regions(address: u64, count: usize) -> MemoryRegions {
    #[repr(C)]
    struct Parts {
        pointer: *mut MemoryRegion,
        length: usize,
    }
    let parts = Parts {
        pointer: core::ptr::without_provenance_mut(address as usize),
        length: count,
    };
    // SAFETY: `MemoryRegions` is `repr(C)` with exactly these two fields; it is made for being
    // passed between programs.
    unsafe { core::mem::transmute::<Parts, MemoryRegions>(parts) }
}

/// # Safety
/// `place` must be aligned and writable, with nobody else referring to it.
unsafe fn write(place: NonNull<HandedOver>, info: BootInfo, regions: &OrderedRegions) {
    // SAFETY: passed on to the caller; the regions are at most as many as there is room for.
    unsafe {
        (&raw mut (*place.as_ptr()).info).write(info);
        let first = (&raw mut (*place.as_ptr()).regions).cast::<MemoryRegion>();
        first.copy_from_nonoverlapping(regions.as_ptr(), regions.len());
    }
}
