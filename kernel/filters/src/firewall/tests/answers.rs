//! Answers to rejected frames, as etherparse reads them.

use std::vec::Vec;

use etherparse::icmpv4::DestUnreachableHeader;
use etherparse::{Icmpv4Type, IpNumber, NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use executive::{Duration, Instant};
use ndis::PacketPool;

use super::{
    Bench, OUR_ADDRESS, OUR_STATION, THEIR_ADDRESS, THEIR_STATION, arp, datagram, echo, syn, to_us,
    turned, udp, verdicts,
};
use crate::Direction;

/// Rejects a frame; returns the answer, which must go back where the frame came from.
pub(super) fn answer_to(direction: Direction, frame: &[u8]) -> Option<Vec<u8>> {
    let mut bench = Bench::new("reject");
    let mut out = bench.give(direction, frame);
    assert_eq!(bench.hits(), [1]);
    let counters = bench.counters();
    let verdict = match direction {
        Direction::Out => counters.outbound,
        Direction::In => counters.inbound,
    };
    assert_eq!(verdict, verdicts(0, 0, 1));
    assert_eq!(counters.unanswerable, u64::from(out.is_empty()));
    assert_eq!(counters.icmp_errors + counters.resets, out.len() as u64);
    let (way, answer) = out.pop()?;
    assert_eq!(out, []);
    assert_ne!(way, direction);
    // Stations and addresses are swapped.
    assert_eq!((&answer[..6], &answer[6..12]), (&frame[6..12], &frame[..6]));
    assert_eq!(
        (&answer[26..30], &answer[30..34]),
        (&frame[30..34], &frame[26..30])
    );
    Some(answer)
}

/// The code of a "destination unreachable", whose checksums are right, and what it quotes.
fn unreachable(answer: &[u8]) -> (u8, Vec<u8>) {
    let sliced = SlicedPacket::from_ethernet(answer).expect("a frame");
    let Some(NetSlice::Ipv4(ip)) = &sliced.net else {
        panic!("no IPv4");
    };
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert!(usize::from(header.total_len) <= 576);
    assert_eq!(usize::from(header.total_len), answer.len() - 14);
    let Some(TransportSlice::Icmpv4(message)) = sliced.transport else {
        panic!("no ICMP");
    };
    let Icmpv4Type::DestinationUnreachable(reason) = message.icmp_type() else {
        panic!("no destination unreachable");
    };
    let checksum = message.icmp_type().calc_checksum(message.payload());
    assert_eq!(message.checksum(), checksum);
    (reason.code_u8(), message.payload().to_vec())
}

#[test]
fn a_rejected_datagram_is_answered_with_port_unreachable() {
    let frame = udp(5000, 7, b"hello");
    let answer = answer_to(Direction::In, &frame).expect("an answer");
    let (code, quoted) = unreachable(&answer);
    assert_eq!(code, DestUnreachableHeader::Port.code_u8());
    assert_eq!(quoted, frame[14..]);
}

#[test]
fn other_protocols_are_answered_with_administratively_prohibited() {
    for frame in [echo(), datagram(89, b"hello")] {
        let answer = answer_to(Direction::In, &frame).expect("an answer");
        let (code, quoted) = unreachable(&answer);
        assert_eq!(code, DestUnreachableHeader::FilterProhibited.code_u8());
        assert_eq!(quoted, frame[14..]);
    }
}

#[test]
fn what_the_own_protocols_send_is_answered_upwards() {
    let answer = answer_to(Direction::Out, &turned(&udp(5000, 7, b"hello")));
    assert_eq!(unreachable(&answer.expect("an answer")).0, 3);
    assert!(answer_to(Direction::Out, &turned(&syn(5000, 80))).is_some());
}

#[test]
fn rfc1812_4_3_2_3_an_error_has_at_most_576_bytes() {
    let frame = udp(5000, 7, &[1; 1400]);
    let answer = answer_to(Direction::In, &frame).expect("an answer");
    assert_eq!(answer.len(), 14 + 576);
    assert_eq!(unreachable(&answer).1, frame[14..14 + 548]);
}

#[test]
fn padding_is_not_quoted() {
    let mut frame = udp(5000, 7, b"hello");
    let datagram = frame[14..].to_vec();
    frame.resize(60, 0xEE);
    let answer = answer_to(Direction::In, &frame).expect("an answer");
    assert_eq!(unreachable(&answer).1, datagram);
}

#[test]
fn what_has_a_wrong_transport_checksum_is_not_answered() {
    for mut frame in [udp(5000, 7, b"hello"), syn(5000, 80)] {
        assert!(answer_to(Direction::In, &frame).is_some());
        let last = frame.len() - 1;
        frame[last] ^= 1;
        assert_eq!(answer_to(Direction::In, &frame), None);
    }
    // RFC 768: zero says that there is none.
    let mut frame = udp(5000, 7, b"hello");
    frame[40..42].fill(0);
    assert!(answer_to(Direction::In, &frame).is_some());
}

#[test]
fn rfc1122_3_2_2_icmp_errors_are_not_answered() {
    let errors = [
        Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port),
        Icmpv4Type::TimeExceeded(etherparse::icmpv4::TimeExceededCode::TtlExceededInTransit),
        Icmpv4Type::Unknown {
            type_u8: 4,
            code_u8: 0,
            bytes5to8: [0; 4],
        },
        Icmpv4Type::Unknown {
            type_u8: 5,
            code_u8: 0,
            bytes5to8: [0; 4],
        },
        Icmpv4Type::Unknown {
            type_u8: 12,
            code_u8: 0,
            bytes5to8: [0; 4],
        },
    ];
    for error in errors {
        let mut frame = Vec::new();
        to_us()
            .ipv4(THEIR_ADDRESS, OUR_ADDRESS, 64)
            .icmpv4(error)
            .write(&mut frame, &[0x45; 28])
            .expect("a frame");
        assert_eq!(answer_to(Direction::In, &frame), None);
    }
}

fn udp_between(stations: [[u8; 6]; 2], addresses: [[u8; 4]; 2]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(stations[0], stations[1])
        .ipv4(addresses[0], addresses[1], 64)
        .udp(5000, 7)
        .write(&mut frame, b"hello")
        .expect("a frame");
    frame
}

#[test]
fn rfc1122_3_2_2_what_was_sent_to_several_is_not_answered() {
    let both = [THEIR_STATION, OUR_STATION];
    for destination in [
        [255; 4],
        [224, 0, 0, 1],
        [239, 1, 2, 3],
        [240, 0, 0, 1],
        [0; 4],
    ] {
        let frame = udp_between(both, [THEIR_ADDRESS, destination]);
        assert_eq!(answer_to(Direction::In, &frame), None, "{destination:?}");
    }
    // A directed broadcast shows by its link-layer address.
    for station in [[0xFF; 6], [1, 0, 0x5E, 0, 0, 1], [0; 6]] {
        let frame = udp_between([THEIR_STATION, station], [THEIR_ADDRESS, [10, 0, 2, 255]]);
        assert_eq!(answer_to(Direction::In, &frame), None, "{station:?}");
    }
}

#[test]
fn rfc1122_3_2_2_what_does_not_come_from_one_host_is_not_answered() {
    let both = [THEIR_STATION, OUR_STATION];
    for source in [
        [0; 4],
        [0, 0, 0, 9],
        [127, 0, 0, 1],
        [224, 0, 0, 1],
        [255; 4],
        [240, 0, 0, 1],
    ] {
        let frame = udp_between(both, [source, OUR_ADDRESS]);
        assert_eq!(answer_to(Direction::In, &frame), None, "{source:?}");
    }
    for station in [[0xFF; 6], [1, 0, 0x5E, 0, 0, 1], [0; 6]] {
        let frame = udp_between([station, OUR_STATION], [THEIR_ADDRESS, OUR_ADDRESS]);
        assert_eq!(answer_to(Direction::In, &frame), None, "{station:?}");
    }
}

#[test]
fn on_the_loopback_medium_loopback_addresses_are_answered() {
    let frame = udp_between([[0; 6]; 2], [[127, 0, 0, 1]; 2]);
    let answer = answer_to(Direction::Out, &frame).expect("an answer");
    assert_eq!(unreachable(&answer).0, 3);
    let frame = udp_between([THEIR_STATION, OUR_STATION], [[127, 0, 0, 1]; 2]);
    assert_eq!(answer_to(Direction::In, &frame), None);
}

/// Sets the fragment fields of a datagram, and its checksum.
fn as_fragment(mut frame: Vec<u8>, offset: u16, more: bool) -> Vec<u8> {
    let flag = if more { 0x2000 } else { 0 };
    let field = (offset / 8) | flag;
    frame[20..22].copy_from_slice(&field.to_be_bytes());
    frame[24..26].fill(0);
    let sum = netstack::checksum::of(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn rfc1122_3_2_2_of_fragments_only_the_first_is_answered() {
    let mut frame = as_fragment(udp(5000, 7, &[1; 24]), 0, true);
    // Its checksum covers what is in the other fragments.
    frame[40] ^= 0x55;
    let answer = answer_to(Direction::In, &frame).expect("an answer");
    assert_eq!(unreachable(&answer).0, 3);
    for (offset, more) in [(32, true), (32, false)] {
        let frame = as_fragment(udp(5000, 7, &[1; 24]), offset, more);
        assert_eq!(answer_to(Direction::In, &frame), None);
    }
    // A reset would have to know the length of the whole segment.
    let frame = as_fragment(syn(5000, 80), 0, true);
    assert_eq!(answer_to(Direction::In, &frame), None);
}

#[test]
fn what_is_not_ip_is_not_answered() {
    let mut frame = arp();
    frame[..6].copy_from_slice(&OUR_STATION);
    assert_eq!(answer_to(Direction::In, &frame), None);
}

#[test]
fn dropped_frames_are_not_answered() {
    let mut bench = Bench::new("drop");
    assert_eq!(bench.give(Direction::In, &udp(1, 2, b"x")), []);
    assert_eq!(bench.counters().unanswerable, 0);
}

#[test]
fn rfc1812_4_3_2_8_answers_are_limited() {
    let mut bench = Bench::new("reject");
    let mut answers = 0;
    for millis in 0..1000 {
        let now = Instant::from_secs(1) + Duration::from_millis(millis);
        bench.recorder.run_until(&mut bench.firewall, now);
        answers += bench.give(Direction::In, &udp(1, 2, b"x")).len();
    }
    assert!((118..=120).contains(&answers), "{answers}");
    assert_eq!(bench.counters().rate_limited, 1000 - answers as u64);
    assert_eq!(bench.counters().icmp_errors, answers as u64);
}

#[test]
fn no_packet_for_an_answer_is_counted() {
    let mut bench = Bench::with_pool("reject", PacketPool::new(1, 1));
    assert_eq!(bench.give(Direction::In, &udp(1, 2, b"x")), []);
    assert_eq!(bench.counters().no_packet, 1);
    assert_eq!(bench.counters().icmp_errors, 0);
}

#[test]
fn an_answer_names_its_protocol() {
    let answer = answer_to(Direction::In, &syn(1, 2)).expect("an answer");
    let sliced = SlicedPacket::from_ethernet(&answer).expect("a frame");
    let Some(NetSlice::Ipv4(ip)) = sliced.net else {
        panic!("no IPv4");
    };
    assert_eq!(ip.header().protocol(), IpNumber::TCP);
    assert_eq!(ip.header().ttl(), 64);
    assert!(ip.header().dont_fragment());
}
