//! IGMP messages (RFC 1112 appendix I, RFC 2236, RFC 9776).

use core::net::Ipv4Addr;

use super::{address, number16};

/// Where each field is.
pub mod field {
    use core::ops::Range;

    /// Message type; in version 1 the version (high four bits) and the type.
    pub const TYPE: usize = 0;
    /// Longest time before a report, in tenths of a second.
    pub const MAXIMUM_RESPONSE_TIME: usize = 1;
    /// Checksum over the whole message.
    pub const CHECKSUM: Range<usize> = 2..4;
    /// The group; in a version 3 report reserved bits and the number of
    /// records.
    pub const GROUP: Range<usize> = 4..8;
    /// The number of group records of a version 3 report.
    pub const RECORDS: Range<usize> = 6..8;
}

/// Bytes of the fixed part.
pub const HEADER_LENGTH: usize = field::GROUP.end;

/// Message types.
pub mod message_type {
    /// Membership query.
    pub const QUERY: u8 = 0x11;
    /// Version 1 membership report.
    pub const REPORT_1: u8 = 0x12;
    /// Version 2 membership report.
    pub const REPORT_2: u8 = 0x16;
    /// Leave group.
    pub const LEAVE: u8 = 0x17;
    /// Version 3 membership report.
    pub const REPORT_3: u8 = 0x22;
}

/// The message is shorter than its fixed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooShort;

/// A checked view of a received message.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER_LENGTH],
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks the length. The checksum is the caller's affair.
    ///
    /// # Errors
    /// [`TooShort`], if not even the fixed part is there.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, TooShort> {
        let (header, payload) = bytes.split_first_chunk().ok_or(TooShort)?;
        Ok(Self { header, payload })
    }

    /// Message type.
    pub const fn message_type(&self) -> u8 {
        self.header[field::TYPE]
    }

    /// Longest time before a report, in tenths of a second; zero in a query
    /// of version 1.
    pub const fn maximum_response_time(&self) -> u8 {
        self.header[field::MAXIMUM_RESPONSE_TIME]
    }

    /// The group; in a general query all zeros.
    pub const fn group(&self) -> Ipv4Addr {
        address(self.header, &field::GROUP)
    }

    /// The number of group records of a version 3 report.
    pub const fn records(&self) -> u16 {
        number16(self.header, &field::RECORDS)
    }

    /// What follows the fixed part: sources of a version 3 query, group
    /// records of a version 3 report.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}
