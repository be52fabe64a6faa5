//! An imitation of a machine: a block of memory with a PVH start information in it.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::vec::Vec;

use crate::boot_data::BootData;
use crate::error::BootError;
use crate::loader::{self, Environment, LoadedKernel};
use crate::physical_memory::PhysicalMemory;
use crate::pvh;

/// Where the loader's image is said to lie.
pub(super) const LOADER: core::ops::Range<u64> = 0x10_0000..0x15_5000;
/// The page of the loader that the kernel is entered from.
pub(super) const SWITCH_PAGE: u64 = 0x10_1000;
const START_INFO: u64 = 0x2000;
const MODULE_LIST: u64 = 0x2100;
const MEMORY_MAP: u64 = 0x2200;

/// A machine's memory. The firmware's memory map is that of QEMU's `pc`.
pub(super) struct Machine {
    base: *mut u8,
    layout: Layout,
    size: u64,
    pub(super) memory_map: Vec<(u64, u64, u32)>,
    pub(super) has_giant_pages: bool,
    /// Where the command line is put.
    pub(super) command_line_at: u64,
}

impl Machine {
    /// A machine with `size` bytes of memory (a multiple of 4096, at least 2 MiB).
    pub(super) fn new(size: u64) -> Self {
        let layout = Layout::from_size_align(size as usize, 4096).expect("a proper size");
        // SAFETY: the size is not 0.
        let base = unsafe { alloc_zeroed(layout) };
        assert!(!base.is_null());
        let memory_map = std::vec![
            (0, 0x9_fc00, 1),
            (0x9_fc00, 0x400, 2),
            (0xf_0000, 0x1_0000, 2),
            (0x10_0000, size - 0x12_0000, 1),
            (size - 0x2_0000, 0x2_0000, 2),
            (0xfffc_0000, 0x4_0000, 2),
            (0xfd_0000_0000, 0x3_0000_0000, 2),
        ];
        Self {
            base,
            layout,
            size,
            memory_map,
            has_giant_pages: false,
            command_line_at: 0x4000,
        }
    }

    pub(super) fn memory(&self) -> PhysicalMemory {
        // SAFETY: the block is mapped as long as the machine is.
        unsafe { PhysicalMemory::new(self.base.expose_provenance(), self.size) }
    }

    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) {
        assert!(address + bytes.len() as u64 <= self.size);
        // SAFETY: the range is in the block.
        unsafe {
            self.base
                .add(address as usize)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    pub(super) fn read(&self, address: u64, length: u64) -> Vec<u8> {
        assert!(address + length <= self.size);
        // SAFETY: the range is in the block, and nothing runs beside the test.
        unsafe { core::slice::from_raw_parts(self.base.add(address as usize), length as usize) }
            .to_vec()
    }

    pub(super) fn read_u64(&self, address: u64) -> u64 {
        u64::from_le_bytes(self.read(address, 8).try_into().expect("eight bytes"))
    }

    /// Where QEMU puts a module of this size: at the end of memory.
    pub(super) fn module_address(&self, length: usize) -> u64 {
        (self.size - 0x2_0000 - length as u64) & !0xfff
    }

    /// Writes the start information, the kernel's file and the command line.
    pub(super) fn set_up(&mut self, kernel: &[u8], command_line: &[u8]) {
        let module = self.module_address(kernel.len());
        self.write(module, kernel);
        self.write(self.command_line_at, command_line);
        self.write(self.command_line_at + command_line.len() as u64, &[0]);
        self.write_words(MODULE_LIST, &[module, kernel.len() as u64, 0, 0]);
        let map: Vec<u64> = self
            .memory_map
            .iter()
            .flat_map(|entry| [entry.0, entry.1, u64::from(entry.2)])
            .collect();
        self.write_words(MEMORY_MAP, &map);
        let count = self.memory_map.len() as u64;
        let magic_and_version = 0x336e_c578 | 1 << 32;
        let flags_and_module_count = 1 << 32;
        self.write_words(
            START_INFO,
            &[
                magic_and_version,
                flags_and_module_count,
                MODULE_LIST,
                self.command_line_at,
                0xf_59d0,
                MEMORY_MAP,
                count,
            ],
        );
    }

    /// Overwrites 32 bits of the start information.
    pub(super) fn patch_start_info(&mut self, offset: u64, value: u32) {
        self.write(START_INFO + offset, &value.to_le_bytes());
    }

    fn write_words(&mut self, address: u64, words: &[u64]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.write(address, &bytes);
    }

    pub(super) fn boot_data(&self) -> Result<BootData<'_>, BootError> {
        // SAFETY: nothing writes while the data are in use.
        unsafe { pvh::boot_data(&self.memory(), START_INFO) }
    }

    /// Everything the loader does before it enters the kernel.
    pub(super) fn boot(&self) -> Result<LoadedKernel, BootError> {
        let data = self.boot_data()?;
        let environment = Environment {
            image: LOADER,
            switch_page: SWITCH_PAGE,
            has_giant_pages: self.has_giant_pages,
        };
        // SAFETY: the memory is this test's alone.
        unsafe { loader::load(&self.memory(), &data, &environment) }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `new`.
        unsafe { dealloc(self.base, self.layout) };
    }
}
