use std::vec;
use std::vec::Vec;

use etherparse::IpFragOffset;

use crate::tests::support::{
    EVERYBODY, Host, OUR_IP, PEER_IP, fix_ip_checksum, ip, udp, udp_between, udp_frame,
};

use super::{counter, second_interface};

const ALL_HOSTS_HARDWARE: [u8; 6] = [0x01, 0x00, 0x5E, 0, 0, 1];

/// Where in a frame its IP header is, how to break it, whether to correct the
/// checksum then, and the counter that must count it.
type Fault = (&'static str, fn(&mut Vec<u8>), bool, &'static str);

const FAULTS: [Fault; 22] = [
    ("no header", |f| f.truncate(14), false, "dropped_too_short"),
    (
        "19 bytes",
        |f| f.truncate(14 + 19),
        false,
        "dropped_too_short",
    ),
    ("version 0", |f| f[14] = 0x05, true, "dropped_version"),
    ("version 6", |f| f[14] = 0x65, true, "dropped_version"),
    (
        "header of 0",
        |f| f[14] = 0x40,
        true,
        "dropped_header_length",
    ),
    (
        "header of 4 words",
        |f| f[14] = 0x44,
        true,
        "dropped_header_length",
    ),
    (
        "header beyond the end",
        |f| f[14] = 0x4F,
        false,
        "dropped_header_length",
    ),
    ("checksum", |f| f[24] ^= 1, false, "dropped_checksum"),
    (
        "total length 0",
        |f| f[16..18].fill(0),
        true,
        "dropped_total_length",
    ),
    (
        "total length 19",
        |f| (f[16], f[17]) = (0, 19),
        true,
        "dropped_total_length",
    ),
    (
        "total length beyond the end",
        |f| f[17] += 1,
        true,
        "dropped_total_length",
    ),
    (
        "source 0.1.2.3",
        |f| f[26] = 0,
        true,
        "dropped_source_martian",
    ),
    (
        "source 0.0.0.0",
        |f| f[26..30].fill(0),
        true,
        "dropped_source_martian",
    ),
    (
        "source 127.0.2.3",
        |f| f[26] = 127,
        true,
        "dropped_source_martian",
    ),
    (
        "source 224.0.2.3",
        |f| f[26] = 224,
        true,
        "dropped_source_martian",
    ),
    (
        "source 240.0.2.3",
        |f| f[26] = 240,
        true,
        "dropped_source_martian",
    ),
    (
        "source all ones",
        |f| f[26..30].fill(255),
        true,
        "dropped_source_martian",
    ),
    (
        "network's broadcast as source",
        |f| f[29] = 255,
        true,
        "dropped_source_broadcast",
    ),
    (
        "network's own address as source",
        |f| f[29] = 0,
        true,
        "dropped_source_broadcast",
    ),
    (
        "our address as source",
        |f| f[29] = 15,
        true,
        "dropped_source_ours",
    ),
    ("somebody else's", |f| f[33] = 16, true, "dropped_not_ours"),
    (
        "to 127.0.2.15",
        |f| f[30] = 127,
        true,
        "dropped_destination_loopback",
    ),
];

#[test]
fn seed_22_each_wrong_field_has_its_counter() {
    for (name, break_it, fix, counted) in FAULTS {
        let mut host = Host::new();
        let mut frame = udp(9, 7, b"hello");
        break_it(&mut frame);
        if fix && frame[14] & 0x0F >= 5 {
            fix_ip_checksum(&mut frame);
        }
        host.receive(&frame);
        assert_eq!(counter(&host, counted), 1, "{name}");
        assert_eq!(counter(&host, "delivered"), 0, "{name}");
        assert!(host.sent().is_empty(), "{name}");
        assert_eq!(host.pools(), (0, 0), "{name}");
    }
}

#[test]
fn a_datagram_cut_off_anywhere_is_dropped() {
    let frame = udp(9, 7, b"hello");
    for length in 0..frame.len() {
        let mut host = Host::new();
        host.open([0; 4], 7);
        host.receive(&frame[..length]);
        assert_eq!(host.stack.counters().udp.received, 0, "{length} bytes");
        assert_eq!(host.pools(), (0, 0), "{length} bytes");
    }
}

#[test]
fn ethernet_padding_is_cut_off() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    let mut frame = udp(9, 7, b"hi");
    frame.resize(60, 0xAA);
    host.receive(&frame);
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 10.0.2.3:9 > 10.0.2.15:7, \"hi\""]
    );
}

#[test]
fn rfc1122_3_2_1_7_a_small_time_to_live_is_no_reason_to_drop() {
    for ttl in [0, 1, 255] {
        let mut host = Host::new();
        let object = host.open([0; 4], 7);
        host.post(object, 1);
        let mut frame = udp(9, 7, b"hi");
        frame[22] = ttl;
        fix_ip_checksum(&mut frame);
        host.receive(&frame);
        assert_eq!(host.completions().len(), 1, "ttl {ttl}");
    }
}

#[test]
fn rfc1122_3_3_6_one_hosts_address_in_a_frame_to_many_is_dropped() {
    let mut host = Host::new();
    host.receive(&udp_frame(EVERYBODY, (PEER_IP, 9), (OUR_IP, 7), b"hi"));
    assert_eq!(counter(&host, "dropped_link_broadcast"), 1);
}

#[test]
fn broadcasts_and_the_group_of_all_hosts_are_ours() {
    let destinations = [
        (EVERYBODY, [255; 4]),
        (EVERYBODY, [10, 0, 2, 255]),
        (ALL_HOSTS_HARDWARE, [224, 0, 0, 1]),
    ];
    for (hardware, address) in destinations {
        let mut host = Host::new();
        let object = host.open([0; 4], 7);
        host.post(object, 1);
        host.receive(&udp_frame(hardware, (PEER_IP, 9), (address, 7), b"hi"));
        assert_eq!(host.completions().len(), 1, "{address:?}");
    }
}

#[test]
fn a_group_that_was_not_joined_is_not_ours() {
    let mut host = Host::new();
    let group = [224, 0, 0, 251];
    let hardware = [0x01, 0x00, 0x5E, 0, 0, 0xFB];
    host.receive(&udp_frame(hardware, (PEER_IP, 9), (group, 7), b"hi"));
    assert_eq!(counter(&host, "dropped_not_joined"), 1);
}

#[test]
fn a_host_that_has_no_address_yet_may_ask_everybody() {
    let mut host = Host::new();
    let object = host.open([0; 4], 67);
    host.post(object, 1);
    host.receive(&udp_frame(EVERYBODY, ([0; 4], 68), ([255; 4], 67), b"hi"));
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 0.0.0.0:68 > 255.255.255.255:67, \"hi\""]
    );
}

#[test]
fn options_are_read_and_those_in_order_do_no_harm() {
    let options: [&[u8]; 5] = [
        &[1, 1, 1, 0],
        &[0, 0xFF, 0xFF, 0xFF],
        &[7, 7, 4, 0, 0, 0, 0, 0],
        &[68, 4, 5, 0],
        &[0x94, 4, 0, 0],
    ];
    for options in options {
        let mut host = Host::new();
        let object = host.open([0; 4], 7);
        host.post(object, 1);
        let payload = &udp(9, 7, b"hi")[34..];
        host.receive(&ip(17, options, payload, |_| {}));
        assert_eq!(host.completions().len(), 1, "{options:?}");
    }
}

#[test]
fn malformed_options_are_dropped() {
    let options: [&[u8]; 5] = [
        &[7, 0, 0, 0],
        &[7, 1, 0, 0],
        &[7, 5, 4, 0],
        &[1, 1, 1, 7],
        &[68, 255, 0, 0],
    ];
    for options in options {
        let mut host = Host::new();
        host.receive(&ip(17, options, b"payload.", |_| {}));
        assert_eq!(counter(&host, "dropped_options"), 1, "{options:?}");
        assert!(host.sent().is_empty());
    }
}

#[test]
fn source_routes_are_refused() {
    for kind in [131, 137] {
        let mut host = Host::new();
        let options = [kind, 7, 4, 10, 0, 2, 99, 0];
        host.receive(&ip(17, &options, b"payload.", |_| {}));
        assert_eq!(counter(&host, "dropped_source_route"), 1, "{kind}");
    }
}

#[test]
fn seed_23_every_datagram_passes_reassembly_and_fragments_are_dropped() {
    let mut host = Host::new();
    let payload = &udp(9, 7, b"hi")[34..];
    host.receive(&ip(17, &[], payload, |header| header.more_fragments = true));
    host.receive(&ip(17, &[], payload, |header| {
        header.fragment_offset = IpFragOffset::try_new(185).expect("an offset");
    }));
    assert_eq!(counter(&host, "dropped_fragment"), 2);
    assert_eq!(host.stack.counters().udp.received, 0);
    host.receive(&ip(17, &[], payload, |header| header.dont_fragment = true));
    assert_eq!(host.stack.counters().udp.received, 1);
}

#[test]
fn seed_24_a_protocol_that_nobody_takes_is_dropped_and_its_sender_told() {
    for protocol in (0..=255).filter(|protocol| ![1, 17].contains(protocol)) {
        let mut host = Host::new();
        host.meet_peer();
        host.receive(&ip(protocol, &[], b"12345678", |_| {}));
        assert_eq!(counter(&host, "dropped_protocol"), 1, "{protocol}");
        let sent = host.frames();
        // IP header, ICMP type 3 code 2, then the datagram.
        assert_eq!(sent.len(), 1);
        assert_eq!(&sent[0][34..36], &[3, 2]);
        assert_eq!(sent[0][42 + 9], protocol);
    }
}

#[test]
fn a_datagram_to_another_interfaces_address_is_not_for_us() {
    let mut host = Host::new();
    second_interface(&mut host);
    host.receive(&udp_between((PEER_IP, 9), ([10, 9, 0, 1], 7), b"hi"));
    assert_eq!(counter(&host, "dropped_not_ours"), 1);
}

#[test]
fn frames_that_are_not_for_us_are_counted_by_ethernet() {
    let frame = udp(9, 7, b"hello");
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut frame = frame.clone();
        change(&mut frame);
        frame
    };
    let cases = [
        (changed(|f| f.truncate(13)), "dropped_too_short"),
        (vec![], "dropped_too_short"),
        (
            changed(|f| (f[12], f[13]) = (0x05, 0xFF)),
            "dropped_length_field",
        ),
        (changed(|f| f[6] |= 1), "dropped_source"),
        (changed(|f| f[6..12].fill(0)), "dropped_source"),
        (changed(|f| f[5] ^= 1), "dropped_other_station"),
        (
            changed(|f| (f[12], f[13]) = (0x86, 0xDD)),
            "dropped_ether_type",
        ),
    ];
    for (frame, counted) in cases {
        let mut host = Host::new();
        host.receive(&frame);
        let counters = host.stack.counters().ethernet;
        let found = counters.iter().find(|&(name, _)| name == counted);
        assert_eq!(found, Some((counted, 1)));
        assert_eq!(host.stack.counters().ip.received, 0, "{counted}");
        assert_eq!(host.pools(), (0, 0));
    }
}
