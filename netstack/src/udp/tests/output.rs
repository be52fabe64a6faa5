use std::vec::Vec;

use crate::StackConfiguration;
use crate::tdi::{AddressOptions, Transport};
use crate::tests::support::{Host, OUR_IP, PEER_IP, socket};

use super::{UDP, counter};

#[test]
fn a_payload_in_several_buffers_is_sent_whole_and_looped_back_whole() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    for (address, id) in [(PEER_IP, 2), (OUR_IP, 3)] {
        let packet = crate::tests::support::pieces(host.pool, b"hello, world", &[5, 2]);
        let status = host.stack.send_datagram(
            object,
            crate::tdi::RequestId(id),
            Some(socket(address, 7)),
            packet.into(),
            host.now,
        );
        assert!(status.is_success());
    }
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 udp 10.0.2.15:7 > 10.0.2.3:7 \"hello, world\""]
    );
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 10.0.2.15:7 > 10.0.2.15:7, \"hello, world\""]
    );
}

#[test]
fn a_checksum_that_comes_out_as_zero_is_sent_as_all_ones() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    // The payload that makes up for the rest of the sum.
    host.send(object, 1, (PEER_IP, 9), &[0, 0]);
    let frame = host.frames().remove(0);
    let checksum = [frame[UDP + 6], frame[UDP + 7]];
    host.send(object, 2, (PEER_IP, 9), &checksum);
    let frame = host.frames().remove(0);
    assert_eq!(frame[UDP + 6..UDP + 8], [0xFF, 0xFF]);
}

#[test]
fn a_broadcast_needs_leave() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, ([255; 4], 9), b"all"), "SUCCESS");
    assert_eq!(
        host.sent(),
        ["ff-ff-ff-ff-ff-ff udp 10.0.2.15:7 > 255.255.255.255:9 \"all\""]
    );
    let options = AddressOptions {
        broadcast: false,
        ..AddressOptions::default()
    };
    let _ = host.stack.set_address_options(object, options);
    for address in [[255; 4], [10, 0, 2, 255]] {
        assert_eq!(host.send(object, 2, (address, 9), b"all"), "ACCESS_DENIED");
    }
    assert_eq!(counter(&host, "unsent_broadcast"), 2);
}

#[test]
fn options_decide_about_the_header() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    host.send(object, 1, (PEER_IP, 9), b"hi");
    let frame = host.frames().remove(0);
    assert_eq!(
        (frame[15], frame[20], frame[22]),
        (0, 0, 128),
        "TDI's defaults"
    );
    let options = AddressOptions {
        time_to_live: 3,
        type_of_service: 0x10,
        dont_fragment: true,
        ..AddressOptions::default()
    };
    let _ = host.stack.set_address_options(object, options);
    host.send(object, 1, (PEER_IP, 9), b"hi");
    let frame = host.frames().remove(0);
    assert_eq!((frame[15], frame[20], frame[22]), (0x10, 0x40, 3));
}

#[test]
fn longer_than_udp_is_refused() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(
        host.send(object, 1, (PEER_IP, 9), &std::vec![0; 65508]),
        "BUFFER_TOO_SMALL"
    );
    assert_eq!(counter(&host, "unsent_too_long"), 1);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn rfc6056_ephemeral_ports_are_in_their_range_and_not_in_a_row() {
    let mut host = Host::new();
    let ports: Vec<u16> = (0..100)
        .map(|_| {
            let object = host.open([0; 4], 0);
            host.stack.local_address(object).expect("open").port
        })
        .collect();
    assert!(ports.iter().all(|&port| port >= 49152));
    let in_a_row = ports
        .windows(2)
        .filter(|pair| pair[1] == pair[0].wrapping_add(1));
    assert!(in_a_row.count() < 3);
    let mut unique = ports.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 100);
}

#[test]
fn rfc6056_when_all_ephemeral_ports_are_taken_the_open_fails() {
    let mut host = Host::with(&StackConfiguration {
        ephemeral_ports: 65530..=65535,
        ..StackConfiguration::default()
    });
    let mut ports: Vec<u16> = (0..6)
        .map(|_| {
            let object = host.open(OUR_IP, 0);
            host.stack.local_address(object).expect("open").port
        })
        .collect();
    ports.sort_unstable();
    assert_eq!(ports, [65530, 65531, 65532, 65533, 65534, 65535]);
    let seventh =
        host.stack
            .open_address(Transport::Udp, socket([0; 4], 0), AddressOptions::default());
    assert_eq!(
        seventh,
        Err(executive::status::NtStatus::ADDRESS_ALREADY_EXISTS)
    );
}

#[test]
fn the_payloads_sum_is_used_only_if_it_is_of_the_payload() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    for checksum in [None, Some(crate::checksum::PayloadChecksum::new())] {
        let payload = crate::tdi::Payload {
            packet: crate::tests::support::packet(host.pool, b"hello"),
            checksum,
        };
        let status = host.stack.send_datagram(
            object,
            crate::tdi::RequestId(1),
            Some(socket(PEER_IP, 9)),
            payload,
            host.now,
        );
        assert!(status.is_success());
        // Reading it verifies the checksum.
        assert_eq!(
            host.sent(),
            ["52-55-0a-00-02-03 udp 10.0.2.15:7 > 10.0.2.3:9 \"hello\""]
        );
    }
}
