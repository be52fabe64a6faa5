//! IPv4 headers (RFC 791).

pub mod options;

use core::net::Ipv4Addr;

use super::{address, number16, set_address, set_number16};
use crate::checksum::Checksum;

/// Where each field of the fixed part is.
pub mod field {
    use core::ops::Range;

    /// Version (high four bits) and header length in 32-bit words.
    pub const VERSION_AND_LENGTH: usize = 0;
    /// Type of service.
    pub const TYPE_OF_SERVICE: usize = 1;
    /// Bytes of header and payload.
    pub const TOTAL_LENGTH: Range<usize> = 2..4;
    /// Identification.
    pub const IDENTIFICATION: Range<usize> = 4..6;
    /// Flags (high three bits) and fragment offset in 8-byte units.
    pub const FRAGMENT: Range<usize> = 6..8;
    /// Time to live.
    pub const TIME_TO_LIVE: usize = 8;
    /// Protocol number.
    pub const PROTOCOL: usize = 9;
    /// Header checksum.
    pub const CHECKSUM: Range<usize> = 10..12;
    /// Source address.
    pub const SOURCE: Range<usize> = 12..16;
    /// Destination address.
    pub const DESTINATION: Range<usize> = 16..20;
}

/// Bytes of the header without options.
pub const HEADER_LENGTH: usize = field::DESTINATION.end;

/// The most bytes that a header with options can have.
pub const MAXIMUM_HEADER_LENGTH: usize = 60;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1FFF;

/// Protocol numbers (the IANA registry).
pub mod protocol {
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// IGMP.
    pub const IGMP: u8 = 2;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
}

/// Why a datagram could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Fewer bytes than a header without options has.
    TooShort,
    /// The version isn't 4.
    Version,
    /// The header length is less than 5 words or more than there is.
    HeaderLength,
    /// The header checksum is wrong.
    Checksum,
    /// The total length is less than the header's or more than there is.
    TotalLength,
}

/// Fixed header, options, and what follows.
type Pieces<'a> = (&'a [u8; HEADER_LENGTH], &'a [u8], &'a [u8]);

/// A checked view of a received datagram.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER_LENGTH],
    options: &'a [u8],
    payload: &'a [u8],
    payload_length: usize,
}

impl<'a> Packet<'a> {
    /// Checks everything that RFC 1122 section 3.2.1 lets a host rely on.
    /// `bytes` begin with the whole header; the datagram may go on in other
    /// buffers, with `available` bytes in all. Those after the total length
    /// (Ethernet's padding) do not belong to it.
    ///
    /// # Errors
    /// The first thing found wrong with the datagram.
    #[inline(always)]
    pub fn new_checked(bytes: &'a [u8], available: usize) -> Result<Self, Error> {
        let (header, options, rest) = Self::split(bytes)?;
        let mut sum = Checksum::new();
        sum.add_array(header);
        if !options.is_empty() {
            sum.add_bytes(options);
        }
        if !sum.is_valid() {
            return Err(Error::Checksum);
        }
        let total = usize::from(number16(header, &field::TOTAL_LENGTH));
        let payload_length = total
            .checked_sub(HEADER_LENGTH + options.len())
            .filter(|_| total <= available)
            .ok_or(Error::TotalLength)?;
        Ok(Self {
            header,
            options,
            payload: rest.get(..payload_length).unwrap_or(rest),
            payload_length,
        })
    }

    /// The view of a datagram quoted by an ICMP error: it is cut off, and its
    /// checksum may have been left stale by a router.
    ///
    /// # Errors
    /// [`Error::TooShort`], [`Error::Version`], [`Error::HeaderLength`].
    pub fn new_quoted(bytes: &'a [u8]) -> Result<Self, Error> {
        let (header, options, payload) = Self::split(bytes)?;
        Ok(Self {
            header,
            options,
            payload,
            payload_length: payload.len(),
        })
    }

    fn split(bytes: &'a [u8]) -> Result<Pieces<'a>, Error> {
        let (header, rest) = bytes
            .split_first_chunk::<HEADER_LENGTH>()
            .ok_or(Error::TooShort)?;
        let version_and_length = header[field::VERSION_AND_LENGTH];
        if version_and_length >> 4 != 4 {
            return Err(Error::Version);
        }
        let (options, rest) = (usize::from(version_and_length & 0x0F) * 4)
            .checked_sub(HEADER_LENGTH)
            .and_then(|length| rest.split_at_checked(length))
            .ok_or(Error::HeaderLength)?;
        Ok((header, options, rest))
    }

    /// Bytes of the header, options included.
    pub const fn header_length(&self) -> usize {
        HEADER_LENGTH + self.options.len()
    }

    /// Bytes of header and payload.
    pub const fn total_length(&self) -> usize {
        self.header_length() + self.payload_length
    }

    /// Bytes of the payload.
    pub const fn payload_length(&self) -> usize {
        self.payload_length
    }

    /// Whether this is a fragment of a larger datagram.
    pub const fn is_fragment(&self) -> bool {
        number16(self.header, &field::FRAGMENT) & (MORE_FRAGMENTS | OFFSET_MASK) != 0
    }

    /// Protocol number.
    pub const fn protocol(&self) -> u8 {
        self.header[field::PROTOCOL]
    }

    /// Source address.
    pub const fn source(&self) -> Ipv4Addr {
        address(self.header, &field::SOURCE)
    }

    /// Destination address.
    pub const fn destination(&self) -> Ipv4Addr {
        address(self.header, &field::DESTINATION)
    }

    /// The options, padding included.
    pub const fn options(&self) -> &'a [u8] {
        self.options
    }

    /// What follows the header, as far as it is in the same buffer.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// The fields of a header, options apart, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repr {
    /// Type of service.
    pub type_of_service: u8,
    /// Identification.
    pub identification: u16,
    /// Whether routers must not fragment the datagram.
    pub dont_fragment: bool,
    /// Whether more fragments follow.
    pub more_fragments: bool,
    /// Where this fragment belongs, in bytes.
    pub fragment_offset: usize,
    /// Time to live.
    pub time_to_live: u8,
    /// Protocol number.
    pub protocol: u8,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Bytes of the payload.
    pub payload_length: usize,
}

impl Repr {
    /// The value of a received header.
    pub const fn parse(packet: &Packet<'_>) -> Self {
        let fragment = number16(packet.header, &field::FRAGMENT);
        Self {
            type_of_service: packet.header[field::TYPE_OF_SERVICE],
            identification: number16(packet.header, &field::IDENTIFICATION),
            dont_fragment: fragment & DONT_FRAGMENT != 0,
            more_fragments: fragment & MORE_FRAGMENTS != 0,
            fragment_offset: (fragment & OFFSET_MASK) as usize * 8,
            time_to_live: packet.header[field::TIME_TO_LIVE],
            protocol: packet.protocol(),
            source: packet.source(),
            destination: packet.destination(),
            payload_length: packet.payload_length,
        }
    }

    /// Whether this is a fragment of a larger datagram.
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// Writes a header without options, checksum included.
    #[inline(always)]
    pub fn emit(&self, header: &mut [u8; HEADER_LENGTH]) {
        let mut fragment = (self.fragment_offset / 8) as u16 & OFFSET_MASK;
        if self.dont_fragment {
            fragment |= DONT_FRAGMENT;
        }
        if self.more_fragments {
            fragment |= MORE_FRAGMENTS;
        }
        let total = (HEADER_LENGTH + self.payload_length) as u16;
        header[field::VERSION_AND_LENGTH] = 0x40 | (HEADER_LENGTH / 4) as u8;
        header[field::TYPE_OF_SERVICE] = self.type_of_service;
        set_number16(header, &field::TOTAL_LENGTH, total);
        set_number16(header, &field::IDENTIFICATION, self.identification);
        set_number16(header, &field::FRAGMENT, fragment);
        header[field::TIME_TO_LIVE] = self.time_to_live;
        header[field::PROTOCOL] = self.protocol;
        set_number16(header, &field::CHECKSUM, 0);
        set_address(header, &field::SOURCE, self.source);
        set_address(header, &field::DESTINATION, self.destination);
        let mut sum = Checksum::new();
        sum.add_array(header);
        set_number16(header, &field::CHECKSUM, sum.finish());
    }
}
