//! ARP, ICMP and UDP on the wire, against frames made and read by other implementations.

use smoltcp::wire::{ArpOperation, Icmpv4DstUnreachable};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use tests::PATIENCE;
use tests::machine::{Machine, Options};
use tests::peer::{self, GATEWAY, GUEST, GUEST_HARDWARE, Message, Peer, hardware_of};
use tests::report::{Counters, Table};
use tests::services::{DISCARD, ECHO};

const PORT: u16 = 4000;
/// The largest payload of UDP or ICMP echo in one frame.
const LARGEST: usize = 1472;

pub(crate) fn boot() -> (Machine, Peer) {
    let mut machine = Options::new().wire().boot();
    let peer = Peer::new(machine.take_wire());
    // What the guest said on its own while starting.
    peer.ping();
    (machine, peer)
}

#[track_caller]
fn echoed(peer: &Peer, from: (Ipv4Addr, u16), frame: &[u8], payload: &[u8]) {
    peer.send(frame);
    let expected = Message::Udp {
        destination: from,
        source_port: ECHO,
        payload: payload.to_vec(),
    };
    peer.receive_until("echo", |message| *message == expected);
}

#[test]
fn rfc826_a_request_for_the_own_address_is_answered() {
    let (machine, peer) = boot();
    peer.send(&peer::arp_request(GATEWAY));
    let expected = Message::Arp {
        operation: ArpOperation::Reply,
        source: (GUEST_HARDWARE, GUEST),
        target: (hardware_of(GATEWAY), GATEWAY),
        destination: hardware_of(GATEWAY),
    };
    peer.receive_until("ARP reply", |message| *message == expected);
    machine.power_off();
}

#[test]
fn rfc826_a_request_for_another_address_is_not_answered() {
    let (machine, peer) = boot();
    let other = Ipv4Addr::new(10, 0, 2, 16);
    peer.send(&peer::arp(
        etherparse::ArpOperation::REQUEST,
        GATEWAY,
        peer::BROADCAST,
        ([0; 6], other),
    ));
    assert_eq!(peer.ping(), []);
    machine.power_off();
}

#[test]
fn rfc792_echo_requests_of_every_size_are_answered() {
    let (machine, peer) = boot();
    for length in 0..=LARGEST {
        let payload: Vec<u8> = (0..length).map(|index| (index ^ length) as u8).collect();
        peer.send(&peer::echo_request(GATEWAY, 1, length as u16, &payload));
        let expected = Message::EchoReply {
            destination: GATEWAY,
            identifier: 1,
            sequence: length as u16,
            payload,
        };
        peer.receive_until("echo reply", |message| *message == expected);
    }
    machine.power_off();
}

#[test]
fn rfc768_echo_over_udp_of_every_size() {
    let (machine, peer) = boot();
    for length in 0..=LARGEST {
        let payload: Vec<u8> = (0..length).map(|index| (index ^ length) as u8).collect();
        echoed(
            &peer,
            (GATEWAY, PORT),
            &peer::udp((GATEWAY, PORT), ECHO, &payload),
            &payload,
        );
    }
    machine.power_off();
}

#[test]
fn rfc768_a_datagram_without_checksum_is_taken() {
    const CHECKSUM: usize = 14 + 20 + 6;
    let (machine, peer) = boot();
    let mut frame = peer::udp((GATEWAY, PORT), ECHO, b"no checksum");
    frame[CHECKSUM..CHECKSUM + 2].fill(0);
    echoed(&peer, (GATEWAY, PORT), &frame, b"no checksum");
    machine.power_off();
}

#[test]
fn rfc894_bytes_behind_the_datagram_are_padding() {
    let (machine, peer) = boot();
    let mut frame = peer::udp((GATEWAY, PORT), ECHO, b"short");
    frame.resize(200, 0xee);
    echoed(&peer, (GATEWAY, PORT), &frame, b"short");
    machine.power_off();
}

#[test]
fn rfc1122_3_2_1_8_options_are_stepped_over() {
    let (machine, peer) = boot();
    let options = etherparse::Ipv4Options::try_from([1_u8, 1, 1, 0].as_slice())
        .expect("four bytes of options");
    let ip = etherparse::IpHeaders::Ipv4(
        etherparse::Ipv4Header {
            options,
            time_to_live: 64,
            source: GATEWAY.octets(),
            destination: GUEST.octets(),
            ..Default::default()
        },
        etherparse::Ipv4Extensions::default(),
    );
    let builder = etherparse::PacketBuilder::ethernet2(hardware_of(GATEWAY), GUEST_HARDWARE)
        .ip(ip)
        .udp(PORT, ECHO);
    let mut frame = Vec::new();
    builder
        .write(&mut frame, b"behind options")
        .expect("a small payload");
    echoed(&peer, (GATEWAY, PORT), &frame, b"behind options");
    machine.power_off();
}

#[test]
fn rfc1122_4_1_3_1_a_closed_port_is_told_unreachable() {
    let (machine, peer) = boot();
    peer.send(&peer::udp((GATEWAY, PORT), 4999, b"anybody?"));
    peer.receive_until("port unreachable", |message| {
        matches!(message, Message::Unreachable { destination: GATEWAY, reason: Icmpv4DstUnreachable::PortUnreachable, quoted }
            if quoted.len() >= 8)
    });
    machine.power_off();
}

#[test]
fn rfc1122_3_2_2_no_error_answers_a_broadcast() {
    let (machine, peer) = boot();
    for destination in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 2, 255)] {
        peer.send(&broadcast(destination, 4999, b"anybody?"));
    }
    assert_eq!(peer.ping(), []);
    machine.power_off();
}

#[test]
fn seed_26_a_broadcast_datagram_reaches_an_unbound_address_object() {
    let (machine, peer) = boot();
    for destination in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 2, 255)] {
        echoed(
            &peer,
            (GATEWAY, PORT),
            &broadcast(destination, ECHO, b"everybody"),
            b"everybody",
        );
    }
    machine.power_off();
}

fn broadcast(destination: Ipv4Addr, port: u16, payload: &[u8]) -> Vec<u8> {
    let builder = etherparse::PacketBuilder::ethernet2(hardware_of(GATEWAY), peer::BROADCAST)
        .ipv4(GATEWAY.octets(), destination.octets(), 64)
        .udp(PORT, port);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).expect("a small payload");
    frame
}

#[test]
fn frames_for_another_station_are_not_taken() {
    let (machine, peer) = boot();
    let mut frame = peer::echo_request(GATEWAY, 1, 1, b"not for you");
    frame[5] ^= 1;
    peer.send(&frame);
    assert_eq!(peer.ping(), []);
    machine.power_off();
}

#[test]
fn seed_30_packets_wait_for_the_neighbour_and_leave_when_it_answers() {
    const WAITING: u8 = 3;
    let (machine, peer) = boot();
    let stranger = Ipv4Addr::new(10, 0, 2, 77);
    for number in 0..WAITING {
        peer.wire()
            .send(&peer::udp((stranger, PORT), ECHO, &[number; 20]));
    }
    let question = |message: &Message| matches!(message, Message::Arp { operation: ArpOperation::Request, target, .. } if target.1 == stranger);
    wait_on_wire(&peer, question);
    // No second question and no datagram before the answer.
    peer.send(&peer::echo_request(GATEWAY, 9, 9, b"mark"));
    let between = wait_on_wire(&peer, |message| {
        matches!(message, Message::EchoReply { identifier: 9, .. })
    });
    assert_eq!(between.len(), 1, "{between:#?}");
    peer.send(&peer::arp_reply(stranger, (GUEST_HARDWARE, GUEST)));
    for number in 0..WAITING {
        let expected = Message::Udp {
            destination: (stranger, PORT),
            source_port: ECHO,
            payload: vec![number; 20],
        };
        peer.receive_until("waiting datagram", |message| *message == expected);
    }
    machine.power_off();
}

/// Reads raw messages, questions for addresses included, until one fits.
#[track_caller]
fn wait_on_wire(peer: &Peer, fits: impl Fn(&Message) -> bool) -> Vec<Message> {
    let deadline = Instant::now() + PATIENCE;
    let mut messages = Vec::new();
    loop {
        let frame = peer
            .wire()
            .receive(deadline)
            .unwrap_or_else(|| panic!("only {messages:#?}"));
        messages.push(peer::read(&frame));
        if messages.last().is_some_and(&fits) {
            return messages;
        }
    }
}

#[test]
fn seed_30_the_queue_of_a_silent_neighbour_is_bounded_and_counted() {
    const SENT: u64 = 60;
    let (mut machine, peer) = boot();
    let before = Counters::read(&mut machine.console);
    let stranger = Ipv4Addr::new(10, 0, 2, 78);
    for number in 0..SENT {
        peer.wire()
            .send(&peer::udp((stranger, PORT), ECHO, &number.to_le_bytes()));
        // Keeps the pace: the card's ring is not what is tried here.
        peer.send(&peer::echo_request(GATEWAY, 2, number as u16, b"pace"));
        wait_on_wire(&peer, |message| {
            matches!(message, Message::EchoReply { identifier: 2, .. })
        });
    }
    peer.send(&peer::arp_reply(stranger, (GUEST_HARDWARE, GUEST)));
    let newest = Message::Udp {
        destination: (stranger, PORT),
        source_port: ECHO,
        payload: (SENT - 1).to_le_bytes().to_vec(),
    };
    let messages = peer.receive_until("newest datagram", |message| *message == newest);
    let is_datagram = |message: &&Message| matches!(message, Message::Udp { .. });
    let left = messages.iter().filter(is_datagram).count() as u64;
    assert!(left < SENT, "the queue has no bound");
    let grown = Counters::read(&mut machine.console).since(&before);
    assert_eq!(
        grown.get("arp.pending_dropped_oldest"),
        SENT - left,
        "{grown:?}"
    );
    machine.power_off();
}

#[test]
fn rfc1122_3_2_1_3_the_wire_sees_a_ping_from_the_console() {
    let (mut machine, peer) = boot();
    machine.console.type_line("ping 10.0.2.2 2");
    for _ in 0..2 {
        let messages = peer.receive_until("echo request", |message| {
            matches!(message, Message::EchoRequest { .. })
        });
        let Some(Message::EchoRequest {
            source,
            identifier,
            sequence,
            payload,
        }) = messages.last()
        else {
            unreachable!()
        };
        assert_eq!(*source, GUEST);
        peer.send(&peer::echo_reply(GATEWAY, *identifier, *sequence, payload));
    }
    let output = machine.console.output("ping 10.0.2.2 2", PATIENCE);
    assert!(
        output
            .last()
            .is_some_and(|line| line.starts_with("2 sent, 2 received, 0 lost")),
        "{output:#?}"
    );
    machine.power_off();
}

#[test]
fn a_reply_with_other_data_is_not_taken_for_the_answer() {
    let (mut machine, peer) = boot();
    machine.console.type_line("ping 10.0.2.2 1");
    let messages = peer.receive_until("echo request", |message| {
        matches!(message, Message::EchoRequest { .. })
    });
    let Some(Message::EchoRequest {
        identifier,
        sequence,
        payload,
        ..
    }) = messages.last()
    else {
        unreachable!()
    };
    peer.send(&peer::echo_reply(
        GATEWAY,
        identifier.wrapping_add(1),
        *sequence,
        payload,
    ));
    peer.send(&peer::echo_reply(
        GATEWAY,
        *identifier,
        sequence.wrapping_add(1),
        payload,
    ));
    peer.send(&peer::echo_reply(
        Ipv4Addr::new(10, 0, 2, 3),
        *identifier,
        *sequence,
        payload,
    ));
    let output = machine.console.output("ping 10.0.2.2 1", PATIENCE);
    assert!(
        output
            .last()
            .is_some_and(|line| line.starts_with("1 sent, 0 received, 1 lost")),
        "{output:#?}"
    );
    machine.power_off();
}

#[test]
fn a_neighbour_is_not_changed_by_a_stranger_s_reply_for_the_guest_s_own_address() {
    let (mut machine, peer) = boot();
    // Someone claims the guest's address: the guest keeps it and says so, and its neighbours stay as they were.
    peer.send(&peer::arp(
        etherparse::ArpOperation::REPLY,
        GUEST,
        GUEST_HARDWARE,
        (GUEST_HARDWARE, GUEST),
    ));
    peer.ping();
    let neighbours = Table::read(&mut machine.console, "arp");
    assert_eq!(
        neighbours.find("ADDRESS", "10.0.2.15", "STATE"),
        None,
        "{neighbours:?}"
    );
    machine.power_off();
}

#[test]
fn a_burst_beyond_the_card_s_memory_is_lost_in_part_and_all_goes_on() {
    const BURST: usize = 2_000;
    let (mut machine, peer) = boot();
    let frame = peer::udp((GATEWAY, PORT), DISCARD, &[0; LARGEST]);
    for _ in 0..BURST {
        peer.send(&frame);
    }
    // The ping itself may fall into the full ring.
    let deadline = Instant::now() + PATIENCE;
    let answered = std::iter::from_fn(|| (Instant::now() < deadline).then_some(())).any(|()| {
        peer.send(&peer::echo_request(GATEWAY, 3, 3, b"after the burst"));
        let soon = Instant::now() + Duration::from_millis(200);
        std::iter::from_fn(|| peer.receive(soon))
            .any(|message| matches!(message, Message::EchoReply { identifier: 3, .. }))
    });
    assert!(answered, "no answer after the burst");
    let taken = Counters::read(&mut machine.console).get("task.discard.datagrams");
    assert!(taken > 0 && taken <= BURST as u64, "{taken} of {BURST}");
    machine.power_off();
}
