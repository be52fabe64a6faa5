//! Frames for the guest, built by etherparse.

use super::{BROADCAST, FIRST, GUEST, HardwareAddress, Station};
use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, IpHeaders, PacketBuilder, PacketBuilderStep,
};
use std::fmt;
use std::net::Ipv4Addr;

/// The time to live of the peer's datagrams.
const TIME_TO_LIVE: u8 = 64;

/// The hardware address of a host on the peer's side, as QEMU's user networking forms it.
pub fn hardware_of(address: Ipv4Addr) -> HardwareAddress {
    let [a, b, c, d] = address.octets();
    [0x52, 0x55, a, b, c, d]
}

/// A question for the guest's hardware address.
pub fn arp_request(from: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::REQUEST, from, BROADCAST, ([0; 6], GUEST))
}

/// The answer that `from` has its hardware address.
pub fn arp_reply(from: Ipv4Addr, to: (HardwareAddress, Ipv4Addr)) -> Vec<u8> {
    arp(ArpOperation::REPLY, from, to.0, to)
}

/// An ARP packet from a host on the peer's side.
///
/// # Panics
/// Never: the address lengths fit the protocol.
pub fn arp(
    operation: ArpOperation,
    from: Ipv4Addr,
    destination: HardwareAddress,
    target: (HardwareAddress, Ipv4Addr),
) -> Vec<u8> {
    let source = hardware_of(from);
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        &source,
        &from.octets(),
        &target.0,
        &target.1.octets(),
    );
    let builder = PacketBuilder::ethernet2(source, destination)
        .arp(packet.expect("lengths of Ethernet and IPv4"));
    let mut frame = Vec::with_capacity(builder.size());
    builder
        .write(&mut frame)
        .expect("a vector takes every byte");
    frame
}

/// An ICMP echo request to the guest.
pub fn echo_request(from: Ipv4Addr, identifier: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    FIRST.echo_request(from, identifier, sequence, payload)
}

/// An ICMP echo reply to the guest.
pub fn echo_reply(from: Ipv4Addr, identifier: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    FIRST.echo_reply(from, identifier, sequence, payload)
}

/// A UDP datagram to the guest.
pub fn udp(from: (Ipv4Addr, u16), destination_port: u16, payload: &[u8]) -> Vec<u8> {
    FIRST.udp(from, destination_port, payload)
}

impl Station {
    /// An ICMP echo request to this card.
    pub fn echo_request(
        &self,
        from: Ipv4Addr,
        identifier: u16,
        sequence: u16,
        payload: &[u8],
    ) -> Vec<u8> {
        let builder = self.ip(from).icmpv4_echo_request(identifier, sequence);
        written(|frame| builder.write(frame, payload))
    }

    /// An ICMP echo reply to this card.
    pub fn echo_reply(
        &self,
        from: Ipv4Addr,
        identifier: u16,
        sequence: u16,
        payload: &[u8],
    ) -> Vec<u8> {
        let builder = self.ip(from).icmpv4_echo_reply(identifier, sequence);
        written(|frame| builder.write(frame, payload))
    }

    /// A UDP datagram to this card.
    pub fn udp(&self, from: (Ipv4Addr, u16), destination_port: u16, payload: &[u8]) -> Vec<u8> {
        let builder = self.ip(from.0).udp(from.1, destination_port);
        written(|frame| builder.write(frame, payload))
    }

    fn ip(&self, from: Ipv4Addr) -> PacketBuilderStep<IpHeaders> {
        PacketBuilder::ethernet2(hardware_of(from), self.hardware).ipv4(
            from.octets(),
            self.address.octets(),
            TIME_TO_LIVE,
        )
    }
}

/// What a builder writes.
///
/// # Panics
/// For a payload that no datagram can hold.
pub fn written<E: fmt::Debug>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut frame = Vec::new();
    write(&mut frame).expect("a payload that fits a datagram");
    frame
}
