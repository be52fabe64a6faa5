//! The firewall filter, as a host on the wire sees it.

use super::{PORT, QUIET, add, is_echoed, numbered, remove, told};
use crate::wire::boot;
use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};
use smoltcp::wire::Icmpv4DstUnreachable;
use std::time::Instant;
use tests::PATIENCE;
use tests::machine::Machine;
use tests::peer::build::written;
use tests::peer::{self, GATEWAY, GUEST, GUEST_HARDWARE, Message, Peer, hardware_of};

fn begin(rules: &[&str]) -> (Machine, Peer, String) {
    let (mut machine, peer) = boot();
    assert!(is_echoed(&peer));
    let name = add(&mut machine, "firewall");
    for rule in rules {
        told(
            &mut machine.console,
            &format!("filter rules {name} add {rule}"),
        );
    }
    (machine, peer, name)
}

fn end(mut machine: Machine, peer: &Peer, name: &str) {
    remove(&mut machine, name);
    assert!(is_echoed(peer));
    machine.power_off();
}

/// A TCP segment that asks for a connection.
fn connect(port: u16, sequence: u32) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(hardware_of(GATEWAY), GUEST_HARDWARE)
        .ipv4(GATEWAY.octets(), GUEST.octets(), 64)
        .tcp(PORT, port, sequence, 8192)
        .syn();
    written(|frame| builder.write(frame, &[]))
}

#[test]
fn dropped_packets_get_no_answer_and_others_do() {
    let (mut machine, peer, name) = begin(&["drop in udp dport 7"]);
    assert!(!is_echoed(&peer));
    peer.ping();
    told(&mut machine.console, &format!("filter rules {name} clear"));
    assert!(is_echoed(&peer));
    end(machine, &peer, &name);
}

#[test]
fn a_rejected_datagram_is_answered_by_port_unreachable() {
    let (machine, peer, name) = begin(&["reject in udp dport 7"]);
    let datagram = numbered(5);
    peer.send(&datagram);
    let messages = peer.receive_until("an ICMP error", |message| {
        matches!(message, Message::Unreachable { .. })
    });
    let Some(Message::Unreachable {
        destination,
        reason,
        quoted,
    }) = messages.last()
    else {
        unreachable!()
    };
    assert_eq!(
        (*destination, *reason),
        (GATEWAY, Icmpv4DstUnreachable::PortUnreachable)
    );
    // The UDP header and the payload, behind the headers of Ethernet and IPv4.
    assert!(
        quoted.len() >= 8 && datagram[34..].starts_with(&quoted[..8]),
        "{quoted:02x?}"
    );
    end(machine, &peer, &name);
}

#[test]
fn rfc9293_3_10_7_1_a_rejected_connection_is_reset() {
    const SEQUENCE: u32 = 0x1234_5678;
    let (machine, peer, name) = begin(&["reject in tcp"]);
    peer.send(&connect(80, SEQUENCE));
    let deadline = Instant::now() + PATIENCE;
    let frame = peer.wire().receive(deadline).expect("an answer");
    let parsed = SlicedPacket::from_ethernet(&frame).expect("a frame that etherparse reads");
    let Some(TransportSlice::Tcp(segment)) = parsed.transport else {
        panic!("not TCP: {parsed:?}")
    };
    assert!(
        segment.rst() && segment.ack() && !segment.syn(),
        "{segment:?}"
    );
    assert_eq!(
        (segment.source_port(), segment.destination_port()),
        (80, PORT)
    );
    assert_eq!(segment.acknowledgment_number(), SEQUENCE + 1);
    let checksum = segment.calc_checksum_ipv4(GUEST.octets(), GATEWAY.octets());
    assert_eq!(checksum.ok(), Some(segment.checksum()));
    end(machine, &peer, &name);
}

#[test]
fn the_first_rule_that_fits_decides() {
    let (mut machine, peer, name) = begin(&[
        "allow in udp from 10.0.2.3 dport 7",
        "drop in udp from 10.0.2.0/24 dport 7",
    ]);
    let from = |host: [u8; 4]| peer::udp((host.into(), PORT), 7, &77_u32.to_be_bytes());
    peer.send(&from([10, 0, 2, 2]));
    assert_eq!(super::echoes(&peer, QUIET), []);
    peer.send(&from([10, 0, 2, 3]));
    assert_eq!(super::echoes(&peer, QUIET), [77]);
    // Another order, another decision.
    told(
        &mut machine.console,
        &format!("filter rules {name} insert 1 drop in udp dport 7"),
    );
    peer.send(&from([10, 0, 2, 3]));
    assert_eq!(super::echoes(&peer, QUIET), []);
    end(machine, &peer, &name);
}

#[test]
fn a_default_of_drop_lets_only_through_what_is_allowed() {
    let (mut machine, peer, name) = begin(&["allow arp", "allow udp sport 7", "allow udp dport 7"]);
    told(
        &mut machine.console,
        &format!("filter rules {name} default drop"),
    );
    assert!(is_echoed(&peer));
    peer.send(&peer::echo_request(GATEWAY, 1, 1, b"anybody?"));
    assert_eq!(peer.receive(Instant::now() + QUIET), None);
    told(
        &mut machine.console,
        &format!("filter rules {name} default allow"),
    );
    peer.ping();
    end(machine, &peer, &name);
}

#[test]
fn what_is_sent_is_stopped_as_well() {
    let (machine, peer, name) = begin(&["drop out icmp"]);
    peer.send(&peer::echo_request(GATEWAY, 1, 1, b"anybody?"));
    assert_eq!(peer.receive(Instant::now() + QUIET), None);
    assert!(is_echoed(&peer));
    end(machine, &peer, &name);
}
