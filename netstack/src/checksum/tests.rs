use super::{Checksum, PayloadChecksum, of, update};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// The definition, word by word: RFC 1071 section 4.1.
fn reference(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low));
    }
    while sum > 0xFFFF {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    !(sum as u16)
}

#[test]
fn rfc1071_section_3_example() {
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!(of(&bytes), !0xddf2);
}

#[test]
fn all_ones_fold_without_losing_a_carry() {
    for length in 0..200 {
        let bytes = vec![0xFF; length];
        assert_eq!(of(&bytes), reference(&bytes), "{length} bytes");
    }
}

#[test]
fn agrees_with_etherparse_on_a_pseudo_header() {
    let payload = [7, 8, 9, 10, 11];
    let header =
        etherparse::UdpHeader::with_ipv4_checksum(1, 2, &ip_header(payload.len()), &payload)
            .expect("etherparse header");
    let mut checksum = Checksum::pseudo_header([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 17, 13);
    for field in [1, 2, 13] {
        checksum.add_u16(field);
    }
    checksum.add_bytes(&payload);
    assert_eq!(checksum.finish(), header.checksum);
}

fn ip_header(payload: usize) -> etherparse::Ipv4Header {
    etherparse::Ipv4Header::new(
        (payload + 8) as u16,
        64,
        etherparse::IpNumber::UDP,
        [10, 0, 0, 1],
        [10, 0, 0, 2],
    )
    .expect("etherparse header")
}

proptest! {
    #[test]
    fn agrees_with_the_definition(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_eq!(of(&bytes), reference(&bytes));
    }

    #[test]
    fn pieces_of_any_length_sum_like_the_whole(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..8),
    ) {
        let whole: Vec<u8> = pieces.concat();
        let mut checksum = Checksum::new();
        let mut copied = PayloadChecksum::new();
        let mut destination = vec![0; whole.len()];
        let mut offset = 0;
        for piece in &pieces {
            checksum.add_bytes(piece);
            offset += copied.copy_and_sum(&mut destination[offset..], piece);
        }
        let mut from_copy = Checksum::new();
        from_copy.add_payload(copied);
        prop_assert_eq!(checksum.finish(), reference(&whole));
        prop_assert_eq!(from_copy.finish(), reference(&whole));
        prop_assert_eq!(copied.length(), whole.len());
        prop_assert_eq!(destination, whole);
    }

    #[test]
    fn rfc1624_update_equals_a_new_sum(
        mut bytes in prop::collection::vec(1_u8.., 40..60),
        new in any::<u16>(),
    ) {
        let before = of(&bytes);
        let old = u16::from_be_bytes([bytes[10], bytes[11]]);
        bytes[10..12].copy_from_slice(&new.to_be_bytes());
        prop_assert_eq!(update(before, old, new), of(&bytes));
    }

    #[test]
    fn a_message_with_its_checksum_is_valid_and_a_flipped_bit_is_not(
        mut bytes in prop::collection::vec(any::<u8>(), 4..300),
        bit in any::<prop::sample::Index>(),
    ) {
        bytes[2..4].fill(0);
        let value = of(&bytes);
        bytes[2..4].copy_from_slice(&value.to_be_bytes());
        prop_assert!(super::is_valid(&bytes));
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!super::is_valid(&bytes));
    }
}
