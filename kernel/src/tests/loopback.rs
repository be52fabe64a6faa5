//! The machine talks to itself: from Winsock down to the loopback adapter and back.

use std::format;
use std::string::String;
use std::vec::Vec;

use afd::winsock::constants::{AF_INET, IPPROTO_UDP, SO_RCVTIMEO, SOCK_DGRAM, SOL_SOCKET};
use netstack::SocketAddress;

use super::machine::TestSystem;
use crate::network::Winsock;

const COMMAND_LINE: &str = "Ne2000.Port=0x300 Ne2000.Irq=9";
const LOCALHOST: [u8; 4] = [127, 0, 0, 1];
const OWN_ADDRESS: [u8; 4] = [10, 0, 2, 15];

fn counter(test: &TestSystem, wanted: &str) -> u64 {
    let mut found = None;
    test.system.counters(&mut |path, name, value| {
        if format!("{path}.{name}") == wanted {
            found = Some(value);
        }
    });
    found.unwrap_or_else(|| panic!("no counter {wanted}"))
}

/// Runs console commands; gives what they print.
fn converse(test: &TestSystem, typed: &[u8]) -> String {
    let (system, machine) = (test.system, test.machine);
    let typed = typed.to_vec();
    test.simulation.run(move || {
        let mut session = crate::console::Session::new(system);
        let mut editor = crate::console::LineEditor::new(machine);
        for byte in typed {
            editor.take(byte, &mut |line| session.run(&line));
        }
    });
    test.machine.take_output()
}

/// A socket at `address`, which sends `datagrams` to itself; what it receives.
fn talk_to_itself(winsock: &Winsock, address: [u8; 4], datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
    winsock.startup(0x0202).unwrap();
    let socket = winsock.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP).unwrap();
    let own = SocketAddress::new(address.into(), 5000);
    winsock.bind(socket, own).unwrap();
    let timeout = 1000_u32.to_le_bytes();
    winsock
        .setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout)
        .unwrap();
    let mut received = Vec::new();
    for datagram in datagrams {
        assert_eq!(winsock.sendto(socket, datagram, 0, own), Ok(datagram.len()));
        let mut buffer = std::vec![0; 65_535];
        let mut from = SocketAddress::UNSPECIFIED;
        let length = winsock.recvfrom(socket, &mut buffer, 0, Some(&mut from));
        assert_eq!(from, own);
        buffer.truncate(length.unwrap());
        received.push(buffer);
    }
    winsock.closesocket(socket).unwrap();
    winsock.cleanup().unwrap();
    received
}

#[test]
fn a_udp_socket_talks_to_itself_through_every_layer() {
    for seed in 0..10 {
        let test = TestSystem::new(seed, COMMAND_LINE);
        test.card.take_sent();
        let winsock = test.system.winsock;
        let datagrams: Vec<Vec<u8>> = [0, 1, 18, 1472, 1473, 8192, 16384]
            .into_iter()
            .map(|length: u32| (0..length).map(|n| (n * 7) as u8).collect())
            .collect();
        for address in [LOCALHOST, OWN_ADDRESS] {
            let sent = datagrams.clone();
            let received = test
                .simulation
                .run(move || talk_to_itself(winsock, address, &sent));
            assert_eq!(received, datagrams);
        }
        let count = 2 * datagrams.len() as u64;
        assert_eq!(counter(&test, "ndis.Loopback.sends_done"), count);
        assert_eq!(counter(&test, "ndis.Loopback.frames_received"), count);
        assert_eq!(counter(&test, "ip.looped_back"), count);
        assert!(test.card.take_sent().is_empty(), "nothing on the wire");
        assert_eq!(test.system.packets.usage().packets.used, 0);
    }
}

#[test]
fn ping_reaches_the_machine_itself() {
    let test = TestSystem::new(0, COMMAND_LINE);
    test.card.take_sent();
    for address in ["127.0.0.1", "127.255.0.3", "10.0.2.15"] {
        let output = converse(&test, format!("ping {address} 1\r").as_bytes());
        let expected = format!("reply from {address}: bytes 56 sequence 1 ttl 128 time ");
        assert!(output.contains(&expected), "{output}");
        assert!(output.contains("1 sent, 1 received, 0 lost"), "{output}");
    }
    assert!(test.card.take_sent().is_empty(), "nothing on the wire");
    assert_eq!(counter(&test, "ndis.Loopback.frames_received"), 6);
}

#[test]
fn the_console_shows_the_loopback_interface() {
    let test = TestSystem::new(0, COMMAND_LINE);
    let shown = converse(&test, b"ipconfig\r");
    let lines = shown.lines();
    let interfaces: Vec<Vec<_>> = lines
        .skip_while(|line| !line.starts_with("INTERFACE"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        interfaces[1],
        [
            "Loopback",
            "up",
            "00:00:00:00:00:00",
            "65535",
            "127.0.0.1/8",
            "-"
        ]
    );
    assert_eq!(interfaces[2][..2], ["Ne2000", "up"]);
    let shown = converse(&test, b"route\r");
    let line = shown.lines().find(|line| line.starts_with("127.0.0.0/8"));
    let words: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(words, ["127.0.0.0/8", "on-link", "Loopback", "active"]);
    let shown = converse(&test, b"arp\r");
    assert!(!shown.contains("Loopback"), "{shown}");
}

#[test]
fn seed_33_the_machine_talks_to_itself_without_the_adapter() {
    let test = TestSystem::new(0, COMMAND_LINE);
    let ndis = test.system.ndis;
    let adapter = ndis.adapter("Loopback").unwrap();
    test.simulation
        .run(move || ndis.stop_device(&adapter).unwrap());
    let output = converse(&test, b"ping 127.0.0.1 1\r");
    assert!(output.contains("1 sent, 1 received, 0 lost"), "{output}");
    assert_eq!(counter(&test, "ndis.Loopback.frames_received"), 0);
    test.simulation
        .run(move || ndis.start_device(&adapter).unwrap());
    let output = converse(&test, b"ping 127.0.0.1 1\r");
    assert!(output.contains("1 sent, 1 received, 0 lost"), "{output}");
    assert_eq!(counter(&test, "ndis.Loopback.frames_received"), 2);
}

#[test]
fn the_counters_of_a_card_are_asked_of_cards_only() {
    let test = TestSystem::new(0, COMMAND_LINE);
    counter(&test, "ne2000.Ne2000.frames_sent");
    assert_eq!(counter(&test, "ndis.Loopback.requests_failed"), 0);
}

#[test]
fn seed_58_filters_on_the_loopback_adapter_see_what_the_machine_says_to_itself() {
    let test = TestSystem::new(0, COMMAND_LINE);
    let winsock = test.system.winsock;
    for kind in ["capture", "netem", "firewall"] {
        let output = converse(
            &test,
            format!("filter add {kind} above Loopback\r").as_bytes(),
        );
        assert!(!output.contains("error"), "{output}");
    }
    converse(&test, b"capture capture1 start\r");
    let output = converse(&test, b"ping 127.0.0.1 1\r");
    assert!(output.contains("1 sent, 1 received, 0 lost"), "{output}");
    let shown = converse(&test, b"capture capture1 show\r");
    assert!(shown.contains("127.0.0.1 > 127.0.0.1"), "{shown}");

    let datagrams = [std::vec![b'x'; 100], std::vec![b'y'; 16_384]];
    let sent = datagrams.to_vec();
    let received = test
        .simulation
        .run(move || talk_to_itself(winsock, OWN_ADDRESS, &sent));
    assert_eq!(received, datagrams);

    converse(&test, b"filter rules firewall1 add drop icmp\r");
    let output = converse(&test, b"ping 127.0.0.1 1\r");
    assert!(output.contains("1 sent, 0 received, 1 lost"), "{output}");
    for name in ["firewall1", "netem1", "capture1"] {
        let output = converse(&test, format!("filter remove {name}\r").as_bytes());
        assert!(!output.contains("error"), "{output}");
    }
    let output = converse(&test, b"ping 127.0.0.1 1\r");
    assert!(output.contains("1 sent, 1 received, 0 lost"), "{output}");
    assert_eq!(test.system.packets.usage().packets.used, 0);
}
