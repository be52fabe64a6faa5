//! Ethernet hardware addresses.

use core::fmt;

/// A 6-byte IEEE 802 address, in transmission order.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HardwareAddress(pub [u8; 6]);

impl HardwareAddress {
    /// The address of every station.
    pub const BROADCAST: Self = Self([0xFF; 6]);

    /// Whether this is the address of every station.
    pub const fn is_broadcast(self) -> bool {
        matches!(self.0, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
    }

    /// Whether the group bit is set (the broadcast address included).
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// The address at the front of `bytes`, if there are six.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().copied().map(Self)
    }

    /// Reads twelve hexadecimal digits, the bytes optionally separated by `:` or `-`.
    ///
    /// `None` unless it is exactly six bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = [0u8; 12];
        let mut count = 0;
        for (position, character) in text.trim().chars().enumerate() {
            if matches!(character, ':' | '-') {
                // A separator stands between bytes: after an even number of digits and not first.
                if position == 0 || count % 2 != 0 || count == 12 {
                    return None;
                }
                continue;
            }
            *digits.get_mut(count)? = character.to_digit(16)? as u8;
            count += 1;
        }
        if count != digits.len() {
            return None;
        }
        let mut address = [0u8; 6];
        for (byte, pair) in address.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |value, digit| value << 4 | digit);
        }
        Some(Self(address))
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(formatter, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HardwareAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
