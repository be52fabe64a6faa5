use std::vec;
use std::vec::Vec;

use executive::status::NtStatus;

use super::{
    AddressOptions, CompletionKind, Entity, EntityKind, FileObject, OpenContext, ReceiveFlags,
    ReceiveRequest, RequestId, ShareAccess, Transport,
};
use crate::StackConfiguration;
use crate::tests::support::{EVERYBODY, Host, OUR_IP, PEER_IP, ip, socket, udp, udp_frame};

fn open(
    host: &mut Host,
    transport: Transport,
    address: [u8; 4],
    port: u16,
    share: ShareAccess,
) -> Result<super::AddressHandle, NtStatus> {
    let options = AddressOptions {
        share,
        ..AddressOptions::default()
    };
    host.stack
        .open_address(transport, socket(address, port), options)
}

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
        let status = host
            .stack
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
            udp_frame([1, 0, 0x5E, 0, 0, 1], (PEER_IP, 9), ([224, 0, 0, 1], 7), b"hello"),
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
    let with_header = open(&mut host, Transport::RawIp(99), [0; 4], 0, ShareAccess::Unique);
    let payload_only = open(&mut host, Transport::RawIp(99), OUR_IP, 0, ShareAccess::Unique);
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
    host.receive(&frame);
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
    let object = open(&mut host, Transport::RawIp(1), [0; 4], 0, ShareAccess::Unique);
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
    let object = open(&mut host, Transport::RawIp(99), [0; 4], 0, ShareAccess::Unique);
    let object = object.expect("open");
    assert_eq!(host.send(object, 1, (PEER_IP, 0), b"12345678"), "SUCCESS");
    assert_eq!(
        host.sent(),
        ["52-55-0a-00-02-03 0x63 10.0.2.15 > 10.0.2.3 8 bytes"]
    );
}

#[test]
fn seed_33_the_devices_are_there_before_any_interface() {
    let pool = ndis::packet::PacketPool::new(4, 4);
    let mut stack = crate::Stack::new(&StackConfiguration::default(), pool, [1, 2]);
    for name in ["\\Device\\Ip", "\\Device\\RawIp\\1", "\\Device\\Udp", "\\Device\\Tcp"] {
        let transport = Transport::from_device_name(name).expect(name);
        let opened = stack.open(transport, OpenContext::ControlChannel);
        assert_eq!(opened, Ok(FileObject::ControlChannel));
    }
    let address = OpenContext::TransportAddress(socket([0; 4], 7), AddressOptions::default());
    let opened = stack.open(Transport::Udp, address);
    assert!(matches!(opened, Ok(FileObject::Address(_))));
}

#[test]
fn seed_34_what_an_open_makes() {
    let mut host = Host::new();
    let address = OpenContext::TransportAddress(socket(OUR_IP, 7), AddressOptions::default());
    let Ok(FileObject::Address(handle)) = host.stack.open(Transport::Udp, address) else {
        panic!("no address object");
    };
    assert_eq!(host.stack.local_address(handle), Ok(socket(OUR_IP, 7)));
    let connection = OpenContext::ConnectionContext(1);
    for transport in [Transport::Udp, Transport::RawIp(1), Transport::Ip] {
        assert_eq!(
            host.stack.open(transport, connection),
            Err(NtStatus::INVALID_PARAMETER)
        );
    }
    assert_eq!(
        host.stack.open(Transport::Udp, OpenContext::ControlChannel),
        Ok(FileObject::ControlChannel)
    );
}

#[test]
fn seed_35_the_protocol_number_comes_from_the_devices_name() {
    let names = [
        ("\\Device\\RawIp\\0", Some(Transport::RawIp(0))),
        ("\\DEVICE\\rawip\\47", Some(Transport::RawIp(47))),
        ("\\Device\\RawIp\\255", Some(Transport::RawIp(255))),
        ("\\Device\\RawIp\\256", None),
        ("\\Device\\RawIp\\", None),
        ("\\Device\\RawIp", None),
        ("\\Device\\Udp\\17", None),
        ("\\Device\\Udp", Some(Transport::Udp)),
        ("\\Device\\Tcp", Some(Transport::Tcp)),
        ("\\Device\\Ip", Some(Transport::Ip)),
        ("\\Device\\Ipx", None),
        ("Udp", None),
        ("", None),
    ];
    for (name, transport) in names {
        assert_eq!(Transport::from_device_name(name), transport, "{name}");
    }
}

#[test]
fn seed_36_an_address_that_is_not_ours_is_refused() {
    let mut host = Host::new();
    for address in [PEER_IP, [255; 4], [10, 0, 2, 255], [224, 0, 0, 1], [127, 0, 0, 1]] {
        assert_eq!(
            open(&mut host, Transport::Udp, address, 7, ShareAccess::Unique),
            Err(NtStatus::INVALID_ADDRESS_COMPONENT),
            "{address:?}"
        );
    }
}

#[test]
fn seed_36_a_taken_port_is_refused_and_a_closed_one_free_again() {
    let mut host = Host::new();
    let first = host.open([0; 4], 7);
    let again = |host: &mut Host| open(host, Transport::Udp, [0; 4], 7, ShareAccess::Unique);
    assert_eq!(again(&mut host), Err(NtStatus::ADDRESS_ALREADY_EXISTS));
    assert_eq!(host.stack.close_address(first), NtStatus::SUCCESS);
    assert_eq!(host.stack.close_address(first), NtStatus::INVALID_HANDLE);
    assert!(again(&mut host).is_ok());
}

#[test]
fn seed_36_who_may_share_an_address() {
    use ShareAccess::{Exclusive, Reuse, Unique, Wildcard};
    const ANY: [u8; 4] = [0; 4];
    const EXISTS: Option<NtStatus> = Some(NtStatus::ADDRESS_ALREADY_EXISTS);
    const DENIED: Option<NtStatus> = Some(NtStatus::ACCESS_DENIED);
    let cases = [
        ((OUR_IP, Unique), (OUR_IP, Unique), EXISTS),
        ((OUR_IP, Unique), (OUR_IP, Reuse), EXISTS),
        ((OUR_IP, Reuse), (OUR_IP, Unique), EXISTS),
        ((OUR_IP, Reuse), (OUR_IP, Reuse), None),
        ((ANY, Reuse), (ANY, Reuse), None),
        ((ANY, Wildcard), (ANY, Reuse), EXISTS),
        ((ANY, Wildcard), (OUR_IP, Unique), None),
        ((OUR_IP, Unique), (ANY, Wildcard), None),
        ((OUR_IP, Exclusive), (OUR_IP, Reuse), DENIED),
        ((OUR_IP, Exclusive), (OUR_IP, Unique), EXISTS),
        ((OUR_IP, Exclusive), (ANY, Wildcard), None),
        ((ANY, Exclusive), (OUR_IP, Unique), DENIED),
        ((OUR_IP, Unique), (ANY, Exclusive), EXISTS),
    ];
    for ((first, first_share), (second, second_share), refused) in cases {
        let mut host = Host::new();
        let opened = open(&mut host, Transport::Udp, first, 7, first_share);
        assert!(opened.is_ok());
        let opened = open(&mut host, Transport::Udp, second, 7, second_share);
        assert_eq!(
            opened.err(),
            refused,
            "{first:?} {first_share:?}, then {second:?} {second_share:?}"
        );
    }
}

#[test]
fn seed_37_every_address_object_adds_an_entity() {
    let mut host = Host::new();
    let count = |host: &Host, kind: EntityKind| {
        host.stack.entities().filter(|entity| entity.kind == kind).count()
    };
    let kinds: Vec<_> = host.stack.entities().map(|entity| entity.kind as u32).collect();
    assert_eq!(kinds, [0x301, 0x380, 0x200, 0x280]);
    let first = host.open([0; 4], 7);
    host.open([0; 4], 8);
    open(&mut host, Transport::RawIp(1), [0; 4], 0, ShareAccess::Unique).expect("open");
    open(&mut host, Transport::RawIp(47), [0; 4], 0, ShareAccess::Unique).expect("open");
    assert_eq!(count(&host, EntityKind::ConnectionlessTransport), 3);
    assert_eq!(count(&host, EntityKind::ErrorReporting), 2);
    let mut instances: Vec<_> = host
        .stack
        .entities()
        .filter(|entity| entity.kind == EntityKind::ConnectionlessTransport)
        .map(|entity: Entity| entity.instance)
        .collect();
    instances.dedup();
    assert_eq!(instances.len(), 3);
    assert_eq!(host.stack.close_address(first), NtStatus::SUCCESS);
    assert_eq!(count(&host, EntityKind::ConnectionlessTransport), 2);
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
    assert_eq!(host.stack.local_address(object), Err(NtStatus::INVALID_HANDLE));
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
    assert_eq!(host.send(object, 3, (PEER_IP, 9), b"a"), "INSUFFICIENT_RESOURCES");
    assert_eq!(host.completions().len(), 1);
    assert_eq!(post(&mut host, 3), NtStatus::PENDING);
    assert_eq!(host.stack.counters().tdi.refused_requests_full, 3);
}

#[test]
fn datagrams_have_no_expedited_data_and_posted_receives_no_peeking() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    for flags in [ReceiveFlags::EXPEDITED, ReceiveFlags::PEEK] {
        let request = ReceiveRequest { length: 9, flags };
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
        let payload = super::Payload::copy_from(host.pool, b"hi").expect("a packet");
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
fn where_an_object_can_not_be_connected_to() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let options = AddressOptions {
        broadcast: false,
        ..AddressOptions::default()
    };
    assert_eq!(
        host.stack.set_address_options(object, options),
        NtStatus::SUCCESS
    );
    let cases = [
        ((PEER_IP, 0), NtStatus::INVALID_ADDRESS),
        (([0; 4], 9), NtStatus::INVALID_ADDRESS),
        (([255; 4], 9), NtStatus::ACCESS_DENIED),
    ];
    for ((address, port), status) in cases {
        let remote = Some(socket(address, port));
        assert_eq!(host.stack.connect_datagram(object, remote), status);
    }
    assert_eq!(host.stack.remote_address(object), Ok(None));
}

#[test]
fn a_full_table_refuses_address_objects() {
    let mut host = Host::with(&StackConfiguration {
        address_objects: 1,
        ..StackConfiguration::default()
    });
    host.open([0; 4], 7);
    assert_eq!(
        open(&mut host, Transport::Udp, [0; 4], 8, ShareAccess::Unique),
        Err(NtStatus::INSUFFICIENT_RESOURCES)
    );
    assert_eq!(host.stack.counters().tdi.refused_objects_full, 1);
}

#[test]
fn a_payload_of_several_buffers_keeps_its_bytes_and_sum() {
    let pool = ndis::packet::PacketPool::new(64, 64);
    for length in [0, 1, 1904, 1905, 1907, 3953, 65507] {
        let bytes: Vec<u8> = (0..length).map(|index: usize| (index * 7) as u8).collect();
        let payload = super::Payload::copy_from(pool, &bytes).expect("a packet");
        let mut copy = vec![0; length];
        assert_eq!(payload.packet.copy_to(0, &mut copy), length);
        assert_eq!(copy, bytes);
        assert_eq!(payload.packet.headroom(), ndis::packet::HEADROOM);
        let mut sum = crate::checksum::PayloadChecksum::new();
        sum.add_bytes(&bytes);
        assert_eq!(payload.checksum, Some(sum));
    }
    assert!(super::Payload::copy_from(pool, &vec![0; 64 * 2048]).is_none());
    assert_eq!(pool.usage().buffers.used, 0);
}

#[test]
fn options_of_an_open_object_keep_its_share_and_need_a_time_to_live() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let mut options = AddressOptions {
        share: ShareAccess::Reuse,
        time_to_live: 0,
        ..AddressOptions::default()
    };
    assert_eq!(
        host.stack.set_address_options(object, options),
        NtStatus::INVALID_PARAMETER
    );
    options.time_to_live = 1;
    assert_eq!(
        host.stack.set_address_options(object, options),
        NtStatus::SUCCESS
    );
    let shown = host.stack.address_options(object).expect("open");
    assert_eq!((shown.share, shown.time_to_live), (ShareAccess::Unique, 1));
}
