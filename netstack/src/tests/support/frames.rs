//! Frames of the peer, made by etherparse.

use super::{EVERYBODY, OUR_HARDWARE, OUR_IP, PEER_HARDWARE, PEER_IP};
use std::vec::Vec;

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, IpHeaders, IpNumber, Ipv4Header,
    PacketBuilder,
};
use smoltcp::wire as peer;

/// An ARP request of `hardware` at `sender` for `target`, to everybody.
pub(crate) fn arp_request(hardware: [u8; 6], sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let message = arp(ArpOperation::REQUEST, (hardware, sender), ([0; 6], target));
    arp_frame(hardware, EVERYBODY, message)
}

/// The answer of `hardware` at `sender` to us.
pub(crate) fn arp_reply(hardware: [u8; 6], sender: [u8; 4]) -> Vec<u8> {
    let ours = (OUR_HARDWARE, OUR_IP);
    let message = arp(ArpOperation::REPLY, (hardware, sender), ours);
    arp_frame(hardware, OUR_HARDWARE, message)
}

pub(crate) fn arp(
    operation: ArpOperation,
    sender: ([u8; 6], [u8; 4]),
    target: ([u8; 6], [u8; 4]),
) -> ArpPacket {
    ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        &sender.0,
        &sender.1,
        &target.0,
        &target.1,
    )
    .expect("an ARP message")
}

pub(crate) fn arp_frame(from: [u8; 6], to: [u8; 6], message: ArpPacket) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(from, to)
        .arp(message)
        .write(&mut frame)
        .expect("a frame");
    frame
}

/// A UDP datagram of the peer to us.
pub(crate) fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    udp_between((PEER_IP, from), (OUR_IP, to), payload)
}

pub(crate) fn udp_between(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    udp_frame(OUR_HARDWARE, from, to, payload)
}

pub(crate) fn udp_frame(
    hardware: [u8; 6],
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PEER_HARDWARE, hardware)
        .ipv4(from.0, to.0, 64)
        .udp(from.1, to.1)
        .write(&mut frame, payload)
        .expect("a frame");
    frame
}

/// An echo request of the peer to us.
pub(crate) fn echo_request(identifier: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    icmp(
        etherparse::Icmpv4Type::EchoRequest(etherparse::IcmpEchoHeader {
            id: identifier,
            seq: sequence,
        }),
        payload,
    )
}

/// An ICMP message of the peer to us.
pub(crate) fn icmp(message: etherparse::Icmpv4Type, payload: &[u8]) -> Vec<u8> {
    icmp_frame(OUR_HARDWARE, (PEER_IP, OUR_IP), message, payload)
}

pub(crate) fn icmp_frame(
    hardware: [u8; 6],
    (from, to): ([u8; 4], [u8; 4]),
    message: etherparse::Icmpv4Type,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PEER_HARDWARE, hardware)
        .ipv4(from, to, 64)
        .icmpv4(message)
        .write(&mut frame, payload)
        .expect("a frame");
    frame
}

/// A datagram of the peer to us with any header.
pub(crate) fn ip(
    protocol: u8,
    options: &[u8],
    payload: &[u8],
    change: impl FnOnce(&mut Ipv4Header),
) -> Vec<u8> {
    let mut header = Ipv4Header::new(
        payload.len() as u16,
        64,
        IpNumber(protocol),
        PEER_IP,
        OUR_IP,
    )
    .expect("a header");
    header.options = options.try_into().expect("options");
    header
        .set_payload_len(payload.len())
        .expect("a payload that fits");
    change(&mut header);
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PEER_HARDWARE, OUR_HARDWARE)
        .ip(IpHeaders::Ipv4(
            header,
            etherparse::Ipv4Extensions::default(),
        ))
        .write(&mut frame, IpNumber(protocol), payload)
        .expect("a frame");
    frame
}

/// Corrects the checksum of a frame's IP header after a change.
pub(crate) fn fix_ip_checksum(frame: &mut [u8]) {
    let mut packet = peer::Ipv4Packet::new_unchecked(&mut frame[14..]);
    packet.fill_checksum();
}
