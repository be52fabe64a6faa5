//! Putting the memory map in order, and handing out its frames.

use bootloader_api::info::{MemoryRegion, MemoryRegionKind};
use core::ops::Range;
use proptest::prelude::*;
use std::vec::Vec;
use x86_64::structures::paging::FrameAllocator;

use crate::error::BootError;
use crate::frames::Frames;
use crate::memory_map::{MAX_FIRMWARE_REGIONS, MAX_RESERVED, MemoryMap, PAGE_SIZE};

const USABLE: MemoryRegionKind = MemoryRegionKind::Usable;
const BOOTLOADER: MemoryRegionKind = MemoryRegionKind::Bootloader;

fn map(entries: &[(u64, u64, u32)]) -> MemoryMap {
    let mut map = MemoryMap::new();
    for (start, length, e820_type) in entries {
        map.add(*start, *length, *e820_type)
            .expect("room for the entry");
    }
    map
}

fn region(start: u64, end: u64, kind: MemoryRegionKind) -> MemoryRegion {
    MemoryRegion { start, end, kind }
}

#[test]
fn entries_are_sorted_and_joined_and_usable_ones_cut_to_pages() {
    let map = map(&[
        (0x10_0000, 0x8_0000, 1),
        (0x18_0000, 0x1234, 1),
        (0x800, 0x9_f400, 1),
        (0xf_0000, 0x1_0000, 2),
    ]);
    let expected = [
        region(0x1000, 0x9_f000, USABLE),
        region(0xf_0000, 0x10_0000, MemoryRegionKind::UnknownBios(2)),
        region(0x10_0000, 0x18_1000, USABLE),
    ];
    assert_eq!(map.without(&[]).expect("few regions"), expected);
}

#[test]
fn reserved_ranges_are_widened_to_pages_and_marked() {
    let map = map(&[(0, 0x10_0000, 1)]);
    let expected = [
        region(0, 0x1000, BOOTLOADER),
        region(0x1000, 0x5000, USABLE),
        region(0x5000, 0x7000, BOOTLOADER),
        region(0x7000, 0x10_0000, USABLE),
    ];
    assert_eq!(
        map.without(&[0x5fff..0x6001, 0..0x1000])
            .expect("few regions"),
        expected
    );
}

#[test]
fn a_kind_that_is_not_usable_wins_where_entries_overlap() {
    let map = map(&[
        (0, 0x10_0000, 1),
        (0x2_0000, 0x1000, 4),
        (0x2_0800, 0x1_0000, 1),
    ]);
    let expected = [
        region(0, 0x2_0000, USABLE),
        region(0x2_0000, 0x2_1000, MemoryRegionKind::UnknownBios(4)),
        region(0x2_1000, 0x3_0000, BOOTLOADER),
        region(0x3_0000, 0x10_0000, USABLE),
    ];
    assert_eq!(
        map.without(core::slice::from_ref(&(0x2_0000..0x3_0000)))
            .expect("few regions"),
        expected
    );
}

#[test]
fn reserved_ranges_outside_memory_add_nothing() {
    let map = map(&[(0x10_0000, 0x10_0000, 1)]);
    assert_eq!(
        map.without(core::slice::from_ref(&(0x40_0000..0x50_0000)))
            .expect("few regions"),
        [region(0x10_0000, 0x20_0000, USABLE)]
    );
}

#[test]
fn the_end_of_memory_is_that_of_memory_and_acpi_tables() {
    let entries = [
        (0x10_0000, 0x10_0000, 1),
        (0x20_0000, 0x1000, 3),
        (0x30_0000, 0x1000, 4),
        (1 << 40, 1 << 30, 2),
    ];
    assert_eq!(map(&entries).memory_end(), 0x30_1000);
    assert_eq!(map(&entries[..2]).memory_end(), 0x20_1000);
    assert_eq!(MemoryMap::new().memory_end(), 0);
}

#[test]
fn too_many_entries_are_refused() {
    let mut map = MemoryMap::new();
    for index in 0..MAX_FIRMWARE_REGIONS as u64 {
        assert_eq!(map.add(index * 0x10_000, 0x8000, 1), Ok(()));
        assert_eq!(
            map.add(index * 0x10_000, 0, 1),
            Ok(()),
            "empty entries take no room"
        );
    }
    let reserved: Vec<_> = (0..MAX_RESERVED as u64)
        .map(|index| index * 0x10_000 + 0x2000..index * 0x10_000 + 0x3000)
        .collect();
    assert_eq!(
        map.without(&reserved).map(|regions| regions.len()),
        Ok(MAX_FIRMWARE_REGIONS + 2 * MAX_RESERVED)
    );
    assert_eq!(map.add(u64::MAX, 0, 1), Ok(()));
    assert_eq!(
        map.add(0x7000_0000, 0x1000, 1),
        Err(BootError::MemoryMapTooLong)
    );
    let reserved = std::vec![0..1; MAX_RESERVED + 1];
    assert_eq!(map.without(&reserved), Err(BootError::MemoryMapTooLong));
}

#[test]
fn frames_come_in_order_from_free_memory_between_1_mib_and_the_limit() {
    let regions = [
        region(0, 0x9_f000, USABLE),
        region(0x10_0000, 0x10_2000, BOOTLOADER),
        region(0x10_2000, 0x10_4000, USABLE),
        region(0x20_0000, 0x20_3000, USABLE),
        region(0x1_0000_0000, 0x1_0001_0000, USABLE),
    ];
    let mut frames = Frames::new(&regions, 1 << 32);
    assert_eq!(frames.free_bytes(), 5 * PAGE_SIZE);
    assert!(frames.used().is_empty());
    let mut next = || {
        frames
            .allocate_frame()
            .map(|frame| frame.start_address().as_u64())
    };
    let taken: Vec<_> = core::iter::from_fn(&mut next).collect();
    assert_eq!(
        taken,
        [0x10_2000, 0x10_3000, 0x20_0000, 0x20_1000, 0x20_2000]
    );
    assert_eq!(next(), None);
    assert_eq!(frames.used(), 0x10_2000..0x20_3000);
    assert_eq!(frames.free_bytes(), 0);
}

#[test]
fn frames_in_one_piece_pass_over_what_is_too_small() {
    let regions = [
        region(0x10_0000, 0x10_2000, USABLE),
        region(0x20_0000, 0x20_4000, USABLE),
    ];
    let mut frames = Frames::new(&regions, 1 << 32);
    assert!(frames.allocate_in_one_piece(5).is_none());
    assert!(frames.allocate_in_one_piece(u64::MAX).is_none());
    let piece = frames.allocate_in_one_piece(3).expect("a piece");
    assert_eq!(
        (
            piece.start.start_address().as_u64(),
            piece.end.start_address().as_u64()
        ),
        (0x20_0000, 0x20_3000)
    );
    assert_eq!(frames.used(), 0x20_0000..0x20_3000);
    assert_eq!(
        frames
            .allocate_frame()
            .map(|frame| frame.start_address().as_u64()),
        Some(0x20_3000)
    );
    assert!(frames.allocate_frame().is_none());
}

fn entry() -> impl Strategy<Value = (u64, u64, u32)> {
    let address = prop_oneof![0..0x40_0000_u64, any::<u64>()];
    (
        address,
        prop_oneof![0..0x10_0000_u64, any::<u64>()],
        0..6_u32,
    )
}

fn reserved() -> impl Strategy<Value = Range<u64>> {
    (0..0x40_0000_u64, 0..0x10_0000_u64).prop_map(|(start, length)| start..start + length)
}

proptest! {
    #[test]
    fn any_map_is_put_in_order(
        entries in proptest::collection::vec(entry(), 0..40),
        reserved in proptest::collection::vec(reserved(), 0..MAX_RESERVED),
        probes in proptest::collection::vec(0..0x50_0000_u64, 32),
    ) {
        let ordered = map(&entries).without(&reserved).expect("few regions");
        prop_assert!(ordered.iter().all(|region| region.start < region.end));
        prop_assert!(ordered.windows(2).all(|pair| pair[0].end <= pair[1].start));
        for region in ordered.iter().filter(|region| region.kind == USABLE) {
            prop_assert!(region.start.is_multiple_of(PAGE_SIZE));
            prop_assert!(region.end.is_multiple_of(PAGE_SIZE));
            let apart = |range: &Range<u64>| {
                range.is_empty() || region.end <= range.start || range.end <= region.start
            };
            prop_assert!(reserved.iter().all(apart));
        }
        for probe in probes {
            let mut kinds = entries.iter().filter(|(start, length, _)| {
                probe.checked_sub(*start).is_some_and(|offset| offset < *length)
            });
            let known = kinds.clone().next().is_some();
            let usable = kinds.all(|(_, _, kind)| *kind == 1);
            let found = ordered.iter().find(|region| (region.start..region.end).contains(&probe));
            match found.map(|region| region.kind) {
                Some(USABLE | BOOTLOADER) => prop_assert!(known && usable),
                Some(_) => prop_assert!(!usable),
                None => prop_assert!(usable, "only cut pages of usable memory are missing"),
            }
        }
    }
}
