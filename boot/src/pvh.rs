//! The PVH boot protocol: Xen's `hvm_start_info`, which QEMU hands over when it starts the loader
//! by `-kernel`.
//!
//! The layout is that of Xen's public header `arch-x86/hvm/start_info.h`, version 1 (the first with
//! a memory map).

use core::ops::Range;

use crate::boot_data::{BootData, MAX_COMMAND_LINE};
use crate::error::BootError;
use crate::memory_map::{MAX_FIRMWARE_REGIONS, MemoryMap};
use crate::physical_memory::PhysicalMemory;

/// First word of `hvm_start_info`.
const MAGIC: u32 = 0x336e_c578;
/// The first version with a memory map.
const VERSION_WITH_MEMORY_MAP: u32 = 1;

/// Bytes of `hvm_start_info` version 1.
const START_INFO_SIZE: u64 = 56;
/// Bytes of an `hvm_modlist_entry`.
const MODULE_SIZE: u64 = 32;
/// Bytes of an `hvm_memmap_table_entry`.
const MEMORY_MAP_ENTRY_SIZE: u64 = 24;

/// A little-endian structure in physical memory.
struct Structure<'a>(&'a [u8]);

impl<'a> Structure<'a> {
    /// # Safety
    /// As for [`PhysicalMemory::bytes`].
    unsafe fn read(memory: &PhysicalMemory, address: u64, size: u64) -> Result<Self, BootError> {
        let end = address.checked_add(size).ok_or(BootError::StartInfo)?;
        // SAFETY: passed on to the caller.
        unsafe { memory.bytes(address..end) }
            .map(Structure)
            .ok_or(BootError::StartInfo)
    }

    fn u32(&self, offset: usize) -> Result<u32, BootError> {
        let bytes = self
            .0
            .get(offset..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(BootError::StartInfo)?;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn u64(&self, offset: usize) -> Result<u64, BootError> {
        let bytes = self
            .0
            .get(offset..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(BootError::StartInfo)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn entries(&self, size: u64) -> impl Iterator<Item = Structure<'a>> {
        self.0
            .chunks_exact(usize::try_from(size).unwrap_or(usize::MAX))
            .map(Structure)
    }
}

/// Reads the `hvm_start_info` at physical address `start_info`.
///
/// # Errors
/// [`BootError::StartInfo`] when it or what it refers to is no such thing or out of reach,
/// [`BootError::NoKernel`] without a module, [`BootError::CommandLineTooLong`],
/// [`BootError::MemoryMapTooLong`].
///
/// # Safety
/// Nobody may write to the structures while the result is in use.
pub unsafe fn boot_data<'a>(
    memory: &PhysicalMemory,
    start_info: u64,
) -> Result<BootData<'a>, BootError> {
    // SAFETY: passed on to the caller, here and below.
    let info = unsafe { Structure::read(memory, start_info, START_INFO_SIZE)? };
    if info.u32(0)? != MAGIC || info.u32(4)? < VERSION_WITH_MEMORY_MAP {
        return Err(BootError::StartInfo);
    }
    // SAFETY: see above.
    let kernel = unsafe { first_module(memory, &info)? };
    // SAFETY: see above.
    let memory_map = unsafe { memory_map(memory, &info)? };
    let command_line_address = info.u64(24)?;
    // SAFETY: see above.
    let command_line = unsafe { command_line(memory, command_line_address)? };
    let keep = Some(command_line_address..command_line_address + command_line.len() as u64);
    let rsdp = Some(info.u64(32)?).filter(|address| *address != 0);
    Ok(BootData {
        memory_map,
        kernel,
        command_line,
        rsdp,
        keep,
    })
}

unsafe fn first_module(
    memory: &PhysicalMemory,
    info: &Structure<'_>,
) -> Result<Range<u64>, BootError> {
    if info.u32(12)? == 0 {
        return Err(BootError::NoKernel);
    }
    // SAFETY: passed on to the caller.
    let module = unsafe { Structure::read(memory, info.u64(16)?, MODULE_SIZE)? };
    let start = module.u64(0)?;
    let end = start
        .checked_add(module.u64(8)?)
        .ok_or(BootError::StartInfo)?;
    Ok(start..end)
}

unsafe fn memory_map(
    memory: &PhysicalMemory,
    info: &Structure<'_>,
) -> Result<MemoryMap, BootError> {
    let count = info.u32(48)?;
    if count as usize > MAX_FIRMWARE_REGIONS {
        return Err(BootError::MemoryMapTooLong);
    }
    // SAFETY: passed on to the caller.
    let table = unsafe {
        Structure::read(
            memory,
            info.u64(40)?,
            u64::from(count) * MEMORY_MAP_ENTRY_SIZE,
        )?
    };
    let mut map = MemoryMap::new();
    for entry in table.entries(MEMORY_MAP_ENTRY_SIZE) {
        map.add(entry.u64(0)?, entry.u64(8)?, entry.u32(16)?)?;
    }
    Ok(map)
}

/// The bytes up to the zero byte; nothing at address 0.
unsafe fn command_line<'a>(memory: &PhysicalMemory, address: u64) -> Result<&'a [u8], BootError> {
    if address == 0 {
        return Ok(&[]);
    }
    let end = address
        .saturating_add(MAX_COMMAND_LINE as u64 + 1)
        .min(memory.limit());
    // SAFETY: passed on to the caller.
    let bytes = unsafe { memory.bytes(address..end) }.ok_or(BootError::StartInfo)?;
    match bytes.iter().position(|byte| *byte == 0) {
        Some(length) => bytes.get(..length).ok_or(BootError::StartInfo),
        None if bytes.len() > MAX_COMMAND_LINE => Err(BootError::CommandLineTooLong),
        None => Err(BootError::StartInfo),
    }
}
