//! Frames that are cut off or contradict themselves.

use proptest::prelude::*;

use super::{Bench, arp, datagram, echo, syn, udp};
use crate::Direction;
use crate::firewall::FirewallCounters;

/// Frames that were not judged by rules.
fn malformed(counters: &FirewallCounters) -> u64 {
    counters.malformed_ethernet
        + counters.malformed_arp
        + counters.malformed_ip
        + counters.malformed_transport
        + counters.tiny_fragments
}

/// Writes the right header checksum.
fn fix_header_checksum(frame: &mut [u8]) {
    frame[24..26].fill(0);
    let length = usize::from(frame[14] & 15) * 4;
    let sum = netstack::checksum::of(&frame[14..14 + length]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn malformed_frames_are_dropped_and_counted_whatever_the_rules_say() {
    let mut bench = Bench::new("allow");
    assert!(!bench.receives(&[0; 13]));
    assert_eq!(bench.counters().malformed_ethernet, 1);

    let mut foreign = arp();
    foreign[15] = 6;
    assert!(!bench.receives(&foreign));
    assert!(!bench.receives(&arp()[..41]));
    assert_eq!(bench.counters().malformed_arp, 2);

    let good = udp(1, 2, b"four");
    let mut checksum = good.clone();
    checksum[24] ^= 1;
    let mut version = good.clone();
    version[14] = 0x55;
    let mut header_length = good.clone();
    header_length[14] = 0x44;
    let mut total = good.clone();
    total[17] += 1;
    fix_header_checksum(&mut total);
    let wrong = [checksum, version, header_length, total, good[..33].to_vec()];
    for (frame, count) in wrong.iter().zip(1..) {
        assert!(!bench.receives(frame));
        assert_eq!(bench.counters().malformed_ip, count);
    }

    let mut udp_length = good.clone();
    udp_length[39] += 1;
    let mut data_offset = syn(1, 2);
    data_offset[46] = 0x40;
    let mut options_cut = syn(1, 2);
    options_cut[46] = 0x60;
    let wrong = [
        udp_length,
        data_offset,
        options_cut,
        datagram(17, &[0; 7]),
        datagram(6, &[0; 19]),
        datagram(1, &[8; 7]),
    ];
    for (frame, count) in wrong.iter().zip(1..) {
        assert!(!bench.receives(frame));
        assert_eq!(bench.counters().malformed_transport, count);
    }
    assert_eq!(bench.hits(), [0]);
    assert!(!bench.passes(Direction::Out, &[0; 13]));
    assert_eq!(bench.counters().malformed_ethernet, 2);
}

#[test]
fn padding_is_no_part_of_a_datagram() {
    let mut bench = Bench::new("allow udp dport 2; default drop");
    let mut frame = udp(1, 2, b"x");
    frame.resize(60, 0xEE);
    assert!(bench.receives(&frame));
}

#[test]
fn a_frame_cut_off_anywhere_is_malformed() {
    for frame in [udp(1, 2, b"four"), syn(1, 2), echo(), arp()] {
        for length in 0..frame.len() {
            let mut bench = Bench::new("");
            assert!(!bench.receives(&frame[..length]), "{length}");
            assert_eq!(malformed(&bench.counters()), 1);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged_or_malformed(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        ether_type in prop::sample::select(&[[8, 0], [8, 6], [0x86, 0xDD]][..]),
        direction in prop::sample::select(&[Direction::Out, Direction::In][..]),
        rules in prop::sample::select(&["", "reject", "drop udp; reject tcp sport 1-9"][..]),
    ) {
        let mut bytes = bytes;
        if let Some(place) = bytes.get_mut(12..14) {
            place.copy_from_slice(&ether_type);
        }
        let mut bench = Bench::new(rules);
        bench.give(direction, &bytes);
        let counters = bench.counters();
        let verdicts = [counters.inbound, counters.outbound];
        let judged: u64 = verdicts.iter().map(|v| v.allowed + v.dropped + v.rejected).sum();
        prop_assert_eq!(judged + malformed(&counters), 1);
    }

    #[test]
    fn changed_frames_with_right_header_checksums_are_judged_or_malformed(
        kind in 0..3_u8,
        changes in prop::collection::vec((14_usize..54, any::<u8>()), 0..4),
        direction in prop::sample::select(&[Direction::Out, Direction::In][..]),
        rules in prop::sample::select(&["", "reject", "reject udp; reject tcp dport 2"][..]),
    ) {
        let mut frame = match kind {
            0 => udp(1, 2, b"hello"),
            1 => syn(1, 2),
            _ => echo(),
        };
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        if frame.len() >= 14 + usize::from(frame[14] & 15) * 4 && frame[14] & 15 >= 5 {
            fix_header_checksum(&mut frame);
        }
        let mut bench = Bench::new(rules);
        let out = bench.give(direction, &frame);
        let counters = bench.counters();
        let verdicts = [counters.inbound, counters.outbound];
        let judged: u64 = verdicts.iter().map(|v| v.allowed + v.dropped + v.rejected).sum();
        prop_assert_eq!(judged + malformed(&counters), 1);
        for (way, bytes) in out {
            if way != direction {
                etherparse::SlicedPacket::from_ethernet(&bytes).expect("an answer is well-formed");
            }
        }
    }
}
