//! The loopback adapter: what a host says to itself does not leave it.

use crate::quiet::Level;
use crate::wire::boot;
use std::net::Ipv4Addr;
use tests::machine::{Machine, Options};
use tests::peer::{self, GATEWAY, GUEST_HARDWARE, hardware_of};
use tests::report::{Counters, Table};
use tests::services::{DISCARD, ECHO};

#[track_caller]
fn pings(machine: &mut Machine, address: &str) {
    let output = machine.console.command(&format!("ping {address} 3"));
    assert!(
        output
            .last()
            .is_some_and(|line| line.starts_with("3 sent, 3 received, 0 lost")),
        "{output:#?}"
    );
}

#[test]
fn rfc1122_3_2_1_3_own_addresses_answer_and_nothing_is_on_the_wire() {
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    let before = Counters::read(&mut machine.console);
    for address in ["127.0.0.1", "127.1.2.3", "10.0.2.15"] {
        pings(&mut machine, address);
    }
    assert_eq!(peer.ping(), [], "a frame of the loopback on the wire");
    let grown = Counters::read(&mut machine.console).since(&before);
    // The peer's ping alone went through the card.
    assert_eq!(grown.get("ne2000.Ne2000.frames_sent"), 1, "{grown:?}");
    assert_eq!(grown.get("icmp.echo_replies_sent"), 9 + 1, "{grown:?}");
    level.comes_back(&mut machine.console);
    machine.power_off();
}

#[test]
fn datagrams_to_own_addresses_arrive_and_nothing_is_on_the_wire() {
    let (mut machine, peer) = boot();
    for address in ["127.0.0.1", "10.0.2.15"] {
        let level = Level::of(&mut machine.console);
        let before = Counters::read(&mut machine.console);
        // Fewer than the socket's window holds: the console goes before the task.
        let output = machine
            .console
            .command(&format!("bench udp send {address}:{DISCARD} 64 20"));
        assert!(output[0].contains("lost 0"), "{output:#?}");
        assert_eq!(peer.ping(), [], "a frame of the loopback on the wire");
        level.comes_back(&mut machine.console);
        let grown = Counters::read(&mut machine.console).since(&before);
        // One to find the way, and those that are timed.
        assert_eq!(grown.get("task.discard.datagrams"), 21, "{grown:?}");
        assert_eq!(grown.get("ndis.Loopback.frames_received"), 21, "{grown:?}");
        assert_eq!(grown.get("ne2000.Ne2000.frames_sent"), 1, "{grown:?}");
    }
    machine.power_off();
}

#[test]
fn loopback_needs_no_card() {
    let mut machine = Options::new().no_card().boot();
    pings(&mut machine, "127.0.0.1");
    let interfaces = Table::read(&mut machine.console, "ipconfig");
    assert_eq!(
        interfaces.find("ADDRESS", "127.0.0.1/8", "STATE"),
        Some("up"),
        "{interfaces:?}"
    );
    machine.power_off();
}

#[test]
fn loopback_answers_while_the_card_is_silent() {
    // Nobody answers on the wire, not even questions for hardware addresses.
    let mut machine = Options::new().wire().boot();
    let _wire = machine.take_wire();
    pings(&mut machine, "127.0.0.1");
    machine.power_off();
}

#[test]
fn rfc1122_3_2_1_3_loopback_addresses_from_the_wire_are_dropped() {
    let (mut machine, peer) = boot();
    let loopback = Ipv4Addr::LOCALHOST;
    let datagram = |from: Ipv4Addr, to: Ipv4Addr| {
        let builder = etherparse::PacketBuilder::ethernet2(hardware_of(GATEWAY), GUEST_HARDWARE)
            .ipv4(from.octets(), to.octets(), 64)
            .udp(4000, ECHO);
        peer::build::written(|frame| builder.write(frame, b"from outside"))
    };
    let before = Counters::read(&mut machine.console);
    for (from, to) in [
        (GATEWAY, loopback),
        (loopback, peer::GUEST),
        (loopback, loopback),
        (GATEWAY, Ipv4Addr::new(127, 255, 255, 255)),
    ] {
        peer.send(&datagram(from, to));
        assert_eq!(peer.ping(), [], "an answer to {from} > {to}");
    }
    let grown = Counters::read(&mut machine.console).since(&before);
    assert_eq!(grown.sum("ip.dropped_*"), 4, "{grown:?}");
    assert_eq!(grown.get("task.echo.datagrams"), 0, "{grown:?}");
    machine.power_off();
}

#[test]
fn routes_to_own_addresses_lead_to_the_loopback() {
    let (mut machine, _peer) = boot();
    let routes = Table::read(&mut machine.console, "route");
    assert!(
        routes
            .find("DESTINATION", "127.0.0.0/8", "INTERFACE")
            .is_some(),
        "{routes:?}"
    );
    machine.power_off();
}
