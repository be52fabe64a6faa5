//! Ethernet II frames (RFC 894).

use core::net::Ipv4Addr;

use super::{hardware_address, number16, set_number16};

pub use ndis::address::HardwareAddress;

/// Where each field of the header is.
pub mod field {
    use core::ops::Range;

    /// Destination address.
    pub const DESTINATION: Range<usize> = 0..6;
    /// Source address.
    pub const SOURCE: Range<usize> = 6..12;
    /// EtherType, or the length of an IEEE 802.3 frame.
    pub const ETHER_TYPE: Range<usize> = 12..14;
}

/// Bytes of the header.
pub const HEADER_LENGTH: usize = field::ETHER_TYPE.end;

/// The lowest EtherType: smaller values are lengths of IEEE 802.3 frames.
const FIRST_ETHER_TYPE: u16 = 0x0600;

/// Whether `address` can be that of one station: neither a group nor all
/// zeros.
pub const fn is_station(address: HardwareAddress) -> bool {
    !address.is_group() && !matches!(address.0, [0, 0, 0, 0, 0, 0])
}

/// The group address that carries an IPv4 multicast address (RFC 1112 section
/// 6.4).
pub const fn of_multicast(address: Ipv4Addr) -> HardwareAddress {
    let [_, second, third, fourth] = address.octets();
    HardwareAddress([0x01, 0x00, 0x5E, second & 0x7F, third, fourth])
}

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IPv4.
    pub const IPV4: Self = Self(0x0800);
    /// ARP.
    pub const ARP: Self = Self(0x0806);
}

/// Why a frame could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Shorter than the header.
    TooShort,
    /// An IEEE 802.3 length stands where the EtherType should.
    Length,
}

/// A checked view of a received frame.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER_LENGTH],
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks that there is a whole Ethernet II header.
    ///
    /// # Errors
    /// The first thing found wrong with the frame.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Error> {
        let (header, payload) = bytes.split_first_chunk().ok_or(Error::TooShort)?;
        let packet = Self { header, payload };
        if packet.ether_type().0 < FIRST_ETHER_TYPE {
            return Err(Error::Length);
        }
        Ok(packet)
    }

    /// Destination address.
    pub fn destination(&self) -> HardwareAddress {
        hardware_address(self.header, &field::DESTINATION)
    }

    /// Source address.
    pub fn source(&self) -> HardwareAddress {
        hardware_address(self.header, &field::SOURCE)
    }

    /// EtherType.
    pub const fn ether_type(&self) -> EtherType {
        EtherType(number16(self.header, &field::ETHER_TYPE))
    }

    /// What follows the header, padding included.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// The header as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repr {
    /// Destination address.
    pub destination: HardwareAddress,
    /// Source address.
    pub source: HardwareAddress,
    /// What the frame carries.
    pub ether_type: EtherType,
}

impl Repr {
    /// The value of a received header.
    pub fn parse(packet: &Packet<'_>) -> Self {
        Self {
            destination: packet.destination(),
            source: packet.source(),
            ether_type: packet.ether_type(),
        }
    }

    /// Writes the header.
    pub fn emit(&self, header: &mut [u8; HEADER_LENGTH]) {
        header[field::DESTINATION].copy_from_slice(&self.destination.0);
        header[field::SOURCE].copy_from_slice(&self.source.0);
        set_number16(header, &field::ETHER_TYPE, self.ether_type.0);
    }
}
