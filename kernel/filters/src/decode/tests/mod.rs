mod hostile;
mod segments;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, Icmpv4Type, IpFragOffset, IpNumber,
    Ipv4Header, PacketBuilder, PacketBuilderStep, TcpHeader, icmpv4,
};

use super::Summary;

const HERE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const THERE: [u8; 6] = [2, 0, 0, 0, 0, 2];
const FROM: [u8; 4] = [10, 0, 2, 2];
const TO: [u8; 4] = [10, 0, 2, 15];

fn line(frame: &[u8]) -> String {
    cut(frame, frame.len())
}

/// The line for a frame of which `captured` bytes are there.
fn cut(frame: &[u8], captured: usize) -> String {
    let summary = Summary {
        bytes: &frame[..captured],
        length: frame.len(),
    };
    summary.to_string()
}

fn ip() -> PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ethernet2(THERE, HERE).ipv4(FROM, TO, 64)
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ip().udp(53124, 7)
        .write(&mut frame, payload)
        .expect("it fits");
    frame
}

fn icmp(message: Icmpv4Type, payload: &[u8]) -> String {
    let mut frame = Vec::new();
    ip().icmpv4(message)
        .write(&mut frame, payload)
        .expect("it fits");
    line(&frame)
}

/// A datagram without an upper layer that etherparse knows.
fn datagram(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ip().write(&mut frame, IpNumber(protocol), payload)
        .expect("it fits");
    frame
}

fn arp(operation: u16, sender: [u8; 4], target_hardware: [u8; 6], target: [u8; 4]) -> Vec<u8> {
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation(operation),
        &THERE,
        &sender,
        &target_hardware,
        &target,
    );
    let packet = packet.expect("the lengths agree");
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2(THERE, HERE).arp(packet);
    builder.write(&mut frame).expect("it fits");
    frame
}

fn tcp(header: impl FnOnce(&mut TcpHeader), payload: &[u8]) -> Vec<u8> {
    let mut tcp = TcpHeader::new(53124, 80, 1000, 64240);
    header(&mut tcp);
    let mut frame = Vec::new();
    let builder = ip().tcp_header(tcp);
    builder.write(&mut frame, payload).expect("it fits");
    frame
}

#[test]
fn udp_has_ports_and_length() {
    let frame = udp(&[0; 64]);
    assert_eq!(
        line(&frame),
        "IP 10.0.2.2.53124 > 10.0.2.15.7: UDP, length 64"
    );
    assert_eq!(
        line(&udp(&[])),
        "IP 10.0.2.2.53124 > 10.0.2.15.7: UDP, length 0"
    );
    // Padding of the frame is not the datagram's.
    let mut padded = udp(&[1]);
    padded.resize(60, 0);
    assert_eq!(
        line(&padded),
        "IP 10.0.2.2.53124 > 10.0.2.15.7: UDP, length 1"
    );
}

#[test]
fn what_was_cut_off_is_told_from_what_is_malformed() {
    let frame = udp(&[0; 64]);
    assert_eq!(cut(&frame, 42), line(&frame));
    assert_eq!(
        cut(&frame, 41),
        "IP 10.0.2.2.53124 > 10.0.2.15.7: UDP, [|udp]"
    );
    assert_eq!(cut(&frame, 34), "IP 10.0.2.2 > 10.0.2.15: UDP, [|udp]");
    assert_eq!(cut(&frame, 33), "IP [|ip]");
    assert_eq!(cut(&frame, 13), "[|ether]");
    assert_eq!(cut(&frame, 0), "[|ether]");
    assert_eq!(
        line(&frame[..13]),
        "malformed: 13 bytes are no ether header"
    );
    assert_eq!(
        line(&frame[..33]),
        "IP malformed: 19 bytes are no ip header"
    );
    let short = datagram(17, &[0; 7]);
    assert_eq!(
        line(&short),
        "IP 10.0.2.2.0 > 10.0.2.15.0: UDP, malformed: 7 bytes are no udp header"
    );
    let mut long = udp(&[0; 8]);
    long[39] = 17;
    assert_eq!(
        line(&long),
        "IP 10.0.2.2.53124 > 10.0.2.15.7: UDP, malformed: length field of 16 bytes"
    );
}

#[test]
fn a_wrong_ip_header_is_said_to_be_so() {
    let good = udp(&[0; 8]);
    let with = |at: usize, value: u8| {
        let mut frame = good.clone();
        frame[at] = value;
        line(&frame)
    };
    assert_eq!(with(14, 0x65), "IP malformed: not version 4");
    assert_eq!(with(14, 0x44), "IP malformed: header length");
    let checksum = "IP 10.0.2.2 > 10.0.2.15: malformed: header checksum";
    assert_eq!(with(22, 63), checksum);
    let mut longer = Ipv4Header::new(100, 64, IpNumber::UDP, FROM, TO).expect("it fits");
    longer.header_checksum = longer.calc_header_checksum();
    let frame = [&good[..14], &longer.to_bytes()[..], &[0; 8]].concat();
    assert_eq!(
        line(&frame),
        "IP 10.0.2.2 > 10.0.2.15: malformed: total length"
    );
}

#[test]
fn arp_says_who_asks_whom() {
    assert_eq!(
        line(&arp(1, FROM, [0; 6], TO)),
        "ARP, Request who-has 10.0.2.15 tell 10.0.2.2, length 28"
    );
    assert_eq!(
        line(&arp(1, FROM, HERE, TO)),
        "ARP, Request who-has 10.0.2.15 (02:00:00:00:00:01) tell 10.0.2.2, length 28"
    );
    assert_eq!(
        line(&arp(2, FROM, HERE, TO)),
        "ARP, Reply 10.0.2.2 is-at 02:00:00:00:00:02, length 28"
    );
    assert_eq!(
        line(&arp(1, [0; 4], [0; 6], TO)),
        "ARP, Probe 10.0.2.15, length 28"
    );
    assert_eq!(
        line(&arp(1, TO, [0; 6], TO)),
        "ARP, Announcement 10.0.2.15, length 28"
    );
    assert_eq!(
        line(&arp(9, FROM, HERE, TO)),
        "ARP, neither request nor reply, length 28"
    );
    let frame = arp(1, FROM, HERE, TO);
    assert_eq!(cut(&frame, 41), "ARP, [|arp]");
    assert_eq!(
        line(&frame[..41]),
        "ARP, malformed: 27 bytes are no arp header"
    );
    let mut padded = frame;
    padded.resize(60, 0);
    assert!(line(&padded).ends_with("tell 10.0.2.2, length 46"));
}

#[test]
fn icmp_names_what_it_is_about() {
    let echo = etherparse::IcmpEchoHeader { id: 77, seq: 3 };
    assert_eq!(
        icmp(Icmpv4Type::EchoRequest(echo), &[0; 56]),
        "IP 10.0.2.2 > 10.0.2.15: ICMP echo request, id 77, seq 3, length 64"
    );
    assert_eq!(
        icmp(Icmpv4Type::EchoReply(echo), &[]),
        "IP 10.0.2.2 > 10.0.2.15: ICMP echo reply, id 77, seq 3, length 8"
    );
    let quoted = &udp(&[])[14..];
    let unreachable = |header| icmp(Icmpv4Type::DestinationUnreachable(header), quoted);
    assert_eq!(
        unreachable(icmpv4::DestUnreachableHeader::Port),
        "IP 10.0.2.2 > 10.0.2.15: ICMP 10.0.2.15 udp port 7 unreachable, length 36"
    );
    assert_eq!(
        unreachable(icmpv4::DestUnreachableHeader::Host),
        "IP 10.0.2.2 > 10.0.2.15: ICMP host 10.0.2.15 unreachable, length 36"
    );
    assert_eq!(
        unreachable(icmpv4::DestUnreachableHeader::Protocol),
        "IP 10.0.2.2 > 10.0.2.15: ICMP 10.0.2.15 protocol 17 unreachable, length 36"
    );
    let frame = datagram(1, &[13, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        line(&frame),
        "IP 10.0.2.2 > 10.0.2.15: ICMP type-#13, code 0, length 8"
    );
    let frame = datagram(1, &[3, 1, 0, 0, 0, 0, 0, 0, 0x45]);
    assert_eq!(
        line(&frame),
        "IP 10.0.2.2 > 10.0.2.15: ICMP unreachable, code 1, length 9"
    );
    assert_eq!(
        line(&datagram(1, &[8, 0, 0])),
        "IP 10.0.2.2 > 10.0.2.15: ICMP malformed: 3 bytes are no icmp header"
    );
}

#[test]
fn igmp_and_other_protocols_are_named() {
    let igmp = |message: &[u8]| {
        let line = line(&datagram(2, message));
        String::from(line.trim_start_matches("IP 10.0.2.2 > 10.0.2.15: "))
    };
    assert_eq!(igmp(&[0x11, 0, 0, 0, 0, 0, 0, 0]), "igmp query v1");
    assert_eq!(igmp(&[0x11, 100, 0, 0, 0, 0, 0, 0]), "igmp query v2");
    assert_eq!(
        igmp(&[0x11, 100, 0, 0, 224, 0, 0, 251, 0, 0, 0, 0]),
        "igmp query v3 224.0.0.251"
    );
    assert_eq!(
        igmp(&[0x12, 0, 0, 0, 224, 0, 0, 9]),
        "igmp v1 report 224.0.0.9"
    );
    assert_eq!(
        igmp(&[0x16, 0, 0, 0, 224, 0, 0, 9]),
        "igmp v2 report 224.0.0.9"
    );
    assert_eq!(igmp(&[0x17, 0, 0, 0, 224, 0, 0, 9]), "igmp leave 224.0.0.9");
    assert_eq!(
        igmp(&[0x22, 0, 0, 0, 0, 0, 0, 2]),
        "igmp v3 report, 2 group record(s)"
    );
    assert_eq!(igmp(&[0x99, 0, 0, 0, 0, 0, 0, 2]), "igmp-153, length 8");
    assert_eq!(
        igmp(&[0x16, 0, 0]),
        "igmp malformed: 3 bytes are no igmp header"
    );
    let frame = datagram(132, &[0; 20]);
    assert_eq!(
        line(&frame),
        "IP 10.0.2.2 > 10.0.2.15: ip-proto-132, length 20"
    );
}

#[test]
fn fragments_tell_their_place() {
    let fragment = |offset: u16, more: bool, payload: &[u8]| {
        let mut header = Ipv4Header::new(payload.len() as u16, 64, IpNumber::UDP, FROM, TO);
        let header = header.as_mut().expect("it fits");
        header.identification = 4660;
        header.more_fragments = more;
        header.fragment_offset = IpFragOffset::try_new(offset / 8).expect("it fits");
        header.header_checksum = header.calc_header_checksum();
        let frame = udp(&[]);
        line(&[&frame[..14], &header.to_bytes()[..], payload].concat())
    };
    // The length field counts the fragments that follow.
    let first = [&[0, 9, 0, 7, 0x0B, 0xB8, 0, 0][..], &[0; 1472]].concat();
    assert_eq!(
        fragment(0, true, &first),
        "IP 10.0.2.2.9 > 10.0.2.15.7: UDP, length 2992 (frag 4660:1480@0+)"
    );
    assert_eq!(
        fragment(1480, true, &[0; 1480]),
        "IP 10.0.2.2 > 10.0.2.15: udp (frag 4660:1480@1480+)"
    );
    assert_eq!(
        fragment(2960, false, &[0; 40]),
        "IP 10.0.2.2 > 10.0.2.15: udp (frag 4660:40@2960)"
    );
}

#[test]
fn other_frames_have_their_addresses() {
    let header = [HERE, THERE].concat();
    let frame = [&header[..], &[0x86, 0xDD], &[0; 40]].concat();
    assert_eq!(
        line(&frame),
        "02:00:00:00:00:02 > 02:00:00:00:00:01, ethertype IPv6 (0x86dd), length 54"
    );
    let frame = [&header[..], &[0x12, 0x34]].concat();
    assert_eq!(
        line(&frame),
        "02:00:00:00:00:02 > 02:00:00:00:00:01, ethertype Unknown (0x1234), length 14"
    );
    let frame = [&header[..], &[0, 38], &[0; 46]].concat();
    assert_eq!(
        line(&frame),
        "02:00:00:00:00:02 > 02:00:00:00:00:01, 802.3, length 60"
    );
}
