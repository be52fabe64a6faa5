//! The smallest questions about a packet.

use core::fmt;
use core::net::Ipv4Addr;

use ndis::HardwareAddress;
use netstack::wire::ethernet::EtherType;
use netstack::wire::ipv4::protocol;

use super::Headers;

/// Which end of a packet's way is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Either.
    Either,
    /// Where it comes from.
    Source,
    /// Where it goes.
    Destination,
}

impl Side {
    /// Whether `is_it` is true of the end asked for.
    fn any<T: Copy>(self, ends: Option<(T, T)>, is_it: impl Fn(T) -> bool) -> bool {
        ends.is_some_and(|(source, destination)| match self {
            Self::Either => is_it(source) || is_it(destination),
            Self::Source => is_it(source),
            Self::Destination => is_it(destination),
        })
    }

    /// The word in front, with a blank behind it.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Either => "",
            Self::Source => "src ",
            Self::Destination => "dst ",
        }
    }
}

/// A question about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// Is it ARP?
    Arp,
    /// Is it IPv4?
    Ip,
    /// Is it an IPv4 datagram of this protocol: ICMP, IGMP, TCP or UDP?
    Protocol(u8),
    /// Has it this address?
    Host(Side, Ipv4Addr),
    /// Has it an address with these first bits?
    Net(Side, Ipv4Addr, u8),
    /// Has it this port?
    Port(Side, u16),
    /// Has it this hardware address?
    EtherHost(Side, HardwareAddress),
    /// Is it for every station?
    Broadcast,
    /// Is it for a group of stations, or for every one?
    Multicast,
    /// Has it at most so many bytes?
    Less(u32),
    /// Has it at least so many bytes?
    Greater(u32),
}

/// The bits of an address that a prefix of `length` bits leaves.
pub(super) fn network(address: Ipv4Addr, length: u8) -> Ipv4Addr {
    let mask = u32::MAX
        .checked_shl(32_u32.saturating_sub(length.into()))
        .unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

impl Primitive {
    /// The answer for a packet with these headers.
    pub fn matches(&self, headers: &Headers) -> bool {
        let is_of_type = |ether_type| headers.ether_type == Some(ether_type);
        let destination = headers.hardware.map(|(_, destination)| destination);
        match *self {
            Self::Arp => is_of_type(EtherType::ARP),
            Self::Ip => is_of_type(EtherType::IPV4),
            Self::Protocol(protocol) => headers.protocol == Some(protocol),
            Self::Host(side, address) => side.any(headers.addresses, |end| end == address),
            Self::Net(side, net, length) => {
                side.any(headers.addresses, |end| network(end, length) == net)
            }
            Self::Port(side, port) => side.any(headers.ports, |end| end == port),
            Self::EtherHost(side, address) => side.any(headers.hardware, |end| end == address),
            Self::Broadcast => destination.is_some_and(HardwareAddress::is_broadcast),
            Self::Multicast => destination.is_some_and(HardwareAddress::is_group),
            Self::Less(length) => headers.length <= length as usize,
            Self::Greater(length) => headers.length >= length as usize,
        }
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Arp => formatter.write_str("arp"),
            Self::Ip => formatter.write_str("ip"),
            Self::Protocol(protocol::ICMP) => formatter.write_str("icmp"),
            Self::Protocol(protocol::IGMP) => formatter.write_str("igmp"),
            Self::Protocol(protocol::TCP) => formatter.write_str("tcp"),
            Self::Protocol(protocol::UDP) => formatter.write_str("udp"),
            // Not reached: no word makes it.
            Self::Protocol(number) => write!(formatter, "proto {number}"),
            Self::Host(side, address) => write!(formatter, "{}host {address}", side.prefix()),
            Self::Net(side, net, length) => {
                write!(formatter, "{}net {net}/{length}", side.prefix())
            }
            Self::Port(side, port) => write!(formatter, "{}port {port}", side.prefix()),
            Self::EtherHost(side, address) => match side {
                Side::Either => write!(formatter, "ether host {address}"),
                _ => write!(formatter, "ether {}{address}", side.prefix()),
            },
            Self::Broadcast => formatter.write_str("broadcast"),
            Self::Multicast => formatter.write_str("multicast"),
            Self::Less(length) => write!(formatter, "less {length}"),
            Self::Greater(length) => write!(formatter, "greater {length}"),
        }
    }
}
