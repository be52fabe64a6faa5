use std::vec;
use std::vec::Vec;

use executive::status::NtStatus;

use super::super::{
    AddressOptions, CompletionKind, ReceiveFlags, ReceiveRequest, RequestId, ShareAccess, Transport,
};
use crate::StackConfiguration;
use crate::tests::support::{EVERYBODY, Host, OUR_IP, PEER_IP, ip, socket, udp, udp_frame};

use super::open;

#[test]
fn seed_27_a_datagram_satisfies_exactly_one_receive_first_in_first_out() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    for id in 1..=3 {
        host.post(object, id);
    }
    host.receive(&udp(4000, 7, b"one"));
    host.receive(&udp(4001, 7, b"two"));
    assert_eq!(
        host.completions(),
        [
            "1: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"one\"",
            "2: SUCCESS, 10.0.2.3:4001 > 10.0.2.15:7, \"two\"",
        ]
    );
}

#[test]
fn seed_27_a_short_buffer_gets_what_fits_and_buffer_overflow() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    for (id, length) in [(1, 4), (2, 5), (3, 0)] {
        let status =
            host.stack
                .receive_datagram(object, RequestId(id), ReceiveRequest::new(length));
        assert_eq!(status, NtStatus::PENDING);
        host.receive(&udp(4000, 7, b"hello"));
    }
    assert_eq!(
        host.completions(),
        [
            "1: BUFFER_OVERFLOW, 10.0.2.3:4000 > 10.0.2.15:7, \"hell\"",
            "2: SUCCESS, 10.0.2.3:4000 > 10.0.2.15:7, \"hello\"",
            "3: BUFFER_OVERFLOW, 10.0.2.3:4000 > 10.0.2.15:7, \"\"",
        ]
    );
    assert_eq!(host.stack.counters().tdi.receives_overflowed, 2);
}

#[test]
fn seed_27_without_a_receive_the_datagram_is_dropped_and_counted() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    host.receive(&udp(4000, 7, b"hello"));
    assert!(host.completions().is_empty());
    assert!(host.sent().is_empty(), "the port is not unreachable");
    assert_eq!(host.stack.counters().tdi.dropped_no_receive, 1);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn a_completion_tells_the_whole_length_and_how_the_datagram_came() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let frames = [
        (udp(9, 7, b"hello"), ReceiveFlags::empty()),
        (
            udp_frame(EVERYBODY, (PEER_IP, 9), ([255; 4], 7), b"hello"),
            ReceiveFlags::BROADCAST,
        ),
        (
            udp_frame(
                [1, 0, 0x5E, 0, 0, 1],
                (PEER_IP, 9),
                ([224, 0, 0, 1], 7),
                b"hello",
            ),
            ReceiveFlags::MULTICAST,
        ),
    ];
    for (frame, flags) in frames {
        let request = ReceiveRequest::new(2);
        let status = host.stack.receive_datagram(object, RequestId(1), request);
        assert_eq!(status, NtStatus::PENDING);
        host.receive(&frame);
        let completion = host.stack.next_completion().expect("a completion");
        let CompletionKind::Received(datagram) = completion.kind else {
            panic!("{completion:?}");
        };
        assert_eq!(datagram.length, 5);
        assert_eq!(datagram.packet.len(), 2);
        let expected = flags | ReceiveFlags::NORMAL | ReceiveFlags::PARTIAL;
        assert_eq!(datagram.flags, expected);
    }
}

#[test]
fn seed_28_a_raw_object_gets_the_header_or_the_payload() {
    let mut host = Host::new();
    let with_header = open(
        &mut host,
        Transport::RawIp(99),
        [0; 4],
        0,
        ShareAccess::Unique,
    );
    let payload_only = open(
        &mut host,
        Transport::RawIp(99),
        OUR_IP,
        0,
        ShareAccess::Unique,
    );
    let (with_header, payload_only) = (with_header.expect("open"), payload_only.expect("open"));
    let options = AddressOptions {
        header_include: false,
        ..AddressOptions::default()
    };
    assert_eq!(
        host.stack.set_address_options(payload_only, options),
        NtStatus::SUCCESS
    );
    host.post(with_header, 1);
    host.post(payload_only, 2);
    let frame = ip(99, &[1, 1, 1, 0], b"12345678", |_| {});
    host.receive(&[frame.as_slice(), b"padding"].concat());
    let mut received: Vec<_> = core::iter::from_fn(|| host.stack.next_completion())
        .map(|completion| match completion.kind {
            CompletionKind::Received(datagram) => {
                (completion.request.0, datagram.packet.data().to_vec())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    received.sort();
    assert_eq!(
        received,
        [(1, frame[14..].to_vec()), (2, b"12345678".to_vec())]
    );
    assert!(host.sent().is_empty(), "the protocol is not unreachable");
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn seed_28_a_raw_object_of_icmp_sees_a_request_that_is_answered_too() {
    let mut host = Host::new();
    host.meet_peer();
    let object = open(
        &mut host,
        Transport::RawIp(1),
        [0; 4],
        0,
        ShareAccess::Unique,
    );
    host.post(object.expect("open"), 1);
    host.receive(&crate::tests::support::echo_request(1, 2, b"hello"));
    let completion = host.stack.next_completion().expect("a completion");
    let CompletionKind::Received(datagram) = completion.kind else {
        panic!("{completion:?}");
    };
    assert_eq!(datagram.packet.data()[20], 8, "still the request");
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 icmp 10.0.2.15 > 10.0.2.3 echo reply 1/2 hello"]
    );
}

#[test]
fn a_raw_object_sends_its_protocol() {
    let mut host = Host::new();
    host.meet_peer();
    let object = open(
        &mut host,
        Transport::RawIp(99),
        [0; 4],
        0,
        ShareAccess::Unique,
    );
    let object = object.expect("open");
    assert_eq!(host.send(object, 1, (PEER_IP, 0), b"12345678"), "SUCCESS");
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 0x63 10.0.2.15 > 10.0.2.3 8 bytes"]
    );
}

#[test]
fn closing_cancels_the_receives() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    host.post(object, 2);
    assert_eq!(host.stack.close_address(object), NtStatus::SUCCESS);
    assert_eq!(host.completions(), ["1: CANCELLED", "2: CANCELLED"]);
    assert_eq!(
        host.stack
            .receive_datagram(object, RequestId(3), ReceiveRequest::new(1)),
        NtStatus::INVALID_HANDLE
    );
    assert_eq!(
        host.stack.local_address(object),
        Err(NtStatus::INVALID_HANDLE)
    );
}

#[test]
fn a_send_goes_on_when_its_object_is_closed() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, (PEER_IP, 9), b"hello"), "PENDING");
    assert_eq!(host.stack.close_address(object), NtStatus::SUCCESS);
    host.frames();
    let peer = crate::tests::support::PEER_HARDWARE;
    host.receive(&crate::tests::support::arp_reply(peer, PEER_IP));
    assert_eq!(host.completions(), ["1: SUCCESS, sent 5"]);
    assert_eq!(host.sent().len(), 1);
}

#[test]
fn a_cancelled_receive_takes_no_datagram() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    for id in 1..=3 {
        host.post(object, id);
    }
    assert!(host.stack.cancel(RequestId(2)));
    assert!(!host.stack.cancel(RequestId(2)), "over");
    assert!(!host.stack.cancel(RequestId(4)), "never was");
    host.receive(&udp(9, 7, b"a"));
    host.receive(&udp(9, 7, b"b"));
    assert_eq!(
        host.completions(),
        [
            "2: CANCELLED",
            "1: SUCCESS, 10.0.2.3:9 > 10.0.2.15:7, \"a\"",
            "3: SUCCESS, 10.0.2.3:9 > 10.0.2.15:7, \"b\"",
        ]
    );
}

#[test]
fn requests_have_their_place_until_they_are_fetched() {
    let mut host = Host::with(&StackConfiguration {
        requests: 2,
        ..StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    let post = |host: &mut Host, id| {
        let request = ReceiveRequest::new(9);
        host.stack.receive_datagram(object, RequestId(id), request)
    };
    assert_eq!(post(&mut host, 1), NtStatus::PENDING);
    assert_eq!(post(&mut host, 1), NtStatus::INVALID_PARAMETER, "in use");
    assert_eq!(post(&mut host, 2), NtStatus::PENDING);
    assert_eq!(post(&mut host, 3), NtStatus::INSUFFICIENT_RESOURCES);
    host.receive(&udp(9, 7, b"a"));
    assert_eq!(post(&mut host, 3), NtStatus::INSUFFICIENT_RESOURCES);
    assert_eq!(
        host.send(object, 3, (PEER_IP, 9), b"a"),
        "INSUFFICIENT_RESOURCES"
    );
    assert_eq!(host.completions().len(), 1);
    assert_eq!(post(&mut host, 3), NtStatus::PENDING);
    assert_eq!(host.stack.counters().tdi.refused_requests_full, 3);
}

#[test]
fn datagrams_have_no_expedited_data_and_posted_receives_no_peeking() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    for flags in [ReceiveFlags::EXPEDITED, ReceiveFlags::PEEK] {
        let request = ReceiveRequest {
            flags,
            ..ReceiveRequest::new(9)
        };
        assert_eq!(
            host.stack.receive_datagram(object, RequestId(1), request),
            NtStatus::INVALID_PARAMETER
        );
    }
}

#[test]
fn a_connected_object_sends_without_an_address() {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    let send = |host: &mut Host| {
        let payload = super::super::Payload::copy_from(host.pool, b"hi").expect("a packet");
        host.stack
            .send_datagram(object, RequestId(1), None, payload, host.now)
    };
    assert_eq!(send(&mut host), NtStatus::INVALID_CONNECTION);
    let remote = socket(PEER_IP, 9);
    assert_eq!(
        host.stack.connect_datagram(object, Some(remote)),
        NtStatus::SUCCESS
    );
    assert_eq!(send(&mut host), NtStatus::SUCCESS);
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 udp 10.0.2.15:7 > 10.0.2.3:9 \"hi\""]
    );
    assert_eq!(host.stack.remote_address(object), Ok(Some(remote)));
    assert_eq!(
        host.stack.local_address(object),
        Ok(socket(OUR_IP, 7)),
        "the interface's address"
    );
    assert_eq!(host.stack.connect_datagram(object, None), NtStatus::SUCCESS);
    assert_eq!(host.stack.local_address(object), Ok(socket([0; 4], 7)));
}

#[test]
fn a_payload_of_several_buffers_keeps_its_bytes_and_sum() {
    let pool = ndis::packet::PacketPool::new(64, 64);
    for length in [0, 1, 1904, 1905, 1907, 3953, 65507] {
        let bytes: Vec<u8> = (0..length).map(|index: usize| (index * 7) as u8).collect();
        let payload = super::super::Payload::copy_from(pool, &bytes).expect("a packet");
        let mut copy = vec![0; length];
        assert_eq!(payload.packet.copy_to(0, &mut copy), length);
        assert_eq!(copy, bytes);
        assert_eq!(payload.packet.headroom(), ndis::packet::HEADROOM);
        let mut sum = crate::checksum::PayloadChecksum::new();
        sum.add_bytes(&bytes);
        assert_eq!(payload.checksum, Some(sum));
    }
    assert!(super::super::Payload::copy_from(pool, &vec![0; 64 * 2048]).is_none());
    assert_eq!(pool.usage().buffers.used, 0);
}

#[test]
fn seed_48_a_receive_that_stays_posted_takes_turns_with_the_others() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let staying = ReceiveRequest::new(100).staying_posted();
    for id in [1, 2] {
        let status = host.stack.receive_datagram(object, RequestId(id), staying);
        assert_eq!(status, NtStatus::PENDING);
    }
    host.post(object, 3);
    for port in 4000..4006 {
        host.receive(&udp(port, 7, b"x"));
    }
    let satisfied: Vec<_> = host
        .completions()
        .iter()
        .filter_map(|line| line.chars().next())
        .collect();
    assert_eq!(satisfied, ['1', '2', '3', '1', '2', '1']);
    assert!(host.stack.cancel(RequestId(1)) && host.stack.cancel(RequestId(2)));
    assert_eq!(host.completions().len(), 2, "cancelled");
    host.receive(&udp(4000, 7, b"x"));
    assert!(host.completions().is_empty(), "nobody waits any more");
}

#[test]
fn completions_of_a_receive_that_stays_posted_leave_room_for_those_of_others() {
    let configuration = StackConfiguration {
        requests: 4,
        ..StackConfiguration::default()
    };
    let mut host = Host::with(&configuration);
    let (first, second) = (host.open([0; 4], 7), host.open([0; 4], 8));
    let staying = ReceiveRequest::new(100).staying_posted();
    assert_eq!(
        host.stack.receive_datagram(first, RequestId(1), staying),
        NtStatus::PENDING
    );
    host.post(second, 2);
    for _ in 0..9 {
        host.receive(&udp(4000, 7, b"x"));
    }
    host.receive(&udp(4000, 8, b"y"));
    assert_eq!(host.completions().len(), 3, "two, and the other object's");
    assert_eq!(host.stack.counters().tdi.dropped_no_receive, 7);
}
