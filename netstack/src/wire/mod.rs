//! The headers on the wire.
//!
//! Each protocol has a `field` module with the byte range of every field, a
//! checked view over received bytes (`Packet`) and the plain value of its
//! header (`Repr`) that can be parsed from the view and emitted. Parsing is
//! total: whatever the bytes are, the answer is a value or an error, never a
//! panic. A view borrows the fixed part of its header as an array, so that the
//! field ranges are checked when compiling.

pub mod arp;
pub mod ethernet;
pub mod icmpv4;
pub mod igmp;
pub mod ipv4;
pub mod tcp;
pub mod udp;

#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;
use core::ops::Range;

use ethernet::HardwareAddress;

/// The 16-bit number at `field` of a fixed header.
const fn number16<const LENGTH: usize>(header: &[u8; LENGTH], field: &Range<usize>) -> u16 {
    u16::from_be_bytes([header[field.start], header[field.start + 1]])
}

/// The 32-bit number at `field` of a fixed header.
const fn number32<const LENGTH: usize>(header: &[u8; LENGTH], field: &Range<usize>) -> u32 {
    let at = field.start;
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// The IPv4 address at `field` of a fixed header.
const fn address<const LENGTH: usize>(header: &[u8; LENGTH], field: &Range<usize>) -> Ipv4Addr {
    let at = field.start;
    Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3])
}

/// The hardware address at `field` of a fixed header.
fn hardware_address<const LENGTH: usize>(
    header: &[u8; LENGTH],
    field: &Range<usize>,
) -> HardwareAddress {
    HardwareAddress(core::array::from_fn(|index| header[field.start + index]))
}

/// Writes the 16-bit number at `field` of a fixed header.
const fn set_number16<const LENGTH: usize>(
    header: &mut [u8; LENGTH],
    field: &Range<usize>,
    value: u16,
) {
    let [high, low] = value.to_be_bytes();
    header[field.start] = high;
    header[field.start + 1] = low;
}

/// Writes the 32-bit number at `field` of a fixed header.
const fn set_number32<const LENGTH: usize>(
    header: &mut [u8; LENGTH],
    field: &Range<usize>,
    value: u32,
) {
    let bytes = value.to_be_bytes();
    let at = field.start;
    header[at] = bytes[0];
    header[at + 1] = bytes[1];
    header[at + 2] = bytes[2];
    header[at + 3] = bytes[3];
}

/// Writes the IPv4 address at `field` of a fixed header.
const fn set_address<const LENGTH: usize>(
    header: &mut [u8; LENGTH],
    field: &Range<usize>,
    value: Ipv4Addr,
) {
    let octets = value.octets();
    let at = field.start;
    header[at] = octets[0];
    header[at + 1] = octets[1];
    header[at + 2] = octets[2];
    header[at + 3] = octets[3];
}
