//! A flow leads where the layers would: whatever is received whole is received
//! by a second host in several buffers, which takes it through the layers.

use std::format;
use std::string::String;
use std::vec::Vec;

use executive::time::Duration;
use proptest::prelude::*;

use crate::tdi::{
    AddressHandle, AddressOptions, ReceiveRequest, RequestId, ShareAccess, Transport,
};
use crate::tests::support::{
    Host, OUR_IP, PEER_HARDWARE, PEER_IP, arp_reply, arp_request, fix_ip_checksum, socket,
    udp_between,
};

#[derive(Debug, Clone)]
enum Step {
    Receive(Vec<u8>),
    Open(u16, bool, bool),
    Close(usize),
    Connect(usize, Option<u16>),
    Post(usize, u64, usize),
    Send(usize, u64),
    Advance(u64),
    Flap,
}

/// A datagram of one of a few flows, at times with a byte changed and the IP
/// checksum corrected, or an ARP message.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop::collection::vec(any::<u8>(), 0..40);
    let change = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    let datagram = (8..10_u16, 6..9_u16, 3..5_u8, payload, change).prop_map(
        |(from, to, host, payload, change)| {
            let mut frame = udp_between(([10, 0, 2, host], from), (OUR_IP, to), &payload);
            if let Some((at, value)) = change {
                let at = at.index(frame.len());
                frame[at] = value;
                if frame[14] == 0x45 {
                    fix_ip_checksum(&mut frame);
                }
            }
            frame
        },
    );
    prop_oneof![
        12 => datagram,
        1 => Just(arp_request(PEER_HARDWARE, PEER_IP, OUR_IP)),
        1 => Just(arp_reply(PEER_HARDWARE, PEER_IP)),
        1 => Just(arp_reply([2; 6], PEER_IP)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => frame().prop_map(Step::Receive),
        2 => (6..9_u16, any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(port, reuse, raw)| Step::Open(port, reuse, raw)),
        1 => (0..6_usize).prop_map(Step::Close),
        1 => (0..6_usize, prop::option::of(8..10_u16))
            .prop_map(|(object, port)| Step::Connect(object, port)),
        6 => (0..6_usize, 0..20_u64, 0..50_usize)
            .prop_map(|(object, id, length)| Step::Post(object, id, length)),
        1 => (0..6_usize, 20..30_u64).prop_map(|(object, id)| Step::Send(object, id)),
        1 => (0..40_000_u64).prop_map(Step::Advance),
        1 => Just(Step::Flap),
    ]
}

/// Takes a step; gives what it led to.
fn take(
    host: &mut Host,
    objects: &mut Vec<AddressHandle>,
    step: &Step,
    receive: fn(&mut Host, &[u8]),
) -> String {
    let object = |index: usize| objects.get(index % objects.len().max(1)).copied();
    match *step {
        Step::Receive(ref frame) => receive(host, frame),
        Step::Open(port, is_shared, is_raw) => {
            let transport = if is_raw {
                Transport::RawIp(17)
            } else {
                Transport::Udp
            };
            let share = if is_shared {
                ShareAccess::Reuse
            } else {
                ShareAccess::Unique
            };
            let options = AddressOptions {
                share,
                ..AddressOptions::default()
            };
            let address = socket([0; 4], port);
            objects.extend(host.stack.open_address(transport, address, options));
        }
        Step::Close(index) => {
            if let Some(object) = object(index) {
                let _ = host.stack.close_address(object);
            }
        }
        Step::Connect(index, port) => {
            if let Some(object) = object(index) {
                let remote = port.map(|port| socket(PEER_IP, port));
                let _ = host.stack.connect_datagram(object, remote);
            }
        }
        Step::Post(index, id, length) => {
            if let Some(object) = object(index) {
                let request = ReceiveRequest::new(length);
                let _ = host.stack.receive_datagram(object, RequestId(id), request);
            }
        }
        Step::Send(index, id) => {
            if let Some(object) = object(index) {
                host.send(object, id, (PEER_IP, 9), b"hello");
            }
        }
        Step::Advance(millis) => host.advance(Duration::from_millis(millis)),
        Step::Flap => {
            host.stack.interface_down(host.interface);
            host.stack.interface_up(host.interface, host.now);
        }
    }
    let neighbours: Vec<_> = host.stack.neighbours(host.now).collect();
    format!(
        "{:?} {:?} {:?} {neighbours:?}",
        host.completions(),
        host.frames(),
        host.stack.counters(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_flow_leads_where_the_layers_would(
        steps in prop::collection::vec(step(), 0..100),
    ) {
        let (mut whole, mut layered) = (Host::new(), Host::new());
        let (mut objects, mut others) = (Vec::new(), Vec::new());
        for step in &steps {
            let by_flow = take(&mut whole, &mut objects, step, Host::receive);
            let by_layers = take(&mut layered, &mut others, step, |host, frame| {
                host.receive_in_pieces(frame, &[1, 30]);
            });
            prop_assert_eq!(by_flow, by_layers, "{:?}", step);
        }
        prop_assert_eq!(layered.stack.received_in_flows, 0);
    }
}
