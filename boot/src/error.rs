//! What can go wrong, each with its line for the serial port.

use core::fmt;

use crate::boot_data::MAX_COMMAND_LINE;
use crate::kernel_image::MAX_SEGMENTS;
use crate::layout::Item;
use crate::memory_map::MAX_FIRMWARE_REGIONS;

/// Why the kernel cannot be started. `Display` gives the line without its `boot: `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The PVH start information is missing, too old or damaged.
    StartInfo,
    /// The multiboot2 boot information is damaged or has no memory map.
    BootInformation,
    /// No module was given.
    NoKernel,
    /// The module lies where the loader cannot reach it.
    KernelOutOfReach,
    /// The command line is longer than [`MAX_COMMAND_LINE`].
    CommandLineTooLong,
    /// The memory map has more than [`MAX_FIRMWARE_REGIONS`] entries.
    MemoryMapTooLong,
    /// The kernel does not fit into the free memory; both in bytes.
    NotEnoughMemory {
        /// What the kernel's image, its stack and its page tables take.
        needed: u64,
        /// What there is.
        free: u64,
    },
    /// Something is wrong with the kernel's file.
    Kernel(KernelError),
    /// Something of the kernel's address space has no room.
    Layout(LayoutError),
}

/// What is wrong with the kernel's ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// It does not start with ELF's magic number.
    NotElf,
    /// Not a 64-bit, little-endian file.
    Not64Bit,
    /// Not for x86-64; holds ELF's number of the machine.
    WrongMachine(u16),
    /// Not an executable at fixed addresses; holds ELF's type of file.
    NotStatic(u16),
    /// Ends before what its headers speak of, or its headers contradict themselves.
    Truncated,
    /// No section `.bootloader-config`.
    NoConfiguration,
    /// The section is not what `bootloader_api` writes.
    Configuration(&'static str),
    /// The kernel was built with another `bootloader_api`.
    Version {
        /// What the kernel was built with.
        kernel: Version,
        /// What the loader was built with.
        loader: Version,
    },
    /// The configuration asks for something that this loader does not do.
    Unsupported(&'static str),
    /// More than [`MAX_SEGMENTS`] segments to load.
    TooManySegments,
    /// Nothing to load.
    NoSegments,
    /// A segment, by its address, has more bytes in the file than in memory, or leaves the address
    /// space.
    BadSegment(u64),
    /// A segment, by its address, is both writable and executable.
    WritableAndExecutable(u64),
    /// The entry point is in no executable segment.
    EntryPoint(u64),
}

/// A version of `bootloader_api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Changes with every incompatible version from 1 on.
    pub major: u16,
    /// Changes with every incompatible version before 1.
    pub minor: u16,
    /// Changes with compatible versions.
    pub patch: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What has no room in the kernel's address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// The address asked for is not aligned as it must be.
    Unaligned {
        /// What was to be placed.
        item: Item,
        /// Where, in bytes.
        address: u64,
        /// What the address must be a multiple of, in bytes.
        alignment: u64,
    },
    /// The address range overlaps another one.
    Overlap {
        /// What was to be placed.
        item: Item,
        /// Where, in bytes.
        address: u64,
        /// What is there already.
        other: Item,
    },
    /// The range of addresses given for dynamic placement has no gap that is large enough.
    NoGap(Item),
}

impl From<KernelError> for BootError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}

impl From<LayoutError> for BootError {
    fn from(error: LayoutError) -> Self {
        Self::Layout(error)
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartInfo => f.write_str("the PVH start information is damaged"),
            Self::BootInformation => f.write_str("the multiboot2 boot information is damaged"),
            Self::NoKernel => {
                f.write_str("no kernel: give its ELF file as the first module (QEMU: -initrd)")
            }
            Self::KernelOutOfReach => f.write_str("kernel: not in the first 4 GiB of memory"),
            Self::CommandLineTooLong => write!(
                f,
                "the command line is longer than {MAX_COMMAND_LINE} bytes"
            ),
            Self::MemoryMapTooLong => write!(
                f,
                "the memory map has more than {MAX_FIRMWARE_REGIONS} entries"
            ),
            Self::NotEnoughMemory { needed, free } => write!(
                f,
                "not enough memory: the kernel needs {} KiB, {} KiB are free",
                needed.div_ceil(1024),
                free / 1024
            ),
            Self::Kernel(error) => write!(f, "kernel: {error}"),
            Self::Layout(error) => write!(f, "kernel: {error}"),
        }
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("not an ELF file"),
            Self::Not64Bit => f.write_str("not a 64-bit little-endian ELF file"),
            Self::WrongMachine(machine) => write!(f, "not for x86-64 (ELF machine {machine})"),
            Self::NotStatic(file_type) => {
                write!(f, "not linked at fixed addresses (ELF type {file_type})")
            }
            Self::Truncated => f.write_str("the ELF file is truncated or damaged"),
            Self::NoConfiguration => f.write_str("no .bootloader-config section"),
            Self::Configuration(what) => {
                write!(f, "the .bootloader-config section is damaged ({what})")
            }
            Self::Version { kernel, loader } => {
                write!(
                    f,
                    "built with bootloader_api {kernel}, the loader has {loader}"
                )
            }
            Self::Unsupported(what) => write!(f, "asks for {what}, which this loader does not do"),
            Self::TooManySegments => write!(f, "more than {MAX_SEGMENTS} segments to load"),
            Self::NoSegments => f.write_str("no segment to load"),
            Self::BadSegment(address) => write!(f, "the segment at {address:#x} is damaged"),
            Self::WritableAndExecutable(address) => {
                write!(
                    f,
                    "the segment at {address:#x} is both writable and executable"
                )
            }
            Self::EntryPoint(address) => write!(
                f,
                "the entry point {address:#x} is in no executable segment"
            ),
        }
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unaligned {
                item,
                address,
                alignment,
            } => {
                write!(
                    f,
                    "the address {address:#x} of {item} is not a multiple of {alignment:#x}"
                )
            }
            Self::Overlap {
                item,
                address,
                other,
            } => write!(f, "{item} at {address:#x} overlaps {other}"),
            Self::NoGap(item) => write!(f, "no room for {item} in the dynamic range of addresses"),
        }
    }
}

impl core::error::Error for BootError {}
impl core::error::Error for KernelError {}
impl core::error::Error for LayoutError {}
