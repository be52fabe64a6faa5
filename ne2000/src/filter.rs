//! The address filter: receive configuration and multicast hash.

use crate::registers::ReceiveConfiguration;

/// An Ethernet address in transmission order.
pub type Address = [u8; 6];

/// Which multicast frames the chip keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Multicast {
    /// None.
    #[default]
    None,
    /// Those whose hash bit is set: all that are wanted, and some more.
    Hash([u8; 8]),
    /// All.
    All,
}

/// Which frames the chip keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiveFilter {
    /// Frames to the station address. The chip keeps these with any of the
    /// others too.
    pub directed: bool,
    /// Broadcasts.
    pub broadcast: bool,
    /// Multicasts.
    pub multicast: Multicast,
    /// Every frame.
    pub promiscuous: bool,
}

impl ReceiveFilter {
    /// The receive configuration for this filter (datasheet section 10.3, RCR).
    /// With nothing wanted it is monitor mode, which QEMU's card doesn't have.
    pub fn configuration(self) -> ReceiveConfiguration {
        let mut bits = ReceiveConfiguration::empty();
        bits.set(ReceiveConfiguration::PROMISCUOUS, self.promiscuous);
        bits.set(
            ReceiveConfiguration::ACCEPT_BROADCAST,
            self.broadcast || self.promiscuous,
        );
        bits.set(
            ReceiveConfiguration::ACCEPT_MULTICAST,
            self.multicast != Multicast::None || self.promiscuous,
        );
        if bits.is_empty() && !self.directed {
            bits = ReceiveConfiguration::MONITOR;
        }
        bits
    }

    /// The hash filter for this filter (MAR). Promiscuous mode is about unicast
    /// frames only, so it needs all bits set for the multicasts.
    pub fn hash(self) -> [u8; 8] {
        match self.multicast {
            _ if self.promiscuous => [0xFF; 8],
            Multicast::None => [0; 8],
            Multicast::Hash(hash) => hash,
            Multicast::All => [0xFF; 8],
        }
    }
}

/// The hash filter that keeps `addresses`.
pub fn multicast_hash<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> [u8; 8] {
    let mut hash = [0; 8];
    for address in addresses {
        let index = hash_index(address);
        if let Some(byte) = hash.get_mut(usize::from(index >> 3)) {
            *byte |= 1 << (index & 7);
        }
    }
    hash
}

/// The bit of the hash filter for an address, 0 to 63: the upper six bits of its
/// CRC-32, computed with each byte's low bit first (datasheet section 10.3,
/// multicast address registers).
pub fn hash_index(address: &Address) -> u8 {
    const POLYNOMIAL: u32 = 0x04C1_1DB7;
    let mut crc = u32::MAX;
    for byte in address {
        for bit in 0..8 {
            let feedback = (crc >> 31) as u8 ^ (byte >> bit & 1);
            crc <<= 1;
            if feedback != 0 {
                crc ^= POLYNOMIAL;
            }
        }
    }
    (crc >> 26) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multicast_hash_of_known_addresses() {
        assert_eq!(hash_index(&[0x01, 0x00, 0x5E, 0x00, 0x00, 0x01]), 31);
        let hash = multicast_hash(&[[0x01, 0x00, 0x5E, 0x00, 0x00, 0x01]]);
        assert_eq!(hash, [0, 0, 0, 0x80, 0, 0, 0, 0]);
        assert_eq!(multicast_hash(&[]), [0; 8]);
    }

    #[test]
    fn receive_configuration_of_each_filter() {
        let none = ReceiveFilter::default();
        assert_eq!(none.configuration(), ReceiveConfiguration::MONITOR);
        let directed = ReceiveFilter {
            directed: true,
            ..none
        };
        assert_eq!(directed.configuration(), ReceiveConfiguration::empty());
        assert_eq!(directed.hash(), [0; 8]);
        let broadcast = ReceiveFilter {
            broadcast: true,
            ..none
        };
        assert_eq!(
            broadcast.configuration(),
            ReceiveConfiguration::ACCEPT_BROADCAST
        );
        let multicast = ReceiveFilter {
            multicast: Multicast::Hash([1; 8]),
            ..directed
        };
        assert_eq!(
            multicast.configuration(),
            ReceiveConfiguration::ACCEPT_MULTICAST
        );
        assert_eq!(multicast.hash(), [1; 8]);
        let all = ReceiveFilter {
            multicast: Multicast::All,
            ..none
        };
        assert_eq!(all.hash(), [0xFF; 8]);
        let promiscuous = ReceiveFilter {
            promiscuous: true,
            ..none
        };
        assert_eq!(
            promiscuous.configuration(),
            ReceiveConfiguration::PROMISCUOUS
                | ReceiveConfiguration::ACCEPT_BROADCAST
                | ReceiveConfiguration::ACCEPT_MULTICAST
        );
        assert_eq!(promiscuous.hash(), [0xFF; 8]);
    }
}
