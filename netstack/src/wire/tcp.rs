//! TCP headers (RFC 9293 section 3.1).

pub mod options;

use core::net::Ipv4Addr;

use super::ipv4::protocol;
use super::{number16, number32, set_number16, set_number32};
use crate::checksum::{Checksum, PayloadChecksum};

/// Where each field of the fixed part is.
pub mod field {
    use core::ops::Range;

    /// Source port.
    pub const SOURCE_PORT: Range<usize> = 0..2;
    /// Destination port.
    pub const DESTINATION_PORT: Range<usize> = 2..4;
    /// Sequence number of the first byte, or of SYN.
    pub const SEQUENCE: Range<usize> = 4..8;
    /// Sequence number that the sender expects next.
    pub const ACKNOWLEDGMENT: Range<usize> = 8..12;
    /// Header length in 32-bit words (high four bits).
    pub const DATA_OFFSET: usize = 12;
    /// Control bits.
    pub const FLAGS: usize = 13;
    /// Bytes that the sender has room for, scaled.
    pub const WINDOW: Range<usize> = 14..16;
    /// Checksum over the pseudo-header, the header and the data.
    pub const CHECKSUM: Range<usize> = 16..18;
    /// Where urgent data ends, from the sequence number on.
    pub const URGENT: Range<usize> = 18..20;
}

/// Bytes of the header without options.
pub const HEADER_LENGTH: usize = field::URGENT.end;

/// The most bytes that a header with options can have.
pub const MAXIMUM_HEADER_LENGTH: usize = 60;

bitflags::bitflags! {
    /// Control bits.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Flags: u8 {
        /// No more data from the sender.
        const FIN = 0x01;
        /// Sequence numbers are synchronised.
        const SYN = 0x02;
        /// The connection is reset.
        const RST = 0x04;
        /// Data is to be given to the application.
        const PSH = 0x08;
        /// The acknowledgment number is valid.
        const ACK = 0x10;
        /// The urgent pointer is valid.
        const URG = 0x20;
        /// Congestion was experienced (RFC 3168).
        const ECE = 0x40;
        /// The congestion window was reduced (RFC 3168).
        const CWR = 0x80;
    }
}

/// Why a header could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Fewer bytes than a header without options has.
    TooShort,
    /// The data offset is less than 5 words or more than there is.
    DataOffset,
}

/// A checked view of a received segment.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER_LENGTH],
    options: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks the lengths. The checksum is the caller's affair: the segment
    /// may go on in other buffers.
    ///
    /// # Errors
    /// The first thing found wrong with the header.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Error> {
        let (header, rest) = bytes.split_first_chunk().ok_or(Error::TooShort)?;
        let (options, payload) = header_length(header)
            .checked_sub(HEADER_LENGTH)
            .and_then(|length| rest.split_at_checked(length))
            .ok_or(Error::DataOffset)?;
        Ok(Self {
            header,
            options,
            payload,
        })
    }

    /// Bytes of the header, options included.
    pub const fn header_length(&self) -> usize {
        HEADER_LENGTH + self.options.len()
    }

    /// The options, padding included.
    pub const fn options(&self) -> &'a [u8] {
        self.options
    }

    /// What follows the header, as far as it is in the same buffer.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Checksum.
    pub const fn checksum(&self) -> u16 {
        number16(self.header, &field::CHECKSUM)
    }
}

/// The header length that a header says it has.
const fn header_length(header: &[u8; HEADER_LENGTH]) -> usize {
    (header[field::DATA_OFFSET] >> 4) as usize * 4
}

/// The fields of a header, options apart, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repr {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number, without meaning unless [`Flags::ACK`] is set.
    pub acknowledgment: u32,
    /// Control bits.
    pub flags: Flags,
    /// Window, not scaled.
    pub window: u16,
    /// Urgent pointer, without meaning unless [`Flags::URG`] is set.
    pub urgent: u16,
}

impl Repr {
    /// The value of a received header.
    pub const fn parse(packet: &Packet<'_>) -> Self {
        let header = packet.header;
        Self {
            source_port: number16(header, &field::SOURCE_PORT),
            destination_port: number16(header, &field::DESTINATION_PORT),
            sequence: number32(header, &field::SEQUENCE),
            acknowledgment: number32(header, &field::ACKNOWLEDGMENT),
            flags: Flags::from_bits_retain(header[field::FLAGS]),
            window: number16(header, &field::WINDOW),
            urgent: number16(header, &field::URGENT),
        }
    }

    /// Writes a header without options, with its checksum over the
    /// pseudo-header and the payload's sum.
    pub fn emit(
        &self,
        header: &mut [u8; HEADER_LENGTH],
        source: Ipv4Addr,
        destination: Ipv4Addr,
        payload: PayloadChecksum,
    ) {
        set_number16(header, &field::SOURCE_PORT, self.source_port);
        set_number16(header, &field::DESTINATION_PORT, self.destination_port);
        set_number32(header, &field::SEQUENCE, self.sequence);
        set_number32(header, &field::ACKNOWLEDGMENT, self.acknowledgment);
        header[field::DATA_OFFSET] = ((HEADER_LENGTH / 4) as u8) << 4;
        header[field::FLAGS] = self.flags.bits();
        set_number16(header, &field::WINDOW, self.window);
        set_number16(header, &field::CHECKSUM, 0);
        set_number16(header, &field::URGENT, self.urgent);
        let length = (HEADER_LENGTH + payload.length()) as u16;
        let mut checksum = Checksum::pseudo_header(source, destination, protocol::TCP, length);
        checksum.add_bytes(header);
        checksum.add_payload(payload);
        set_number16(header, &field::CHECKSUM, checksum.finish());
    }
}
