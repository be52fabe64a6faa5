use std::format;
use std::string::ToString;
use std::vec::Vec;

use executive::time::Duration;
use ndis::packet::Packet;

use crate::icmp::EchoRequest;
use crate::tdi::{AddressOptions, Payload, ReceiveRequest, RequestId, Transport};
use crate::tests::support::{Host, OUR_IP, PEER_IP, packet, socket, udp_between, udp_frame};

use super::{counter, second_interface};

const LOCALHOST: [u8; 4] = [127, 0, 0, 1];

#[test]
fn rfc1122_3_2_1_3_g_every_address_of_127_is_this_host() {
    let mut host = Host::new();
    let client = host.open([0; 4], 8);
    for address in [
        LOCALHOST,
        [127, 0, 0, 0],
        [127, 1, 2, 3],
        [127, 255, 255, 255],
    ] {
        let server = host.open(address, 7);
        host.post(server, 1);
        assert_eq!(host.send(client, 2, (address, 7), b"hi"), "SUCCESS");
        let [a, b, c, d] = address;
        assert_eq!(
            host.completions(),
            [format!(
                "1: SUCCESS, 127.0.0.1:8 > {a}.{b}.{c}.{d}:7, \"hi\""
            )]
        );
        let _ = host.stack.close_address(server);
    }
    assert!(host.frames().is_empty());
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn rfc1122_3_2_1_3_g_a_loopback_source_never_leaves_the_host() {
    let mut host = Host::new();
    host.meet_peer();
    let bound = host.open(LOCALHOST, 7);
    for (at, address) in [PEER_IP, [192, 0, 2, 1]].into_iter().enumerate() {
        assert_eq!(
            host.send(bound, at as u64, (address, 9), b"hi"),
            "INVALID_ADDRESS"
        );
    }
    assert_eq!(counter(&host, "unsent_source_loopback"), 2);
    for (at, address) in [[255; 4], [224, 0, 0, 1]].into_iter().enumerate() {
        assert_eq!(
            host.send(bound, 10 + at as u64, (address, 9), b"hi"),
            "SUCCESS",
            "within this host"
        );
    }
    assert_eq!(
        host.send(bound, 20, ([10, 0, 2, 255], 9), b"hi"),
        "INVALID_ADDRESS",
        "the broadcast address of the wire's network"
    );
    let status = host
        .stack
        .connect_datagram(bound, Some(socket(PEER_IP, 9)))
        .to_string();
    assert_eq!(status, "INVALID_ADDRESS");
    assert!(host.frames().is_empty());
}

#[test]
fn rfc1122_3_2_1_3_g_a_loopback_address_from_the_wire_is_dropped() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    for (from, to, dropped) in [
        (PEER_IP, LOCALHOST, "dropped_destination_loopback"),
        (PEER_IP, [127, 8, 8, 8], "dropped_destination_loopback"),
        (LOCALHOST, OUR_IP, "dropped_source_martian"),
        (LOCALHOST, LOCALHOST, "dropped_source_martian"),
        ([127, 8, 8, 8], [255; 4], "dropped_source_martian"),
    ] {
        let before = counter(&host, dropped);
        host.receive(&udp_between((from, 9), (to, 7), b"hi"));
        assert_eq!(counter(&host, dropped), before + 1, "{from:?} to {to:?}");
    }
    assert_eq!(counter(&host, "delivered"), 0);
    assert!(host.frames().is_empty(), "and no error is sent about it");
}

#[test]
fn rfc1122_3_2_1_3_g_what_others_could_not_have_sent_here_is_dropped() {
    let mut host = Host::new();
    let id = host.stack.attach_loopback("Lo", 1500).expect("attached");
    host.open([0; 4], 7);
    for (from, to, dropped) in [
        (PEER_IP, LOCALHOST, "dropped_source_martian"),
        (PEER_IP, OUR_IP, "dropped_source_martian"),
        ([10, 0, 2, 255], OUR_IP, "dropped_source_martian"),
        ([0; 4], OUR_IP, "dropped_source_martian"),
        (OUR_IP, PEER_IP, "dropped_not_ours"),
        (LOCALHOST, [192, 0, 2, 1], "dropped_not_ours"),
        (LOCALHOST, [224, 0, 0, 7], "dropped_not_joined"),
    ] {
        let before = counter(&host, dropped);
        let frame = udp_frame([0; 6], (from, 9), (to, 7), b"hi");
        let frame = packet(host.pool, &frame);
        host.stack.receive(id, frame, host.now);
        assert_eq!(counter(&host, dropped), before + 1, "{from:?} to {to:?}");
    }
    assert_eq!(counter(&host, "delivered"), 0);
    assert!(host.frames().is_empty());
}

#[test]
fn our_address_may_be_the_source_of_a_datagram_to_127() {
    let mut host = Host::new();
    let server = host.open(LOCALHOST, 7);
    let client = host.open(OUR_IP, 8);
    host.post(server, 1);
    host.post(client, 2);
    assert_eq!(host.send(client, 3, (LOCALHOST, 7), b"ping"), "SUCCESS");
    assert_eq!(host.send(server, 4, (OUR_IP, 8), b"pong"), "SUCCESS");
    assert_eq!(
        host.completions(),
        [
            "1: SUCCESS, 10.0.2.15:8 > 127.0.0.1:7, \"ping\"",
            "2: SUCCESS, 127.0.0.1:7 > 10.0.2.15:8, \"pong\"",
        ]
    );
}

#[test]
fn a_datagram_to_an_address_of_ours_goes_by_the_loopback_interface() {
    let mut host = Host::new();
    second_interface(&mut host);
    let id = host.stack.attach_loopback("Lo", 65535).expect("attached");
    let object = host.open([0; 4], 7);
    for (at, address) in [OUR_IP, [10, 9, 0, 1], LOCALHOST].into_iter().enumerate() {
        host.post(object, 10 + at as u64);
        assert_eq!(host.send(object, at as u64, (address, 7), b"hi"), "SUCCESS");
        let (by, frame) = host.stack.next_frame().expect("a frame");
        assert_eq!(by, id);
        host.stack.receive(id, frame, host.now);
        let [a, b, c, d] = address;
        let who = format!("{a}.{b}.{c}.{d}:7");
        assert_eq!(
            host.completions(),
            [format!("1{at}: SUCCESS, {who} > {who}, \"hi\"")]
        );
    }
}

#[test]
fn an_interface_that_is_down_has_no_address_of_ours() {
    let mut host = Host::new();
    let object = host.open(OUR_IP, 7);
    host.stack.interface_down(host.interface);
    assert_eq!(
        host.send(object, 1, (OUR_IP, 7), b"hi"),
        "NETWORK_UNREACHABLE"
    );
    host.stack.interface_up(host.interface, host.now);
    assert_eq!(host.send(object, 1, (OUR_IP, 7), b"hi"), "SUCCESS");
}

#[test]
fn the_largest_datagram_loops_back_whole() {
    let mut host = Host::new();
    let payload: Vec<u8> = (0..65507_u32).map(|n| (n * 7) as u8).collect();
    let object = host.open(LOCALHOST, 7);
    for attached in [false, true] {
        if attached {
            host.stack.attach_loopback("Lo", 65535).expect("attached");
        }
        let request = ReceiveRequest::new(65507);
        let _ = host.stack.receive_datagram(object, RequestId(1), request);
        assert_eq!(host.send(object, 2, (LOCALHOST, 7), &payload), "SUCCESS");
        while let Some((by, frame)) = host.stack.next_frame() {
            host.stack.receive(by, frame, host.now);
        }
        let completion = host.stack.next_completion().expect("a datagram");
        let crate::tdi::CompletionKind::Received(datagram) = completion.kind else {
            panic!("{completion:?}");
        };
        assert_eq!(
            datagram.packet.segments().collect::<Vec<_>>().concat(),
            payload
        );
    }
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn rfc1122_3_2_2_6_ping_to_ourselves() {
    let mut host = Host::new();
    let id = host.stack.attach_loopback("Lo", 65535).expect("attached");
    for (sequence, destination) in [LOCALHOST, OUR_IP, [127, 7, 7, 7]].into_iter().enumerate() {
        let request = EchoRequest {
            destination: destination.into(),
            identifier: 1,
            sequence: sequence as u16,
            length: 56,
            time_to_live: 64,
            timeout: Duration::from_secs(1),
        };
        let status = host.stack.send_echo(&request, host.now);
        assert_eq!(status, executive::status::NtStatus::PENDING);
        // The request, then the reply.
        for _ in 0..2 {
            host.now += Duration::from_micros(5);
            let (by, frame) = host.stack.next_frame().expect("a frame");
            assert_eq!(by, id);
            host.stack.receive(id, frame, host.now);
        }
        assert!(host.frames().is_empty());
        let [a, b, c, d] = destination;
        assert_eq!(
            host.echoes(),
            [format!(
                "1/{sequence}: 56 bytes from {a}.{b}.{c}.{d}, ttl 128, 10 us"
            )]
        );
    }
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn rfc1122_4_1_3_1_a_closed_port_of_our_own_is_unreachable() {
    let mut host = Host::new();
    let object = host.open([0; 4], 8);
    let remote = socket(LOCALHOST, 7);
    let _ = host.stack.connect_datagram(object, Some(remote));
    host.post(object, 1);
    assert_eq!(host.send(object, 2, (LOCALHOST, 7), b"hi"), "SUCCESS");
    assert_eq!(
        host.completions(),
        ["1: PORT_UNREACHABLE about 127.0.0.1:7"]
    );
}

/// What an object at each of these addresses hears of a datagram from
/// 10.0.2.15.
fn hears(host: &mut Host, to: [u8; 4]) -> [bool; 4] {
    let objects = [[0; 4], OUR_IP, [10, 9, 0, 1], LOCALHOST].map(|address| {
        let options = AddressOptions {
            share: crate::tdi::ShareAccess::Reuse,
            ..AddressOptions::default()
        };
        let opened = host
            .stack
            .open_address(Transport::Udp, socket(address, 7), options);
        opened.expect("an address object")
    });
    for (id, &object) in objects.iter().enumerate() {
        host.post(object, id as u64);
    }
    let sender = host.open(OUR_IP, 8);
    assert_eq!(host.send(sender, 9, (to, 7), b"all"), "SUCCESS");
    let completions = host.completions();
    let heard = [0, 1, 2, 3].map(|id| {
        let from = format!("{id}: SUCCESS, 10.0.2.15:8");
        completions.iter().any(|line| line.starts_with(&from))
    });
    for object in objects.into_iter().chain([sender]) {
        let _ = host.stack.close_address(object);
    }
    host.completions();
    heard
}

#[test]
fn rfc1122_3_3_6_broadcasts_of_our_own_reach_local_receivers() {
    let mut host = Host::new();
    second_interface(&mut host);
    for (address, text) in [
        ([255; 4], "255.255.255.255"),
        ([10, 0, 2, 255], "10.0.2.255"),
    ] {
        assert_eq!(
            hears(&mut host, address),
            [true, true, false, false],
            "those of the network that it is sent to"
        );
        assert_eq!(
            host.sent(),
            [format!(
                "ff-ff-ff-ff-ff-ff udp 10.0.2.15:8 > {text}:7 \"all\""
            )],
            "and it leaves"
        );
    }
    assert_eq!(counter(&host, "looped_back"), 2);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn rfc1112_6_1_datagrams_to_a_group_of_ours_reach_local_receivers() {
    let mut host = Host::new();
    second_interface(&mut host);
    assert_eq!(hears(&mut host, [224, 0, 0, 1]), [true, true, false, false]);
    assert_eq!(host.frames().len(), 1);
    assert_eq!(
        hears(&mut host, [224, 0, 0, 7]),
        [false; 4],
        "not one of our groups"
    );
    assert_eq!(host.frames().len(), 1);
    assert_eq!(counter(&host, "looped_back"), 1);
}

#[test]
fn a_broadcast_of_an_unbound_sender_never_goes_by_the_loopback_interface_alone() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.stack.remove_route(crate::Prefix::DEFAULT);
    assert_eq!(host.send(object, 1, ([255; 4], 9), b"all"), "SUCCESS");
    assert_eq!(host.frames().len(), 1, "by the first interface with a wire");
    host.stack.interface_down(host.interface);
    assert_eq!(
        host.send(object, 2, ([255; 4], 9), b"all"),
        "NETWORK_UNREACHABLE"
    );
}

#[test]
fn the_copy_of_a_broadcast_goes_by_the_adapter_too() {
    let mut host = Host::new();
    let id = host.stack.attach_loopback("Lo", 65535).expect("attached");
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    assert_eq!(host.send(object, 2, ([255; 4], 7), b"all"), "SUCCESS");
    let frames: Vec<_> = core::iter::from_fn(|| host.stack.next_frame()).collect();
    let [(wire, sent), (own, copy)]: [(_, Packet); 2] = frames.try_into().expect("two frames");
    assert_eq!((wire, own), (host.interface, id));
    let whole = |packet: &Packet| packet.segments().collect::<Vec<_>>().concat();
    assert_eq!(whole(&sent)[14..], whole(&copy)[14..]);
    host.stack.receive(id, copy, host.now);
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 10.0.2.15:7 > 255.255.255.255:7, \"all\""]
    );
}

#[test]
fn a_broadcast_in_fragments_loops_back_whole() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let request = ReceiveRequest::new(9000);
    let _ = host.stack.receive_datagram(object, RequestId(1), request);
    assert_eq!(
        host.send(object, 2, ([255; 4], 7), &[b'x'; 4000]),
        "SUCCESS"
    );
    assert_eq!(host.frames().len(), 3);
    let completions = host.completions();
    assert!(completions[0].contains(&"x".repeat(4000)));
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn a_broadcast_leaves_even_if_no_copy_can_be_made() {
    let mut host = Host::with(&crate::StackConfiguration {
        loopback_packets: 0,
        ..crate::StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, ([255; 4], 7), b"all"), "SUCCESS");
    assert_eq!(host.frames().len(), 1);
    assert_eq!(counter(&host, "dropped_loopback_copy"), 1);
    // No buffer at all: the frame's header fits the packet's headroom, that of
    // the copy does not.
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.stack.attach_loopback("Lo", 65535).expect("attached");
    let payload = Payload::copy_from(host.pool, b"all").expect("a packet");
    let hoard: Vec<_> = core::iter::from_fn(|| host.pool.allocate(0)).collect();
    let status = host.stack.send_datagram(
        object,
        RequestId(1),
        Some(socket([255; 4], 7)),
        payload,
        host.now,
    );
    assert!(status.is_success());
    assert_eq!(host.frames().len(), 1);
    assert_eq!(counter(&host, "dropped_loopback_copy"), 1);
    drop(hoard);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn the_networks_own_address_is_nobodys_source() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    host.receive(&udp_between(([10, 0, 2, 0], 9), (OUR_IP, 7), b"hi"));
    assert_eq!(counter(&host, "dropped_source_broadcast"), 1);
    assert_eq!(host.neighbour([10, 0, 2, 0]), None);
}
