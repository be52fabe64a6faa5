//! What the loader is given by the boot protocol.

use core::ops::Range;

use crate::memory_map::MemoryMap;

/// Longest kernel command line, in bytes.
pub const MAX_COMMAND_LINE: usize = 4095;

/// What both boot protocols tell.
#[derive(Debug)]
pub struct BootData<'a> {
    /// The firmware's memory map.
    pub memory_map: MemoryMap,
    /// Physical addresses of the kernel's ELF file, which is module 0.
    pub kernel: Range<u64>,
    /// The kernel's command line, without a final zero byte.
    pub command_line: &'a [u8],
    /// Physical address of the ACPI root pointer (RSDP), if the protocol tells.
    pub rsdp: Option<u64>,
    /// Physical memory that must not be overwritten although the memory map calls it usable.
    pub keep: Option<Range<u64>>,
}
