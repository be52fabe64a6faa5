//! What the loader tells the kernel: command line, memory regions, and the rest of `BootInfo`.

use bootloader_api::info::{MemoryRegionKind, Optional};

use super::booted::{DYNAMIC, MEBIBYTE, PHYSICAL, boot, boot_machine, config};
use super::kernel_file::KernelFile;
use super::machine::{LOADER, Machine, SWITCH_PAGE};

#[test]
fn the_command_line_is_handed_over_as_the_ram_disk() {
    let booted = boot(
        16 * MEBIBYTE,
        &config(),
        b"Ne2000.Irq=9 Tcpip.Gateway=10.0.2.2",
    );
    let address = booted
        .info
        .ramdisk_addr
        .into_option()
        .expect("a command line");
    assert_eq!(booted.info.ramdisk_len, 35);
    assert_eq!(
        booted.read(address, 35),
        b"Ne2000.Irq=9 Tcpip.Gateway=10.0.2.2"
    );
    let booted = boot(16 * MEBIBYTE, &config(), b"");
    assert_eq!(
        (booted.info.ramdisk_addr, booted.info.ramdisk_len),
        (Optional::None, 0)
    );
}

#[test]
fn what_the_boot_protocol_left_is_not_overwritten() {
    let mut machine = Machine::new(16 * MEBIBYTE);
    machine.command_line_at = LOADER.end + 0x1000;
    let booted = boot_machine(machine, &config(), b"Ne2000.Irq=9");
    assert_eq!(
        booted.machine.read(LOADER.end + 0x1000, 12),
        b"Ne2000.Irq=9"
    );
    assert!(!booted.is_free(LOADER.end + 0x1000));
}

#[test]
fn boot_info_tells_the_rest() {
    let booted = boot(16 * MEBIBYTE, &config(), b"");
    let file_length = KernelFile::new(&config()).write().len() as u64;
    let info = &booted.info;
    assert_eq!(
        (
            info.api_version.version_major(),
            info.api_version.version_minor()
        ),
        (0, 11)
    );
    assert_eq!(
        info.kernel_addr,
        booted.machine.module_address(file_length as usize)
    );
    assert_eq!(
        (info.kernel_len, info.kernel_image_offset),
        (file_length, 0)
    );
    assert_eq!(info.rsdp_addr, Optional::Some(0xf_59d0));
    assert!(info.framebuffer.as_ref().is_none() && info.tls_template.as_ref().is_none());
    assert_eq!(info.recursive_index, Optional::None);
}

#[test]
fn memory_in_use_is_not_called_usable_and_the_loaders_own_is_given_back() {
    let booted = boot(16 * MEBIBYTE, &config(), b"x");
    for mapped in booted
        .mappings
        .iter()
        .filter(|(address, _)| !(PHYSICAL..DYNAMIC).contains(address))
    {
        assert!(!booted.is_free(mapped.1.physical), "{mapped:x?}");
    }
    assert!(!booted.is_free(booted.kernel.level_4.start_address().as_u64()));
    assert!(!booted.is_free(0));
    let module = booted.info.kernel_addr;
    assert!(
        (module..module + booted.info.kernel_len)
            .step_by(0x1000)
            .all(|address| !booted.is_free(address))
    );
    assert!(
        (LOADER.start..LOADER.end)
            .step_by(0x1000)
            .all(|address| booted.is_free(address) != (address == SWITCH_PAGE))
    );
    assert!(
        booted
            .regions
            .windows(2)
            .all(|pair| pair[0].end <= pair[1].start)
    );
    let usable: u64 = booted
        .regions
        .iter()
        .filter(|region| region.kind == MemoryRegionKind::Usable)
        .map(|region| region.end - region.start)
        .sum();
    assert!(
        usable > 16 * MEBIBYTE - 0x10_0000,
        "at most 1 MiB is in use: {usable:#x} are free"
    );
}

#[test]
fn tables_are_in_memory_that_is_not_called_usable() {
    let booted = boot(16 * MEBIBYTE, &config(), b"x");
    let mut tables = std::vec![(booted.kernel.level_4.start_address().as_u64(), 4)];
    while let Some((table, level)) = tables.pop() {
        assert!(!booted.is_free(table));
        for index in 0..512 {
            let entry = booted.machine.read_u64(table + 8 * index);
            if level > 1 && entry & 0x81 == 1 {
                tables.push((entry & 0x000f_ffff_ffff_f000, level - 1));
            }
        }
    }
}
