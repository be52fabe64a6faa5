//! ICMP messages (RFC 792).

use super::{number16, set_number16};
use crate::checksum;

/// Where each field is.
pub mod field {
    use core::ops::Range;

    /// Message type.
    pub const TYPE: usize = 0;
    /// Code within the type.
    pub const CODE: usize = 1;
    /// Checksum over the whole message.
    pub const CHECKSUM: Range<usize> = 2..4;
    /// Identifier of an echo message.
    pub const IDENTIFIER: Range<usize> = 4..6;
    /// Sequence number of an echo message.
    pub const SEQUENCE: Range<usize> = 6..8;
    /// MTU of the next hop, in "fragmentation needed" (RFC 1191 section 4).
    pub const NEXT_HOP_MTU: Range<usize> = 6..8;
}

/// Bytes of the fixed part.
pub const HEADER_LENGTH: usize = field::SEQUENCE.end;

/// Message types.
pub mod message_type {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const DESTINATION_UNREACHABLE: u8 = 3;
    /// Source quench (obsolete, RFC 6633).
    pub const SOURCE_QUENCH: u8 = 4;
    /// Redirect.
    pub const REDIRECT: u8 = 5;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 8;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAMETER_PROBLEM: u8 = 12;
}

/// Codes of destination unreachable (RFC 792, RFC 1122 section 3.2.2.1, RFC
/// 1812 section 5.2.7.1).
pub mod unreachable {
    /// Network unreachable.
    pub const NETWORK: u8 = 0;
    /// Host unreachable.
    pub const HOST: u8 = 1;
    /// Protocol unreachable.
    pub const PROTOCOL: u8 = 2;
    /// Port unreachable.
    pub const PORT: u8 = 3;
    /// Fragmentation needed and forbidden.
    pub const FRAGMENTATION_NEEDED: u8 = 4;
    /// Destination network unknown.
    pub const NETWORK_UNKNOWN: u8 = 6;
    /// Network administratively prohibited.
    pub const NETWORK_PROHIBITED: u8 = 9;
    /// Network unreachable for the type of service.
    pub const NETWORK_SERVICE: u8 = 11;
    /// Communication administratively prohibited, as by a filter.
    pub const COMMUNICATION_PROHIBITED: u8 = 13;
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
    /// Checks the length. The checksum is the caller's affair: the message may
    /// go on in other buffers, and one that an error quotes is cut off.
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

    /// Code.
    pub const fn code(&self) -> u8 {
        self.header[field::CODE]
    }

    /// Checksum.
    pub const fn checksum(&self) -> u16 {
        number16(self.header, &field::CHECKSUM)
    }

    /// Identifier of an echo message.
    pub const fn identifier(&self) -> u16 {
        number16(self.header, &field::IDENTIFIER)
    }

    /// Sequence number of an echo message.
    pub const fn sequence(&self) -> u16 {
        number16(self.header, &field::SEQUENCE)
    }

    /// What follows the fixed part: an echo's data, or the datagram that an
    /// error is about.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// Whether messages of this type report errors, about which no error must be
/// sent (RFC 1122 section 3.2.2).
pub const fn is_error(message_type: u8) -> bool {
    matches!(
        message_type,
        message_type::DESTINATION_UNREACHABLE
            | message_type::SOURCE_QUENCH
            | message_type::REDIRECT
            | message_type::TIME_EXCEEDED
            | message_type::PARAMETER_PROBLEM
    )
}

/// A message's meaning as a value; its payload is apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repr {
    /// Asks for its payload to be sent back.
    EchoRequest {
        /// Identifier, unchanged in the reply.
        identifier: u16,
        /// Sequence number, unchanged in the reply.
        sequence: u16,
    },
    /// Sends the payload of a request back.
    EchoReply {
        /// The request's identifier.
        identifier: u16,
        /// The request's sequence number.
        sequence: u16,
    },
    /// The quoted datagram did not reach its destination.
    DestinationUnreachable {
        /// Why, see [`mod@unreachable`].
        code: u8,
    },
    /// The quoted datagram lived too long: its time to live (code 0) or its
    /// reassembly (code 1).
    TimeExceeded {
        /// Which of the two.
        code: u8,
    },
    /// The quoted datagram's header was wrong.
    ParameterProblem,
    /// A better gateway exists.
    Redirect,
    /// Any other type.
    Other,
}

impl Repr {
    /// The value of a received message.
    pub const fn parse(packet: &Packet<'_>) -> Self {
        let (identifier, sequence) = (packet.identifier(), packet.sequence());
        let code = packet.code();
        match packet.message_type() {
            message_type::ECHO_REQUEST => Self::EchoRequest {
                identifier,
                sequence,
            },
            message_type::ECHO_REPLY => Self::EchoReply {
                identifier,
                sequence,
            },
            message_type::DESTINATION_UNREACHABLE => Self::DestinationUnreachable { code },
            message_type::TIME_EXCEEDED => Self::TimeExceeded { code },
            message_type::PARAMETER_PROBLEM => Self::ParameterProblem,
            message_type::REDIRECT => Self::Redirect,
            _ => Self::Other,
        }
    }
}

/// Writes an echo message's fixed part in front of `payload`.
pub fn emit_echo(
    header: &mut [u8; HEADER_LENGTH],
    message_type: u8,
    identifier: u16,
    sequence: u16,
    payload: &[u8],
) {
    *header = [0; HEADER_LENGTH];
    header[field::TYPE] = message_type;
    set_number16(header, &field::IDENTIFIER, identifier);
    set_number16(header, &field::SEQUENCE, sequence);
    set_checksum(header, payload);
}

/// Writes an error's fixed part in front of `quoted`, the start of the
/// datagram it is about.
pub fn emit_error(header: &mut [u8; HEADER_LENGTH], message_type: u8, code: u8, quoted: &[u8]) {
    *header = [0; HEADER_LENGTH];
    header[field::TYPE] = message_type;
    header[field::CODE] = code;
    set_checksum(header, quoted);
}

fn set_checksum(header: &mut [u8; HEADER_LENGTH], payload: &[u8]) {
    let mut checksum = checksum::Checksum::new();
    checksum.add_bytes(header);
    checksum.add_bytes(payload);
    set_number16(header, &field::CHECKSUM, checksum.finish());
}

/// Turns a whole echo request into the reply to it, in place: the type
/// changes, and with it the checksum (RFC 792, RFC 1624).
pub fn turn_into_reply(header: &mut [u8; HEADER_LENGTH]) {
    let request = u16::from_be_bytes([header[field::TYPE], header[field::CODE]]);
    let reply = u16::from_be_bytes([message_type::ECHO_REPLY, 0]);
    let sum = number16(header, &field::CHECKSUM);
    [header[field::TYPE], header[field::CODE]] = reply.to_be_bytes();
    set_number16(
        header,
        &field::CHECKSUM,
        checksum::update(sum, request, reply),
    );
}
