//! Placing things in the kernel's address space.

use bootloader_api::BootloaderConfig;
use bootloader_api::config::Mapping::{Dynamic, FixedAddress};
use proptest::prelude::*;

use super::kernel_file::{BASE, KernelFile, READ, segment};
use crate::error::{BootError, LayoutError};
use crate::kernel_image::KernelImage;
use crate::layout::{GIANT_PAGE_SIZE, HUGE_PAGE_SIZE, Item, Layout, Sizes};

const SIZES: Sizes = Sizes {
    loader_end: 0x15_5000,
    boot_info: 0x2000,
    command_line: 100,
    memory_end: 0x800_0000,
    physical_memory_page: HUGE_PAGE_SIZE,
};

fn plan_with(config: &BootloaderConfig, sizes: &Sizes) -> Result<Layout, BootError> {
    let file = KernelFile::new(config).write();
    Layout::plan(&KernelImage::parse(&file).expect("a good kernel"), sizes)
}

fn plan(change: impl FnOnce(&mut BootloaderConfig)) -> Result<Layout, BootError> {
    let mut config = BootloaderConfig::new_default();
    change(&mut config);
    plan_with(&config, &SIZES)
}

fn error(change: impl FnOnce(&mut BootloaderConfig)) -> LayoutError {
    match plan(change).expect_err("a layout that cannot be") {
        BootError::Layout(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn by_default_everything_lies_behind_the_loader() {
    let layout = plan(|_| ()).expect("a layout");
    assert_eq!(
        layout.stack,
        0x15_6000..0x16_a000,
        "the guard page is below, at 0x155000"
    );
    assert_eq!(layout.boot_info, 0x16_a000..0x16_c000);
    assert_eq!(layout.command_line, Some(0x16_c000..0x16_c064));
    assert_eq!(
        (layout.physical_memory, layout.recursive_index),
        (None, None)
    );
}

#[test]
fn fixed_addresses_are_kept() {
    let layout = plan(|config| {
        config.kernel_stack_size = 0x1_0001;
        config.mappings.kernel_stack = FixedAddress(0xffff_a000_0000_0000);
        config.mappings.boot_info = FixedAddress(0xffff_b000_0000_0000);
        config.mappings.ramdisk_memory = FixedAddress(0xffff_c000_0000_0000);
        config.mappings.physical_memory = Some(FixedAddress(0xffff_8000_0000_0000));
        config.mappings.page_table_recursive = Some(FixedAddress(0xffff_ff00_0000_0000));
    })
    .expect("a layout");
    assert_eq!(layout.stack, 0xffff_a000_0000_1000..0xffff_a000_0001_2000);
    assert_eq!(layout.boot_info.start, 0xffff_b000_0000_0000);
    assert_eq!(
        layout.command_line,
        Some(0xffff_c000_0000_0000..0xffff_c000_0000_0064)
    );
    assert_eq!(
        layout.physical_memory,
        Some(0xffff_8000_0000_0000..0xffff_8001_0000_0000)
    );
    assert_eq!(layout.recursive_index, Some(510));
}

#[test]
fn the_dynamic_range_is_honoured_and_what_is_taken_is_passed_over() {
    let layout = plan(|config| {
        config.mappings.dynamic_range_start = Some(BASE - 0x2000 + 1);
        config.mappings.dynamic_range_end = Some(BASE + 0x10_0000);
        config.mappings.ramdisk_memory = FixedAddress(BASE + 0x8000);
    })
    .expect("a layout");
    assert_eq!(
        layout.boot_info.start,
        BASE + 0x6000,
        "between the kernel's last page and the command line"
    );
    assert_eq!(
        layout.stack.start,
        BASE + 0xa000,
        "with the guard page behind the command line"
    );
}

#[test]
fn physical_memory_is_mapped_to_its_end_but_at_least_4_gib() {
    let mut config = BootloaderConfig::new_default();
    config.mappings.physical_memory = Some(Dynamic);
    for (memory_end, page, size) in [
        (0x100_0000, HUGE_PAGE_SIZE, 1 << 32),
        (0x1_4000_1000, HUGE_PAGE_SIZE, 0x1_4020_0000),
        (0x1_4000_1000, GIANT_PAGE_SIZE, 0x1_8000_0000),
    ] {
        let layout = plan_with(
            &config,
            &Sizes {
                memory_end,
                physical_memory_page: page,
                ..SIZES
            },
        )
        .expect("a layout");
        let range = layout.physical_memory.expect("the physical memory");
        assert_eq!(
            (range.start, range.end - range.start),
            (page, size),
            "the first multiple behind the loader"
        );
    }
}

#[test]
fn nothing_is_placed_for_an_empty_command_line() {
    let config = BootloaderConfig::new_default();
    let layout = plan_with(
        &config,
        &Sizes {
            command_line: 0,
            ..SIZES
        },
    )
    .expect("a layout");
    assert_eq!(layout.command_line, None);
}

#[test]
fn unaligned_addresses_are_refused() {
    let stack = error(|config| config.mappings.kernel_stack = FixedAddress(0x1_0000_0800));
    assert_eq!(
        stack,
        LayoutError::Unaligned {
            item: Item::Stack,
            address: 0x1_0000_0800,
            alignment: 0x1000
        }
    );
    let physical =
        error(|config| config.mappings.physical_memory = Some(FixedAddress(0xffff_8000_0010_0000)));
    let (address, alignment) = (0xffff_8000_0010_0000, HUGE_PAGE_SIZE);
    assert_eq!(
        physical,
        LayoutError::Unaligned {
            item: Item::PhysicalMemory,
            address,
            alignment
        }
    );
}

#[test]
fn addresses_that_are_taken_or_do_not_exist_are_refused() {
    let overlap = |item, address, other| LayoutError::Overlap {
        item,
        address,
        other,
    };
    for (address, other) in [
        (0, Item::Loader),
        (0x15_4000, Item::Loader),
        (BASE + 0x1000, Item::Segment),
        (0x0000_7fff_ffff_f000, Item::NotCanonical),
        (0x0000_8000_0000_0000, Item::NotCanonical),
        (0xffff_ffff_ffff_f000, Item::NotCanonical),
    ] {
        let stack = error(|config| config.mappings.kernel_stack = FixedAddress(address));
        assert_eq!(stack, overlap(Item::Stack, address, other));
    }
    let both = error(|config| {
        config.mappings.kernel_stack = FixedAddress(0x1_0000_0000);
        config.mappings.boot_info = FixedAddress(0x1_0001_4000);
    });
    assert_eq!(both, overlap(Item::BootInfo, 0x1_0001_4000, Item::Stack));
}

#[test]
fn segments_that_share_a_page_or_lie_in_the_loader_are_refused() {
    for (address, other) in [
        (BASE + 0x1800, Item::Segment),
        (0x10_0000, Item::Loader),
        (1 << 47, Item::NotCanonical),
    ] {
        let mut file = KernelFile::new(&BootloaderConfig::new_default());
        file.segments.push(segment(READ, address, &[1], 1));
        let bytes = file.write();
        let error = Layout::plan(&KernelImage::parse(&bytes).expect("a good file"), &SIZES)
            .expect_err("an overlap");
        assert_eq!(
            error,
            BootError::Layout(LayoutError::Overlap {
                item: Item::Segment,
                address,
                other
            })
        );
    }
}

#[test]
fn a_dynamic_range_that_is_too_small_is_refused() {
    let stack = error(|config| {
        config.mappings.dynamic_range_start = Some(0x1_0000_0000);
        config.mappings.dynamic_range_end = Some(0x1_0001_4000);
    });
    assert_eq!(stack, LayoutError::NoGap(Item::Stack));
    let physical = error(|config| {
        config.mappings.physical_memory = Some(Dynamic);
        config.mappings.dynamic_range_end = Some(1 << 32);
    });
    assert_eq!(physical, LayoutError::NoGap(Item::PhysicalMemory));
}

#[test]
fn a_stack_larger_than_the_address_space_is_refused() {
    for size in [u64::MAX, u64::MAX - 0x1000, 1 << 47] {
        let error = plan(|config| config.kernel_stack_size = size).expect_err("no such stack");
        assert_eq!(
            error,
            BootError::NotEnoughMemory {
                needed: size,
                free: 0
            }
        );
    }
}

/// The first address of a level 4 entry.
fn level_4_start(index: u64) -> u64 {
    ((index << 55).cast_signed() >> 16).cast_unsigned()
}

fn mapping() -> impl Strategy<Value = bootloader_api::config::Mapping> {
    prop_oneof![
        3 => Just(Dynamic),
        1 => any::<u64>().prop_map(FixedAddress),
        2 => any::<u64>().prop_map(|address| FixedAddress(address & !0xfff)),
        2 => (0..512_u64).prop_map(|index| FixedAddress(level_4_start(index))),
    ]
}

proptest! {
    #[test]
    fn any_configuration_is_refused_or_placed_without_overlaps(
        (stack, boot_info, ramdisk) in (mapping(), mapping(), mapping()),
        physical in proptest::option::of(mapping()),
        recursive in proptest::option::of(mapping()),
        start in proptest::option::of(any::<u64>()),
        end in proptest::option::of(any::<u64>()),
        stack_size in prop_oneof![0..0x10_0000_u64, any::<u64>()],
    ) {
        let planned = plan(|config| {
            config.kernel_stack_size = stack_size;
            config.mappings.kernel_stack = stack;
            config.mappings.boot_info = boot_info;
            config.mappings.ramdisk_memory = ramdisk;
            config.mappings.physical_memory = physical;
            config.mappings.page_table_recursive = recursive;
            config.mappings.dynamic_range_start = start;
            config.mappings.dynamic_range_end = end;
        });
        if let Ok(layout) = planned {
            let with_guard_page = layout.stack.start - 0x1000..layout.stack.end;
            let mut ranges = std::vec![with_guard_page, layout.boot_info.clone()];
            ranges.extend(layout.command_line.clone());
            ranges.extend(layout.physical_memory.clone());
            ranges.push(0..SIZES.loader_end);
            ranges.push(1 << 47..0xffff_8000_0000_0000);
            ranges.push(BASE..BASE + 0x6000);
            ranges.sort_by_key(|range| range.start);
            let disjoint = ranges.windows(2).all(|pair| pair[0].end <= pair[1].start);
            prop_assert!(disjoint, "{:x?}", ranges);
        }
    }
}
