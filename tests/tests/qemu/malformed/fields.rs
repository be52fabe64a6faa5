//! Every field of every header, wrong on its own.

use super::{IP, PORT, TRANSPORT, arp, echo, repair, udp};
use crate::quiet::{Level, drops};
use crate::wire::boot;
use etherparse::PacketBuilder;
use std::net::Ipv4Addr;
use tests::peer::{self, BROADCAST, GATEWAY, GUEST, GUEST_HARDWARE, HardwareAddress};
use tests::report::Counters;

const DESTINATION: usize = 0;
const SOURCE: usize = 6;
const ETHER_TYPE: usize = 12;

const ARP: usize = 14;
const HARDWARE_TYPE: usize = ARP;
const PROTOCOL_TYPE: usize = ARP + 2;
const HARDWARE_LENGTH: usize = ARP + 4;
const PROTOCOL_LENGTH: usize = ARP + 5;
const OPERATION: usize = ARP + 6;
const SENDER_HARDWARE: usize = ARP + 8;
const SENDER: usize = ARP + 14;

const VERSION_AND_LENGTH: usize = IP;
const TOTAL_LENGTH: usize = IP + 2;
const FRAGMENT: usize = IP + 6;
const PROTOCOL: usize = IP + 9;
const HEADER_CHECKSUM: usize = IP + 10;
const IP_SOURCE: usize = IP + 12;
const IP_DESTINATION: usize = IP + 16;

const ICMP_CHECKSUM: usize = TRANSPORT + 2;
const UDP_LENGTH: usize = TRANSPORT + 4;
const UDP_CHECKSUM: usize = TRANSPORT + 6;
const PAYLOAD: usize = TRANSPORT + 8;

/// The hardware address of the group 224.0.0.1.
const GROUP: HardwareAddress = [0x01, 0, 0x5e, 0, 0, 1];
const NOBODY: HardwareAddress = [0; 6];

/// Changes one field and leaves the rest as it is.
fn with(mut frame: Vec<u8>, offset: usize, bytes: &[u8]) -> Vec<u8> {
    frame[offset..offset + bytes.len()].copy_from_slice(bytes);
    frame
}

/// Changes a field of the IPv4 header and puts its checksum right again, so that the field alone is wrong.
fn with_ip(frame: Vec<u8>, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = with(frame, offset, bytes);
    repair(&mut frame);
    frame
}

/// A UDP datagram with options in the IPv4 header, a multiple of four bytes.
fn options(options: &[u8]) -> Vec<u8> {
    let mut frame = udp();
    frame.splice(TRANSPORT..TRANSPORT, options.iter().copied());
    let words = 5 + options.len() / 4;
    let total = (frame.len() - IP) as u16;
    let frame = with(frame, VERSION_AND_LENGTH, &[0x40 | words as u8]);
    with_ip(frame, TOTAL_LENGTH, &total.to_be_bytes())
}

/// Cuts the datagram so that this many bytes are left for ICMP or UDP.
fn cut(frame: Vec<u8>, bytes: u16) -> Vec<u8> {
    with_ip(frame, TOTAL_LENGTH, &(20 + bytes).to_be_bytes())
}

fn from(source: Ipv4Addr) -> Vec<u8> {
    with_ip(udp(), IP_SOURCE, &source.octets())
}

fn to(destination: Ipv4Addr) -> Vec<u8> {
    with_ip(udp(), IP_DESTINATION, &destination.octets())
}

/// Sends the frames of each reason and checks that this counter of drops grows by their number, and no other.
#[track_caller]
fn counted(cases: &[(&str, Vec<Vec<u8>>)]) {
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    for (reason, frames) in cases {
        let before = Counters::read(&mut machine.console);
        for frame in frames {
            peer.send(frame);
            peer.ping();
        }
        let grown = Counters::read(&mut machine.console).since(&before);
        let expected = [((*reason).to_owned(), frames.len() as u64)];
        assert_eq!(drops(&grown), expected, "all that has grown: {grown:?}");
    }
    level.comes_back(&mut machine.console);
    machine.power_off();
}

#[test]
fn seed_19_fields_of_ethernet() {
    let types = [[0x86, 0xdd], [0x81, 0x00], [0x08, 0x01], [0xff, 0xff]];
    let lengths = [[0, 0], [0, 46], [0x05, 0xdc]];
    let sources = [BROADCAST, GROUP, NOBODY];
    counted(&[
        (
            "ndis.dropped_not_accepted",
            types.map(|bytes| with(udp(), ETHER_TYPE, &bytes)).to_vec(),
        ),
        (
            "ndis.dropped_not_accepted",
            lengths
                .map(|bytes| with(udp(), ETHER_TYPE, &bytes))
                .to_vec(),
        ),
        (
            "ethernet.dropped_source",
            sources.map(|bytes| with(udp(), SOURCE, &bytes)).to_vec(),
        ),
    ]);
}

#[test]
fn rfc826_fields_of_arp() {
    let elsewhere = [
        [255; 4],
        [10, 0, 2, 255],
        [10, 0, 2, 0],
        [224, 0, 0, 1],
        [192, 0, 2, 1],
        [127, 0, 0, 1],
    ];
    counted(&[
        (
            "arp.dropped_hardware_type",
            vec![
                with(arp(), HARDWARE_TYPE, &[0, 0]),
                with(arp(), HARDWARE_TYPE, &[0, 6]),
                with(arp(), HARDWARE_LENGTH, &[0]),
                with(arp(), HARDWARE_LENGTH, &[5]),
                with(arp(), HARDWARE_LENGTH, &[255]),
            ],
        ),
        (
            "arp.dropped_protocol_type",
            vec![
                with(arp(), PROTOCOL_TYPE, &[0x86, 0xdd]),
                with(arp(), PROTOCOL_TYPE, &[0, 0]),
                with(arp(), PROTOCOL_LENGTH, &[0]),
                with(arp(), PROTOCOL_LENGTH, &[16]),
            ],
        ),
        (
            "arp.dropped_operation",
            [[0, 0], [0, 3], [1, 1], [255, 255]]
                .map(|bytes| with(arp(), OPERATION, &bytes))
                .to_vec(),
        ),
        (
            "arp.dropped_sender_hardware",
            [BROADCAST, GROUP, NOBODY]
                .map(|bytes| with(arp(), SENDER_HARDWARE, &bytes))
                .to_vec(),
        ),
        (
            "arp.dropped_sender_address",
            elsewhere.map(|bytes| with(arp(), SENDER, &bytes)).to_vec(),
        ),
    ]);
}

#[test]
fn seed_22_header_of_ip() {
    let versions = [0x05, 0x15, 0x35, 0x55, 0x65, 0xf5];
    counted(&[
        (
            "ip.dropped_version",
            versions
                .map(|byte| with_ip(udp(), VERSION_AND_LENGTH, &[byte]))
                .to_vec(),
        ),
        (
            "ip.dropped_header_length",
            vec![
                with(udp(), VERSION_AND_LENGTH, &[0x40]),
                with(udp(), VERSION_AND_LENGTH, &[0x44]),
                // Fifteen words are more than a frame of the least size has.
                with(udp()[..60].to_vec(), VERSION_AND_LENGTH, &[0x4f]),
            ],
        ),
        (
            "ip.dropped_checksum",
            vec![
                with(udp(), HEADER_CHECKSUM, &[0x12, 0x34]),
                with(udp(), PROTOCOL, &[1]),
            ],
        ),
        (
            "ip.dropped_total_length",
            // The datagram has 228 bytes.
            [0_u16, 19, 229, 1500, 65535]
                .map(|bytes| with_ip(udp(), TOTAL_LENGTH, &bytes.to_be_bytes()))
                .to_vec(),
        ),
        (
            "ip.dropped_protocol",
            [0, 2, 253, 255]
                .map(|byte| with_ip(udp(), PROTOCOL, &[byte]))
                .to_vec(),
        ),
        (
            "ip.dropped_fragment",
            // More fragments; an offset; both; an offset that leads beyond 65535.
            [[0x20, 0], [0, 8], [0x20, 8], [0x1f, 0xff]]
                .map(|bytes| with_ip(udp(), FRAGMENT, &bytes))
                .to_vec(),
        ),
    ]);
}

#[test]
fn rfc1122_3_2_1_3_addresses_of_ip() {
    let martians = [
        [0; 4],
        [255; 4],
        [224, 0, 0, 1],
        [240, 0, 0, 1],
        [127, 0, 0, 1],
    ];
    let others = [[10, 0, 2, 16], [0; 4], [192, 0, 2, 1]];
    counted(&[
        (
            "ip.dropped_source_martian",
            martians.map(|bytes| from(bytes.into())).to_vec(),
        ),
        (
            "ip.dropped_source_broadcast",
            [[10, 0, 2, 255], [10, 0, 2, 0]]
                .map(|bytes| from(bytes.into()))
                .to_vec(),
        ),
        ("ip.dropped_source_ours", vec![from(GUEST)]),
        (
            "ip.dropped_not_ours",
            others.map(|bytes| to(bytes.into())).to_vec(),
        ),
        (
            "ip.dropped_destination_loopback",
            vec![
                to(Ipv4Addr::LOCALHOST),
                to(Ipv4Addr::new(127, 255, 255, 255)),
            ],
        ),
        (
            "ip.dropped_not_joined",
            vec![to(Ipv4Addr::new(224, 0, 0, 5))],
        ),
        (
            "ip.dropped_link_broadcast",
            vec![with(udp(), DESTINATION, &BROADCAST)],
        ),
    ]);
}

#[test]
fn rfc791_options_of_ip() {
    let malformed = [[7, 0, 0, 0], [7, 1, 0, 0], [7, 5, 0, 0], [1, 1, 1, 7]];
    let routes = [131, 137].map(|kind| [kind, 7, 4, 10, 0, 2, 3, 0]);
    counted(&[
        (
            "ip.dropped_options",
            malformed.map(|bytes| options(&bytes)).to_vec(),
        ),
        (
            "ip.dropped_source_route",
            routes.map(|bytes| options(&bytes)).to_vec(),
        ),
    ]);
}

/// An ICMP message of any kind, with the right checksum.
fn icmp(kind: u8, code: u8, rest: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(peer::hardware_of(GATEWAY), GUEST_HARDWARE)
        .ipv4(GATEWAY.octets(), GUEST.octets(), 64)
        .icmpv4_raw(kind, code, rest);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).expect("a small payload");
    frame
}

#[test]
fn rfc792_fields_of_icmp() {
    const UNREACHABLE: u8 = 3;
    const PORT_UNREACHABLE: u8 = 3;
    // The datagram in question, from the guest to a port that it never sent to.
    let mut quoted = udp()[IP..IP + 28].to_vec();
    quoted[12..16].copy_from_slice(&GUEST.octets());
    quoted[16..20].copy_from_slice(&GATEWAY.octets());
    counted(&[
        (
            "icmp.dropped_checksum",
            vec![
                with(echo(), ICMP_CHECKSUM, &[1, 2]),
                with(echo(), PAYLOAD + 100, &[0]),
                cut(echo(), 100),
                cut(echo(), 0),
                cut(echo(), 7),
            ],
        ),
        // Four bytes whose checksum is right.
        (
            "icmp.dropped_too_short",
            vec![with(cut(echo(), 4), TRANSPORT, &[8, 0, 0xf7, 0xff])],
        ),
        (
            "icmp.dropped_type",
            [1, 2, 7, 42, 255]
                .map(|kind| icmp(kind, 0, [0; 4], &[0; 20]))
                .to_vec(),
        ),
        (
            "icmp.dropped_echo_unexpected",
            vec![peer::echo_reply(GATEWAY, 77, 1, b"unasked")],
        ),
        (
            "icmp.dropped_error_quote",
            [0, 19]
                .map(|length| icmp(UNREACHABLE, PORT_UNREACHABLE, [0; 4], &quoted[..length]))
                .to_vec(),
        ),
        (
            "icmp.dropped_error_unmatched",
            [27, 28]
                .map(|length| icmp(UNREACHABLE, PORT_UNREACHABLE, [0; 4], &quoted[..length]))
                .to_vec(),
        ),
    ]);
}

#[test]
fn rfc768_fields_of_udp() {
    let lengths = [0_u16, 7, 209, 65535];
    counted(&[
        (
            "udp.dropped_checksum",
            vec![
                with(udp(), UDP_CHECKSUM, &[1, 2]),
                with(udp(), PAYLOAD + 100, &[0]),
                // The checksum covers the addresses.
                from(Ipv4Addr::new(10, 0, 2, 3)),
            ],
        ),
        (
            "udp.dropped_length",
            lengths
                .map(|length| with(udp(), UDP_LENGTH, &length.to_be_bytes()))
                .to_vec(),
        ),
        ("udp.dropped_too_short", vec![cut(udp(), 0), cut(udp(), 7)]),
        (
            "udp.dropped_port_zero",
            vec![peer::udp((GATEWAY, PORT), 0, b"nobody")],
        ),
        (
            "udp.dropped_no_port",
            vec![peer::udp((GATEWAY, PORT), 4999, b"nobody")],
        ),
    ]);
}
