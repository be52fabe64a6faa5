//! Filters and captures from the console, and from the configuration at the start.

use std::format;
use std::string::String;
use std::vec::Vec;

use base64::prelude::{BASE64_STANDARD, Engine};
use executive::{Duration, Priority};

use super::converse;
use crate::console::{Console, LineEditor, Session};
use crate::tests::machine::TestSystem;

/// Nobody answers: two ARP requests leave.
const PING: &str = "ping 10.0.2.77 1\r";

/// Magic number of a pcap file with microseconds, in this machine's byte order.
const PCAP: [u8; 4] = [0xD4, 0xC3, 0xB2, 0xA1];

/// The bytes between the lines that frame them.
fn decoded(output: &str) -> Vec<u8> {
    let (_, behind) = output
        .split_once("begin-base64 644 capture.pcap\r\n")
        .expect("no file begins");
    let (text, _) = behind.split_once("====\r\n").expect("no file ends");
    let text: String = text.split_whitespace().collect();
    BASE64_STANDARD.decode(text).unwrap()
}

#[test]
fn filters_are_stacked_listed_and_taken_out() {
    let output = converse(
        b"filter add capture\rfilter add netem\rfilter add firewall above Ne2000\rndis\r\
          filter remove netem1\rfilter remove capture1\rfilter remove firewall1\rndis\r",
    );
    for line in [
        "added capture1 above Ne2000\r\n",
        "added netem1 above capture1\r\n",
        "added firewall1 above Ne2000\r\n",
        "\r\nNe2000 < firewall1 < capture1 < netem1\r\n",
        "removed netem1\r\n",
        "removed capture1\r\n",
        "\r\nNe2000\r\n",
    ] {
        assert!(output.contains(line), "{line}: {output}");
    }
    assert!(!output.contains("error"), "{output}");
}

#[test]
fn more_filters_than_there_are_is_an_error() {
    let output = converse(b"filter add netem\rfilter add netem\rfilter add netem\r");
    assert!(
        output.contains("error: not added: every netem filter is in use\r\n"),
        "{output}"
    );
}

#[test]
fn settings_and_rules_are_shown_as_they_are_taken() {
    let output = converse(
        b"filter set netem1 loss=1% out.delay=10ms seed=7\rfilter\r\
          filter rules firewall1 add drop in udp dport 7-9\r\
          filter rules firewall1 insert 1 allow from 10.0.2.2\r\
          filter rules firewall1 default reject\rfilter rules firewall1 delete 2\r",
    );
    for text in [
        "netem1 out.loss=1% out.delay=10ms in.loss=1% seed=7\r\n",
        "  1          0            0 allow from 10.0.2.2\r\n  2          0            0 drop in udp dport 7-9\r\n",
        "  -          0            0 default reject\r\n",
    ] {
        assert!(output.contains(text), "{text}: {output}");
    }
    assert!(!output.contains("error"), "{output}");
}

#[test]
fn captured_packets_are_shown_and_dumped_as_a_pcap_file() {
    let output = converse(
        format!("capture start\r{PING}capture show\rcapture dump\rcapture clear\rcapture dump\r")
            .as_bytes(),
    );
    assert!(output.contains("added capture1 above Ne2000\r\ncapture1 started\r\n"));
    assert!(
        output.contains("ARP, Request who-has 10.0.2.77 tell 10.0.2.15"),
        "{output}"
    );
    let file = decoded(&output);
    assert_eq!(file[..4], PCAP);
    assert_eq!(file.len(), 24 + 2 * (16 + 42), "two ARP requests");
    assert!(output.contains("dumped 2 packets, 140 bytes, 0 overwritten meanwhile\r\n"));
    assert!(output.contains("dumped 0 packets, 24 bytes, 0 overwritten meanwhile\r\n"));
}

#[test]
fn a_filter_keeps_packets_out_of_the_store() {
    let output = converse(
        format!("capture start\rcapture filter udp and port 7\r{PING}capture show\r").as_bytes(),
    );
    assert!(
        output.contains("capture1 filter udp and port 7\r\n"),
        "{output}"
    );
    assert!(output.contains("\r\n0 packets stored\r\n"), "{output}");
}

#[test]
fn a_dump_goes_to_the_second_serial_port_as_it_is() {
    let test = TestSystem::new(0, super::COMMAND_LINE);
    let (system, machine) = (test.system, test.machine);
    test.simulation.run(move || {
        let mut session = Session::new(system);
        let mut editor = LineEditor::new(machine);
        for byte in format!("capture start\r{PING}capture dump com2\r").bytes() {
            editor.take(byte, &mut |line| session.run(&line));
        }
    });
    let file = machine.take_second_output();
    assert_eq!(file[..4], PCAP);
    assert_eq!(file.len(), 24 + 2 * (16 + 42));
    let output = machine.take_output();
    assert!(
        output.contains("dumped 2 packets, 140 bytes to COM2, 0 overwritten meanwhile\r\n"),
        "{output}"
    );
}

#[test]
fn the_live_view_prints_packets_until_a_key_ends_it() {
    for key in [&b"q"[..], b"\x03"] {
        let test = TestSystem::new(0, super::COMMAND_LINE);
        let (system, machine, card) = (test.system, test.machine, test.card.clone());
        test.simulation.run(move || {
            let executive = system.executive;
            let console = Console::new(system);
            let started =
                executive.spawn("console", Priority::NORMAL, 65536, move || console.run());
            started.unwrap();
            machine.type_bytes(b"capture live broadcast\r");
            executive.sleep(Duration::from_millis(100));
            card.inject(&[0xFF; 60]);
            executive.sleep(Duration::from_millis(100));
            machine.type_bytes(key);
            executive.sleep(Duration::from_millis(100));
            card.inject(&[0xFF; 60]);
            machine.type_bytes(b"uptime\r");
            executive.sleep(Duration::from_millis(100));
        });
        let output = machine.take_output();
        assert!(
            output.contains("live; Ctrl-C or q ends it\r\n0.1"),
            "{output}"
        );
        assert!(
            output.contains("\r\n1 packets, 0 dropped\r\nnet> "),
            "{output}"
        );
        assert!(output.contains("\r\nup 0.3"), "{output}");
    }
}

#[test]
fn the_configuration_stacks_filters_and_sets_them() {
    let test = TestSystem::new(
        0,
        "Ne2000.Port=0x300 Ne2000.Irq=9 Ne2000.Filters=capture,netem,firewall Netem1.Settings=delay=10ms,seed=3 \
         Firewall1.Rules=drop,in,udp,dport,7;default,allow Capture1.Filter=not,arp Filters.Capture=1",
    );
    let (system, machine) = (test.system, test.machine);
    test.simulation.run(move || {
        let mut session = Session::new(system);
        let mut editor = LineEditor::new(machine);
        for byte in b"filter\rndis\rcapture\r" {
            editor.take(*byte, &mut |line| session.run(&line));
        }
        assert!(system.registry.unread().next().is_none());
    });
    let output = machine.take_output();
    for text in [
        "\r\nNe2000 < capture1 < netem1 < firewall1\r\n",
        " delay=10ms seed=3\r\n",
        " 1 rules, default allow\r\n",
        " not arp\r\n",
    ] {
        assert!(output.contains(text), "{text}: {output}");
    }
    assert!(!output.contains("capture2"), "{output}");
}

#[test]
fn there_is_room_for_the_most_filters_that_can_be_configured() {
    let test = TestSystem::new(
        0,
        "Ne2000.Port=0x300 Ne2000.Irq=9 Filters.Capture=8 Filters.Netem=8 Filters.Firewall=8 \
         Ne2000.Filters=capture,capture,capture,capture,capture,capture,capture,capture,\
         netem,netem,netem,netem,netem,netem,netem,netem,\
         firewall,firewall,firewall,firewall,firewall,firewall,firewall,firewall",
    );
    let used = test
        .system
        .filters
        .list()
        .filter(|filter| filter.is_running);
    assert_eq!(used.count(), 24);
}
