//! Each failure has its line.

use std::string::ToString;

use crate::error::{BootError, KernelError, LayoutError, Version};
use crate::layout::Item;

fn line(error: impl Into<BootError>) -> std::string::String {
    error.into().to_string()
}

#[test]
fn failures_of_what_the_loader_is_given() {
    let memory = BootError::NotEnoughMemory {
        needed: 2049,
        free: 1024,
    };
    for (error, expected) in [
        (BootError::StartInfo, "the PVH start information is damaged"),
        (
            BootError::BootInformation,
            "the multiboot2 boot information is damaged",
        ),
        (
            BootError::NoKernel,
            "no kernel: give its ELF file as the first module (QEMU: -initrd)",
        ),
        (
            BootError::KernelOutOfReach,
            "kernel: not in the first 4 GiB of memory",
        ),
        (
            BootError::CommandLineTooLong,
            "the command line is longer than 4095 bytes",
        ),
        (
            BootError::MemoryMapTooLong,
            "the memory map has more than 128 entries",
        ),
        (
            memory,
            "not enough memory: the kernel needs 3 KiB, 1 KiB are free",
        ),
    ] {
        assert_eq!(line(error), expected);
    }
}

#[test]
fn failures_of_the_kernels_file() {
    let kernel = Version {
        major: 0,
        minor: 10,
        patch: 1,
    };
    let loader = Version {
        major: 0,
        minor: 11,
        patch: 17,
    };
    for (error, expected) in [
        (KernelError::NotElf, "not an ELF file"),
        (KernelError::Not64Bit, "not a 64-bit little-endian ELF file"),
        (
            KernelError::WrongMachine(183),
            "not for x86-64 (ELF machine 183)",
        ),
        (
            KernelError::NotStatic(3),
            "not linked at fixed addresses (ELF type 3)",
        ),
        (
            KernelError::Truncated,
            "the ELF file is truncated or damaged",
        ),
        (
            KernelError::NoConfiguration,
            "no .bootloader-config section",
        ),
        (
            KernelError::Configuration("x"),
            "the .bootloader-config section is damaged (x)",
        ),
        (
            KernelError::Version { kernel, loader },
            "built with bootloader_api 0.10.1, the loader has 0.11.17",
        ),
        (
            KernelError::Unsupported("x"),
            "asks for x, which this loader does not do",
        ),
        (
            KernelError::TooManySegments,
            "more than 16 segments to load",
        ),
        (KernelError::NoSegments, "no segment to load"),
        (
            KernelError::BadSegment(0x1000),
            "the segment at 0x1000 is damaged",
        ),
        (
            KernelError::WritableAndExecutable(0x1000),
            "the segment at 0x1000 is both writable and executable",
        ),
        (
            KernelError::EntryPoint(0x1000),
            "the entry point 0x1000 is in no executable segment",
        ),
    ] {
        assert_eq!(line(error).strip_prefix("kernel: "), Some(expected));
    }
}

#[test]
fn failures_of_the_layout() {
    let item = Item::Stack;
    for (error, expected) in [
        (
            LayoutError::Unaligned {
                item,
                address: 1,
                alignment: 0x1000,
            },
            "the address 0x1 of the stack is not a multiple of 0x1000",
        ),
        (
            LayoutError::Overlap {
                item,
                address: 0x1000,
                other: Item::Loader,
            },
            "the stack at 0x1000 overlaps the loader",
        ),
        (
            LayoutError::NoGap(item),
            "no room for the stack in the dynamic range of addresses",
        ),
    ] {
        assert_eq!(line(error).strip_prefix("kernel: "), Some(expected));
    }
}

#[test]
fn every_item_has_a_name() {
    for (item, expected) in [
        (Item::Loader, "the loader"),
        (Item::NotCanonical, "addresses that are not canonical"),
        (Item::Segment, "a segment"),
        (Item::Stack, "the stack"),
        (Item::BootInfo, "the boot information"),
        (Item::CommandLine, "the command line"),
        (Item::PhysicalMemory, "the physical memory"),
        (Item::RecursivePageTable, "the recursive page table"),
    ] {
        assert_eq!(item.to_string(), expected);
    }
}
