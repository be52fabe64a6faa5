//! The adapter as its owner changes it: another address, a reset, other settings.

use crate::balance;
use crate::quiet::Level;
use crate::wire::boot;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tests::PATIENCE;
use tests::console::Console;
use tests::machine::Options;
use tests::meanwhile::meanwhile;
use tests::peer::{self, GATEWAY, GUEST, Message, Peer, Station};
use tests::report::{Counters, Table};
use tests::services::{DISCARD, ECHO};

/// An address of nobody's: locally administered.
const OVERRIDE: [u8; 6] = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];

#[track_caller]
fn has_the_configured_address(options: Options) {
    let station = Station {
        hardware: OVERRIDE,
        address: GUEST,
    };
    let options = options
        .wire()
        .append("Ne2000.NetworkAddress=02-11-22-33-44-55");
    let mut machine = options.boot();
    let peer = Peer::between(machine.take_wire(), GATEWAY, station);
    let interfaces = Table::read(&mut machine.console, "ipconfig");
    assert_eq!(
        interfaces.find("ADDRESS", "10.0.2.15/24", "HARDWARE-ADDRESS"),
        Some("02:11:22:33:44:55")
    );
    // The first frame shows the new address as sender, and frames for it are taken.
    let announcement = peer
        .wire()
        .receive_now()
        .expect("a frame before the prompt");
    assert!(matches!(
        peer::read_from(OVERRIDE, &announcement),
        Message::Arp {
            source: (OVERRIDE, GUEST),
            ..
        }
    ));
    peer.ping();
    let before = Counters::read(&mut machine.console);
    // The address of the card's own memory is nobody's now.
    peer.send(&peer::udp(
        (GATEWAY, 4000),
        ECHO,
        b"to the permanent address",
    ));
    assert_eq!(peer.ping(), []);
    let grown = Counters::read(&mut machine.console).since(&before);
    assert_eq!(grown.get("task.echo.datagrams"), 0, "{grown:?}");
    machine.power_off();
}

#[test]
fn seed_11_the_configured_address_on_an_isa_card() {
    has_the_configured_address(Options::new());
}

#[test]
fn seed_11_the_configured_address_on_a_pci_card() {
    has_the_configured_address(Options::new().pci());
}

#[test]
fn seed_14_resets_under_traffic_lose_frames_and_nothing_else() {
    const RESETS: u64 = 20;
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    let before = Counters::read(&mut machine.console);
    let answered = AtomicUsize::new(0);
    let count = &answered;
    meanwhile(
        move |done| keep_asking(&peer, done, count),
        || {
            for _ in 0..RESETS {
                let lines = machine.console.command("nic reset");
                let line = lines.first().map_or("", String::as_str);
                assert!(line.starts_with("reset Ne2000: SUCCESS in "), "{lines:#?}");
                let wanted = count.load(Ordering::Relaxed) + 3;
                let deadline = Instant::now() + PATIENCE;
                while count.load(Ordering::Relaxed) < wanted {
                    assert!(Instant::now() < deadline, "no answers after a reset");
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
        },
    );
    assert!(answered.into_inner() as u64 >= RESETS, "hardly any answers");
    level.comes_back(&mut machine.console);
    let grown = balance::holds(&mut machine.console, &before);
    assert_eq!(grown.sum("ndis.*.resets"), RESETS, "{grown:?}");
    assert_eq!(grown.sum("ndis.*.resets_failed"), 0, "{grown:?}");
    machine.power_off();
}

/// Asks the echo service again and again until it is done and counts the answers, of which there must not be more than questions.
#[track_caller]
fn keep_asking(peer: &Peer, done: &AtomicBool, answers: &AtomicUsize) {
    /// Longer than a reset takes, and an answer on a busy host.
    const SOON: Duration = Duration::from_millis(200);
    let mut number = 0_u32;
    while !done.load(Ordering::Relaxed) {
        number += 1;
        let question = number.to_be_bytes().repeat(50);
        peer.send(&peer::udp((GATEWAY, 4000), ECHO, &question));
        let deadline = Instant::now() + SOON;
        while let Some(message) = peer.receive(deadline) {
            if let Message::Udp { payload, .. } = message {
                answers.fetch_add(1, Ordering::Relaxed);
                // One that comes later than it was waited for has another number.
                if payload == question {
                    break;
                }
            }
        }
    }
    let answers = answers.load(Ordering::Relaxed);
    assert!(
        answers <= number as usize,
        "{answers} answers to {number} questions"
    );
}

/// What `oid` prints about one identifier, without its name and number.
#[track_caller]
fn asked(console: &mut Console, name: &str) -> String {
    let lines = console.command(&format!("oid {name}"));
    let (line, rest) = lines.split_first().expect("an answer");
    let words: Vec<_> = line.split_whitespace().collect();
    assert!(
        rest.is_empty() && words.len() > 2 && words[0] == name,
        "{lines:#?}"
    );
    words[2..].join(" ")
}

#[test]
fn seed_18_what_the_adapter_answers() {
    let mut machine = Options::new().boot();
    let console = &mut machine.console;
    let known = Table::read(console, "oid");
    for name in [
        "GEN_SUPPORTED_LIST",
        "GEN_HARDWARE_STATUS",
        "GEN_MEDIA_SUPPORTED",
        "GEN_MEDIA_IN_USE",
        "GEN_MAXIMUM_FRAME_SIZE",
        "GEN_MAXIMUM_TOTAL_SIZE",
        "GEN_LINK_SPEED",
        "GEN_VENDOR_DESCRIPTION",
        "GEN_CURRENT_PACKET_FILTER",
        "GEN_XMIT_OK",
        "GEN_RCV_OK",
        "IEEE_802_3_PERMANENT_ADDRESS",
        "IEEE_802_3_CURRENT_ADDRESS",
        "IEEE_802_3_MULTICAST_LIST",
    ] {
        let value = known.find("NAME", name, "VALUE");
        assert!(
            value.is_some_and(|value| !value.starts_with('(')),
            "{name}: {value:?} in {known:#?}"
        );
    }
    let options = known.find("NAME", "GEN_PROTOCOL_OPTIONS", "VALUE");
    assert_eq!(options, Some("(set"), "only: {known:#?}");
    let lines = console.command("oid GEN_PROTOCOL_OPTIONS");
    assert!(
        lines[0].starts_with("error: it can only be set"),
        "{lines:#?}"
    );
    assert!(asked(console, "GEN_MAXIMUM_FRAME_SIZE").starts_with("1500"));
    assert!(asked(console, "IEEE_802_3_CURRENT_ADDRESS").contains("52:54:00:12:34:56"));
    let same = console.command("oid Ne2000 OID_GEN_LINK_SPEED");
    assert_eq!(same, console.command("oid gen_link_speed"));
    for command in [
        "oid nothing",
        "oid Ne2000 nothing",
        "oid GEN_LINK_SPEED 5",
        "oid GEN_CURRENT_PACKET_FILTER x",
    ] {
        let lines = console.command(command);
        assert!(lines[0].starts_with("error: "), "`{command}`: {lines:#?}");
    }
    machine.power_off();
}

#[test]
fn seed_12_a_packet_filter_that_is_set_reaches_the_card() {
    let (mut machine, peer) = boot();
    // To a station that is not there.
    let foreign = {
        let mut frame = peer::udp((GATEWAY, 4000), DISCARD, b"not for you");
        frame[5] ^= 1;
        frame
    };
    let mut received = |filter: &str| {
        let line = machine
            .console
            .command(&format!("oid GEN_CURRENT_PACKET_FILTER {filter}"));
        assert!(line[0].contains(" set to "), "{line:?}");
        let before = Counters::read(&mut machine.console);
        for _ in 0..10 {
            peer.send(&foreign);
        }
        peer.ping();
        let grown = Counters::read(&mut machine.console).since(&before);
        assert_eq!(grown.get("task.discard.datagrams"), 0, "{grown:?}");
        // Without the ping.
        grown.sum("ne2000.*.frames_received") - 1
    };
    assert_eq!(received("directed,broadcast"), 0);
    assert_eq!(received("directed,broadcast,promiscuous"), 10);
    assert_eq!(received("directed,broadcast"), 0);
    machine.power_off();
}
