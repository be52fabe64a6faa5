use std::string::ToString;
use std::vec::Vec;

use executive::status::NtStatus;
use ndis::packet::PacketPool;

use super::Stack;
use crate::ip::Route;
use crate::tests::support::{Host, OUR_IP, PEER_HARDWARE, PEER_IP, arp_frame, packet};
use crate::{InterfaceConfiguration, InterfaceInformation, StackConfiguration};

fn loopback(stack: &Stack) -> InterfaceInformation {
    let mut found = stack.interfaces().filter(|interface| interface.is_loopback);
    let interface = found.next().expect("a loopback interface");
    assert!(found.next().is_none());
    interface
}

#[test]
fn seed_33_the_loopback_interface_is_there_from_the_start() {
    let pool = PacketPool::new(16, 16);
    let stack = Stack::new(&StackConfiguration::default(), pool, [1, 2]);
    let interface = loopback(&stack);
    assert_eq!(stack.interfaces().count(), 1);
    assert_eq!(interface.id, stack.loopback_interface());
    assert_eq!((interface.name.as_str(), interface.up), ("Loopback", true));
    assert_eq!(
        interface.address.map(|address| address.to_string()),
        Some("127.0.0.1/8".into())
    );
    let routes: Vec<_> = stack.routes().collect();
    assert_eq!(routes.len(), 1);
    assert!(routes[0].active);
    assert_eq!(routes[0].route.destination.to_string(), "127.0.0.0/8");
    assert_eq!(routes[0].route.interface, interface.id);
}

#[test]
fn seed_33_datagrams_go_by_it_before_there_is_any_adapter() {
    let mut host = Host::new();
    host.stack.remove_interface(host.interface);
    let server = host.open([127, 0, 0, 1], 7);
    let client = host.open([0; 4], 8);
    host.post(server, 1);
    assert_eq!(host.send(client, 2, ([127, 0, 0, 1], 7), b"hi"), "SUCCESS");
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 127.0.0.1:8 > 127.0.0.1:7, \"hi\""]
    );
}

#[test]
fn the_loopback_interface_stays() {
    let mut host = Host::new();
    let id = host.stack.loopback_interface();
    host.stack.interface_down(id);
    host.stack.remove_interface(id);
    host.stack.interface_up(id, host.now);
    assert!(loopback(&host.stack).up);
    assert!(host.frames().is_empty(), "nothing is announced on it");
}

#[test]
fn there_is_room_for_as_many_interfaces_as_before() {
    let pool = PacketPool::new(16, 16);
    let configuration = StackConfiguration {
        interfaces: 1,
        ..StackConfiguration::default()
    };
    let mut stack = Stack::new(&configuration, pool, [1, 2]);
    let mut interface = InterfaceConfiguration {
        name: "ne0",
        hardware_address: crate::HardwareAddress([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        address: None,
        gateway: None,
    };
    assert!(stack.add_interface(&interface).is_ok());
    interface.name = "ne1";
    assert_eq!(
        stack.add_interface(&interface),
        Err(NtStatus::INSUFFICIENT_RESOURCES)
    );
}

#[test]
fn no_route_leads_to_the_loopback_interface_or_away_with_its_network() {
    let mut host = Host::new();
    let to_loopback = Route {
        destination: crate::Prefix::DEFAULT,
        gateway: None,
        interface: host.stack.loopback_interface(),
    };
    assert_eq!(
        host.stack.add_route(to_loopback),
        Err(NtStatus::INVALID_PARAMETER)
    );
    let away = Route {
        destination: "127.1.0.0/16".parse().expect("a prefix"),
        gateway: Some(PEER_IP.into()),
        interface: host.interface,
    };
    assert_eq!(host.stack.add_route(away), Err(NtStatus::INVALID_PARAMETER));
}

#[test]
fn an_attached_adapter_is_the_link() {
    let mut host = Host::new();
    let server = host.open([127, 0, 0, 1], 7);
    host.post(server, 1);
    assert_eq!(
        host.stack.attach_loopback("Lo", 67),
        Err(NtStatus::INVALID_PARAMETER)
    );
    let id = host.stack.attach_loopback("Lo", 9000).expect("attached");
    assert_eq!(
        host.stack.attach_loopback("Lo2", 9000),
        Err(NtStatus::ADDRESS_ALREADY_EXISTS)
    );
    let interface = loopback(&host.stack);
    assert_eq!((interface.name.as_str(), interface.mtu), ("Lo", 9000));
    assert_eq!(host.send(server, 2, ([127, 0, 0, 1], 7), b"hi"), "SUCCESS");
    assert!(host.completions().is_empty(), "it is on its way");
    let (by, frame) = host.stack.next_frame().expect("a frame");
    assert_eq!(by, id);
    let header = etherparse::Ethernet2Slice::from_slice_without_fcs(frame.data()).expect("a frame");
    assert_eq!((header.destination(), header.source()), ([0; 6], [0; 6]));
    assert_eq!(header.ether_type(), etherparse::EtherType::IPV4);
    host.stack.receive(id, frame, host.now);
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, 127.0.0.1:7 > 127.0.0.1:7, \"hi\""]
    );
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn when_its_adapter_goes_the_interface_works_on() {
    let mut host = Host::new();
    let id = host.stack.attach_loopback("Lo", 1500).expect("attached");
    host.stack.detach_loopback();
    let interface = loopback(&host.stack);
    assert_eq!(
        (interface.id, interface.name.as_str(), interface.mtu),
        (id, "Loopback", 65535)
    );
    let object = host.open(OUR_IP, 7);
    host.post(object, 1);
    assert_eq!(host.send(object, 2, (OUR_IP, 7), &[b'x'; 1999]), "SUCCESS");
    assert_eq!(host.completions().len(), 1);
    assert!(host.stack.attach_loopback("Lo", 1500).is_ok());
}

#[test]
fn the_mtu_of_an_attached_adapter_counts() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.stack.attach_loopback("Lo", 1500).expect("attached");
    assert_eq!(
        host.send(object, 1, ([127, 0, 0, 1], 7), &[b'x'; 4000]),
        "SUCCESS"
    );
    let frames = host.frames();
    assert_eq!(frames.len(), 3);
    assert!(frames.iter().all(|frame| frame.len() <= 1514));
}

#[test]
fn there_is_no_arp_on_the_loopback_interface() {
    let mut host = Host::new();
    let id = host.stack.attach_loopback("Lo", 1500).expect("attached");
    let object = host.open([0; 4], 7);
    for (address, at) in [([127, 0, 0, 9], 1), (OUR_IP, 2)] {
        assert_eq!(host.send(object, at, (address, 9), b"hi"), "SUCCESS");
    }
    assert!(host.frames().iter().all(|frame| frame[12..14] == [8, 0]));
    assert_eq!(host.stack.counters().arp.requests_sent, 0);
    let message = crate::tests::support::arp(
        etherparse::ArpOperation::REQUEST,
        (PEER_HARDWARE, [127, 0, 0, 2]),
        ([0; 6], [127, 0, 0, 1]),
    );
    let frame = packet(host.pool, &arp_frame(PEER_HARDWARE, [0; 6], message));
    host.stack.receive(id, frame, host.now);
    assert!(host.frames().is_empty());
    assert_eq!(host.stack.counters().arp.dropped_loopback, 1);
    assert_eq!(host.stack.neighbours(host.now).count(), 0);
}

#[test]
fn a_full_queue_of_frames_refuses_what_is_to_loop_back() {
    let mut host = Host::with(&StackConfiguration {
        frames: 1,
        ..StackConfiguration::default()
    });
    host.stack.attach_loopback("Lo", 1500).expect("attached");
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, (OUR_IP, 9), b"hi"), "SUCCESS");
    assert_eq!(
        host.send(object, 2, (OUR_IP, 9), b"hi"),
        "INSUFFICIENT_RESOURCES"
    );
    host.frames();
    assert_eq!(host.pools(), (0, 0));
}
