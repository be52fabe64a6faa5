use std::string::String;
use std::vec;
use std::vec::Vec;

use etherparse::IpFragOffset;
use executive::status::NtStatus;

use crate::tests::support::{
    EVERYBODY, GATEWAY_IP, Host, OUR_IP, PEER_HARDWARE, PEER_IP, arp_reply, fix_ip_checksum, ip,
    socket, udp, udp_between, udp_frame,
};
use crate::ip::Route;
use crate::{HardwareAddress, InterfaceConfiguration, InterfaceId, Prefix};

const ALL_HOSTS_HARDWARE: [u8; 6] = [0x01, 0x00, 0x5E, 0, 0, 1];

fn counter(host: &Host, name: &str) -> u64 {
    let counters = host.stack.counters().ip;
    let found = counters.iter().find(|&(at, _)| at == name);
    found.unwrap_or_else(|| panic!("no counter {name}")).1
}

/// Where in a frame its IP header is, how to break it, whether to correct the
/// checksum then, and the counter that must count it.
type Fault = (&'static str, fn(&mut Vec<u8>), bool, &'static str);

const FAULTS: [Fault; 21] = [
    ("no header", |f| f.truncate(14), false, "dropped_too_short"),
    ("19 bytes", |f| f.truncate(14 + 19), false, "dropped_too_short"),
    ("version 0", |f| f[14] = 0x05, true, "dropped_version"),
    ("version 6", |f| f[14] = 0x65, true, "dropped_version"),
    ("header of 0", |f| f[14] = 0x40, true, "dropped_header_length"),
    ("header of 4 words", |f| f[14] = 0x44, true, "dropped_header_length"),
    ("header beyond the end", |f| f[14] = 0x4F, false, "dropped_header_length"),
    ("checksum", |f| f[24] ^= 1, false, "dropped_checksum"),
    ("total length 0", |f| f[16..18].fill(0), true, "dropped_total_length"),
    ("total length 19", |f| (f[16], f[17]) = (0, 19), true, "dropped_total_length"),
    ("total length beyond the end", |f| f[17] += 1, true, "dropped_total_length"),
    ("source 0.1.2.3", |f| f[26] = 0, true, "dropped_source_martian"),
    ("source 0.0.0.0", |f| f[26..30].fill(0), true, "dropped_source_martian"),
    ("source 127.0.2.3", |f| f[26] = 127, true, "dropped_source_martian"),
    ("source 224.0.2.3", |f| f[26] = 224, true, "dropped_source_martian"),
    ("source 240.0.2.3", |f| f[26] = 240, true, "dropped_source_martian"),
    ("source all ones", |f| f[26..30].fill(255), true, "dropped_source_martian"),
    ("network's broadcast as source", |f| f[29] = 255, true, "dropped_source_broadcast"),
    ("our address as source", |f| f[29] = 15, true, "dropped_source_ours"),
    ("somebody else's", |f| f[33] = 16, true, "dropped_not_ours"),
    ("to 127.0.2.15", |f| f[30] = 127, true, "dropped_not_ours"),
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
fn seed_31_a_host_on_the_link_is_its_own_next_hop() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.send(object, 1, (PEER_IP, 9), b"hi");
    assert_eq!(
        host.sent(),
        ["ff-ff-ff-ff-ff-ff arp who-has 10.0.2.3 tell 10.0.2.15 at 52-54-00-12-34-56"]
    );
}

#[test]
fn seed_31_other_hosts_are_reached_by_the_gateway() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.send(object, 1, ([192, 0, 2, 1], 9), b"hi");
    assert_eq!(
        host.sent(),
        ["ff-ff-ff-ff-ff-ff arp who-has 10.0.2.2 tell 10.0.2.15 at 52-54-00-12-34-56"]
    );
    host.receive(&arp_reply(PEER_HARDWARE, GATEWAY_IP));
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 udp 10.0.2.15:7 > 192.0.2.1:9 \"hi\""],
        "and an unbound source has the interface's address"
    );
}

/// A second interface, 10.9.0.1/16, up.
fn second_interface(host: &mut Host) -> InterfaceId {
    let id = host
        .stack
        .add_interface(&InterfaceConfiguration {
            name: "ne1",
            hardware_address: HardwareAddress([2, 0, 0, 0, 0, 1]),
            mtu: 600,
            address: Prefix::new([10, 9, 0, 1].into(), 16),
            gateway: None,
        })
        .expect("an interface");
    host.stack.interface_up(id, host.now);
    host.frames();
    id
}

#[test]
fn seed_31_an_unbound_source_takes_the_outgoing_interfaces_address() {
    let mut host = Host::new();
    let second = second_interface(&mut host);
    let object = host.open([0; 4], 7);
    host.send(object, 1, ([10, 9, 3, 3], 9), b"hi");
    let (interface, _) = host.stack.next_frame().expect("a request");
    assert_eq!(interface, second);
    host.send(object, 2, ([10, 9, 255, 255], 9), b"hi");
    assert_eq!(
        host.sent(),
        ["ff-ff-ff-ff-ff-ff udp 10.9.0.1:7 > 10.9.255.255:9 \"hi\""]
    );
}

#[test]
fn a_bound_source_keeps_its_address() {
    let mut host = Host::new();
    second_interface(&mut host);
    let object = host.open([10, 9, 0, 1], 7);
    host.send(object, 1, ([255; 4], 9), b"hi");
    assert_eq!(
        host.sent(),
        ["ff-ff-ff-ff-ff-ff udp 10.9.0.1:7 > 255.255.255.255:9 \"hi\""]
    );
    host.meet_peer();
    host.send(object, 2, (PEER_IP, 9), b"hi");
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 udp 10.9.0.1:7 > 10.0.2.3:9 \"hi\""]
    );
}

#[test]
fn a_datagram_to_another_interfaces_address_is_not_for_us() {
    let mut host = Host::new();
    second_interface(&mut host);
    host.receive(&udp_between((PEER_IP, 9), ([10, 9, 0, 1], 7), b"hi"));
    assert_eq!(counter(&host, "dropped_not_ours"), 1);
}

#[test]
fn the_longest_prefix_wins() {
    let mut host = Host::new();
    let second = second_interface(&mut host);
    let route = |text: &str, gateway: [u8; 4], interface| Route {
        destination: text.parse().expect("a prefix"),
        gateway: Some(gateway.into()),
        interface,
    };
    let routes = [
        route("192.0.0.0/8", [10, 0, 2, 8], host.interface),
        route("192.0.2.0/24", [10, 9, 0, 24], second),
        route("192.0.2.128/25", [10, 0, 2, 25], host.interface),
        route("192.0.2.200/32", [10, 9, 0, 32], second),
    ];
    for route in routes {
        assert_eq!(host.stack.add_route(route), Ok(()));
    }
    assert_eq!(
        host.stack.add_route(route("192.0.2.7/24", [10, 9, 0, 24], second)),
        Err(NtStatus::ADDRESS_ALREADY_EXISTS)
    );
    assert_eq!(
        host.stack.add_route(route("198.51.100.0/24", [10, 1, 0, 1], second)),
        Err(NtStatus::INVALID_PARAMETER),
        "no gateway of that network"
    );
    let object = host.open([0; 4], 7);
    let mut next_hop = |destination: [u8; 4]| {
        host.send(object, 1, (destination, 9), b"hi");
        let mut sent = host.sent();
        host.stack.cancel(crate::tdi::RequestId(1));
        host.completions();
        let asked: Option<String> = sent.pop().and_then(|line| {
            line.split_whitespace().nth(3).map(String::from)
        });
        asked.expect("a request")
    };
    assert_eq!(next_hop([192, 0, 2, 200]), "10.9.0.32");
    assert_eq!(next_hop([192, 0, 2, 201]), "10.0.2.25");
    assert_eq!(next_hop([192, 0, 2, 1]), "10.9.0.24");
    assert_eq!(next_hop([192, 1, 2, 1]), "10.0.2.8");
    assert_eq!(next_hop([193, 1, 2, 1]), "10.0.2.2");
    host.stack.interface_down(second);
    let object = host.open([0; 4], 8);
    assert_eq!(host.send(object, 1, ([192, 0, 2, 1], 9), b"hi"), "PENDING");
    let gateway = host
        .stack
        .neighbours(host.now)
        .find(|neighbour| neighbour.address.octets() == [10, 0, 2, 8]);
    assert_eq!(
        gateway.map(|gateway| gateway.pending),
        Some(1),
        "the next best one that is up"
    );
    assert!(host.stack.remove_route("192.0.0.0/8".parse().expect("a prefix")));
    assert!(!host.stack.remove_route("192.0.0.0/8".parse().expect("a prefix")));
    let shown: Vec<_> = host.stack.routes().filter(|route| !route.active).collect();
    assert_eq!(shown.len(), 3, "two added, and the interface's network");
}

#[test]
fn a_removed_interface_takes_its_routes_along() {
    let mut host = Host::new();
    let second = second_interface(&mut host);
    assert_eq!(host.stack.routes().count(), 3);
    host.stack.remove_interface(second);
    assert_eq!(host.stack.routes().count(), 2);
    assert_eq!(host.stack.interfaces().count(), 1);
    host.stack.interface_up(second, host.now);
    assert!(host.frames().is_empty(), "the old name leads nowhere");
}

#[test]
fn without_a_route_the_network_is_unreachable() {
    let mut host = Host::new();
    host.stack.remove_route(Prefix::DEFAULT);
    let object = host.open([0; 4], 7);
    assert_eq!(
        host.send(object, 1, ([192, 0, 2, 1], 9), b"hi"),
        "NETWORK_UNREACHABLE"
    );
    assert_eq!(counter(&host, "unsent_no_route"), 1);
}

#[test]
fn destinations_that_no_host_has_are_refused() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    for address in [[0, 0, 0, 0], [0, 1, 2, 3], [240, 0, 0, 1], [255, 255, 255, 254]] {
        assert_eq!(
            host.send(object, 1, (address, 9), b"hi"),
            "INVALID_ADDRESS",
            "{address:?}"
        );
    }
    assert_eq!(counter(&host, "unsent_destination"), 4);
}

#[test]
fn a_group_is_sent_to_its_ethernet_group_with_time_to_live_1() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.send(object, 1, ([239, 129, 2, 3], 9), b"hi");
    let frames = host.frames();
    assert_eq!(&frames[0][..6], &[0x01, 0x00, 0x5E, 0x01, 2, 3]);
    assert_eq!(frames[0][22], 1);
}

#[test]
fn our_own_address_is_reached_inside_the_stack() {
    let mut host = Host::new();
    let server = host.open([0; 4], 7);
    let client = host.open([0; 4], 8);
    host.post(server, 1);
    host.post(client, 2);
    assert_eq!(host.send(client, 3, (OUR_IP, 7), b"ping"), "SUCCESS");
    assert_eq!(host.send(server, 4, (OUR_IP, 8), b"pong"), "SUCCESS");
    assert_eq!(
        host.completions(),
        [
            "1: SUCCESS, 10.0.2.15:8 > 10.0.2.15:7, \"ping\"",
            "2: SUCCESS, 10.0.2.15:7 > 10.0.2.15:8, \"pong\"",
        ]
    );
    assert!(host.frames().is_empty());
    assert_eq!(counter(&host, "looped_back"), 2);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn a_datagram_above_the_mtu_is_refused() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, (PEER_IP, 9), &[b'x'; 1472]), "SUCCESS");
    assert_eq!(host.frames()[0].len(), 1514);
    assert_eq!(
        host.send(object, 2, (PEER_IP, 9), &[b'x'; 1473]),
        "BUFFER_TOO_SMALL"
    );
    assert_eq!(counter(&host, "unsent_too_long"), 1);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn rfc6864_4_2_identifications_differ_between_datagrams_to_one_host() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    let mut seen = Vec::new();
    for _ in 0..1000 {
        host.send(object, 1, (PEER_IP, 9), b"hi");
        let frame = host.frames().remove(0);
        seen.push([frame[18], frame[19]]);
        assert_eq!(frame[20..22], [0, 0], "may be fragmented");
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1000);
}

#[test]
fn interfaces_with_wrong_parameters_are_refused() {
    let good = InterfaceConfiguration {
        name: "ne1",
        hardware_address: HardwareAddress([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        address: Prefix::new([10, 9, 0, 1].into(), 16),
        gateway: Some([10, 9, 0, 2].into()),
    };
    let prefix = |octets: [u8; 4]| Prefix::new(octets.into(), 16);
    let cases = [
        (InterfaceConfiguration { mtu: 67, ..good }, NtStatus::INVALID_PARAMETER),
        (
            InterfaceConfiguration {
                hardware_address: HardwareAddress([1, 0, 0, 0, 0, 1]),
                ..good
            },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                gateway: Some([10, 8, 0, 2].into()),
                ..good
            },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                gateway: Some([10, 9, 0, 1].into()),
                ..good
            },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                address: prefix([224, 0, 0, 5]),
                ..good
            },
            NtStatus::INVALID_ADDRESS_COMPONENT,
        ),
        (
            InterfaceConfiguration {
                address: prefix([10, 9, 255, 255]),
                ..good
            },
            NtStatus::INVALID_ADDRESS_COMPONENT,
        ),
        (
            InterfaceConfiguration {
                address: Prefix::new(OUR_IP.into(), 24),
                gateway: None,
                ..good
            },
            NtStatus::ADDRESS_ALREADY_EXISTS,
        ),
    ];
    let mut host = Host::new();
    for (configuration, status) in cases {
        assert_eq!(host.stack.add_interface(&configuration), Err(status));
    }
    assert_eq!(host.stack.interfaces().count(), 1);
    assert!(host.stack.add_interface(&good).is_ok());
    assert_eq!(host.stack.routes().count(), 3, "the first gateway stays");
}

#[test]
fn a_full_route_table_takes_back_the_interface() {
    let mut host = Host::with(&crate::StackConfiguration {
        routes: 2,
        ..crate::StackConfiguration::default()
    });
    let configuration = InterfaceConfiguration {
        name: "ne1",
        hardware_address: HardwareAddress([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        address: Prefix::new([10, 9, 0, 1].into(), 16),
        gateway: None,
    };
    assert_eq!(
        host.stack.add_interface(&configuration),
        Err(NtStatus::INSUFFICIENT_RESOURCES)
    );
    assert_eq!(host.stack.interfaces().count(), 1);
}

#[test]
fn a_full_queue_of_frames_refuses_the_next() {
    let mut host = Host::with(&crate::StackConfiguration {
        frames: 2,
        ..crate::StackConfiguration::default()
    });
    host.meet_peer();
    let object = host.open([0; 4], 7);
    let statuses: Vec<_> = (0..3)
        .map(|id| host.send(object, id, (PEER_IP, 9), b"hi"))
        .collect();
    assert_eq!(statuses, ["SUCCESS", "SUCCESS", "INSUFFICIENT_RESOURCES"]);
    assert_eq!(host.stack.counters().ethernet.unsent_queue_full, 1);
    host.frames();
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn a_full_loopback_queue_refuses_the_next() {
    let mut host = Host::with(&crate::StackConfiguration {
        loopback_packets: 0,
        ..crate::StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    assert_eq!(
        host.send(object, 1, (OUR_IP, 7), b"hi"),
        "INSUFFICIENT_RESOURCES"
    );
    assert_eq!(counter(&host, "unsent_loopback_full"), 1);
}

#[test]
fn an_exhausted_pool_is_a_status() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    let payload = crate::tdi::Payload::copy_from(host.pool, b"hi").expect("a packet");
    // A second owner, so that headers need a buffer of their own.
    let second = payload.packet.share().expect("a packet");
    let hoard: Vec<_> = core::iter::from_fn(|| host.pool.allocate(0)).collect();
    let status = host.stack.send_datagram(
        object,
        crate::tdi::RequestId(1),
        Some(socket(PEER_IP, 9)),
        payload,
        host.now,
    );
    assert_eq!(status, NtStatus::INSUFFICIENT_RESOURCES);
    assert_eq!(host.stack.counters().udp.unsent_no_buffer, 1);
    drop((hoard, second));
    assert_eq!(host.pools(), (0, 0));
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
        (changed(|f| (f[12], f[13]) = (0x05, 0xFF)), "dropped_length_field"),
        (changed(|f| f[6] |= 1), "dropped_source"),
        (changed(|f| f[6..12].fill(0)), "dropped_source"),
        (changed(|f| f[5] ^= 1), "dropped_other_station"),
        (changed(|f| (f[12], f[13]) = (0x86, 0xDD)), "dropped_ether_type"),
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
