//! Loading a kernel into an imitation of a machine.

use bootloader_api::config::Mapping::{Dynamic, FixedAddress};
use bootloader_api::info::Optional;
use proptest::prelude::*;
use std::vec::Vec;

use super::address_space_walk::{Mapped, translate, walk};
use super::booted::{DYNAMIC, MEBIBYTE, PHYSICAL, boot, boot_machine, config};
use super::kernel_file::{BASE, KernelFile};
use super::machine::{Machine, SWITCH_PAGE};
use crate::error::BootError;
use crate::layout::GIANT_PAGE_SIZE;

#[test]
fn segments_are_where_they_belong_with_their_contents_and_zeros_behind() {
    let booted = boot(16 * MEBIBYTE, &config(), b"");
    assert_eq!(booted.kernel.entry, BASE + 0x10);
    assert_eq!(booted.read(BASE, 0x1234), [0xc3; 0x1234]);
    assert_eq!(booted.read(BASE + 0x1234, 0xdcc), [0; 0xdcc]);
    assert_eq!(booted.read(BASE + 0x2000, 0x1000), [0x52; 0x1000]);
    assert_eq!(booted.read(BASE + 0x3000, 0x80), [0; 0x80]);
    assert_eq!(booted.read(BASE + 0x3080, 0x180), [0xda; 0x180]);
    assert_eq!(booted.read(BASE + 0x3200, 0x2e00), [0; 0x2e00]);
    assert!(booted.at(BASE + 0x6000).is_none());
}

#[test]
fn zeros_are_written_over_what_was_in_memory() {
    let mut machine = Machine::new(16 * MEBIBYTE);
    machine.write(MEBIBYTE, &std::vec![0xee; 13 * MEBIBYTE as usize]);
    let booted = boot_machine(machine, &config(), b"");
    assert_eq!(booted.read(BASE + 0x1234, 0xdcc), [0; 0xdcc]);
    assert_eq!(booted.read(BASE + 0x3000, 0x80), [0; 0x80]);
    assert_eq!(booted.read(BASE + 0x3200, 0x2e00), [0; 0x2e00]);
    assert_eq!(
        booted.read(booted.info.kernel_stack_bottom, 0x8000),
        std::vec![0; 0x8000]
    );
}

#[test]
fn no_page_is_both_writable_and_executable() {
    let booted = boot(16 * MEBIBYTE, &config(), b"x");
    let rights = |address| {
        booted
            .at(address)
            .map(|mapped| (mapped.writable, mapped.executable))
    };
    assert_eq!(rights(BASE), Some((false, true)));
    assert_eq!(rights(BASE + 0x1000), Some((false, true)));
    assert_eq!(rights(BASE + 0x2000), Some((false, false)));
    assert_eq!(rights(BASE + 0x5000), Some((true, false)));
    assert_eq!(rights(booted.info.kernel_stack_bottom), Some((true, false)));
    assert_eq!(rights(booted.kernel.boot_info), Some((true, false)));
    assert_eq!(
        rights(
            booted
                .info
                .ramdisk_addr
                .into_option()
                .expect("a command line")
        ),
        Some((false, false))
    );
    assert_eq!(rights(PHYSICAL), Some((true, false)));
    assert_eq!(rights(SWITCH_PAGE), Some((false, true)));
    assert!(
        booted
            .mappings
            .values()
            .all(Mapped::is_writable_or_executable)
    );
}

#[test]
fn only_the_switch_page_is_mapped_in_the_lower_half() {
    let booted = boot(16 * MEBIBYTE, &config(), b"x");
    let lower: Vec<_> = booted.mappings.range(..PHYSICAL).collect();
    let mapped = Mapped {
        physical: SWITCH_PAGE,
        size: 0x1000,
        writable: false,
        executable: true,
    };
    assert_eq!(lower, [(&SWITCH_PAGE, &mapped)]);
}

#[test]
fn the_stack_has_a_guard_page() {
    let booted = boot(16 * MEBIBYTE, &config(), b"");
    let bottom = booted.info.kernel_stack_bottom;
    assert_eq!(booted.info.kernel_stack_len, 0x8000);
    assert_eq!(booted.kernel.stack_top, bottom + 0x8000);
    assert!(
        (bottom..bottom + 0x8000)
            .step_by(0x1000)
            .all(|page| booted.at(page).is_some())
    );
    assert!(booted.at(bottom - 0x1000).is_none());
}

#[test]
fn physical_memory_is_mapped_with_the_largest_pages_there_are() {
    for has_giant_pages in [false, true] {
        let mut machine = Machine::new(16 * MEBIBYTE);
        machine.memory_map.push((1 << 32, 0x8000_0000, 1));
        machine.has_giant_pages = has_giant_pages;
        let booted = boot_machine(machine, &config(), b"");
        let size = if has_giant_pages {
            GIANT_PAGE_SIZE
        } else {
            0x20_0000
        };
        assert_eq!(booted.info.physical_memory_offset, Optional::Some(PHYSICAL));
        for physical in (0..0x1_8000_0000).step_by(size as usize) {
            let mapped = Mapped {
                physical,
                size,
                writable: true,
                executable: false,
            };
            assert_eq!(booted.at(PHYSICAL + physical), Some(&mapped));
        }
        assert!(translate(&booted.mappings, PHYSICAL + 0x1_8000_0000).is_none());
    }
}

#[test]
fn physical_memory_can_be_placed_dynamically_or_left_out() {
    let mut config = config();
    config.mappings.physical_memory = Some(Dynamic);
    let booted = boot(16 * MEBIBYTE, &config, b"");
    let offset = booted
        .info
        .physical_memory_offset
        .into_option()
        .expect("a mapping");
    assert!(offset >= DYNAMIC);
    assert_eq!(
        translate(&booted.mappings, offset + 0xfee0_0000),
        Some(0xfee0_0000)
    );
    config.mappings.physical_memory = None;
    let booted = boot(16 * MEBIBYTE, &config, b"");
    assert_eq!(booted.info.physical_memory_offset, Optional::None);
    assert!(booted.mappings.values().all(|mapped| mapped.size == 0x1000));
}

#[test]
fn the_level_4_table_can_refer_to_itself() {
    let mut config = config();
    config.mappings.page_table_recursive = Some(FixedAddress(0xffff_ff00_0000_0000));
    let booted = boot(16 * MEBIBYTE, &config, b"");
    assert_eq!(booted.info.recursive_index, Optional::Some(510));
    let table = booted.kernel.level_4.start_address().as_u64();
    assert_eq!(
        booted.machine.read_u64(table + 510 * 8),
        table | 1 << 63 | 3
    );
}

#[test]
fn a_kernel_that_does_not_fit_is_refused() {
    let mut file = KernelFile::new(&config());
    file.segments[2].size = 16 * MEBIBYTE;
    let mut machine = Machine::new(16 * MEBIBYTE);
    machine.set_up(&file.write(), b"");
    let BootError::NotEnoughMemory { needed, free } = machine.boot().expect_err("too large") else {
        panic!("another error");
    };
    assert!(
        needed > 16 * MEBIBYTE && free < 15 * MEBIBYTE && free > 14 * MEBIBYTE,
        "{needed} {free}"
    );
    file.segments[2].size = 1 << 46;
    file.segments[2].address = 1 << 45;
    machine.set_up(&file.write(), b"");
    assert!(matches!(
        machine.boot(),
        Err(BootError::NotEnoughMemory { .. })
    ));
}

#[test]
fn every_amount_of_memory_suffices_or_is_refused() {
    let mut sufficient = Vec::new();
    for pages in 376..448 {
        let mut machine = Machine::new(pages * 0x1000);
        machine.set_up(&KernelFile::new(&config()).write(), b"x");
        match machine.boot() {
            Ok(_) => sufficient.push(pages),
            Err(error) => assert!(
                matches!(error, BootError::NotEnoughMemory { .. }),
                "{error}"
            ),
        }
    }
    assert!(!sufficient.is_empty() && sufficient.len() < 448 - 376);
    assert!(sufficient.windows(2).all(|pair| pair[0] + 1 == pair[1]));
}

#[test]
fn a_module_out_of_reach_is_refused() {
    let mut machine = Machine::new(4 * MEBIBYTE);
    machine.set_up(b"kernel", b"");
    machine.write(0x2100 + 4, &[1]);
    assert_eq!(
        machine.boot().expect_err("above the reach"),
        BootError::KernelOutOfReach
    );
}

proptest! {
    #[test]
    fn a_changed_kernel_is_refused_or_loaded_soundly(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        length in any::<proptest::sample::Index>(),
        cut: bool,
    ) {
        let mut file = KernelFile::new(&config()).write();
        let headers = 64 + 3 * 56;
        for (index, value) in changes {
            file[index.index(headers)] = value;
        }
        if cut {
            file.truncate(length.index(file.len()));
        }
        let mut machine = Machine::new(4 * MEBIBYTE);
        machine.set_up(&file, b"x");
        match machine.boot() {
            Ok(kernel) => {
                let mappings = walk(&machine, &kernel);
                prop_assert!(mappings.values().all(Mapped::is_writable_or_executable));
                prop_assert!(translate(&mappings, kernel.entry).is_some());
            }
            Err(error) => prop_assert!(!cut || matches!(error, BootError::Kernel(_))),
        }
    }
}
