use std::vec::Vec;

use crate::tdi::{AddressOptions, ShareAccess, Transport};
use crate::tests::support::{
    EVERYBODY, Host, OUR_IP, PEER_IP, ip, socket, udp, udp_between, udp_frame,
};

use super::{UDP, counter};

#[test]
fn seed_25_a_datagram_reaches_its_address_object() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    host.receive(&udp(4000, 7, b"hello"));
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"hello\""]
    );
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn seed_25_every_size_up_to_the_mtu_arrives_and_leaves_whole() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    for length in 0..=1472 {
        let payload: Vec<u8> = (0..length)
            .map(|index| b'a' + (index % 23_u16) as u8)
            .collect();
        host.post(object, 1);
        host.receive(&udp(4000, 7, &payload));
        let received = host.completions().remove(0);
        let text = core::str::from_utf8(&payload).expect("letters");
        assert!(
            received.ends_with(&std::format!("{text:?}")),
            "{length} bytes"
        );
        assert_eq!(host.send(object, 2, (PEER_IP, 9), &payload), "SUCCESS");
        assert!(host.sent()[0].ends_with(&std::format!("{text:?}")));
    }
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn seed_25_a_datagram_in_several_buffers_is_read_whole() {
    let payload: Vec<u8> = (0..1000_u16)
        .map(|index| b'a' + (index % 26) as u8)
        .collect();
    let text = core::str::from_utf8(&payload).expect("letters");
    for cut in [1, 13, 14, 15, 33, 34, 41, 42, 43, 599] {
        let mut host = Host::new();
        let object = host.open([0; 4], 7);
        host.post(object, 1);
        host.receive_in_pieces(&udp(4000, 7, &payload), &[cut, 1, 300]);
        assert_eq!(
            host.completions(),
            [std::format!(
                "1: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, {text:?}"
            )],
            "cut at {cut}"
        );
        assert_eq!(host.pools(), (0, 0));
    }
}

#[test]
fn seed_25_a_datagram_reaches_every_matching_address_object() {
    let mut host = Host::new();
    let reuse = AddressOptions {
        share: ShareAccess::Reuse,
        ..AddressOptions::default()
    };
    let mut open = |address| {
        host.stack
            .open_address(Transport::Udp, socket(address, 7), reuse)
            .expect("an address object")
    };
    let objects = [open([0; 4]), open([0; 4]), open(OUR_IP)];
    for (id, &object) in objects.iter().enumerate() {
        host.post(object, id as u64);
    }
    host.receive(&udp(4000, 7, b"hello"));
    let mut completions = host.completions();
    completions.sort();
    assert_eq!(
        completions,
        [
            "0: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"hello\"",
            "1: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"hello\"",
            "2: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"hello\"",
        ]
    );
    assert_eq!(host.pools(), (0, 0), "shared buffers come back too");
}

#[test]
fn seed_25_without_descriptors_to_share_one_object_still_gets_the_datagram() {
    let mut host = Host::new();
    let reuse = AddressOptions {
        share: ShareAccess::Reuse,
        ..AddressOptions::default()
    };
    for id in 0..2 {
        let object = host
            .stack
            .open_address(Transport::Udp, socket([0; 4], 7), reuse)
            .expect("an address object");
        host.post(object, id);
    }
    let frame = crate::tests::support::packet(host.pool, &udp(4000, 7, b"hello"));
    let mut hoard = Vec::new();
    while let Some(shared) = frame.share() {
        hoard.push(shared);
    }
    host.stack.receive(host.interface, frame, host.now);
    assert_eq!(host.completions().len(), 1);
    assert_eq!(counter(&host, "dropped_share"), 1);
}

#[test]
fn seed_25_a_checksum_of_zero_is_none() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    let mut frame = udp(4000, 7, b"hello");
    frame[UDP + 6..UDP + 8].fill(0);
    host.receive(&frame);
    assert_eq!(host.completions().len(), 1);
    assert_eq!(counter(&host, "received_without_checksum"), 1);
}

#[test]
fn seed_25_a_changed_bit_anywhere_is_noticed() {
    let frame = udp(4000, 7, b"hello");
    for bit in 0..(frame.len() - UDP) * 8 {
        let mut host = Host::new();
        let object = host.open([0; 4], 7);
        host.post(object, 1);
        let mut changed = frame.clone();
        changed[UDP + bit / 8] ^= 1 << (bit % 8);
        host.receive(&changed);
        assert!(host.completions().is_empty(), "bit {bit}");
        let counted = counter(&host, "dropped_checksum") + counter(&host, "dropped_length");
        assert_eq!(counted, 1, "bit {bit}");
    }
}

#[test]
fn seed_25_the_pseudo_header_is_part_of_the_checksum() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    // Made for another address, and redirected to us.
    let mut frame = udp_between((PEER_IP, 4000), ([10, 0, 2, 16], 7), b"hello");
    frame[33] = 15;
    crate::tests::support::fix_ip_checksum(&mut frame);
    host.receive(&frame);
    assert_eq!(counter(&host, "dropped_checksum"), 1);
}

#[test]
fn seed_25_lengths_are_checked_against_what_there_is() {
    let good = udp(4000, 7, b"hello");
    for (length, counted) in [
        (0_u16, "dropped_length"),
        (7, "dropped_length"),
        (14, "dropped_length"),
        (0xFFFF, "dropped_length"),
        (8, "dropped_checksum"),
        (12, "dropped_checksum"),
    ] {
        let mut host = Host::new();
        host.open([0; 4], 7);
        let mut frame = good.clone();
        frame[UDP + 4..UDP + 6].copy_from_slice(&length.to_be_bytes());
        host.receive(&frame);
        assert_eq!(counter(&host, counted), 1, "length {length}");
    }
    for length in 0..8 {
        let mut host = Host::new();
        host.receive(&ip(17, &[], &good[UDP..UDP + length], |_| {}));
        assert_eq!(counter(&host, "dropped_too_short"), 1, "{length} bytes");
    }
}

#[test]
fn seed_25_what_lies_behind_the_length_is_padding() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    let mut payload = udp(4000, 7, b"hello")[UDP..].to_vec();
    payload.extend_from_slice(b"padding inside the IP datagram");
    host.receive(&ip(17, &[], &payload, |_| {}));
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"hello\""]
    );
}

#[test]
fn seed_25_padding_may_begin_in_any_buffer() {
    let data = [b'x'; 300];
    let mut payload = udp(4000, 7, &data)[UDP..].to_vec();
    payload.extend_from_slice(b"padding inside the IP datagram");
    let frame = ip(17, &[], &payload, |_| {});
    let end = UDP + 8 + data.len();
    for cuts in [
        &[160, 100][..],
        &[end - 1],
        &[end],
        &[end + 1],
        &[200, end - 200, 5],
    ] {
        let mut host = Host::new();
        let object = host.open([0; 4], 7);
        host.post(object, 1);
        host.receive_in_pieces(&frame, cuts);
        let received = host.completions();
        let text = core::str::from_utf8(&data).expect("letters");
        assert!(received[0].ends_with(&std::format!("{text:?}")), "{cuts:?}");
        assert_eq!(host.pools(), (0, 0));
    }
}

#[test]
fn port_zero_is_nobodys() {
    let mut host = Host::new();
    host.receive(&udp(4000, 0, b"hello"));
    assert_eq!(counter(&host, "dropped_port_zero"), 1);
    assert!(host.sent().is_empty());
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    host.receive(&udp(0, 7, b"hello"));
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 10.0.2.3:0 > 10.0.2.15:7, \"hello\""],
        "a sender may have none"
    );
    assert_eq!(host.send(object, 2, (PEER_IP, 0), b"hi"), "INVALID_ADDRESS");
}

#[test]
fn seed_26_the_port_and_the_address_decide() {
    let mut host = Host::new();
    let specific = host.open(OUR_IP, 7);
    let wildcard = host.open([0; 4], 8);
    host.post(specific, 7);
    host.post(wildcard, 8);
    host.receive(&udp(4000, 9, b"nobody's"));
    assert_eq!(counter(&host, "dropped_no_port"), 1);
    host.receive(&udp(4000, 8, b"eight"));
    host.receive(&udp(4000, 7, b"seven"));
    assert_eq!(
        host.completions(),
        [
            "8: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:8, \"eight\"",
            "7: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"seven\"",
        ]
    );
}

#[test]
fn seed_26_a_broadcast_reaches_objects_at_the_interfaces_address() {
    for address in [[255; 4], [10, 0, 2, 255]] {
        let mut host = Host::new();
        let object = host.open(OUR_IP, 7);
        host.post(object, 1);
        host.receive(&udp_frame(EVERYBODY, (PEER_IP, 9), (address, 7), b"all"));
        assert_eq!(host.completions().len(), 1, "{address:?}");
    }
}

#[test]
fn a_connected_object_hears_only_the_other_side() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.stack
        .connect_datagram(object, Some(socket(PEER_IP, 9)))
        .name()
        .expect("a status");
    host.post(object, 1);
    host.post(object, 2);
    host.receive(&udp(10, 7, b"other port"));
    host.receive(&udp_between(([10, 0, 2, 4], 9), (OUR_IP, 7), b"other host"));
    assert!(host.completions().is_empty());
    host.receive(&udp(9, 7, b"the one"));
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 10.0.2.3:9 > 10.0.2.15:7, \"the one\""]
    );
    let _ = host.stack.connect_datagram(object, None);
    host.receive(&udp(10, 7, b"other port"));
    assert_eq!(host.completions().len(), 1);
}

#[test]
fn an_object_connected_to_a_broadcast_address_hears_the_answers() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let _ = host
        .stack
        .connect_datagram(object, Some(socket([255; 4], 9)));
    host.post(object, 1);
    host.receive(&udp(9, 7, b"here"));
    assert_eq!(host.completions().len(), 1);
}
