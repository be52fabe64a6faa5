//! The payloads that make and shape an endpoint: the open packet of CREATE,
//! BIND, CONNECT, and the values of GET_INFO and SET_INFO.

use bitflags::bitflags;
use executive::status::NtStatus;
use netstack::SocketAddress;
use netstack::tdi::Transport;

use super::address::{self, TRANSPORT_ADDRESS_SIZE};
use super::field::{Reader, Writer};

/// The device that carries UDP.
pub const UDP_DEVICE: &str = "\\Device\\Udp";

/// The device that carries TCP.
pub const TCP_DEVICE: &str = "\\Device\\Tcp";

/// The device that carries bare IP protocols.
pub const RAW_DEVICE: &str = "\\Device\\RawIp";

/// The longest device name in characters.
const MAXIMUM_DEVICE_NAME: usize = 32;

bitflags! {
    /// What kind of endpoint an open packet asks for.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct EndpointFlags: u32 {
        /// Sends and receives without a connection.
        const CONNECTIONLESS = 0x1;
        /// Keeps the boundaries of messages.
        const MESSAGE_ORIENTED = 0x10;
        /// Speaks to the network layer itself.
        const RAW = 0x100;
        /// Takes part in a multipoint session.
        const MULTIPOINT = 0x1000;
    }
}

/// AFD_CREATE_PACKET: flags, group, length of the transport's device name in
/// bytes, the name in UTF-16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenPacket<'a> {
    /// What kind of endpoint to make.
    pub flags: EndpointFlags,
    /// The socket group, 0 for none.
    pub group: u32,
    /// The device name as it came, UTF-16 in little-endian bytes.
    pub transport_name: &'a [u8],
}

impl<'a> OpenPacket<'a> {
    /// Reads an open packet.
    ///
    /// # Errors
    /// INVALID_PARAMETER for a short packet, unknown flags or a name that is
    /// not whole UTF-16 units.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NtStatus> {
        Self::parse_fields(bytes).ok_or(NtStatus::INVALID_PARAMETER)
    }

    fn parse_fields(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let flags = EndpointFlags::from_bits(reader.u32()?)?;
        let group = reader.u32()?;
        let length = reader.u32()?;
        let transport_name = reader.slice(usize::try_from(length).ok()?)?;
        transport_name.len().is_multiple_of(2).then_some(Self {
            flags,
            group,
            transport_name,
        })
    }

    /// The transport whose device the packet names; `None` for a device that
    /// there is not.
    pub fn transport(&self) -> Option<Transport> {
        let mut name = heapless::String::<MAXIMUM_DEVICE_NAME>::new();
        for unit in self.transport_name.chunks_exact(2) {
            let unit = unit
                .iter()
                .rev()
                .fold(0, |unit, byte| unit << 8 | u32::from(*byte));
            name.push(char::from_u32(unit)?).ok()?;
        }
        Transport::from_device_name(&name)
    }

    /// Writes an open packet for the device `name` and answers its size.
    ///
    /// # Errors
    /// BUFFER_TOO_SMALL when it does not fit.
    pub fn encode(
        buffer: &mut [u8],
        flags: EndpointFlags,
        group: u32,
        name: &str,
    ) -> Result<usize, NtStatus> {
        let mut writer = Writer::new(buffer);
        Self::encode_fields(&mut writer, flags, group, name).ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        Ok(writer.written())
    }

    fn encode_fields(
        writer: &mut Writer<'_>,
        flags: EndpointFlags,
        group: u32,
        name: &str,
    ) -> Option<()> {
        writer.u32(flags.bits())?;
        writer.u32(group)?;
        writer.u32(u32::try_from(name.encode_utf16().count() * 2).ok()?)?;
        name.encode_utf16().try_for_each(|unit| writer.u16(unit))
    }
}

/// How an address may be shared with other endpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u32)]
pub enum ShareType {
    /// No other endpoint may take the address.
    #[default]
    Unique = 0,
    /// Other endpoints that also allow it may take the address.
    Reuse = 1,
    /// The transport chooses the port, so nobody else has the address.
    Wildcard = 2,
    /// No other endpoint may take the address, whatever it allows.
    Exclusive = 3,
}

impl ShareType {
    /// The value of a payload; `None` for one that means nothing.
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            0 => Some(Self::Unique),
            1 => Some(Self::Reuse),
            2 => Some(Self::Wildcard),
            3 => Some(Self::Exclusive),
            _ => None,
        }
    }
}

/// AFD_BIND_DATA: share type, transport address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BindData {
    /// How the address may be shared.
    pub share: ShareType,
    /// The wanted address; port 0 asks for an ephemeral one.
    pub address: SocketAddress,
}

impl BindData {
    /// Bytes of the payload.
    pub const SIZE: usize = 4 + TRANSPORT_ADDRESS_SIZE;

    /// Reads the payload of BIND.
    ///
    /// # Errors
    /// INVALID_PARAMETER for an unknown share type or less than that field,
    /// INVALID_ADDRESS for a bad address.
    pub fn parse(bytes: &[u8]) -> Result<Self, NtStatus> {
        let mut reader = Reader::new(bytes);
        let share = reader
            .u32()
            .and_then(ShareType::from_raw)
            .ok_or(NtStatus::INVALID_PARAMETER)?;
        Ok(Self {
            share,
            address: address::parse(&mut reader)?,
        })
    }

    /// Writes the payload and answers its size.
    ///
    /// # Errors
    /// BUFFER_TOO_SMALL when `buffer` is shorter than [`Self::SIZE`].
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, NtStatus> {
        let mut writer = Writer::new(buffer);
        writer
            .u32(self.share as u32)
            .and_then(|()| address::encode(&mut writer, self.address))
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        Ok(writer.written())
    }
}

/// AFD_CONNECT_INFO: three words for helpers that play no part here, transport
/// address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectInfo {
    /// The peer; the unspecified address with port 0 ends an association.
    pub remote: SocketAddress,
}

impl ConnectInfo {
    /// Bytes of the payload.
    pub const SIZE: usize = 12 + TRANSPORT_ADDRESS_SIZE;

    /// Reads the payload of CONNECT.
    ///
    /// # Errors
    /// INVALID_PARAMETER for a short payload, INVALID_ADDRESS for a bad
    /// address.
    pub fn parse(bytes: &[u8]) -> Result<Self, NtStatus> {
        let mut reader = Reader::new(bytes);
        reader.bytes::<12>().ok_or(NtStatus::INVALID_PARAMETER)?;
        Ok(Self {
            remote: address::parse(&mut reader)?,
        })
    }

    /// Writes the payload and answers its size.
    ///
    /// # Errors
    /// BUFFER_TOO_SMALL when `buffer` is shorter than [`Self::SIZE`].
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, NtStatus> {
        let mut writer = Writer::new(buffer);
        writer
            .bytes(&[0; 12])
            .and_then(|()| address::encode(&mut writer, self.remote))
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        Ok(writer.written())
    }
}

/// Which value of an endpoint GET_INFO or SET_INFO means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct InformationClass(pub u32);

impl InformationClass {
    /// Whether requests that would wait may wait (a boolean).
    pub const BLOCKING: Self = Self(2);
    /// The largest datagram the transport sends, in bytes (read only).
    pub const MAX_SEND_SIZE: Self = Self(3);
    /// Sends that the transport has not finished (read only).
    pub const SENDS_IN_PROGRESS: Self = Self(4);
    /// The receive window in bytes.
    pub const RECEIVE_WINDOW: Self = Self(6);
    /// The send window in bytes.
    pub const SEND_WINDOW: Self = Self(7);
    /// The socket group (read only).
    pub const GROUP: Self = Self(10);
    /// Bytes that wait to be received (read only).
    pub const RECEIVE_CONTENT: Self = Self(11);
    /// Whether datagrams may go to broadcast addresses (a boolean).
    ///
    /// Numbered apart from the public classes: Windows keeps this switch in
    /// the transport's helper.
    pub const BROADCAST: Self = Self(0x100);
    /// The error that waits to be reported, as a status; reading clears it
    /// (read only). Numbered apart as well.
    pub const ERROR: Self = Self(0x101);
}

impl core::fmt::Debug for InformationClass {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "InformationClass({:#x})", self.0)
    }
}

/// AFD_INFO: class, padding to eight bytes, value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Information {
    /// Which value.
    pub class: InformationClass,
    /// The value; booleans are 0 or 1.
    pub value: u64,
}

impl Information {
    /// Bytes of the payload, in both directions.
    pub const SIZE: usize = 16;

    /// Reads the payload of GET_INFO (whose value is ignored) or SET_INFO.
    ///
    /// # Errors
    /// INVALID_PARAMETER for a short payload.
    pub fn parse(bytes: &[u8]) -> Result<Self, NtStatus> {
        Self::parse_fields(bytes).ok_or(NtStatus::INVALID_PARAMETER)
    }

    fn parse_fields(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let class = InformationClass(reader.u32()?);
        reader.u32()?;
        Some(Self {
            class,
            value: reader.u64()?,
        })
    }

    /// Writes the payload and answers its size.
    ///
    /// # Errors
    /// BUFFER_TOO_SMALL when `buffer` is shorter than [`Self::SIZE`].
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, NtStatus> {
        let mut writer = Writer::new(buffer);
        writer
            .u32(self.class.0)
            .and_then(|()| writer.u32(0))
            .and_then(|()| writer.u64(self.value))
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        Ok(writer.written())
    }
}
