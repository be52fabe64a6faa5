//! The functions under their Rust names against those of the standard library. Under test they do
//! not carry their C names.

use core::ops::Range;

use proptest::prelude::*;
use std::vec::Vec;

use crate::{bcmp, memcmp, memcpy, memmove, memset, strlen};

/// Every length up to here is tested at every alignment; all special cases of the functions lie
/// below.
const SHORT: usize = 80;

/// Bytes that all differ from their neighbours.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 256) as u8)
        .collect()
}

fn copied(length: usize, source: usize, destination: usize) -> (Vec<u8>, Vec<u8>) {
    let from = pattern(source + length);
    let mut to = std::vec![0xee; destination + length + 16];
    let mut expected = to.clone();
    expected[destination..destination + length].copy_from_slice(&from[source..]);
    let start = to[destination..].as_mut_ptr();
    // SAFETY: both areas are inside their buffers, which are different ones.
    let returned = unsafe { memcpy(start, from[source..].as_ptr(), length) };
    assert_eq!(returned, start);
    (to, expected)
}

fn moved(size: usize, source: Range<usize>, destination: usize) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = pattern(size);
    let mut expected = buffer.clone();
    expected.copy_within(source.clone(), destination);
    let base = buffer.as_mut_ptr();
    // SAFETY: both areas are inside the buffer.
    unsafe {
        let start = base.add(destination);
        assert_eq!(memmove(start, base.add(source.start), source.len()), start);
    }
    (buffer, expected)
}

fn filled(value: i32, offset: usize, length: usize) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = pattern(offset + length + 16);
    let mut expected = buffer.clone();
    expected[offset..offset + length].fill(value.to_le_bytes()[0]);
    let start = buffer[offset..].as_mut_ptr();
    // SAFETY: the area is inside the buffer.
    assert_eq!(unsafe { memset(start, value, length) }, start);
    (buffer, expected)
}

fn check_comparison(left: &[u8], right: &[u8]) {
    assert_eq!(left.len(), right.len());
    // SAFETY: both areas have this length.
    let (order, difference) = unsafe {
        (
            memcmp(left.as_ptr(), right.as_ptr(), left.len()),
            bcmp(left.as_ptr(), right.as_ptr(), left.len()),
        )
    };
    assert_eq!(order.cmp(&0), left.cmp(right));
    assert_eq!(difference == 0, left == right);
}

#[test]
fn memcpy_of_every_short_length_at_every_alignment() {
    for length in 0..SHORT {
        for source in 0..8 {
            for destination in 0..8 {
                let (to, expected) = copied(length, source, destination);
                assert_eq!(
                    to, expected,
                    "{length} bytes from {source} to {destination}"
                );
            }
        }
    }
}

#[test]
fn memmove_of_every_short_length_and_distance() {
    for length in 0..SHORT {
        for source in 0..SHORT {
            for destination in [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 63, SHORT - 1] {
                let (to, expected) = moved(2 * SHORT, source..source + length, destination);
                assert_eq!(
                    to, expected,
                    "{length} bytes from {source} to {destination}"
                );
            }
        }
    }
}

#[test]
fn memset_of_every_short_length_at_every_alignment() {
    for length in 0..SHORT {
        for offset in 0..8 {
            for value in [0, 0x5a, 0xff, -1, 0x1234] {
                let (to, expected) = filled(value, offset, length);
                assert_eq!(to, expected, "{length} bytes of {value} at {offset}");
            }
        }
    }
}

#[test]
fn memcmp_finds_a_difference_at_every_place() {
    for length in 0..SHORT {
        let left = pattern(length);
        check_comparison(&left, &left);
        for place in 0..length {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut right = left.clone();
                right[place] = value;
                if let Some(later) = right.get_mut(place + 1) {
                    *later = !*later;
                }
                check_comparison(&left, &right);
                check_comparison(&right, &left);
            }
        }
    }
}

#[test]
fn memcmp_is_by_unsigned_bytes_in_their_order() {
    check_comparison(
        &[0x80, 0, 0, 0, 0, 0, 0, 0],
        &[0x7f, 0, 0, 0, 0, 0, 0, 0xff],
    );
    check_comparison(&[1, 0, 0, 0, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 1]);
    check_comparison(&[], &[]);
}

#[test]
fn strlen_counts_to_the_first_zero() {
    for length in 0..SHORT {
        let mut string = std::vec![b'x'; length];
        string.extend([0, b'y', 0]);
        // SAFETY: the string ends with a zero byte.
        assert_eq!(unsafe { strlen(string.as_ptr()) }, length);
    }
}

proptest! {
    #[test]
    fn memcpy_of_any_length(length in 0..70_000_usize, source in 0..16_usize, destination in 0..16_usize) {
        let (to, expected) = copied(length, source, destination);
        prop_assert!(to == expected);
    }

    #[test]
    fn memmove_with_any_overlap(length in 0..5_000_usize, source in 0..5_000_usize, distance in -5_000..5_000_isize) {
        let destination = source.saturating_add_signed(distance);
        let (to, expected) = moved(16_000, source..source + length, destination);
        prop_assert!(to == expected);
    }

    #[test]
    fn memmove_by_less_than_a_word(length in 0..300_usize, source in 0..16_usize, destination in 0..16_usize) {
        let (to, expected) = moved(400, source..source + length, destination);
        prop_assert!(to == expected);
    }

    #[test]
    fn memset_of_any_length(value: i32, offset in 0..16_usize, length in 0..70_000_usize) {
        let (to, expected) = filled(value, offset, length);
        prop_assert!(to == expected);
    }

    #[test]
    fn memcmp_of_any_bytes(mut left: Vec<u8>, mut right: Vec<u8>, common in 0..200_usize) {
        let length = left.len().min(right.len());
        left.truncate(length);
        right.truncate(length);
        let common = common.min(length);
        right[..common].copy_from_slice(&left[..common]);
        check_comparison(&left, &right);
    }
}
