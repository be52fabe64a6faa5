//! Random and mutated frames, and random requests: nothing panics, every pool
//! returns to its level, and each frame is accounted for.

use std::vec;
use std::vec::Vec;

use executive::time::Duration;
use proptest::prelude::*;

use super::support::{
    EVERYBODY, Host, OUR_HARDWARE, OUR_IP, PEER_HARDWARE, PEER_IP, arp_reply, arp_request,
    echo_request, fix_ip_checksum, icmp, ip, socket, udp, udp_frame,
};
use crate::StackConfiguration;
use crate::icmp::EchoRequest;
use crate::tdi::{AddressOptions, ReceiveRequest, RequestId, ShareAccess, Transport};

/// A frame that is in order.
fn good_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop::collection::vec(any::<u8>(), 0..200);
    (0..9_u8, payload, 0..4_u8, any::<u8>()).prop_map(|(kind, payload, port, byte)| {
        let port = u16::from(port) + 6;
        match kind {
            0 => arp_request(PEER_HARDWARE, PEER_IP, OUR_IP),
            1 => arp_request([2, 0, 0, 0, 0, byte], [10, 0, 2, byte], OUR_IP),
            2 => arp_reply(PEER_HARDWARE, PEER_IP),
            3 => udp(9, port, &payload),
            4 => udp_frame(EVERYBODY, (PEER_IP, 9), ([255; 4], port), &payload),
            5 => echo_request(u16::from(byte), 1, &payload),
            6 => ip(byte, &[1, 1, 1, 0], &payload, |_| {}),
            7 => {
                let echo = etherparse::IcmpEchoHeader { id: 1, seq: 1 };
                icmp(etherparse::Icmpv4Type::EchoReply(echo), &payload)
            }
            _ => {
                let quote = &udp_frame(PEER_HARDWARE, (OUR_IP, port), (PEER_IP, 9), &payload)[14..];
                let reason = etherparse::icmpv4::DestUnreachableHeader::Port;
                icmp(
                    etherparse::Icmpv4Type::DestinationUnreachable(reason),
                    quote,
                )
            }
        }
    })
}

/// A frame with some bytes changed, cut off or grown, its IP checksum mostly
/// corrected, so that the changes get past it.
fn mutated_frame() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let length = prop::option::weighted(0.2, 0..250_usize);
    (good_frame(), changes, length, prop::bool::weighted(0.8)).prop_map(
        |(mut frame, changes, length, fix)| {
            for (at, value) in changes {
                let at = at.index(frame.len());
                frame[at] = value;
            }
            if let Some(length) = length {
                frame.resize(length, 0x5A);
            }
            let header = usize::from(frame.get(14).copied().unwrap_or(0) & 15) * 4;
            if fix && header >= 20 && frame.len() >= 14 + header {
                fix_ip_checksum(&mut frame);
            }
            frame
        },
    )
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|mut bytes| {
            let header = [&OUR_HARDWARE[..], &PEER_HARDWARE[..], &[8, 0]].concat();
            bytes.splice(..0, header);
            bytes
        }),
        2 => good_frame(),
        6 => mutated_frame(),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Receive(Vec<u8>),
    ReceiveInPieces(Vec<u8>, Vec<usize>),
    Open {
        port: u16,
        reuse: bool,
        raw: bool,
    },
    Close(usize),
    Connect(usize, bool),
    Post {
        object: usize,
        id: u64,
        length: usize,
    },
    Send {
        object: usize,
        id: u64,
        destination: [u8; 4],
        length: usize,
    },
    Cancel(u64),
    Echo {
        destination: [u8; 4],
        sequence: u16,
    },
    Advance(u64),
    Flap,
    Fetch,
}

fn destination() -> impl Strategy<Value = [u8; 4]> {
    prop_oneof![
        Just(PEER_IP),
        Just(OUR_IP),
        Just([255; 4]),
        Just([224, 0, 0, 1]),
        (0..8_u8).prop_map(|last| [10, 0, 2, last]),
        any::<[u8; 4]>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any_frame().prop_map(Step::Receive),
        2 => (any_frame(), prop::collection::vec(0..100_usize, 1..4))
            .prop_map(|(frame, cuts)| Step::ReceiveInPieces(frame, cuts)),
        1 => (5..10_u16, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(port, reuse, raw)| Step::Open { port, reuse, raw }),
        1 => (0..8_usize).prop_map(Step::Close),
        1 => (0..8_usize, any::<bool>()).prop_map(|(object, on)| Step::Connect(object, on)),
        3 => (0..8_usize, 0..12_u64, 0..100_usize)
            .prop_map(|(object, id, length)| Step::Post { object, id, length }),
        3 => (0..8_usize, 0..12_u64, destination(), 0..3000_usize).prop_map(
            |(object, id, destination, length)| Step::Send { object, id, destination, length }
        ),
        1 => (0..12_u64).prop_map(Step::Cancel),
        1 => (destination(), 0..4_u16)
            .prop_map(|(destination, sequence)| Step::Echo { destination, sequence }),
        2 => (0..6000_u64).prop_map(Step::Advance),
        1 => Just(Step::Flap),
        2 => Just(Step::Fetch),
    ]
}

fn fetch(host: &mut Host) {
    host.frames();
    while host.stack.next_completion().is_some() {}
    while host.stack.next_echo_event().is_some() {}
}

fn take(host: &mut Host, objects: &mut Vec<crate::tdi::AddressHandle>, step: Step) {
    let object = |index: usize| objects.get(index % objects.len().max(1)).copied();
    match step {
        Step::Receive(frame) => host.receive(&frame),
        Step::ReceiveInPieces(frame, cuts) => host.receive_in_pieces(&frame, &cuts),
        Step::Open { port, reuse, raw } => {
            let transport = if raw {
                Transport::RawIp(17)
            } else {
                Transport::Udp
            };
            let options = AddressOptions {
                share: if reuse {
                    ShareAccess::Reuse
                } else {
                    ShareAccess::Unique
                },
                ..AddressOptions::default()
            };
            let opened = host
                .stack
                .open_address(transport, socket([0; 4], port), options);
            objects.extend(opened);
        }
        Step::Close(index) => {
            if let Some(object) = object(index) {
                let _ = host.stack.close_address(object);
            }
        }
        Step::Connect(index, on) => {
            if let Some(object) = object(index) {
                let remote = on.then_some(socket(PEER_IP, 9));
                let _ = host.stack.connect_datagram(object, remote);
            }
        }
        Step::Post {
            object: index,
            id,
            length,
        } => {
            if let Some(object) = object(index) {
                let request = ReceiveRequest::new(length);
                let _ = host.stack.receive_datagram(object, RequestId(id), request);
            }
        }
        Step::Send {
            object: index,
            id,
            destination,
            length,
        } => {
            if let Some(object) = object(index) {
                host.send(object, id, (destination, 9), &std::vec![7; length]);
            }
        }
        Step::Cancel(id) => {
            host.stack.cancel(RequestId(id));
        }
        Step::Echo {
            destination,
            sequence,
        } => {
            let request = EchoRequest {
                destination: destination.into(),
                identifier: 1,
                sequence,
                length: 20,
                time_to_live: 64,
                timeout: Duration::from_secs(2),
            };
            let _ = host.stack.send_echo(&request, host.now);
        }
        Step::Advance(millis) => host.advance(Duration::from_millis(millis)),
        Step::Flap => {
            host.stack.interface_down(host.interface);
            host.stack.interface_up(host.interface, host.now);
        }
        Step::Fetch => fetch(host),
    }
}

/// What became of each frame: with every received one, exactly one counter of
/// the layer that ended its way has been raised.
fn check_accounts(host: &Host) {
    let counters = host.stack.counters();
    let sum = |counters: &mut dyn Iterator<Item = (&'static str, u64)>, prefix: &str| -> u64 {
        counters
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(_, value)| value)
            .sum()
    };
    let ethernet = &counters.ethernet;
    assert_eq!(
        ethernet.received,
        sum(&mut ethernet.iter(), "dropped_")
            + counters.arp.received
            + (counters.ip.received - looped_and_received(host)),
        "frames"
    );
    let ip = &counters.ip;
    let protocols = sum(&mut ip.iter(), "dropped_") - ip.dropped_protocol;
    assert_eq!(ip.received, protocols + ip.delivered, "datagrams");
    let udp = &counters.udp;
    let dropped = sum(&mut udp.iter(), "dropped_") - udp.dropped_share;
    assert_eq!(udp.received, dropped + udp.delivered, "UDP");
}

/// Datagrams of our own that were received: all but those that wait.
fn looped_and_received(host: &Host) -> u64 {
    host.stack.counters().ip.looped_back - host.stack.ip.loopback.len() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_nothing_is_lost_from_the_pools(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut host = Host::with(&StackConfiguration {
            neighbours: 6,
            pending_packets: 8,
            pending_packets_per_neighbour: 3,
            address_objects: 6,
            requests: 10,
            echo_requests: 3,
            frames: 8,
            loopback_packets: 4,
            ..StackConfiguration::default()
        });
        let mut objects = Vec::new();
        for step in steps {
            take(&mut host, &mut objects, step);
            check_accounts(&host);
        }
        for object in objects {
            let _ = host.stack.close_address(object);
        }
        fetch(&mut host);
        for _ in 0..4 {
            host.advance(Duration::from_secs(10));
            fetch(&mut host);
        }
        prop_assert_eq!(host.pools(), (0, 0));
        prop_assert_eq!(host.stack.address_objects().count(), 0);
        prop_assert!(host.stack.next_deadline().is_none_or(|next| next > host.now));
        // It still works.
        host.receive(&echo_request(1, 1, b"hello"));
        host.frames();
        host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
        host.receive(&echo_request(1, 2, b"hello"));
        let sent = host.sent();
        let last = sent.last().map(std::string::String::as_str);
        prop_assert_eq!(
            last,
            Some("52-55-0a-00-02-03 icmp 10.0.2.15 > 10.0.2.3 echo reply 1/2 hello")
        );
    }
}
