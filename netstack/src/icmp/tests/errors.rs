use std::string::ToString;
use std::vec::Vec;

use etherparse::Icmpv4Type;
use etherparse::icmpv4::DestUnreachableHeader;
use executive::time::Duration;

use crate::tests::support::{
    EVERYBODY, Host, OUR_IP, PEER_IP, icmp, ip, udp, udp_between, udp_frame,
};

use super::{counter, error_about, known_host};

#[test]
fn a_datagram_to_a_port_that_nobody_has_is_answered_by_port_unreachable() {
    let mut host = known_host();
    host.receive(&udp(4000, 7, b"hello"));
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 icmp 10.0.2.15 > 10.0.2.3 \
          destination port unreachable about 10.0.2.3 > 10.0.2.15 UDP with 13 bytes"]
    );
    assert_eq!(counter(&host, "errors_sent"), 1);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn an_error_does_not_quote_the_padding_of_the_frame() {
    for frame in [udp(4000, 7, b"hi"), ip(99, &[], b"12345678", |_| {})] {
        let mut host = known_host();
        host.receive(&[frame.as_slice(), &[0; 18]].concat());
        assert_eq!(host.frames()[0][42..], frame[14..]);
    }
}

#[test]
fn rfc1812_4_3_2_3_an_error_quotes_as_much_as_fits_576_bytes() {
    let mut host = known_host();
    host.receive(&udp(4000, 7, &[b'x'; 1472]));
    let frames = host.frames();
    assert_eq!(frames[0].len(), 14 + 576);
    assert_eq!(frames[0][42..], udp(4000, 7, &[b'x'; 1472])[14..14 + 548]);
}

#[test]
fn rfc1122_3_2_2_no_error_about_what_went_to_many() {
    for address in [[255; 4], [10, 0, 2, 255], [224, 0, 0, 1]] {
        let mut host = known_host();
        host.receive(&udp_frame(EVERYBODY, (PEER_IP, 9), (address, 7), b"hi"));
        assert!(host.sent().is_empty());
        assert_eq!(counter(&host, "errors_suppressed"), 1);
    }
}

#[test]
fn rfc1122_3_2_2_no_error_about_a_host_without_address() {
    let mut host = known_host();
    host.receive(&udp_frame(EVERYBODY, ([0; 4], 68), ([255; 4], 67), b"hi"));
    assert!(host.sent().is_empty());
    assert_eq!(counter(&host, "errors_suppressed"), 1);
}

#[test]
fn rfc1122_3_2_2_no_error_about_an_error() {
    let mut host = known_host();
    // An error about a datagram of protocol 99 that we never sent.
    let quote = &ip(99, &[], b"12345678", |header| {
        header.source = OUR_IP;
        header.destination = PEER_IP;
    })[14..];
    let reason = DestUnreachableHeader::Protocol;
    host.receive(&icmp(Icmpv4Type::DestinationUnreachable(reason), quote));
    assert!(host.sent().is_empty());
    assert_eq!(counter(&host, "dropped_error_unmatched"), 1);
}

#[test]
fn rfc1122_3_2_2_no_error_about_icmp_errors_and_later_fragments() {
    let mut host = known_host();
    let mut send_about = |payload: &[u8], protocol: u8, fragment_offset: u16| {
        let frame = ip(protocol, &[], payload, |header| {
            header.fragment_offset = fragment_offset.try_into().expect("an offset");
        });
        let datagram = crate::ip::Datagram {
            start: 0,
            header_length: 20,
            payload_length: payload.len(),
            source: PEER_IP.into(),
            destination: OUR_IP.into(),
            protocol,
            interface: host.interface,
            delivery: crate::ip::Delivery::Unicast,
        };
        let packet = crate::tests::support::packet(host.pool, &frame[14..]);
        // Time exceeded, in reassembly.
        host.stack.icmp_send_error(datagram, &packet, 11, 1);
        drop(packet);
        host.frames().len()
    };
    assert_eq!(send_about(&[8, 0, 0, 0, 0, 0, 0, 0], 1, 0), 1);
    assert_eq!(send_about(&[0; 8], 17, 0), 1);
    assert_eq!(send_about(&[0; 8], 17, 8), 0, "not the first fragment");
    for error in [3, 4, 5, 11, 12] {
        let message = [error, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(send_about(&message, 1, 0), 0, "type {error}");
    }
    assert_eq!(send_about(&[], 1, 0), 0, "too short to tell");
}

#[test]
fn errors_are_rate_limited_and_counted() {
    let mut host = known_host();
    for _ in 0..100 {
        host.receive(&udp(4000, 7, b"hello"));
        host.frames();
    }
    assert_eq!(counter(&host, "errors_sent"), 20);
    assert_eq!(counter(&host, "errors_rate_limited"), 80);
    host.advance(Duration::from_millis(50));
    for _ in 0..100 {
        host.receive(&udp(4000, 7, b"hello"));
        host.frames();
    }
    assert_eq!(counter(&host, "errors_sent"), 25, "100 a second");
}

/// A connected address object at port 7, and the frame of a datagram that it
/// sent to port 9 of the peer.
fn connected(host: &mut Host) -> (crate::tdi::AddressHandle, Vec<u8>) {
    let object = host.open([0; 4], 7);
    let remote = Some(crate::tests::support::socket(PEER_IP, 9));
    let status = host.stack.connect_datagram(object, remote);
    assert_eq!(status.to_string(), "SUCCESS");
    host.send(object, 1, (PEER_IP, 9), b"hello");
    (object, host.frames().remove(0))
}

#[test]
fn port_unreachable_ends_a_receive_of_a_connected_address_object() {
    let mut host = known_host();
    let (object, frame) = connected(&mut host);
    host.post(object, 2);
    host.receive(&error_about(&frame, DestUnreachableHeader::Port, 28));
    assert_eq!(host.completions(), ["2: PORT_UNREACHABLE about 10.0.2.3:9"]);
    assert_eq!(host.stack.counters().udp.errors_delivered, 1);
}

#[test]
fn an_error_waits_for_the_next_receive() {
    let mut host = known_host();
    let (object, frame) = connected(&mut host);
    host.receive(&error_about(&frame, DestUnreachableHeader::Protocol, 28));
    assert!(host.completions().is_empty());
    host.post(object, 2);
    host.post(object, 3);
    assert_eq!(
        host.completions(),
        ["2: PROTOCOL_UNREACHABLE about 10.0.2.3:9"]
    );
}

#[test]
fn each_code_has_its_status() {
    let codes = [
        (DestUnreachableHeader::Network, Some("NETWORK_UNREACHABLE")),
        (DestUnreachableHeader::Host, Some("HOST_UNREACHABLE")),
        (
            DestUnreachableHeader::Protocol,
            Some("PROTOCOL_UNREACHABLE"),
        ),
        (DestUnreachableHeader::Port, Some("PORT_UNREACHABLE")),
        (
            DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 576 },
            None,
        ),
        (
            DestUnreachableHeader::NetworkUnknown,
            Some("NETWORK_UNREACHABLE"),
        ),
        (DestUnreachableHeader::HostUnknown, Some("HOST_UNREACHABLE")),
        (
            DestUnreachableHeader::FilterProhibited,
            Some("HOST_UNREACHABLE"),
        ),
    ];
    for (reason, status) in codes {
        let mut host = known_host();
        let (object, frame) = connected(&mut host);
        host.post(object, 2);
        host.receive(&error_about(&frame, reason, 28));
        let expected = status.map(|status| std::format!("2: {status} about 10.0.2.3:9"));
        assert_eq!(host.completions(), Vec::from_iter(expected));
    }
}

#[test]
fn errors_about_what_we_did_not_send_are_dropped() {
    let mut host = known_host();
    let (object, frame) = connected(&mut host);
    host.post(object, 2);
    // Somebody else's datagram.
    let foreign = udp_between(([10, 0, 2, 16], 7), (PEER_IP, 9), b"hello");
    host.receive(&error_about(&foreign, DestUnreachableHeader::Port, 28));
    assert_eq!(counter(&host, "dropped_error_quote"), 1);
    // To another port.
    let other = udp_between((OUR_IP, 7), (PEER_IP, 10), b"hello");
    host.receive(&error_about(&other, DestUnreachableHeader::Port, 28));
    assert_eq!(counter(&host, "dropped_error_unmatched"), 1);
    // Cut off before the ports.
    host.receive(&error_about(&frame, DestUnreachableHeader::Port, 23));
    host.receive(&error_about(&frame, DestUnreachableHeader::Port, 19));
    assert_eq!(counter(&host, "dropped_error_quote"), 3);
    assert!(host.completions().is_empty());
}

#[test]
fn an_unconnected_address_object_hears_no_errors() {
    let mut host = known_host();
    let object = host.open([0; 4], 7);
    host.send(object, 1, (PEER_IP, 9), b"hello");
    let frame = host.frames().remove(0);
    host.post(object, 2);
    host.receive(&error_about(&frame, DestUnreachableHeader::Port, 28));
    assert!(host.completions().is_empty());
    assert_eq!(counter(&host, "dropped_error_unmatched"), 1);
}

#[test]
fn our_own_closed_port_is_unreachable_too() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let remote = Some(crate::tests::support::socket(OUR_IP, 9));
    let status = host.stack.connect_datagram(object, remote);
    assert_eq!(status.to_string(), "SUCCESS");
    host.post(object, 1);
    assert_eq!(host.send(object, 2, (OUR_IP, 9), b"hello"), "SUCCESS");
    assert_eq!(
        host.completions(),
        ["1: PORT_UNREACHABLE about 10.0.2.15:9"]
    );
    assert_eq!(host.pools(), (0, 0));
}
