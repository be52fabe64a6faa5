//! IPv4 (RFC 791, RFC 1122 section 3): checks what comes in, finds the way of
//! what goes out.

mod fragment;
mod identification;
mod input;
mod last_path;
mod loopback;
mod output;
pub(crate) mod route;
#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;

use ndis::packet::Packet;

use crate::configuration::StackConfiguration;
use crate::random::Random;
use crate::stack::Queue;
use crate::stack::interface::InterfaceId;
use crate::wire::icmpv4;
use crate::wire::ipv4::{self, protocol};
use identification::Identification;
use last_path::LastPath;
pub(crate) use output::{NextHop, SendOptions};
pub use route::{Route, RouteInformation};

/// The time to live of datagrams whose sender doesn't ask for another one; the
/// default of TDI's address objects.
pub const DEFAULT_TIME_TO_LIVE: u8 = 128;

/// What all layers together read of a datagram in one piece: its own header,
/// that of ICMP, the header of a quoted datagram, and 8 bytes of its payload.
pub(crate) const READ_IN_ONE_PIECE: usize =
    2 * ipv4::MAXIMUM_HEADER_LENGTH + icmpv4::HEADER_LENGTH + 8;

/// The group of all hosts, to which every interface belongs (RFC 1112 section
/// 4).
pub const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

executive::counters! {
    /// What became of the datagrams.
    pub struct IpCounters {
        /// Datagrams taken in.
        received,
        /// Datagrams given to a protocol.
        delivered,
        /// Dropped: no buffer to have the headers in one piece.
        dropped_no_buffer,
        /// Dropped: fewer bytes than a header has.
        dropped_too_short,
        /// Dropped: the version isn't 4.
        dropped_version,
        /// Dropped: the header length is less than 20 bytes or more than there
        /// is.
        dropped_header_length,
        /// Dropped: the header checksum is wrong.
        dropped_checksum,
        /// Dropped: the total length is less than the header's or more than
        /// there is.
        dropped_total_length,
        /// Dropped: no host can have the source address.
        dropped_source_martian,
        /// Dropped: the source is the broadcast address of the network, or the
        /// old form of that, its own address (RFC 1122 section 3.3.6).
        dropped_source_broadcast,
        /// Dropped: the source is an address of ours.
        dropped_source_ours,
        /// Dropped: a loopback address as the destination, off the loopback
        /// interface (RFC 1122 section 3.2.1.3 (g)).
        dropped_destination_loopback,
        /// Dropped: the destination is somebody else's.
        dropped_not_ours,
        /// Dropped: the destination is a group that we have not joined.
        dropped_not_joined,
        /// Dropped: one host's address in a frame to many stations (RFC 1122
        /// section 3.3.6).
        dropped_link_broadcast,
        /// Dropped: the interface has no address.
        dropped_no_address,
        /// Dropped: an option is malformed.
        dropped_options,
        /// Dropped: a source route.
        dropped_source_route,
        /// Dropped: a fragment.
        dropped_fragment,
        /// Dropped: nobody takes the protocol.
        dropped_protocol,
        /// Datagrams sent, or queued for a neighbour.
        sent,
        /// Datagrams sent by the loopback interface, and copies of what was
        /// sent to everybody or to a group of ours.
        looped_back,
        /// Not sent: no host can have the destination.
        unsent_destination,
        /// Not sent: from a loopback address to somebody else (RFC 1122 section
        /// 3.2.1.3 (g)).
        unsent_source_loopback,
        /// Not sent: no route.
        unsent_no_route,
        /// Not sent: longer than IP allows, or than the MTU of the way and not
        /// to be fragmented.
        unsent_too_long,
        /// Datagrams sent in fragments.
        fragmented,
        /// The fragments.
        fragments_sent,
        /// Not sent: no room in the queue of frames for all the fragments.
        unsent_fragments_full,
        /// Not sent: no buffer for the header.
        unsent_no_buffer,
        /// Not sent: too many datagrams to our own addresses wait.
        unsent_loopback_full,
        /// Copies for local receivers not made: no descriptor, or too many
        /// datagrams wait.
        dropped_loopback_copy,
    }
}

/// What a received datagram was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// An address of ours.
    Unicast,
    /// The limited or the network's broadcast address.
    Broadcast,
    /// A group that we belong to.
    Multicast,
}

/// A received datagram that passed all checks, and where it is in its packet,
/// whose first buffer has as much as [`READ_IN_ONE_PIECE`] of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram {
    /// Bytes of the packet in front of it: those of the frame's header.
    pub(crate) start: usize,
    /// Bytes of the header, options included.
    pub(crate) header_length: usize,
    /// Bytes of the payload.
    pub(crate) payload_length: usize,
    /// Who sent it.
    pub(crate) source: Ipv4Addr,
    /// What address it was sent to.
    pub(crate) destination: Ipv4Addr,
    /// Protocol number.
    pub(crate) protocol: u8,
    /// Where it came in; if that was the loopback interface, the one that has
    /// the source address.
    pub(crate) interface: InterfaceId,
    /// What it was sent to.
    pub(crate) delivery: Delivery,
}

impl Datagram {
    /// Bytes of header and payload.
    pub(crate) const fn length(&self) -> usize {
        self.header_length + self.payload_length
    }

    /// The packet without what lies in front of the datagram, and behind it
    /// (Ethernet's padding).
    pub(crate) fn cut(self, mut packet: Packet) -> Packet {
        packet.keep(self.start, self.length());
        packet
    }
}

/// The header of a datagram that passed all checks, with which `packet` begins.
pub(crate) fn header(packet: &Packet) -> Option<ipv4::Repr> {
    let view = ipv4::Packet::new_quoted(packet.data()).ok()?;
    Some(ipv4::Repr::parse(&view))
}

/// Who takes the datagrams of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receiver {
    /// Nobody but raw address objects.
    Nobody,
    Icmp,
    Udp,
}

/// Who takes each protocol (seed item 24).
static RECEIVERS: [Receiver; 256] = {
    let mut receivers = [Receiver::Nobody; 256];
    receivers[protocol::ICMP as usize] = Receiver::Icmp;
    receivers[protocol::UDP as usize] = Receiver::Udp;
    receivers
};

/// The state of this layer.
pub(crate) struct Ip {
    identification: Identification,
    pub(crate) last_path: LastPath,
    /// Datagrams on the loopback interface while no adapter is its link.
    pub(crate) loopback: Queue<Packet>,
}

impl Ip {
    pub(crate) fn new(configuration: &StackConfiguration, random: &mut Random) -> Self {
        Self {
            identification: Identification::new(random),
            last_path: LastPath::default(),
            loopback: Queue::new(configuration.loopback_packets),
        }
    }
}

/// Whether we belong to a group: to that of all hosts only.
pub(crate) fn is_joined(group: Ipv4Addr) -> bool {
    group == ALL_HOSTS
}

/// Whether one host can have `address` (RFC 1122 section 3.2.1.3): neither
/// this network (0/8), nor a group, nor class E with the limited broadcast
/// address. Loopback addresses are hosts' too, but never on the wire.
pub(crate) const fn is_host(address: Ipv4Addr) -> bool {
    !matches!(address.octets()[0], 0 | 224..)
}
