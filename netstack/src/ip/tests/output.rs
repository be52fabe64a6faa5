use std::vec::Vec;

use etherparse::{Ipv4Slice, UdpSlice};
use executive::status::NtStatus;

use crate::configuration::StackConfiguration;
use crate::tdi::AddressOptions;

use crate::tests::support::{GATEWAY_IP, Host, OUR_IP, PEER_HARDWARE, PEER_IP, arp_reply, socket};

use super::{counter, second_interface};

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
fn destinations_that_no_host_has_are_refused() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    for address in [
        [0, 0, 0, 0],
        [0, 1, 2, 3],
        [240, 0, 0, 1],
        [255, 255, 255, 254],
    ] {
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
fn a_datagram_above_the_mtu_that_must_not_be_fragmented_is_refused() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    let options = AddressOptions {
        dont_fragment: true,
        ..AddressOptions::default()
    };
    let _ = host.stack.set_address_options(object, options);
    assert_eq!(host.send(object, 1, (PEER_IP, 9), &[b'x'; 1472]), "SUCCESS");
    assert_eq!(host.frames()[0].len(), 1514);
    assert_eq!(
        host.send(object, 2, (PEER_IP, 9), &[b'x'; 1473]),
        "BUFFER_TOO_SMALL"
    );
    assert_eq!(counter(&host, "unsent_too_long"), 1);
    assert_eq!(host.pools(), (0, 0));
}

/// Puts fragments together the way RFC 791 section 3.2 says; the UDP datagram.
fn reassemble(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for (place, frame) in frames.iter().enumerate() {
        let ip = Ipv4Slice::from_slice(&frame[14..]).expect("a datagram");
        let header = ip.header();
        assert_eq!(
            header.header_checksum(),
            header.to_header().calc_header_checksum()
        );
        assert_eq!(
            usize::from(header.fragments_offset().byte_offset()),
            datagram.len()
        );
        assert_eq!(header.more_fragments(), place + 1 < frames.len());
        assert!(frame.len() <= 1514);
        datagram.extend_from_slice(ip.payload().payload);
    }
    datagram
}

#[test]
fn seed_29_a_datagram_above_the_mtu_leaves_in_fragments() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    for (length, fragments) in [(1473, 2), (2952, 2), (2953, 3), (4000, 3), (65507, 45)] {
        let payload: Vec<u8> = (0..length).map(|n: usize| (n * 7) as u8).collect();
        assert_eq!(host.send(object, 1, (PEER_IP, 9), &payload), "SUCCESS");
        let frames = host.frames();
        assert_eq!(frames.len(), fragments, "{length}");
        let datagram = reassemble(&frames);
        let udp = UdpSlice::from_slice(&datagram).expect("a UDP datagram");
        assert_eq!(udp.payload(), payload);
        let sum = udp
            .to_header()
            .calc_checksum_ipv4_raw(OUR_IP, PEER_IP, &payload);
        assert_eq!(sum, Ok(udp.checksum()));
        assert_eq!(host.pools(), (0, 0));
    }
    assert_eq!(counter(&host, "fragmented"), 5);
    assert_eq!(counter(&host, "fragments_sent"), 55);
}

#[test]
fn seed_29_a_large_datagram_waits_whole_for_its_neighbour() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(
        host.send(object, 1, (PEER_IP, 9), &std::vec![b'x'; 30_000]),
        "PENDING"
    );
    host.frames();
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    let datagram = reassemble(&host.frames());
    assert_eq!(datagram.len(), 30_008);
    assert_eq!(host.completions(), ["1: SUCCESS, sent 30000"]);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn seed_29_fragments_leave_all_or_not_at_all() {
    let mut host = Host::with(&StackConfiguration {
        frames: 4,
        ..StackConfiguration::default()
    });
    host.meet_peer();
    let object = host.open([0; 4], 7);
    assert_eq!(
        host.send(object, 1, (PEER_IP, 9), &[b'x'; 8000]),
        "INSUFFICIENT_RESOURCES"
    );
    assert!(host.frames().is_empty());
    assert_eq!(counter(&host, "unsent_fragments_full"), 1);
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
