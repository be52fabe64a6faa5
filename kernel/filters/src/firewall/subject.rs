//! What rules look at, taken from a frame.

use core::net::Ipv4Addr;

use ndis::Packet;
use netstack::wire::ethernet::EtherType;
use netstack::wire::ipv4::protocol;
use netstack::wire::{arp, ethernet, icmpv4, ipv4, tcp, udp};

/// The most bytes of headers that are looked at: Ethernet, IPv4 and TCP, both with all options.
const HEADERS: usize =
    ethernet::HEADER_LENGTH + ipv4::MAXIMUM_HEADER_LENGTH + tcp::MAXIMUM_HEADER_LENGTH;

/// A frame as rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// IPv4.
    Ip(Ip),
    /// ARP, with its protocol addresses.
    Arp {
        /// The sender's.
        sender: Ipv4Addr,
        /// The target's.
        target: Ipv4Addr,
    },
    /// Any other EtherType, or an IEEE 802.3 length.
    Other,
}

/// An IPv4 datagram or a fragment of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ip {
    pub(super) header: ipv4::Repr,
    /// Bytes of the header, options included.
    pub(super) header_length: usize,
    pub(super) transport: Transport,
}

impl Ip {
    /// Where the datagram's payload begins in the frame.
    pub(super) const fn payload_offset(&self) -> usize {
        ethernet::HEADER_LENGTH + self.header_length
    }

    /// Whether this is a fragment other than the first.
    pub(super) const fn is_later_fragment(&self) -> bool {
        self.header.fragment_offset != 0
    }

    /// Source and destination port, if it has a UDP or TCP header.
    pub(super) const fn ports(&self) -> Option<(u16, u16)> {
        match self.transport {
            Transport::Udp { ports, .. } => Some(ports),
            Transport::Tcp { segment, .. } => Some((segment.source_port, segment.destination_port)),
            Transport::Icmp { .. } | Transport::Other => None,
        }
    }
}

/// What is in a datagram, as its transport header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// An ICMP message.
    Icmp { message_type: u8 },
    /// A UDP datagram.
    Udp {
        /// Source and destination.
        ports: (u16, u16),
        has_checksum: bool,
    },
    /// A TCP segment.
    Tcp {
        segment: tcp::Repr,
        /// Bytes of its header, options included.
        header_length: usize,
    },
    /// Another protocol, or a fragment without the header.
    Other,
}

/// What is wrong with a frame's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Shorter than an Ethernet header.
    Ethernet,
    /// ARP, but not for IPv4 over Ethernet, or cut off.
    Arp,
    /// An IPv4 header that is cut off, inconsistent or has a wrong checksum.
    Ip,
    /// An ICMP, UDP or TCP header that is cut off or inconsistent.
    Transport,
    /// A fragment that hides its transport header from filters: the first has not all of it, or a
    /// later one would overwrite TCP's control bits (RFC 1858 section 3, RFC 3128).
    TinyFragment,
}

impl Subject {
    /// Takes a frame to pieces.
    pub(super) fn of(packet: &Packet) -> Result<Self, Malformed> {
        let mut copy;
        let bytes = if packet.data().len() >= packet.len().min(HEADERS) {
            packet.data()
        } else {
            copy = [0; HEADERS];
            let length = packet.copy_to(0, &mut copy);
            copy.get(..length).unwrap_or_default()
        };
        let frame = match ethernet::Packet::new_checked(bytes) {
            Ok(frame) => frame,
            Err(ethernet::Error::TooShort) => return Err(Malformed::Ethernet),
            Err(ethernet::Error::Length) => return Ok(Self::Other),
        };
        match frame.ether_type() {
            EtherType::ARP => {
                let message =
                    arp::Packet::new_checked(frame.payload()).map_err(|_| Malformed::Arp)?;
                Ok(Self::Arp {
                    sender: message.sender_protocol(),
                    target: message.target_protocol(),
                })
            }
            EtherType::IPV4 => {
                let available = packet.len().saturating_sub(ethernet::HEADER_LENGTH);
                of_datagram(frame.payload(), available).map(Self::Ip)
            }
            _ => Ok(Self::Other),
        }
    }
}

fn of_datagram(bytes: &[u8], available: usize) -> Result<Ip, Malformed> {
    let datagram = ipv4::Packet::new_checked(bytes, available).map_err(|_| Malformed::Ip)?;
    let header = ipv4::Repr::parse(&datagram);
    Ok(Ip {
        transport: transport(&header, datagram.payload())?,
        header_length: datagram.header_length(),
        header,
    })
}

/// The transport header at the start of a datagram's `payload`.
fn transport(header: &ipv4::Repr, payload: &[u8]) -> Result<Transport, Malformed> {
    if header.fragment_offset != 0 {
        // The eight bytes that begin with TCP's acknowledgment number and have its control bits.
        let hides = header.protocol == protocol::TCP && header.fragment_offset == 8;
        return if hides {
            Err(Malformed::TinyFragment)
        } else {
            Ok(Transport::Other)
        };
    }
    let transport = match header.protocol {
        protocol::ICMP => of_icmp(payload),
        // A first fragment has less than the length that its UDP header tells.
        protocol::UDP if header.more_fragments => of_udp(payload, usize::MAX),
        protocol::UDP => of_udp(payload, header.payload_length),
        protocol::TCP => of_tcp(payload),
        _ => Some(Transport::Other),
    };
    transport.ok_or(if header.more_fragments {
        Malformed::TinyFragment
    } else {
        Malformed::Transport
    })
}

fn of_icmp(payload: &[u8]) -> Option<Transport> {
    let message = icmpv4::Packet::new_checked(payload).ok()?;
    Some(Transport::Icmp {
        message_type: message.message_type(),
    })
}

fn of_udp(payload: &[u8], available: usize) -> Option<Transport> {
    let datagram = udp::Packet::new_checked(payload, available).ok()?;
    Some(Transport::Udp {
        ports: (datagram.source_port(), datagram.destination_port()),
        has_checksum: datagram.has_checksum(),
    })
}

fn of_tcp(payload: &[u8]) -> Option<Transport> {
    let segment = tcp::Packet::new_checked(payload).ok()?;
    Some(Transport::Tcp {
        segment: tcp::Repr::parse(&segment),
        header_length: segment.header_length(),
    })
}
