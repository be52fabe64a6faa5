//! UDP headers (RFC 768).

use core::net::Ipv4Addr;

use super::ipv4::protocol;
use super::{number16, set_number16};
use crate::checksum::{Checksum, PayloadChecksum};

/// Where each field is.
pub mod field {
    use core::ops::Range;

    /// Source port; zero when there is none.
    pub const SOURCE_PORT: Range<usize> = 0..2;
    /// Destination port.
    pub const DESTINATION_PORT: Range<usize> = 2..4;
    /// Bytes of header and payload.
    pub const LENGTH: Range<usize> = 4..6;
    /// Checksum; zero when there is none.
    pub const CHECKSUM: Range<usize> = 6..8;
}

/// Bytes of the header.
pub const HEADER_LENGTH: usize = field::CHECKSUM.end;

/// The longest payload that fits an IPv4 datagram without options.
pub const MAXIMUM_PAYLOAD_LENGTH: usize = 0xFFFF - super::ipv4::HEADER_LENGTH - HEADER_LENGTH;

/// Why a header could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Shorter than the header.
    TooShort,
    /// The length field is less than the header's or more than there is.
    Length,
}

/// A checked view of a received header, whose payload may go on in other
/// buffers.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER_LENGTH],
}

impl<'a> Packet<'a> {
    /// Checks the header at the start of `bytes` against `available`, the
    /// bytes of the whole IP payload. A length field below that is in order:
    /// what follows is padding (seed item 25).
    ///
    /// # Errors
    /// The first thing found wrong with the header.
    pub fn new_checked(bytes: &'a [u8], available: usize) -> Result<Self, Error> {
        let packet = Self {
            header: bytes.first_chunk().ok_or(Error::TooShort)?,
        };
        if (HEADER_LENGTH..=available).contains(&packet.length()) {
            Ok(packet)
        } else {
            Err(Error::Length)
        }
    }

    /// Source port.
    pub const fn source_port(&self) -> u16 {
        number16(self.header, &field::SOURCE_PORT)
    }

    /// Destination port.
    pub const fn destination_port(&self) -> u16 {
        number16(self.header, &field::DESTINATION_PORT)
    }

    /// Bytes of header and payload.
    pub const fn length(&self) -> usize {
        number16(self.header, &field::LENGTH) as usize
    }

    /// Whether the sender computed a checksum.
    pub const fn has_checksum(&self) -> bool {
        number16(self.header, &field::CHECKSUM) != 0
    }
}

/// The ports of a header as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repr {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
}

impl Repr {
    /// The value of a received header.
    pub const fn parse(packet: &Packet<'_>) -> Self {
        Self {
            source_port: packet.source_port(),
            destination_port: packet.destination_port(),
        }
    }

    /// Writes the header with its checksum over the pseudo-header and the
    /// payload's sum. A checksum that comes out as zero is sent as all ones,
    /// because zero says that there is none (RFC 768).
    #[inline(always)]
    pub fn emit(
        &self,
        header: &mut [u8; HEADER_LENGTH],
        source: Ipv4Addr,
        destination: Ipv4Addr,
        payload: PayloadChecksum,
    ) {
        let length = (HEADER_LENGTH + payload.length()) as u16;
        let mut checksum = Checksum::pseudo_header(source, destination, protocol::UDP, length);
        checksum.add_u16(self.source_port);
        checksum.add_u16(self.destination_port);
        checksum.add_u16(length);
        checksum.add_payload(payload);
        let checksum = match checksum.finish() {
            0 => 0xFFFF,
            value => value,
        };
        set_number16(header, &field::SOURCE_PORT, self.source_port);
        set_number16(header, &field::DESTINATION_PORT, self.destination_port);
        set_number16(header, &field::LENGTH, length);
        set_number16(header, &field::CHECKSUM, checksum);
    }
}
