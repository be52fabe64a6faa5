//! A kernel loaded into an imitation of a machine, and what it would find.

use bootloader_api::BootloaderConfig;
use bootloader_api::config::Mapping::FixedAddress;
use bootloader_api::info::{BootInfo, MemoryRegion, MemoryRegionKind};
use std::collections::BTreeMap;
use std::vec::Vec;

use super::address_space_walk::{Mapped, read, walk};
use super::kernel_file::KernelFile;
use super::machine::Machine;
use crate::loader::LoadedKernel;

pub(super) const MEBIBYTE: u64 = 0x10_0000;
pub(super) const PHYSICAL: u64 = 0xffff_8000_0000_0000;
pub(super) const DYNAMIC: u64 = 0xffff_9000_0000_0000;

pub(super) fn config() -> BootloaderConfig {
    let mut config = BootloaderConfig::new_default();
    config.kernel_stack_size = 0x8000;
    config.mappings.physical_memory = Some(FixedAddress(PHYSICAL));
    config.mappings.dynamic_range_start = Some(DYNAMIC);
    config
}

pub(super) struct Booted {
    pub(super) machine: Machine,
    pub(super) kernel: LoadedKernel,
    pub(super) mappings: BTreeMap<u64, Mapped>,
    pub(super) info: BootInfo,
    pub(super) regions: Vec<MemoryRegion>,
}

pub(super) fn boot_machine(
    mut machine: Machine,
    config: &BootloaderConfig,
    command_line: &[u8],
) -> Booted {
    machine.set_up(&KernelFile::new(config).write(), command_line);
    let kernel = machine.boot().expect("a kernel that can be loaded");
    let mappings = walk(&machine, &kernel);
    let bytes = read(
        &machine,
        &mappings,
        kernel.boot_info,
        size_of::<BootInfo>() as u64,
    );
    // SAFETY: these are the bytes of a `BootInfo`; what it refers to is not followed.
    let info: BootInfo = unsafe { bytes.as_ptr().cast::<BootInfo>().read_unaligned() };
    // SAFETY: the same memory seen as the two words it is made of, without following the pointer.
    let [address, count] = unsafe { (&raw const info.memory_regions).cast::<[u64; 2]>().read() };
    let regions = (0..count).map(|index| {
        let size = size_of::<MemoryRegion>() as u64;
        let bytes = read(&machine, &mappings, address + index * size, size);
        // SAFETY: these are the bytes of a `MemoryRegion`.
        unsafe { bytes.as_ptr().cast::<MemoryRegion>().read_unaligned() }
    });
    let regions = regions.collect();
    Booted {
        machine,
        kernel,
        mappings,
        info,
        regions,
    }
}

pub(super) fn boot(size: u64, config: &BootloaderConfig, command_line: &[u8]) -> Booted {
    boot_machine(Machine::new(size), config, command_line)
}

impl Booted {
    pub(super) fn read(&self, address: u64, length: u64) -> Vec<u8> {
        read(&self.machine, &self.mappings, address, length)
    }

    pub(super) fn at(&self, address: u64) -> Option<&Mapped> {
        self.mappings.get(&address)
    }

    pub(super) fn is_free(&self, physical: u64) -> bool {
        self.regions.iter().any(|region| {
            region.kind == MemoryRegionKind::Usable
                && (region.start..region.end).contains(&physical)
        })
    }
}
