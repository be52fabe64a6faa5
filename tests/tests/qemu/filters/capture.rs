//! The capture filter: what it keeps is what was on the wire, as other programs read it.

use super::{PORT, add, number_in, numbered, remove, told};
use crate::wire::boot;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use etherparse::SlicedPacket;
use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tests::PATIENCE;
use tests::machine::{Machine, Options};
use tests::peer::{self, GATEWAY, Peer};
use tests::services::ECHO;

/// Frames of an exchange, in the order in which they are on the wire.
#[track_caller]
fn exchange(peer: &Peer, count: u32) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for number in 0..count {
        let question = numbered(number);
        peer.send(&question);
        // The card lengthens it to Ethernet's minimum.
        let mut padded = question;
        padded.resize(padded.len().max(60), 0);
        frames.push(padded);
        let answer = peer
            .wire()
            .receive(Instant::now() + PATIENCE)
            .expect("an echo");
        assert_eq!(
            number_in(&peer::read(&answer)),
            Some(number),
            "{answer:02x?}"
        );
        frames.push(answer);
    }
    frames
}

/// The packets of a pcap file, as another program's reader finds them; checks header and time stamps.
#[track_caller]
fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = PcapReader::new(file).expect("the header of a pcap file");
    let header = reader.header();
    assert_eq!(header.datalink, DataLink::ETHERNET);
    let mut packets = Vec::new();
    let mut last = Duration::ZERO;
    while let Some(packet) = reader.next_packet() {
        let packet = packet.expect("a whole packet");
        assert!(packet.timestamp >= last, "time goes back");
        last = packet.timestamp;
        assert_eq!(
            packet.orig_len as usize,
            packet.data.len(),
            "a packet that is cut"
        );
        packets.push(packet.data.into_owned());
    }
    packets
}

/// Ends of frames that only the wire has are not compared: a frame that is sent is padded behind the filter, by the card's driver.
#[track_caller]
fn same(captured: &[Vec<u8>], wire: &[Vec<u8>]) {
    assert_eq!(captured.len(), wire.len(), "{captured:02x?}");
    for (captured, wire) in captured.iter().zip(wire) {
        assert!(
            captured.len() <= wire.len()
                && wire.starts_with(captured)
                && wire.len().max(60) == wire.len(),
            "{captured:02x?} is not {wire:02x?}"
        );
        let parsed = SlicedPacket::from_ethernet(captured).expect("a frame that etherparse reads");
        assert!(
            parsed.net.is_some() && parsed.transport.is_some(),
            "{parsed:?}"
        );
    }
}

/// The file that `capture dump` prints.
#[track_caller]
fn dumped(machine: &mut Machine) -> Vec<u8> {
    let lines = told(&mut machine.console, "capture dump");
    let begin = lines
        .iter()
        .position(|line| line == "begin-base64 644 capture.pcap");
    let end = lines.iter().position(|line| line == "====");
    let (Some(begin), Some(end)) = (begin, end) else {
        panic!("not uuencoded: {lines:#?}")
    };
    let text = lines[begin + 1..end].concat();
    BASE64_STANDARD.decode(text).expect("base64")
}

/// What tcpdump prints about the file, where it is installed.
fn tcpdump(file: &Path) -> Option<Vec<String>> {
    let answer = Command::new("tcpdump")
        .args(["-n", "-t", "-r"])
        .arg(file)
        .output()
        .ok()?;
    assert!(
        answer.status.success(),
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
    let text = String::from_utf8(answer.stdout).expect("text");
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn a_dump_is_what_was_on_the_wire_for_other_readers() {
    const COUNT: u32 = 20;
    let (mut machine, peer) = boot();
    // Who it is has been settled before.
    exchange(&peer, 1);
    add(&mut machine, "capture");
    told(&mut machine.console, "capture start");
    let wire = exchange(&peer, COUNT);
    told(&mut machine.console, "capture stop");
    exchange(&peer, 1);
    let file = dumped(&mut machine);
    same(&packets(&file), &wire);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dump.pcap");
    fs::write(&path, &file).expect("a file");
    if let Some(lines) = tcpdump(&path) {
        assert_eq!(lines.len(), wire.len(), "{lines:#?}");
        let [question, answer] = [
            format!("IP 10.0.2.2.{PORT} > 10.0.2.15.{ECHO}: UDP, length 4"),
            format!("IP 10.0.2.15.{ECHO} > 10.0.2.2.{PORT}: UDP, length 4"),
        ];
        for pair in lines.chunks(2) {
            assert_eq!(pair, [question.as_str(), answer.as_str()]);
        }
    }
    machine.power_off();
}

#[test]
fn a_dump_to_the_second_serial_port_is_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("com2.pcap");
    let mut machine = Options::new().wire().second_serial(&path).boot();
    let peer = Peer::new(machine.take_wire());
    peer.ping();
    add(&mut machine, "capture");
    told(&mut machine.console, "capture start");
    let wire = exchange(&peer, 5);
    told(&mut machine.console, "capture stop");
    let lines = told(&mut machine.console, "capture dump com2");
    let file = dumped(&mut machine);
    let told = format!(
        "dumped {} packets, {} bytes to COM2",
        wire.len(),
        file.len()
    );
    assert!(
        lines.iter().any(|line| line.starts_with(&told)),
        "{lines:#?}"
    );
    machine.power_off();
    assert_eq!(fs::read(&path).expect("what came from COM2"), file);
    same(&packets(&file), &wire);
}

#[test]
fn only_what_the_filter_words_say_is_kept() {
    let (mut machine, peer) = boot();
    add(&mut machine, "capture");
    for (words, expected) in [
        ("udp and port 7", 4),
        ("src host 10.0.2.2 and udp", 2),
        ("icmp", 2),
        ("not (udp or icmp)", 0),
        ("ether host 52:54:00:12:34:56 and greater 61", 2),
    ] {
        told(&mut machine.console, &format!("capture filter {words}"));
        told(&mut machine.console, "capture clear");
        told(&mut machine.console, "capture start");
        exchange(&peer, 2);
        peer.ping();
        told(&mut machine.console, "capture stop");
        let kept = packets(&dumped(&mut machine));
        let sizes: Vec<_> = kept.iter().map(Vec::len).collect();
        assert!(
            kept.len() == expected || words.contains("greater"),
            "`{words}`: frames of {sizes:?} bytes"
        );
        assert!(
            !words.contains("greater") || sizes.iter().all(|size| *size >= 61),
            "{sizes:?}"
        );
    }
    machine.power_off();
}

#[test]
fn a_line_for_each_packet_while_it_is_live() {
    let (mut machine, peer) = boot();
    let command = "capture live udp port 7";
    add(&mut machine, "capture");
    machine.console.type_line(command);
    // The command is at work once it shows the first packet.
    let deadline = Instant::now() + PATIENCE;
    let mut sent = 0;
    let first = loop {
        assert!(Instant::now() < deadline, "no line for a packet");
        peer.send(&numbered(sent));
        sent += 1;
        let shown = machine
            .console
            .look_for("10.0.2.2.4000 > 10.0.2.15.7", Duration::from_millis(200));
        if let Some(line) = shown {
            break line;
        }
    };
    assert!(first.to_lowercase().contains("udp"), "{first}");
    machine.console.expect("10.0.2.15.7 > 10.0.2.2.4000");
    // What comes behind the ping is shown, so the ping has been looked at.
    peer.ping();
    peer.send(&numbered(sent));
    machine.console.expect("10.0.2.15.7 > 10.0.2.2.4000");
    machine.console.send("q");
    let closing = machine.console.expect(" packets, ");
    machine.console.wait_for_prompt();
    let shown = machine.console.lines();
    let shown: Vec<_> = shown.iter().filter(|line| line.contains(" > ")).collect();
    assert!(
        closing.starts_with(&format!("{} packets, 0 dropped", shown.len())),
        "{closing}: {shown:#?}"
    );
    assert!(
        shown.iter().all(|line| !line.contains("ICMP")),
        "{shown:#?}"
    );
    machine.power_off();
}

#[test]
fn the_newest_packets_are_kept_when_there_is_no_more_room() {
    const COUNT: u32 = 400;
    let mut machine = Options::new().wire().append("Capture.Buffer=16K").boot();
    let peer = Peer::new(machine.take_wire());
    peer.ping();
    let name = add(&mut machine, "capture");
    told(&mut machine.console, "capture start");
    for number in 0..COUNT {
        peer.send(&peer::udp(
            (GATEWAY, PORT),
            ECHO,
            &number.to_be_bytes().repeat(25),
        ));
        peer.receive_until("echo", |message| number_in(message) == Some(number));
    }
    told(&mut machine.console, "capture stop");
    let kept = packets(&dumped(&mut machine));
    let numbers: Vec<_> = kept
        .iter()
        .filter_map(|frame| number_in(&peer::read(frame)))
        .collect();
    assert!(
        numbers.len() > 10 && numbers.len() < COUNT as usize,
        "{numbers:?}"
    );
    assert_eq!(numbers.last(), Some(&(COUNT - 1)));
    assert!(
        numbers.is_sorted_by(|one, next| one + 1 == *next),
        "{numbers:?}"
    );
    remove(&mut machine, &name);
    machine.power_off();
}
