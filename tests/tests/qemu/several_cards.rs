//! Two ISA cards and one on the PCI bus in one machine: each is an adapter and an interface of its own.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Instant;
use tests::PATIENCE;
use tests::machine::{Machine, Options};
use tests::peer::{Message, Peer, Station};
use tests::report::{Counters, Table};
use tests::services::ECHO;

const PORT: u16 = 4000;

/// QEMU numbers the hardware addresses of its cards.
fn station(card: usize) -> Station {
    Station {
        hardware: [0x52, 0x54, 0, 0x12, 0x34, 0x56 + card as u8],
        address: Ipv4Addr::new(192, 168, 10 + card as u8, 1),
    }
}

/// The host at the other end of a card's cable.
fn host(card: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 10 + card as u8, 2)
}

/// The kernel names PCI cards first: the last card given to QEMU is the first adapter.
const ADAPTERS: [&str; 3] = ["Ne2000-2", "Ne2000-3", "Ne2000"];

fn boot() -> (Machine, Vec<Peer>) {
    let mut options = Options::new()
        .wire()
        .add_isa(0x280, 5)
        .add_pci()
        .append("Ne2000-2.Port=0x300")
        .append("Ne2000-3.Port=0x280");
    for (card, adapter) in ADAPTERS.into_iter().enumerate() {
        options = options.append(&format!("{adapter}.IPAddress={}/24", station(card).address));
    }
    let mut machine = options.boot();
    let peers = (0..3).map(|card| Peer::between(machine.take_wire(), host(card), station(card)));
    let peers = peers.collect();
    (machine, peers)
}

#[test]
fn each_card_is_an_adapter_and_an_interface() {
    let (mut machine, peers) = boot();
    let interfaces = Table::read(&mut machine.console, "ipconfig");
    for (card, adapter) in ADAPTERS.into_iter().enumerate() {
        let column = |name| interfaces.find("INTERFACE", adapter, name);
        let Station { hardware, address } = station(card);
        let hardware = hardware.map(|byte| format!("{byte:02x}")).join(":");
        assert_eq!(column("STATE"), Some("up"));
        assert_eq!(column("HARDWARE-ADDRESS"), Some(hardware.as_str()));
        assert_eq!(column("ADDRESS"), Some(format!("{address}/24").as_str()));
    }
    for peer in &peers {
        peer.ping();
    }
    machine.power_off();
}

#[test]
fn traffic_on_all_cards_at_once_is_counted_apart() {
    /// A different number for each card, to tell the counters apart.
    const DATAGRAMS: [u64; 3] = [400, 600, 800];
    let (mut machine, peers) = boot();
    for peer in &peers {
        peer.ping();
    }
    let before = Counters::read(&mut machine.console);
    thread::scope(|scope| {
        for ((card, peer), datagrams) in peers.into_iter().enumerate().zip(DATAGRAMS) {
            scope.spawn(move || (0..datagrams).for_each(|number| echoed(&peer, card, number)));
        }
    });
    let grown = Counters::read(&mut machine.console).since(&before);
    for (adapter, datagrams) in ADAPTERS.into_iter().zip(DATAGRAMS) {
        for counter in ["frames_received", "frames_sent"] {
            let counted = grown.get(&format!("ne2000.{adapter}.{counter}"));
            // Here and there one that keeps a neighbour.
            assert!(
                (datagrams..datagrams + 3).contains(&counted),
                "{adapter} {counter}: {counted} for {datagrams}"
            );
        }
    }
    assert_eq!(grown.get("task.echo.answers"), DATAGRAMS.iter().sum());
    machine.power_off();
}

#[track_caller]
fn echoed(peer: &Peer, card: usize, number: u64) {
    let payload = number.to_be_bytes().repeat(1 + number as usize % 100);
    let from = (host(card), PORT);
    peer.send(&station(card).udp(from, ECHO, &payload));
    let expected = Message::Udp {
        destination: from,
        source_port: ECHO,
        payload,
    };
    let deadline = Instant::now() + PATIENCE;
    assert_eq!(peer.receive(deadline), Some(expected), "card {card}");
}
