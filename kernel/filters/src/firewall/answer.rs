//! The answer to a rejected frame: an ICMP error or a TCP reset.

use core::net::Ipv4Addr;

use ndis::Packet;
use ndis::packet::{HEADROOM, PacketPool};
use netstack::checksum::{Checksum, PayloadChecksum};
use netstack::wire::ethernet::{EtherType, HardwareAddress};
use netstack::wire::icmpv4::{message_type, unreachable};
use netstack::wire::ipv4::protocol;
use netstack::wire::tcp::Flags;
use netstack::wire::{ethernet, icmpv4, ipv4, tcp};

use super::subject::{Ip, Transport};

/// An ICMP error has at most this many bytes with its IP header (RFC 1812 section 4.3.2.3).
const MAXIMUM_ERROR: usize = 576;

/// The most bytes of a datagram that an error about it quotes.
const MAXIMUM_QUOTE: usize = MAXIMUM_ERROR - ipv4::HEADER_LENGTH - icmpv4::HEADER_LENGTH;

/// The usual time to live (the IANA registry of IP parameters).
const TIME_TO_LIVE: u8 = 64;

/// What is to be said about a rejected datagram, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    frame: ethernet::Repr,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    pub(super) message: Message,
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// "Destination unreachable" with this code.
    Unreachable { code: u8 },
    /// A TCP segment that resets the connection.
    Reset(tcp::Repr),
}

impl Answer {
    /// The answer to a datagram in a frame; `None` if there must not be one.
    pub(super) fn to(packet: &Packet, ip: &Ip) -> Option<Self> {
        let frame = Self::frame_to(packet)?;
        // All zeros are the addresses on the loopback medium, where 127/8 is as good as any.
        let is_loopback = frame.destination == HardwareAddress::default();
        let header = &ip.header;
        let has_ends = is_single_host(header.source, is_loopback)
            && is_single_host(header.destination, is_loopback);
        if !has_ends || ip.is_later_fragment() {
            return None;
        }
        Some(Self {
            frame,
            // For what the own protocols sent too: they drop datagrams from below whose source is
            // this host.
            source: header.destination,
            destination: header.source,
            message: Message::about(packet, ip)?,
        })
    }

    /// The way back of a frame; `None` if it was for more than one station.
    fn frame_to(packet: &Packet) -> Option<ethernet::Repr> {
        let mut header = [0; ethernet::HEADER_LENGTH];
        packet.copy_to(0, &mut header);
        let frame = ethernet::Packet::new_checked(&header).ok()?;
        let (source, destination) = (frame.source(), frame.destination());
        let nobody = HardwareAddress::default();
        let is_loopback = source == nobody && destination == nobody;
        let are_stations = ethernet::is_station(source) && ethernet::is_station(destination);
        (is_loopback || are_stations).then_some(ethernet::Repr {
            destination: source,
            source: destination,
            ether_type: EtherType::IPV4,
        })
    }

    /// The answer as a frame; `None` if no packet can be had.
    pub(super) fn build(
        &self,
        rejected: &Packet,
        ip: &Ip,
        pool: &'static PacketPool,
    ) -> Option<Packet> {
        let mut packet = pool.allocate(HEADROOM)?;
        let protocol = match &self.message {
            Message::Unreachable { code } => {
                let length = (ip.header_length + ip.header.payload_length).min(MAXIMUM_QUOTE);
                let quote = packet.append(length)?;
                rejected.copy_to(ethernet::HEADER_LENGTH, quote);
                let mut header = [0; icmpv4::HEADER_LENGTH];
                let unreachable = message_type::DESTINATION_UNREACHABLE;
                icmpv4::emit_error(&mut header, unreachable, *code, quote);
                packet.prepend(header.len())?.copy_from_slice(&header);
                protocol::ICMP
            }
            Message::Reset(segment) => {
                let header = packet.append(tcp::HEADER_LENGTH)?.first_chunk_mut()?;
                let no_data = PayloadChecksum::new();
                segment.emit(header, self.source, self.destination, no_data);
                protocol::TCP
            }
        };
        let header = ipv4::Repr {
            type_of_service: 0,
            // An atomic datagram, whose identification means nothing (RFC 6864 section 4.1).
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            time_to_live: TIME_TO_LIVE,
            protocol,
            source: self.source,
            destination: self.destination,
            payload_length: packet.len(),
        };
        header.emit(packet.prepend(ipv4::HEADER_LENGTH)?.first_chunk_mut()?);
        self.frame
            .emit(packet.prepend(ethernet::HEADER_LENGTH)?.first_chunk_mut()?);
        Some(packet)
    }
}

impl Message {
    /// What is to be said about a datagram or its first fragment; `None` for nothing.
    fn about(packet: &Packet, ip: &Ip) -> Option<Self> {
        let whole = !ip.header.more_fragments;
        match ip.transport {
            // The length of a segment in fragments is not known, nor is its checksum.
            Transport::Tcp {
                segment,
                header_length,
            } => {
                let data = ip.header.payload_length.checked_sub(header_length)?;
                let reset = reset(&segment, data)?;
                (whole && checksum_is_right(packet, ip)).then_some(Self::Reset(reset))
            }
            Transport::Udp { has_checksum, .. } => {
                let verified = !(whole && has_checksum) || checksum_is_right(packet, ip);
                verified.then_some(Self::Unreachable {
                    code: unreachable::PORT,
                })
            }
            Transport::Icmp { message_type } if icmpv4::is_error(message_type) => None,
            Transport::Icmp { .. } | Transport::Other => Some(Self::Unreachable {
                code: unreachable::COMMUNICATION_PROHIBITED,
            }),
        }
    }
}

/// The reset for a segment with `data` bytes that belongs to no connection (RFC 9293 section
/// 3.10.7.1); `None` for a reset.
fn reset(segment: &tcp::Repr, data: usize) -> Option<tcp::Repr> {
    if segment.flags.contains(Flags::RST) {
        return None;
    }
    let (sequence, acknowledgment, flags) = if segment.flags.contains(Flags::ACK) {
        (segment.acknowledgment, 0, Flags::RST)
    } else {
        let takes_a_number = |flag| u32::from(segment.flags.contains(flag));
        let length = data as u32 + takes_a_number(Flags::SYN) + takes_a_number(Flags::FIN);
        let next = segment.sequence.wrapping_add(length);
        (0, next, Flags::RST | Flags::ACK)
    };
    Some(tcp::Repr {
        source_port: segment.destination_port,
        destination_port: segment.source_port,
        sequence,
        acknowledgment,
        flags,
        window: 0,
        urgent: 0,
    })
}

/// Whether the checksum of a whole UDP datagram or TCP segment is right: another one may have
/// come from somebody else.
fn checksum_is_right(packet: &Packet, ip: &Ip) -> bool {
    let header = &ip.header;
    let length = header.payload_length;
    let (source, destination) = (header.source, header.destination);
    let mut checksum = Checksum::pseudo_header(source, destination, header.protocol, length as u16);
    // What follows the payload is padding.
    let (mut skip, mut left) = (ip.payload_offset(), length);
    for bytes in packet.segments() {
        let here = bytes.get(skip..).unwrap_or_default();
        skip = skip.saturating_sub(bytes.len());
        let here = here.get(..left).unwrap_or(here);
        checksum.add_bytes(here);
        left -= here.len();
    }
    checksum.is_valid()
}

/// Whether an address is that of one host that can be answered (RFC 1122 section 3.2.2).
const fn is_single_host(address: Ipv4Addr, is_loopback_medium: bool) -> bool {
    /// Class E, with the limited broadcast address in it.
    const RESERVED: u8 = 240;
    address.octets()[0] != 0
        && (is_loopback_medium || !address.is_loopback())
        && !address.is_multicast()
        && address.octets()[0] < RESERVED
}
