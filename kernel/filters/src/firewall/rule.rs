//! Rules: what they look at, and when they apply.

use netstack::Prefix;
use netstack::wire::ipv4::protocol;

use super::subject::{Ip, Subject};
use crate::Direction;

/// What is done with a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is passed on.
    #[default]
    Allow,
    /// It is dropped without a word.
    Drop,
    /// It is dropped and its sender is told, as far as that is right.
    Reject,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// ARP.
    Arp,
    /// IPv4, whatever is in it.
    Ip,
    /// IPv4 with this protocol number.
    Number(u8),
}

impl Protocol {
    /// ICMP in IPv4.
    pub const ICMP: Self = Self::Number(protocol::ICMP);
    /// TCP in IPv4.
    pub const TCP: Self = Self::Number(protocol::TCP);
    /// UDP in IPv4.
    pub const UDP: Self = Self::Number(protocol::UDP);

    /// Whether frames that carry this can have ports.
    pub(super) const fn may_have_ports(self) -> bool {
        matches!(self, Self::Ip | Self::TCP | Self::UDP)
    }
}

/// Ports from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The ports from `first` to `last`; `None` if that is none.
    pub const fn new(first: u16, last: u16) -> Option<Self> {
        if first <= last {
            Some(Self { first, last })
        } else {
            None
        }
    }

    /// The first of them.
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The last of them.
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Whether `port` is one of them.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

/// A rule. It applies to a frame that is everything the rule names; what it leaves open may be
/// anything.
///
/// An address means IPv4, unless the protocol is ARP, whose protocol addresses are looked at then.
/// A port means TCP or UDP, and never applies to a fragment other than the first.
///
/// As text: `allow|drop|reject [in|out] [arp|ip|icmp|udp|tcp|proto N] [from ADDRESS[/LENGTH]]
/// [to ADDRESS[/LENGTH]] [sport FIRST[-LAST]] [dport FIRST[-LAST]]`, the words behind the action in
/// any order, separated by spaces or commas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What is done.
    pub action: Action,
    /// Which way the frame goes.
    pub direction: Option<Direction>,
    /// What it carries.
    pub protocol: Option<Protocol>,
    /// Where it comes from.
    pub source: Option<Prefix>,
    /// Where it goes.
    pub destination: Option<Prefix>,
    /// The port it comes from.
    pub source_ports: Option<PortRange>,
    /// The port it goes to.
    pub destination_ports: Option<PortRange>,
}

impl Rule {
    /// Whether the rule applies to a frame.
    pub(super) fn applies(&self, direction: Direction, subject: &Subject) -> bool {
        self.direction.is_none_or(|only| only == direction)
            && self.protocol_applies(subject)
            && self.addresses_apply(subject)
            && self.ports_apply(subject)
    }

    fn protocol_applies(&self, subject: &Subject) -> bool {
        match self.protocol {
            None => true,
            Some(Protocol::Arp) => matches!(subject, Subject::Arp { .. }),
            Some(Protocol::Ip) => matches!(subject, Subject::Ip(_)),
            Some(Protocol::Number(number)) => {
                matches!(subject, Subject::Ip(ip) if ip.header.protocol == number)
            }
        }
    }

    fn addresses_apply(&self, subject: &Subject) -> bool {
        if self.source.is_none() && self.destination.is_none() {
            return true;
        }
        let (source, destination) = match *subject {
            Subject::Ip(Ip { ref header, .. }) => (header.source, header.destination),
            Subject::Arp { sender, target } if self.protocol == Some(Protocol::Arp) => {
                (sender, target)
            }
            Subject::Arp { .. } | Subject::Other => return false,
        };
        self.source.is_none_or(|prefix| prefix.contains(source))
            && self
                .destination
                .is_none_or(|prefix| prefix.contains(destination))
    }

    fn ports_apply(&self, subject: &Subject) -> bool {
        if self.source_ports.is_none() && self.destination_ports.is_none() {
            return true;
        }
        let Subject::Ip(ip) = subject else {
            return false;
        };
        let Some((source, destination)) = ip.ports() else {
            return false;
        };
        self.source_ports.is_none_or(|range| range.contains(source))
            && self
                .destination_ports
                .is_none_or(|range| range.contains(destination))
    }
}
