//! ARP for IPv4 over Ethernet (RFC 826).

use core::net::Ipv4Addr;

use super::ethernet::HardwareAddress;
use super::{address, hardware_address, number16, set_address, set_number16};

/// Where each field is.
pub mod field {
    use core::ops::Range;

    /// Hardware type.
    pub const HARDWARE_TYPE: Range<usize> = 0..2;
    /// Protocol type.
    pub const PROTOCOL_TYPE: Range<usize> = 2..4;
    /// Bytes of a hardware address.
    pub const HARDWARE_LENGTH: usize = 4;
    /// Bytes of a protocol address.
    pub const PROTOCOL_LENGTH: usize = 5;
    /// Operation.
    pub const OPERATION: Range<usize> = 6..8;
    /// Sender's hardware address.
    pub const SENDER_HARDWARE: Range<usize> = 8..14;
    /// Sender's protocol address.
    pub const SENDER_PROTOCOL: Range<usize> = 14..18;
    /// Target's hardware address.
    pub const TARGET_HARDWARE: Range<usize> = 18..24;
    /// Target's protocol address.
    pub const TARGET_PROTOCOL: Range<usize> = 24..28;
}

/// Bytes of a message.
pub const LENGTH: usize = field::TARGET_PROTOCOL.end;

const HARDWARE_ETHERNET: u16 = 1;
const PROTOCOL_IPV4: u16 = 0x0800;
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// Why a message could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Shorter than a message.
    TooShort,
    /// Not about Ethernet addresses, or their length isn't 6.
    HardwareType,
    /// Not about IPv4 addresses, or their length isn't 4.
    ProtocolType,
    /// Neither request nor reply.
    Operation,
}

/// What a message wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Asks for the target's hardware address.
    Request,
    /// Tells the sender's hardware address.
    Reply,
}

/// A checked view of a received message.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    message: &'a [u8; LENGTH],
    operation: Operation,
}

impl<'a> Packet<'a> {
    /// Checks types, lengths and the operation, in the order in which RFC 826
    /// looks at them.
    ///
    /// # Errors
    /// The first thing found wrong with the message.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Error> {
        let message: &[u8; LENGTH] = bytes.first_chunk().ok_or(Error::TooShort)?;
        if number16(message, &field::HARDWARE_TYPE) != HARDWARE_ETHERNET
            || message[field::HARDWARE_LENGTH] != 6
        {
            return Err(Error::HardwareType);
        }
        if number16(message, &field::PROTOCOL_TYPE) != PROTOCOL_IPV4
            || message[field::PROTOCOL_LENGTH] != 4
        {
            return Err(Error::ProtocolType);
        }
        let operation = match number16(message, &field::OPERATION) {
            REQUEST => Operation::Request,
            REPLY => Operation::Reply,
            _ => return Err(Error::Operation),
        };
        Ok(Self { message, operation })
    }

    /// Request or reply.
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Sender's hardware address.
    pub fn sender_hardware(&self) -> HardwareAddress {
        hardware_address(self.message, &field::SENDER_HARDWARE)
    }

    /// Sender's protocol address.
    pub const fn sender_protocol(&self) -> Ipv4Addr {
        address(self.message, &field::SENDER_PROTOCOL)
    }

    /// Target's hardware address.
    pub fn target_hardware(&self) -> HardwareAddress {
        hardware_address(self.message, &field::TARGET_HARDWARE)
    }

    /// Target's protocol address.
    pub const fn target_protocol(&self) -> Ipv4Addr {
        address(self.message, &field::TARGET_PROTOCOL)
    }
}

/// A message as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repr {
    /// Request or reply.
    pub operation: Operation,
    /// Sender's hardware address.
    pub sender_hardware: HardwareAddress,
    /// Sender's protocol address.
    pub sender_protocol: Ipv4Addr,
    /// Target's hardware address; without meaning in a request.
    pub target_hardware: HardwareAddress,
    /// Target's protocol address.
    pub target_protocol: Ipv4Addr,
}

impl Repr {
    /// The value of a received message.
    pub fn parse(packet: &Packet<'_>) -> Self {
        Self {
            operation: packet.operation(),
            sender_hardware: packet.sender_hardware(),
            sender_protocol: packet.sender_protocol(),
            target_hardware: packet.target_hardware(),
            target_protocol: packet.target_protocol(),
        }
    }

    /// Writes the message.
    pub fn emit(&self, message: &mut [u8; LENGTH]) {
        set_number16(message, &field::HARDWARE_TYPE, HARDWARE_ETHERNET);
        set_number16(message, &field::PROTOCOL_TYPE, PROTOCOL_IPV4);
        message[field::HARDWARE_LENGTH] = 6;
        message[field::PROTOCOL_LENGTH] = 4;
        let operation = match self.operation {
            Operation::Request => REQUEST,
            Operation::Reply => REPLY,
        };
        set_number16(message, &field::OPERATION, operation);
        message[field::SENDER_HARDWARE].copy_from_slice(&self.sender_hardware.0);
        set_address(message, &field::SENDER_PROTOCOL, self.sender_protocol);
        message[field::TARGET_HARDWARE].copy_from_slice(&self.target_hardware.0);
        set_address(message, &field::TARGET_PROTOCOL, self.target_protocol);
    }
}
