//! Resets for rejected TCP segments, as etherparse reads them.

use std::vec::Vec;

use etherparse::{NetSlice, SlicedPacket, TcpHeader, TransportSlice};
use proptest::prelude::*;

use super::answers::answer_to;
use super::{OUR_ADDRESS, THEIR_ADDRESS, to_us};
use crate::Direction;

/// The header of a reset, whose checksums are right.
fn reset(answer: &[u8]) -> TcpHeader {
    let sliced = SlicedPacket::from_ethernet(answer).expect("a frame");
    let Some(NetSlice::Ipv4(ip)) = &sliced.net else {
        panic!("no IPv4");
    };
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    let Some(TransportSlice::Tcp(segment)) = sliced.transport else {
        panic!("no TCP");
    };
    assert_eq!(segment.payload(), []);
    let tcp = segment.to_header();
    assert_eq!(Ok(tcp.checksum), tcp.calc_checksum_ipv4(&header, &[]));
    assert!(tcp.rst && !tcp.syn && !tcp.fin);
    tcp
}

fn segment(
    flags: impl FnOnce(&mut TcpHeader),
    (sequence, acknowledgment): (u32, u32),
    payload: &[u8],
) -> Vec<u8> {
    let mut header = TcpHeader::new(5000, 80, sequence, 4096);
    header.acknowledgment_number = acknowledgment;
    flags(&mut header);
    let mut frame = Vec::new();
    to_us()
        .ipv4(THEIR_ADDRESS, OUR_ADDRESS, 64)
        .tcp_header(header)
        .write(&mut frame, payload)
        .expect("a frame");
    frame
}

#[test]
fn rfc9293_3_10_7_1_a_segment_without_ack_is_reset_with_its_length_acknowledged() {
    for (frame, length) in [
        (segment(|tcp| tcp.syn = true, (1000, 0), &[]), 1),
        (
            segment(|tcp| (tcp.syn, tcp.fin) = (true, true), (1000, 0), b"abc"),
            5,
        ),
        (segment(|_| (), (u32::MAX, 0), b"abc"), 3),
        (segment(|tcp| tcp.fin = true, (7, 0), &[]), 1),
    ] {
        let sequence = u32::from_be_bytes(*frame[38..].first_chunk().expect("a segment"));
        let answer = reset(&answer_to(Direction::In, &frame).expect("an answer"));
        assert_eq!((answer.source_port, answer.destination_port), (80, 5000));
        assert_eq!(answer.sequence_number, 0);
        assert!(answer.ack);
        assert_eq!(answer.acknowledgment_number, sequence.wrapping_add(length));
    }
}

#[test]
fn rfc9293_3_10_7_1_a_segment_with_ack_is_reset_with_the_number_it_acknowledges() {
    for flags in [
        |tcp: &mut TcpHeader| tcp.ack = true,
        |tcp: &mut TcpHeader| (tcp.ack, tcp.syn) = (true, true),
        |tcp: &mut TcpHeader| (tcp.ack, tcp.fin, tcp.psh) = (true, true, true),
    ] {
        let frame = segment(flags, (1000, 0xDEAD_BEEF), b"data");
        let answer = reset(&answer_to(Direction::In, &frame).expect("an answer"));
        assert_eq!(answer.sequence_number, 0xDEAD_BEEF);
        assert!(!answer.ack);
        assert_eq!(answer.acknowledgment_number, 0);
    }
}

#[test]
fn tcp_options_and_padding_are_no_data() {
    let mut frame = Vec::new();
    to_us()
        .ipv4(THEIR_ADDRESS, OUR_ADDRESS, 64)
        .tcp(5000, 80, 1000, 4096)
        .syn()
        .options(&[etherparse::TcpOptionElement::MaximumSegmentSize(1460)])
        .expect("options")
        .write(&mut frame, &[])
        .expect("a frame");
    frame.resize(64, 0xEE);
    let answer = reset(&answer_to(Direction::In, &frame).expect("an answer"));
    assert_eq!(answer.acknowledgment_number, 1001);
}

#[test]
fn resets_are_not_answered() {
    let reset = segment(|tcp| tcp.rst = true, (1000, 0), &[]);
    assert_eq!(answer_to(Direction::In, &reset), None);
    let reset = segment(|tcp| (tcp.rst, tcp.ack) = (true, true), (1000, 5), &[]);
    assert_eq!(answer_to(Direction::In, &reset), None);
}

proptest! {
    #[test]
    fn resets_agree_with_the_state_machine_of_the_rfc(
        flags in any::<u8>(),
        numbers in any::<(u32, u32)>(),
        payload in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let set = |tcp: &mut TcpHeader| {
            tcp.fin = flags & 1 != 0;
            tcp.syn = flags & 2 != 0;
            tcp.rst = flags & 4 != 0;
            tcp.psh = flags & 8 != 0;
            tcp.ack = flags & 16 != 0;
        };
        let frame = segment(set, numbers, &payload);
        let answer = answer_to(Direction::In, &frame);
        prop_assert_eq!(answer.is_none(), flags & 4 != 0);
        if let Some(answer) = answer {
            let reset = reset(&answer);
            let length = payload.len() as u32 + u32::from(flags & 1) + u32::from(flags >> 1 & 1);
            let expected = if flags & 16 != 0 {
                (numbers.1, false, 0)
            } else {
                (0, true, numbers.0.wrapping_add(length))
            };
            prop_assert_eq!(
                (reset.sequence_number, reset.ack, reset.acknowledgment_number),
                expected
            );
        }
    }
}
