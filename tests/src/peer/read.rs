//! Frames from the guest, read by smoltcp.

use super::{GUEST_HARDWARE, HardwareAddress};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Icmpv4DstUnreachable,
    Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};
use std::net::Ipv4Addr;

/// What came from the guest, after every length and checksum was found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// An ARP packet.
    Arp {
        /// Request or reply.
        operation: ArpOperation,
        /// Who sends it.
        source: (HardwareAddress, Ipv4Addr),
        /// Whom it is for or about.
        target: (HardwareAddress, Ipv4Addr),
        /// The frame's destination.
        destination: HardwareAddress,
    },
    /// An ICMP echo request.
    EchoRequest {
        /// Who sends it.
        source: Ipv4Addr,
        /// Identifier.
        identifier: u16,
        /// Sequence number.
        sequence: u16,
        /// The data to be returned.
        payload: Vec<u8>,
    },
    /// An ICMP echo reply.
    EchoReply {
        /// Whom it is for.
        destination: Ipv4Addr,
        /// Identifier.
        identifier: u16,
        /// Sequence number.
        sequence: u16,
        /// The data returned.
        payload: Vec<u8>,
    },
    /// An ICMP destination unreachable message.
    Unreachable {
        /// Whom it is for.
        destination: Ipv4Addr,
        /// Its code.
        reason: Icmpv4DstUnreachable,
        /// The payload of the datagram in question, as far as it is quoted.
        quoted: Vec<u8>,
    },
    /// A UDP datagram.
    Udp {
        /// Whom it is for.
        destination: (Ipv4Addr, u16),
        /// The port it comes from.
        source_port: u16,
        /// Its data.
        payload: Vec<u8>,
    },
    /// Something else, well formed or not.
    Other(String),
}

/// Reads a frame from the guest; what is not right in it becomes [`Message::Other`] with the reason.
pub fn read(frame: &[u8]) -> Message {
    read_from(GUEST_HARDWARE, frame)
}

/// [`read()`] for another card of the guest.
pub fn read_from(station: HardwareAddress, frame: &[u8]) -> Message {
    read_frame(station, frame)
        .unwrap_or_else(|reason| Message::Other(format!("{reason}: {frame:02x?}")))
}

fn read_frame(station: HardwareAddress, bytes: &[u8]) -> Result<Message, String> {
    let frame = EthernetFrame::new_checked(bytes).map_err(|_| "short frame")?;
    if bytes.len() < 60 {
        return Err(format!(
            "a frame of {} bytes, below Ethernet's minimum",
            bytes.len()
        ));
    }
    if frame.src_addr().0 != station {
        return Err(format!("a frame from {}", frame.src_addr()));
    }
    match frame.ethertype() {
        EthernetProtocol::Arp => read_arp(frame.payload(), frame.dst_addr().0),
        EthernetProtocol::Ipv4 => read_ipv4(frame.payload()),
        other => Err(format!("EtherType {other}")),
    }
}

fn read_arp(bytes: &[u8], destination: HardwareAddress) -> Result<Message, String> {
    let packet = ArpPacket::new_checked(bytes).map_err(|_| "short ARP packet")?;
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_hardware_addr,
        target_protocol_addr,
    } = ArpRepr::parse(&packet).map_err(|_| "bad ARP packet")?
    else {
        return Err("another kind of ARP packet".into());
    };
    Ok(Message::Arp {
        operation,
        source: (source_hardware_addr.0, source_protocol_addr),
        target: (target_hardware_addr.0, target_protocol_addr),
        destination,
    })
}

fn read_ipv4(bytes: &[u8]) -> Result<Message, String> {
    let packet = Ipv4Packet::new_checked(bytes).map_err(|_| "bad IPv4 packet")?;
    let header = Ipv4Repr::parse(&packet, &ChecksumCapabilities::default())
        .map_err(|_| "bad IPv4 header")?;
    if packet.more_frags() || packet.frag_offset() != 0 {
        return Err("a fragment".into());
    }
    match header.next_header {
        IpProtocol::Icmp => read_icmp(packet.payload(), &header),
        IpProtocol::Udp => read_udp(packet.payload(), &header),
        other => Err(format!("protocol {other}")),
    }
}

fn read_icmp(bytes: &[u8], header: &Ipv4Repr) -> Result<Message, String> {
    let packet = Icmpv4Packet::new_checked(bytes).map_err(|_| "short ICMP message")?;
    match Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default())
        .map_err(|_| "bad ICMP message")?
    {
        Icmpv4Repr::EchoRequest {
            ident,
            seq_no,
            data,
        } => Ok(Message::EchoRequest {
            source: header.src_addr,
            identifier: ident,
            sequence: seq_no,
            payload: data.to_vec(),
        }),
        Icmpv4Repr::EchoReply {
            ident,
            seq_no,
            data,
        } => Ok(Message::EchoReply {
            destination: header.dst_addr,
            identifier: ident,
            sequence: seq_no,
            payload: data.to_vec(),
        }),
        Icmpv4Repr::DstUnreachable { reason, data, .. } => Ok(Message::Unreachable {
            destination: header.dst_addr,
            reason,
            quoted: data.to_vec(),
        }),
        other => Err(format!("ICMP {other}")),
    }
}

fn read_udp(bytes: &[u8], header: &Ipv4Repr) -> Result<Message, String> {
    let packet = UdpPacket::new_checked(bytes).map_err(|_| "short UDP datagram")?;
    let repr = UdpRepr::parse(
        &packet,
        &header.src_addr.into(),
        &header.dst_addr.into(),
        &ChecksumCapabilities::default(),
    )
    .map_err(|_| "bad UDP datagram")?;
    Ok(Message::Udp {
        destination: (header.dst_addr, repr.dst_port),
        source_port: repr.src_port,
        payload: packet.payload().to_vec(),
    })
}
