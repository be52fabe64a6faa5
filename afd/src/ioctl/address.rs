//! TRANSPORT_ADDRESS with one TDI_ADDRESS_IP: how an IPv4 socket address
//! stands in a payload.
//!
//! Count of addresses (u32, 1), then for each: length (u16, 14), type (u16, 2
//! for IPv4), port and address in network byte order, eight zero bytes.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use netstack::SocketAddress;

use super::field::{Reader, Writer};

/// TDI_ADDRESS_TYPE_IP, equal to AF_INET.
pub const ADDRESS_TYPE_IP: u16 = 2;

/// TDI_ADDRESS_LENGTH_IP: port, address and eight bytes of padding.
pub const ADDRESS_LENGTH_IP: u16 = 14;

/// Bytes of a transport address with one IPv4 address.
pub const TRANSPORT_ADDRESS_SIZE: usize = 4 + 2 + 2 + ADDRESS_LENGTH_IP as usize;

/// Reads a transport address.
///
/// Only the first address counts. What is too short or of another family is
/// INVALID_ADDRESS, as Windows answers (its padding is not looked at).
pub(super) fn parse(reader: &mut Reader<'_>) -> Result<SocketAddress, NtStatus> {
    parse_fields(reader).ok_or(NtStatus::INVALID_ADDRESS)
}

fn parse_fields(reader: &mut Reader<'_>) -> Option<SocketAddress> {
    let count = reader.u32()?;
    let length = reader.u16()?;
    let family = reader.u16()?;
    if count == 0 || length < ADDRESS_LENGTH_IP || family != ADDRESS_TYPE_IP {
        return None;
    }
    let mut address = Reader::new(reader.slice(usize::from(length))?);
    let port = address.u16_big_endian()?;
    let octets = address.bytes::<4>()?;
    Some(SocketAddress {
        address: Ipv4Addr::from(octets),
        port,
    })
}

/// Writes a transport address of [`TRANSPORT_ADDRESS_SIZE`] bytes.
pub(super) fn encode(writer: &mut Writer<'_>, address: SocketAddress) -> Option<()> {
    writer.u32(1)?;
    writer.u16(ADDRESS_LENGTH_IP)?;
    writer.u16(ADDRESS_TYPE_IP)?;
    writer.u16_big_endian(address.port)?;
    writer.bytes(&address.address.octets())?;
    writer.bytes(&[0; 8])
}

/// Reads the answer of GET_SOCK_NAME or GET_PEER_NAME.
///
/// # Errors
/// INVALID_ADDRESS when the bytes are no IPv4 transport address.
pub fn parse_transport_address(bytes: &[u8]) -> Result<SocketAddress, NtStatus> {
    parse(&mut Reader::new(bytes))
}

/// Writes a transport address and answers its size.
///
/// # Errors
/// BUFFER_TOO_SMALL when `buffer` is shorter than [`TRANSPORT_ADDRESS_SIZE`].
pub fn encode_transport_address(
    buffer: &mut [u8],
    address: SocketAddress,
) -> Result<usize, NtStatus> {
    let mut writer = Writer::new(buffer);
    encode(&mut writer, address).ok_or(NtStatus::BUFFER_TOO_SMALL)?;
    Ok(writer.written())
}
