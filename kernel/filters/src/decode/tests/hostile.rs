//! Any bytes.

use alloc::string::ToString;
use alloc::vec::Vec;

use etherparse::{Icmpv4Type, TcpOptionElement};
use proptest::prelude::*;

use super::{FROM, HERE, TO, arp, cut, datagram, ip, tcp, udp};
use crate::decode::Summary;

/// Frames of every kind, to be changed.
fn seeds() -> Vec<Vec<u8>> {
    let echo = etherparse::IcmpEchoHeader { id: 77, seq: 3 };
    let mut ping = Vec::new();
    ip().icmpv4(Icmpv4Type::EchoRequest(echo))
        .write(&mut ping, &[0; 8])
        .expect("it fits");
    let options = [
        TcpOptionElement::MaximumSegmentSize(1460),
        TcpOptionElement::Timestamp(5, 0),
        TcpOptionElement::SelectiveAcknowledgement((1, 2), [Some((3, 4)), None, None]),
    ];
    let segment = tcp(
        |header| header.set_options(&options).expect("they fit"),
        b"data",
    );
    let unreachable = datagram(
        1,
        &[&[3, 3, 0, 0, 0, 0, 0, 0][..], &udp(&[1])[14..]].concat(),
    );
    let report = datagram(2, &[0x22, 0, 0, 0, 0, 0, 0, 2]);
    alloc::vec![
        udp(&[0; 8]),
        arp(1, FROM, HERE, TO),
        ping,
        segment,
        unreachable,
        report
    ]
}

proptest! {
    #[test]
    fn any_bytes_give_a_line(
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        length in 0..2000_usize,
    ) {
        let line = Summary { bytes: &bytes, length }.to_string();
        prop_assert!(!line.is_empty() && line.len() < 400);
        prop_assert!(line.bytes().all(|byte| (b' '..0x7F).contains(&byte)));
    }

    /// The header checksum is put right again, so that the changes reach the inner layers.
    #[test]
    fn changed_frames_give_a_line(
        seed in proptest::sample::select(seeds()),
        changes in proptest::collection::vec((12..90_usize, any::<u8>()), 0..6),
        captured in 0..120_usize,
        right in any::<bool>(),
    ) {
        let mut frame = seed;
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        if right && let Some(header) = frame.get_mut(14..34) {
            (header[10], header[11]) = (0, 0);
            let sum = netstack::checksum::of(header).to_be_bytes();
            (header[10], header[11]) = (sum[0], sum[1]);
        }
        let line = cut(&frame, captured.min(frame.len()));
        prop_assert!(!line.is_empty() && line.len() < 400);
        prop_assert!(line.bytes().all(|byte| (b' '..0x7F).contains(&byte)));
    }
}
