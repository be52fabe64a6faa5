mod property;

use std::format;

use executive::time::Duration;

use crate::arp::NeighbourState;
use crate::tdi::{AddressHandle, AddressOptions, ShareAccess, Transport};
use crate::tests::support::{
    GATEWAY_IP, Host, OUR_HARDWARE, OUR_IP, PEER_IP, arp_request, fix_ip_checksum, ip, packet,
    socket, udp, udp_between,
};
use crate::{HardwareAddress, InterfaceConfiguration, InterfaceId, Prefix};

/// A host that knows the flow from port 9 of the peer to port 7, whose address
/// object has ten receives posted.
fn host_with_flow() -> (Host, AddressHandle) {
    let mut host = Host::new();
    host.meet_peer();
    let object = host.open([0; 4], 7);
    for id in 0..10 {
        host.post(object, id);
    }
    host.receive(&udp(9, 7, b"first"));
    assert!(takes_flow(&mut host, &udp(9, 7, b"second")));
    host.completions();
    (host, object)
}

impl Host {
    /// Adds another interface, with the same hardware address, and has it up.
    fn add_interface(&mut self, address: [u8; 4], length: u8) -> InterfaceId {
        let configuration = InterfaceConfiguration {
            name: "ne1",
            hardware_address: HardwareAddress(OUR_HARDWARE),
            mtu: 1500,
            address: Prefix::new(address.into(), length),
            gateway: None,
        };
        let added = self.stack.add_interface(&configuration);
        let interface = added.expect("an interface");
        self.stack.interface_up(interface, self.now);
        interface
    }
}

/// Receives a frame; tells whether a flow took it.
fn takes_flow(host: &mut Host, frame: &[u8]) -> bool {
    let before = host.stack.received_in_flows;
    host.receive(frame);
    host.stack.received_in_flows > before
}

#[test]
fn the_next_datagrams_with_the_same_headers_go_the_same_way() {
    let (mut host, _) = host_with_flow();
    for length in [0, 1, 5, 1472] {
        let payload = "a".repeat(length);
        assert!(takes_flow(&mut host, &udp(9, 7, payload.as_bytes())));
        let expected = format!("SUCCESS, 10.0.2.3:9 > 10.0.2.15:7, {payload:?}");
        assert!(host.completions()[0].ends_with(&expected));
    }
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn the_layers_have_counted_the_datagrams_of_flows() {
    let (host, _) = host_with_flow();
    let counters = host.stack.counters();
    assert_eq!((counters.ip.received, counters.ip.delivered), (2, 2));
    assert_eq!((counters.udp.received, counters.udp.delivered), (2, 2));
    assert_eq!(counters.ethernet.received, 3, "and the ARP request");
    assert_eq!(counters.tdi.receives_completed, 2);
}

#[test]
fn without_a_posted_receive_a_datagram_is_dropped_and_counted() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    host.receive(&udp(9, 7, b"first"));
    assert!(takes_flow(&mut host, &udp(9, 7, b"second")));
    assert_eq!(host.stack.counters().tdi.dropped_no_receive, 2);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn seed_24_a_datagram_of_a_flow_confirms_its_sender() {
    let (mut host, _) = host_with_flow();
    host.advance(Duration::from_secs(60));
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Stale));
    assert!(takes_flow(&mut host, &udp(9, 7, b"here")));
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Reachable));
}

#[test]
fn seed_25_a_changed_bit_anywhere_is_noticed() {
    let frame = udp(9, 7, b"hello");
    let (mut host, _) = host_with_flow();
    for bit in 0..frame.len() * 8 {
        // From another station it may be another flow in the same place.
        assert!((0..=8).any(|_| takes_flow(&mut host, &frame)));
        let mut changed = frame.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!takes_flow(&mut host, &changed), "bit {bit}");
    }
}

#[test]
fn what_may_differ_is_checked_by_itself() {
    let payload = &udp(9, 7, b"hello")[34..];
    let (mut host, _) = host_with_flow();
    let mut takes = |options: &[u8], change: &dyn Fn(&mut etherparse::Ipv4Header)| {
        takes_flow(&mut host, &ip(17, options, payload, change))
    };
    assert!(takes(&[], &|header| header.time_to_live = 1));
    assert!(takes(&[], &|header| header.identification = 99));
    assert!(takes(&[], &|header| header.dont_fragment = false));
    assert!(takes(&[], &|header| header.dscp = etherparse::IpDscp::EF));
    assert!(!takes(&[], &|header| header.more_fragments = true));
    assert!(!takes(&[1, 1, 1, 0], &|_| {}), "options");
    assert!(!takes(&[], &|header| header.destination = [255; 4]));
}

#[test]
fn seed_25_lengths_are_checked_against_each_other_and_the_frame() {
    let good = udp(9, 7, b"hello");
    let (mut host, _) = host_with_flow();
    let mut takes = |total: u16, length: u16| {
        let mut frame = good.clone();
        frame[16..18].copy_from_slice(&total.to_be_bytes());
        frame[38..40].copy_from_slice(&length.to_be_bytes());
        fix_ip_checksum(&mut frame);
        takes_flow(&mut host, &frame)
    };
    assert!(takes(33, 13));
    for (total, length) in [
        (33, 12),
        (33, 0),
        (32, 13),
        (34, 14),
        (27, 7),
        (20, 0),
        (19, 0xFFFF),
    ] {
        assert!(!takes(total, length), "{total} {length}");
    }
    let (mut padded, mut cut) = (good.clone(), good.clone());
    padded.resize(60, 0x5A);
    cut.pop();
    assert!(takes_flow(&mut host, &padded));
    assert!(!takes_flow(&mut host, &cut));
    assert_eq!(host.stack.counters().ip.dropped_total_length, 3);
}

#[test]
fn no_flow_outlives_a_change_of_what_it_depends_on() {
    type Change = fn(&mut Host, AddressHandle);
    let changes: [(&str, Change); 8] = [
        ("closed", |host, object| {
            let _ = host.stack.close_address(object);
        }),
        ("connected to another one", |host, object| {
            let other = Some(socket(GATEWAY_IP, 9));
            let _ = host.stack.connect_datagram(object, other);
        }),
        ("connected to the sender", |host, object| {
            let sender = Some(socket(PEER_IP, 9));
            let _ = host.stack.connect_datagram(object, sender);
        }),
        ("a raw address object", |host, _| {
            let options = AddressOptions::default();
            host.stack
                .open_address(Transport::RawIp(17), socket([0; 4], 0), options)
                .expect("an address object");
        }),
        ("another address object at the port", |host, _| {
            host.open(OUR_IP, 7);
        }),
        ("down", |host, _| host.stack.interface_down(host.interface)),
        ("another interface with the sender's address", |host, _| {
            host.add_interface(PEER_IP, 32);
        }),
        ("a new neighbour", |host, _| {
            host.receive(&arp_request([2; 6], [10, 0, 2, 9], OUR_IP));
        }),
    ];
    for (what, change) in changes {
        let (mut host, object) = host_with_flow();
        change(&mut host, object);
        assert!(!takes_flow(&mut host, &udp(9, 7, b"third")), "{what}");
    }
}

#[test]
fn there_is_no_flow_to_several_address_objects() {
    let mut host = Host::new();
    let reuse = AddressOptions {
        share: ShareAccess::Reuse,
        ..AddressOptions::default()
    };
    for _ in 0..2 {
        host.stack
            .open_address(Transport::Udp, socket([0; 4], 7), reuse)
            .expect("an address object");
    }
    host.receive(&udp(9, 7, b"both"));
    assert!(!takes_flow(&mut host, &udp(9, 7, b"both")));
}

#[test]
fn our_own_datagrams_make_no_flow_of_the_interface_that_has_their_source() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.post(object, 1);
    let mut frame = udp_between((OUR_IP, 9), (OUR_IP, 7), b"ours");
    frame[..12].fill(0);
    let looped = packet(host.pool, &frame);
    let loopback = host.stack.loopback_interface();
    host.stack.receive(loopback, looped, host.now);
    assert_eq!(host.completions().len(), 1);
    assert!(!takes_flow(&mut host, &frame));
}

#[test]
fn flows_that_meet_drive_each_other_out_now_and_then() {
    let (mut host, _) = host_with_flow();
    let known = udp(9, 7, b"known");
    let mut other = known.clone();
    // Another station with the same address.
    other[11] ^= 1;
    let mut takes = |frames: [&[u8]; 2]| {
        let taken = (0..64).filter(|&turn| takes_flow(&mut host, frames[turn % 2]));
        taken.count()
    };
    assert_eq!(takes([&known, &known]), 64);
    assert!((24..=40).contains(&takes([&known, &other])), "half of them");
    assert!(takes([&other, &other]) >= 56);
}

#[test]
fn a_flow_is_of_one_interface() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    let other = host.add_interface([10, 0, 3, 15], 24);
    let frame = udp(9, 7, b"hello");
    host.receive(&frame);
    let same = packet(host.pool, &frame);
    host.stack.receive(other, same, host.now);
    assert_eq!(host.stack.received_in_flows, 0);
    assert_eq!(host.stack.counters().ip.dropped_not_ours, 1);
    assert!(takes_flow(&mut host, &frame));
}

#[test]
fn seed_25_a_checksum_of_zero_is_none_even_if_it_fits() {
    let (mut host, _) = host_with_flow();
    let sum = &udp(9, 7, &[0, 0])[40..42];
    // These two bytes make the checksum zero, which is sent as all ones.
    let mut frame = udp(9, 7, sum);
    assert_eq!(frame[40..42], [0xFF; 2]);
    assert!(takes_flow(&mut host, &frame));
    frame[40..42].fill(0);
    assert!(!takes_flow(&mut host, &frame));
    assert_eq!(host.stack.counters().udp.received_without_checksum, 1);
}

#[test]
fn options_are_not_taken_for_ports() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    // Read as a UDP header, the options and the true one have a right length,
    // and both checksums would be right: the padding makes up for the rest.
    let message = [&udp(18, 7, b"hell")[34..], &[0xFF, 0xF9]].concat();
    let frame = ip(17, &[0, 0, 0xFF, 0xFF], &message, |_| {});
    for _ in 0..2 {
        assert!(!takes_flow(&mut host, &frame));
    }
    assert_eq!(host.stack.counters().udp.delivered, 2);
}
