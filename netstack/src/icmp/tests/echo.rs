use std::string::ToString;

use etherparse::Icmpv4Type;
use etherparse::icmpv4::DestUnreachableHeader;
use executive::time::Duration;

use super::super::EchoRequest;
use crate::tests::support::{
    EVERYBODY, GATEWAY_IP, Host, OUR_IP, PEER_HARDWARE, PEER_IP, arp_reply, echo_request,
    icmp_frame, ip,
};

use super::{counter, echo_reply, error_about, known_host, ping, ping_to};

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
fn rfc1349_5_1_an_echo_reply_has_the_requests_type_of_service() {
    let mut host = known_host();
    let mut request = echo_request(1, 2, b"hello");
    request[15] = 0x10;
    crate::tests::support::fix_ip_checksum(&mut request);
    host.receive(&request);
    assert_eq!(host.frames()[0][15], 0x10);
}

#[test]
fn ethernet_padding_is_no_part_of_an_echo_request() {
    let mut host = known_host();
    let mut request = echo_request(1, 2, b"hello");
    request.resize(60, 0xAA);
    host.receive(&request);
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 icmp 10.0.2.15 > 10.0.2.3 echo reply 1/2 hello"]
    );
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
    assert_eq!(
        host.stack.send_echo(&request, host.now).to_string(),
        "PENDING"
    );
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
    assert_eq!(
        host.echoes(),
        ["77/1: 8 bytes from 10.0.2.15, ttl 128, 0 us"]
    );
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
    let exceeded =
        Icmpv4Type::TimeExceeded(etherparse::icmpv4::TimeExceededCode::TtlExceededInTransit);
    let ours = crate::tests::support::OUR_HARDWARE;
    host.receive(&icmp_frame(
        ours,
        (GATEWAY_IP, OUR_IP),
        exceeded,
        &frame[14..42],
    ));
    assert_eq!(host.echoes(), ["77/2: time exceeded at 10.0.2.2"]);
    let counters = host.stack.counters().icmp;
    assert_eq!(
        (
            counters.unreachable_received,
            counters.time_exceeded_received
        ),
        (1, 1)
    );
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
