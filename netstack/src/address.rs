//! Addresses of hosts, networks and transports.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

/// An IPv4 address and a port: the transport address of TDI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketAddress {
    /// IPv4 address; unspecified (0.0.0.0) stands for every local one.
    pub address: Ipv4Addr,
    /// Port; zero stands for one that the transport chooses.
    pub port: u16,
}

impl SocketAddress {
    /// Every local address, and a port that the transport chooses.
    pub const UNSPECIFIED: Self = Self::new(Ipv4Addr::UNSPECIFIED, 0);

    /// Joins an address and a port.
    pub const fn new(address: Ipv4Addr, port: u16) -> Self {
        Self { address, port }
    }
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.address, self.port)
    }
}

/// An address of an interface together with the length of its network's
/// prefix, or a network when the host part is left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    address: Ipv4Addr,
    /// The length's mask: received datagrams are checked against it.
    mask: u32,
    length: u8,
}

impl Prefix {
    /// The prefix of every address: a default route's.
    pub const DEFAULT: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        mask: 0,
        length: 0,
    };

    /// Joins an address and a prefix length of 0 to 32 bits.
    pub const fn new(address: Ipv4Addr, length: u8) -> Option<Self> {
        if length <= 32 {
            Some(Self {
                address,
                mask: mask(length),
                length,
            })
        } else {
            None
        }
    }

    /// The address, host part included.
    pub const fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The prefix length in bits.
    pub const fn length(self) -> u8 {
        self.length
    }

    /// The prefix length as a mask.
    pub const fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.mask)
    }

    /// The network: the host part is zero.
    #[must_use]
    pub const fn network(self) -> Self {
        Self {
            address: Ipv4Addr::from_bits(self.address.to_bits() & self.mask),
            ..self
        }
    }

    /// Whether `address` belongs to the network.
    pub const fn contains(self, address: Ipv4Addr) -> bool {
        (self.address.to_bits() ^ address.to_bits()) & self.mask == 0
    }

    /// Whether `address` is one that a host of the network can have: neither
    /// the network's own address nor its broadcast address (RFC 1122 section
    /// 3.2.1.3). In a network of 31 or 32 bits every address is a host's (RFC
    /// 3021).
    pub const fn has_host(self, address: Ipv4Addr) -> bool {
        let host = address.to_bits() & !self.mask;
        self.contains(address) && (self.length >= 31 || (host != 0 && host != !self.mask))
    }

    /// The broadcast address of the network; one of 31 or 32 bits has none
    /// (RFC 3021).
    pub const fn broadcast(self) -> Option<Ipv4Addr> {
        if self.length >= 31 {
            return None;
        }
        Some(Ipv4Addr::from_bits(self.address.to_bits() | !self.mask))
    }
}

/// A mask whose first `length` bits are ones.
pub(crate) const fn mask(length: u8) -> u32 {
    match u32::MAX.checked_shl(32 - length as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.length)
    }
}

/// The text isn't an IPv4 address, a slash and a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPrefix;

impl fmt::Display for InvalidPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("expected ADDRESS/LENGTH, such as 10.0.2.15/24")
    }
}

impl core::error::Error for InvalidPrefix {}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let (address, length) = text.split_once('/').ok_or(InvalidPrefix)?;
        let address = address.parse().map_err(|_| InvalidPrefix)?;
        let length = length.parse().map_err(|_| InvalidPrefix)?;
        Self::new(address, length).ok_or(InvalidPrefix)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidPrefix, Prefix};
    use core::net::Ipv4Addr;
    use std::string::ToString;

    #[test]
    fn prefixes_are_read_and_shown() {
        let prefix: Prefix = "10.0.2.15/24".parse().expect("a prefix");
        assert_eq!(prefix.to_string(), "10.0.2.15/24");
        assert_eq!(prefix.network().to_string(), "10.0.2.0/24");
        assert_eq!(prefix.mask(), Ipv4Addr::new(255, 255, 255, 0));
        assert_eq!(prefix.broadcast(), Some(Ipv4Addr::new(10, 0, 2, 255)));
        for wrong in ["", "10.0.2.15", "10.0.2.15/33", "10.0.2/24", "10.0.2.15/"] {
            assert_eq!(wrong.parse::<Prefix>(), Err(InvalidPrefix), "{wrong:?}");
        }
    }

    #[test]
    fn rfc1122_3_2_1_3_no_host_has_the_networks_address_or_its_broadcast_address() {
        let prefix: Prefix = "10.0.2.15/24".parse().expect("a prefix");
        for (address, is_host) in [
            ([10, 0, 2, 0], false),
            ([10, 0, 2, 1], true),
            ([10, 0, 2, 254], true),
            ([10, 0, 2, 255], false),
            ([10, 0, 3, 1], false),
        ] {
            assert_eq!(prefix.has_host(address.into()), is_host, "{address:?}");
        }
        for network in ["192.0.2.2/31", "192.0.2.2/32"] {
            let network: Prefix = network.parse().expect("a prefix");
            assert!(network.has_host(network.address()), "{network}");
        }
        let pair: Prefix = "192.0.2.2/31".parse().expect("a prefix");
        assert!(pair.has_host(Ipv4Addr::new(192, 0, 2, 3)));
    }

    #[test]
    fn the_longest_and_the_shortest_prefix_work() {
        let host: Prefix = "10.0.2.15/32".parse().expect("a prefix");
        assert!(host.contains(Ipv4Addr::new(10, 0, 2, 15)));
        assert!(!host.contains(Ipv4Addr::new(10, 0, 2, 14)));
        assert_eq!(host.broadcast(), None);
        assert!(Prefix::DEFAULT.contains(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(Prefix::DEFAULT.mask(), Ipv4Addr::UNSPECIFIED);
    }
}
