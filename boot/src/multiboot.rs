//! The multiboot2 boot protocol, by which GRUB starts the loader.

use multiboot2::{
    BootInformation, BootInformationHeader, MemoryAreaType, RsdpV1Tag, RsdpV2Tag, TagHeader,
};

use crate::boot_data::{BootData, MAX_COMMAND_LINE};
use crate::error::BootError;
use crate::memory_map::MemoryMap;

/// Reads the boot information at `information`.
///
/// The ACPI root pointer is a copy inside the boot information, which is therefore kept.
///
/// # Errors
/// [`BootError::BootInformation`] when it is no such thing or lacks a memory map,
/// [`BootError::NoKernel`] without a module, [`BootError::CommandLineTooLong`],
/// [`BootError::MemoryMapTooLong`].
///
/// # Safety
/// `information` must be what a multiboot2 boot loader handed over, and nobody may write to it
/// while the result is in use.
pub unsafe fn boot_data<'a>(
    information: *const BootInformationHeader,
) -> Result<BootData<'a>, BootError> {
    // SAFETY: passed on to the caller.
    let information =
        unsafe { BootInformation::load(information) }.map_err(|_| BootError::BootInformation)?;
    let start = information.start_address() as u64;
    let keep = Some(start..start + information.total_size() as u64);
    let module = information
        .module_tags()
        .next()
        .ok_or(BootError::NoKernel)?;
    let kernel = u64::from(module.start_address())..u64::from(module.end_address());
    // SAFETY: passed on to the caller.
    let command_line = unsafe { command_line(&information)? };
    Ok(BootData {
        memory_map: memory_map(&information)?,
        kernel,
        command_line,
        rsdp: rsdp(&information),
        keep,
    })
}

fn memory_map(information: &BootInformation<'_>) -> Result<MemoryMap, BootError> {
    let tag = information
        .memory_map_tag()
        .ok_or(BootError::BootInformation)?;
    let mut map = MemoryMap::new();
    for area in tag.memory_areas() {
        map.add(area.start_address(), area.size(), e820_type(area.typ()))?;
    }
    Ok(map)
}

fn e820_type(area_type: MemoryAreaType) -> u32 {
    match area_type {
        MemoryAreaType::Available => 1,
        MemoryAreaType::Reserved => 2,
        MemoryAreaType::AcpiAvailable => 3,
        MemoryAreaType::ReservedHibernate => 4,
        MemoryAreaType::Defective => 5,
        MemoryAreaType::Custom(other) => other,
    }
}

/// # Safety
/// Nobody may write to the boot information while the result is in use.
unsafe fn command_line<'a>(information: &BootInformation<'_>) -> Result<&'a [u8], BootError> {
    let Some(tag) = information.command_line_tag() else {
        return Ok(&[]);
    };
    let line = tag
        .cmdline()
        .map_err(|_| BootError::BootInformation)?
        .as_bytes();
    if line.len() > MAX_COMMAND_LINE {
        return Err(BootError::CommandLineTooLong);
    }
    // SAFETY: the bytes lie in the boot information, which outlives this view of it.
    Ok(unsafe { core::slice::from_raw_parts(line.as_ptr(), line.len()) })
}

/// The address of the root pointer's copy behind the header of its tag; the newer version first.
fn rsdp(information: &BootInformation<'_>) -> Option<u64> {
    let newer = information
        .rsdp_v2_tag()
        .map(|tag| core::ptr::from_ref::<RsdpV2Tag>(tag) as u64);
    let older = information
        .rsdp_v1_tag()
        .map(|tag| core::ptr::from_ref::<RsdpV1Tag>(tag) as u64);
    newer
        .or(older)
        .map(|tag| tag + size_of::<TagHeader>() as u64)
}
