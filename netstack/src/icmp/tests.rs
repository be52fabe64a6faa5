use std::string::ToString;
use std::vec::Vec;

use etherparse::Icmpv4Type;
use etherparse::icmpv4::DestUnreachableHeader;
use executive::time::Duration;

use super::EchoRequest;
use crate::tests::support::{
    EVERYBODY, GATEWAY_IP, Host, OUR_IP, PEER_HARDWARE, PEER_IP, arp_reply, echo_request, icmp,
    icmp_frame, ip, udp, udp_between, udp_frame,
};

fn counter(host: &Host, name: &str) -> u64 {
    let counters = host.stack.counters().icmp;
    let found = counters.iter().find(|&(at, _)| at == name);
    found.unwrap_or_else(|| panic!("no counter {name}")).1
}

fn known_host() -> Host {
    let mut host = Host::new();
    host.meet_peer();
    host
}

/// Asks the peer to echo 8 bytes.
fn ping(host: &mut Host, sequence: u16) -> std::string::String {
    ping_to(host, PEER_IP, sequence)
}

fn ping_to(host: &mut Host, destination: [u8; 4], sequence: u16) -> std::string::String {
    let request = EchoRequest {
        destination: destination.into(),
        identifier: 77,
        sequence,
        length: 8,
        time_to_live: 64,
        timeout: Duration::from_secs(1),
    };
    host.stack.send_echo(&request, host.now).to_string()
}

fn echo_reply(sequence: u16) -> Vec<u8> {
    let echo = etherparse::IcmpEchoHeader {
        id: 77,
        seq: sequence,
    };
    icmp(Icmpv4Type::EchoReply(echo), &[0, 1, 2, 3, 4, 5, 6, 7])
}

/// An error of the gateway about what we sent in `frame`.
fn error_about(frame: &[u8], reason: DestUnreachableHeader, quoted: usize) -> Vec<u8> {
    let quote = &frame[14..frame.len().min(14 + quoted)];
    let addresses = (GATEWAY_IP, OUR_IP);
    icmp_frame(
        crate::tests::support::OUR_HARDWARE,
        addresses,
        Icmpv4Type::DestinationUnreachable(reason),
        quote,
    )
}

#[test]
fn an_echo_request_is_answered_with_its_payload() {
    let mut host = known_host();
    for payload in ["", "a", "hello", "some more bytes than one word"] {
        host.receive(&echo_request(1, 2, payload.as_bytes()));
        assert_eq!(
            host.sent(),
            [std::format!(
                "52-55-0a-00-02-03 icmp 10.0.2.15 > 10.0.2.3 echo reply 1/2 {payload}"
            )]
        );
    }
    host.receive(&echo_request(1, 2, &[b'x'; 1472]));
    assert_eq!(host.frames()[0].len(), 1514);
    assert_eq!(counter(&host, "echo_replies_sent"), 5);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn an_echo_request_with_options_is_answered_without() {
    let mut host = known_host();
    let message = &echo_request(1, 2, b"hello")[34..];
    host.receive(&ip(1, &[1, 1, 1, 1], message, |_| {}));
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 icmp 10.0.2.15 > 10.0.2.3 echo reply 1/2 hello"]
    );
}

#[test]
fn rfc1122_3_2_2_6_echo_requests_to_many_are_not_answered() {
    for address in [[255; 4], [10, 0, 2, 255], [224, 0, 0, 1]] {
        let mut host = known_host();
        let echo = etherparse::IcmpEchoHeader { id: 1, seq: 2 };
        let message = Icmpv4Type::EchoRequest(echo);
        host.receive(&icmp_frame(EVERYBODY, (PEER_IP, address), message, b"hi"));
        assert!(host.sent().is_empty());
        assert_eq!(counter(&host, "dropped_echo_broadcast"), 1);
    }
}

#[test]
fn messages_that_are_cut_off_or_changed_are_counted() {
    let frame = echo_request(1, 2, b"hello");
    for at in 34..frame.len() {
        let mut host = known_host();
        let mut changed = frame.clone();
        changed[at] ^= 0x10;
        host.receive(&changed);
        assert_eq!(counter(&host, "dropped_checksum"), 1, "byte {at}");
        assert!(host.sent().is_empty());
    }
    let mut host = known_host();
    // Five bytes whose sum is in order.
    host.receive(&ip(1, &[], &[8, 0, 0xF7, 0xFF, 0], |_| {}));
    assert_eq!(counter(&host, "dropped_too_short"), 1);
    host.receive(&ip(1, &[], &[], |_| {}));
    assert_eq!(counter(&host, "dropped_checksum"), 1);
    // Timestamp request.
    host.receive(&ip(1, &[], &[13, 0, 0xF2, 0xFF, 0, 0, 0, 0], |_| {}));
    assert_eq!(counter(&host, "dropped_type"), 1);
}

#[test]
fn ping_tells_the_round_trip() {
    let mut host = known_host();
    assert_eq!(ping(&mut host, 1), "PENDING");
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 icmp 10.0.2.15 > 10.0.2.3 echo request 77/1 8 bytes"]
    );
    host.advance(Duration::from_micros(1234));
    host.receive(&echo_reply(1));
    assert_eq!(
        host.echoes(),
        ["77/1: 8 bytes from 10.0.2.3, ttl 64, 1234 us"]
    );
    host.receive(&echo_reply(1));
    assert!(host.echoes().is_empty(), "the second answer is not one");
    assert_eq!(counter(&host, "dropped_echo_unexpected"), 1);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn a_reply_from_somebody_else_does_not_count() {
    let mut host = known_host();
    ping_to(&mut host, [10, 0, 2, 4], 1);
    host.receive(&echo_reply(1));
    assert_eq!(counter(&host, "dropped_echo_unexpected"), 1);
    host.advance(Duration::from_secs(1));
    assert_eq!(host.echoes(), ["77/1: timed out"]);
}

#[test]
fn pings_without_an_answer_time_out_each_on_its_own() {
    let mut host = known_host();
    ping(&mut host, 1);
    host.advance(Duration::from_millis(500));
    ping(&mut host, 2);
    host.advance(Duration::from_millis(500));
    assert_eq!(host.echoes(), ["77/1: timed out"]);
    host.receive(&echo_reply(2));
    assert_eq!(
        host.echoes(),
        ["77/2: 8 bytes from 10.0.2.3, ttl 64, 500000 us"]
    );
    assert_eq!(counter(&host, "echo_timeouts"), 1);
}

#[test]
fn a_ping_waits_for_its_neighbour() {
    let mut host = Host::new();
    assert_eq!(ping(&mut host, 1), "PENDING");
    assert!(host.sent()[0].contains("who-has 10.0.2.3"));
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert!(host.sent()[0].contains("echo request 77/1"));
    assert_eq!(counter(&host, "echo_requests_sent"), 1);
}

#[test]
fn a_ping_to_a_silent_neighbour_is_not_sent() {
    let mut host = Host::new();
    let request = EchoRequest {
        destination: PEER_IP.into(),
        identifier: 77,
        sequence: 1,
        length: 8,
        time_to_live: 64,
        timeout: Duration::from_secs(5),
    };
    assert_eq!(host.stack.send_echo(&request, host.now).to_string(), "PENDING");
    host.advance(Duration::from_secs(3));
    assert_eq!(host.echoes(), ["77/1: not sent, HOST_UNREACHABLE"]);
    host.advance(Duration::from_secs(3));
    assert!(host.echoes().is_empty());
    assert_eq!(host.frames().len(), 3, "requests");
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn ping_reaches_our_own_address() {
    let mut host = Host::new();
    assert_eq!(ping_to(&mut host, OUR_IP, 1), "PENDING");
    assert_eq!(host.echoes(), ["77/1: 8 bytes from 10.0.2.15, ttl 128, 0 us"]);
}

#[test]
fn an_error_about_a_ping_ends_it() {
    let mut host = known_host();
    ping(&mut host, 1);
    let frame = host.frames().remove(0);
    host.receive(&error_about(&frame, DestUnreachableHeader::Host, 28));
    assert_eq!(
        host.echoes(),
        ["77/1: unreachable code 1 from 10.0.2.2, HOST_UNREACHABLE"]
    );
    ping(&mut host, 2);
    let frame = host.frames().remove(0);
    let exceeded = Icmpv4Type::TimeExceeded(
        etherparse::icmpv4::TimeExceededCode::TtlExceededInTransit,
    );
    let ours = crate::tests::support::OUR_HARDWARE;
    host.receive(&icmp_frame(ours, (GATEWAY_IP, OUR_IP), exceeded, &frame[14..42]));
    assert_eq!(host.echoes(), ["77/2: time exceeded at 10.0.2.2"]);
    let counters = host.stack.counters().icmp;
    assert_eq!((counters.unreachable_received, counters.time_exceeded_received), (1, 1));
}

#[test]
fn only_so_many_pings_at_a_time() {
    let mut host = Host::with(&crate::StackConfiguration {
        echo_requests: 2,
        ..crate::StackConfiguration::default()
    });
    host.meet_peer();
    assert_eq!(ping(&mut host, 1), "PENDING");
    assert_eq!(ping(&mut host, 1), "INVALID_PARAMETER");
    assert_eq!(ping(&mut host, 2), "PENDING");
    assert_eq!(ping(&mut host, 3), "INSUFFICIENT_RESOURCES");
    host.receive(&echo_reply(1));
    assert_eq!(
        ping(&mut host, 3),
        "INSUFFICIENT_RESOURCES",
        "until the outcome is fetched"
    );
    assert_eq!(host.echoes().len(), 1);
    assert_eq!(ping(&mut host, 3), "PENDING");
    host.stack.cancel_echo(77);
    assert_eq!(ping(&mut host, 3), "PENDING");
}

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
    assert_eq!(
        host.completions(),
        ["2: PORT_UNREACHABLE about 10.0.2.3:9"]
    );
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
        (DestUnreachableHeader::Protocol, Some("PROTOCOL_UNREACHABLE")),
        (DestUnreachableHeader::Port, Some("PORT_UNREACHABLE")),
        (DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 576 }, None),
        (DestUnreachableHeader::NetworkUnknown, Some("NETWORK_UNREACHABLE")),
        (DestUnreachableHeader::HostUnknown, Some("HOST_UNREACHABLE")),
        (DestUnreachableHeader::FilterProhibited, Some("HOST_UNREACHABLE")),
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
