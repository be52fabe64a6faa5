use std::vec::Vec;

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header, NetSlice, PacketBuilder,
    SlicedPacket, TransportSlice,
};

use afd::winsock::constants::{AF_INET, IPPROTO_UDP, SO_REUSEADDR, SOCK_DGRAM, SOL_SOCKET};
use executive::{Duration, Irql};
use ne2000::model::Configuration;
use netstack::SocketAddress;

use super::machine::TestSystem;
use crate::system::System;

const HOST: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
const HOST_ADDRESS: [u8; 4] = [10, 0, 2, 2];
const GUEST_ADDRESS: [u8; 4] = [10, 0, 2, 15];
const COMMAND_LINE: &str = "Ne2000.Port=0x300 Ne2000.Irq=9";

fn guest(sent: &[Vec<u8>]) -> [u8; 6] {
    sent.first().unwrap()[6..12].try_into().unwrap()
}

/// A question of the host for the guest, which makes the host a known neighbour.
fn arp_request(guest: [u8; 6]) -> Vec<u8> {
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &HOST,
        &HOST_ADDRESS,
        &[0; 6],
        &GUEST_ADDRESS,
    )
    .unwrap();
    let header = Ethernet2Header {
        source: HOST,
        destination: guest,
        ether_type: EtherType::ARP,
    };
    let mut frame = Vec::new();
    header.write(&mut frame).unwrap();
    frame.extend_from_slice(&packet.to_bytes());
    frame.resize(frame.len().max(60), 0);
    frame
}

fn datagram(guest: [u8; 6], port: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(HOST, guest)
        .ipv4(HOST_ADDRESS, GUEST_ADDRESS, 64)
        .udp(40_000, port);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// Has the system run until nothing is ready.
fn settle(system: &TestSystem) {
    system.simulation.run(|| ());
}

#[test]
fn gratuitous_arp_leaves_at_start() {
    let system = TestSystem::new(0, COMMAND_LINE);
    let sent = system.card.take_sent();
    let arp = etherparse::ArpPacketSlice::from_slice(&sent[0][14..]).unwrap();
    assert_eq!(&sent[0][..6], &[0xFF; 6]);
    assert_eq!(arp.sender_protocol_addr(), GUEST_ADDRESS);
    assert_eq!(arp.target_protocol_addr(), GUEST_ADDRESS);
}

#[test]
fn datagram_comes_back_from_the_echo_task_through_every_layer() {
    for seed in 0..20 {
        let system = TestSystem::new(seed, COMMAND_LINE);
        let guest = guest(&system.card.take_sent());
        system.card.inject(&arp_request(guest));
        let payload: Vec<u8> = (0..1472_u32).map(|n| n as u8).collect();
        for length in [0, 1, 17, 18, 19, 64, 1471, 1472] {
            system.card.inject(&datagram(guest, 7, &payload[..length]));
            settle(&system);
            let sent = system.card.take_sent();
            let echoed = sent
                .iter()
                .find_map(|frame| udp_payload(frame))
                .expect("no datagram came back");
            assert_eq!(echoed, &payload[..length]);
        }
    }
}

fn udp_payload(frame: &[u8]) -> Option<&[u8]> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let Some(NetSlice::Ipv4(ip)) = packet.net else {
        return None;
    };
    assert_eq!(ip.header().destination(), HOST_ADDRESS);
    match packet.transport {
        Some(TransportSlice::Udp(udp)) => {
            assert_eq!(udp.destination_port(), 40_000);
            Some(&udp.payload()[..usize::from(udp.length()) - 8])
        }
        _ => None,
    }
}

#[test]
fn pools_are_back_at_their_level_after_traffic() {
    let system = TestSystem::new(7, COMMAND_LINE);
    let guest = guest(&system.card.take_sent());
    let used = || {
        let mut used = Vec::new();
        system
            .system
            .pools(&mut |name, usage| used.push((std::string::String::from(name), usage.used)));
        used
    };
    let before = used();
    system.card.inject(&arp_request(guest));
    for port in [7, 9, 13, 19, 4711] {
        for _ in 0..20 {
            system.card.inject(&datagram(guest, port, b"payload"));
            settle(&system);
        }
    }
    assert_eq!(before, used());
}

#[test]
fn frames_of_a_binding_without_an_interface_are_counted() {
    let system = TestSystem::new(0, "Ne2000.Irq=9 Tcpip.IPAddress=224.0.0.1/24");
    assert!(system.card.take_sent().is_empty());
    let guest = Configuration::QEMU.address;
    system.card.inject(&datagram(guest, 7, b"nobody"));
    settle(&system);
    assert_eq!(system.system.network.counters().dropped_no_interface, 1);
    assert_eq!(system.system.packets.usage().packets.used, 0);
}

/// Sockets that share a port.
fn open_shared(system: &'static System, port: u16, sockets: usize) {
    let winsock = system.winsock;
    winsock.startup(0x0202).unwrap();
    for _ in 0..sockets {
        let socket = winsock.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP).unwrap();
        let reuses = 1_u32.to_le_bytes();
        winsock
            .setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuses)
            .unwrap();
        let own = SocketAddress::new([0; 4].into(), port);
        winsock.bind(socket, own).unwrap();
    }
}

/// Together they make more completions than packets there are to be shared, and
/// all but those of one frame at a time belong back in the pool.
#[test]
fn frames_of_a_batch_that_each_complete_many_receives_lose_none_of_them() {
    const SOCKETS: usize = 45;
    const FRAMES: usize = 8;
    let test = TestSystem::new(0, COMMAND_LINE);
    let guest = guest(&test.card.take_sent());
    let system = test.system;
    test.simulation
        .run(move || open_shared(system, 5000, SOCKETS));
    let card = test.card.clone();
    test.simulation.run(move || {
        // No DPC takes them from the ring one by one.
        let _raised = system.executive.raise_irql(Irql::Dispatch);
        for _ in 0..FRAMES {
            card.inject(&datagram(guest, 5000, b"for everybody"));
        }
    });
    assert_eq!(system.lan.counters().batches, 1);
    let (completed, received) = system.network.inspect(|stack, afd| {
        let tdi = &stack.counters().tdi;
        (tdi.receives_completed, afd.counters().datagrams_received)
    });
    assert_eq!(completed, (FRAMES * SOCKETS) as u64);
    assert_eq!(received, completed);
}

/// Sends a datagram to each of the receivers, and pauses after each.
fn send_with_pauses(system: &'static System, receivers: [([u8; 4], Duration); 2]) {
    let winsock = system.winsock;
    winsock.startup(0x0202).unwrap();
    let socket = winsock.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP).unwrap();
    let own = SocketAddress::new([0; 4].into(), 5000);
    winsock.bind(socket, own).unwrap();
    for (receiver, pause) in receivers {
        let to = SocketAddress::new(receiver.into(), 9);
        assert_eq!(winsock.sendto(socket, b"datagram", 0, to), Ok(8));
        system.executive.sleep(pause);
    }
    winsock.closesocket(socket).unwrap();
    winsock.cleanup().unwrap();
}

/// A group is no neighbour: sending to it starts no timer of the stack.
#[test]
fn a_send_after_a_minute_of_silence_goes_by_the_time_of_then() {
    const GROUP: [u8; 4] = [224, 0, 0, 5];
    const SILENT: [u8; 4] = [10, 0, 2, 99];
    let test = TestSystem::new(0, COMMAND_LINE);
    test.card.take_sent();
    let system = test.system;
    let pauses = [Duration::from_secs(60), Duration::from_millis(500)];
    test.simulation.run(move || {
        send_with_pauses(system, [(GROUP, pauses[0]), (SILENT, pauses[1])]);
    });
    let sent = test.card.take_sent();
    let asked = sent.iter().filter(|frame| frame[12..14] == [0x08, 0x06]);
    assert_eq!(
        (sent.len(), asked.count()),
        (2, 1),
        "the next one after 1 s"
    );
}
