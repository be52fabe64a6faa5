//! The payloads of SEND, RECV, SEND_DATAGRAM and RECV_DATAGRAM.
//!
//! Count of buffers, AFD flags, TDI flags, for SEND_DATAGRAM the transport
//! address, then the length of each buffer (all u32). The data itself is not
//! in the payload: it travels as a packet beside it, in both directions.

use bitflags::bitflags;
use executive::status::NtStatus;
use netstack::SocketAddress;
use netstack::tdi::ReceiveFlags;

use super::address;
use super::field::{Reader, Writer};

bitflags! {
    /// How a transfer behaves.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct AfdFlags: u32 {
        /// The fast path is not to be taken (a completion routine is set).
        const SKIP_FIO = 0x1;
        /// The caller waits for the completion elsewhere.
        const OVERLAPPED = 0x2;
        /// The request must not wait.
        const IMMEDIATE = 0x4;
    }
}

/// The payload of RECV and RECV_DATAGRAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReceiveInfo {
    /// Room in all buffers together, in bytes.
    pub capacity: usize,
    /// How the request behaves.
    pub afd_flags: AfdFlags,
    /// What is wanted.
    pub tdi_flags: ReceiveFlags,
}

/// The payload of SEND and SEND_DATAGRAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendInfo {
    /// Bytes in all buffers together.
    pub length: usize,
    /// How the request behaves.
    pub afd_flags: AfdFlags,
    /// Flags for the transport, none of which apply to datagrams.
    pub tdi_flags: u32,
    /// Where to, in SEND_DATAGRAM only.
    pub remote: Option<SocketAddress>,
}

impl ReceiveInfo {
    /// Reads the payload of RECV or RECV_DATAGRAM.
    ///
    /// # Errors
    /// INVALID_PARAMETER for a short payload, no buffer, or lengths whose sum
    /// does not fit 32 bits. Bits without a meaning are ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, NtStatus> {
        Self::parse_fields(bytes).ok_or(NtStatus::INVALID_PARAMETER)
    }

    fn parse_fields(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let count = reader.u32()?;
        let afd_flags = AfdFlags::from_bits_truncate(reader.u32()?);
        let tdi_flags = ReceiveFlags::from_bits_truncate(reader.u32()?);
        let capacity = total_length(&mut reader, count)?;
        Some(Self {
            capacity,
            afd_flags,
            tdi_flags,
        })
    }

    /// Writes the payload for buffers of the given lengths and answers its
    /// size.
    ///
    /// # Errors
    /// BUFFER_TOO_SMALL when it does not fit, INVALID_PARAMETER when a length
    /// does not fit 32 bits.
    pub fn encode(
        buffer: &mut [u8],
        afd_flags: AfdFlags,
        tdi_flags: ReceiveFlags,
        lengths: impl ExactSizeIterator<Item = usize>,
    ) -> Result<usize, NtStatus> {
        let mut writer = Writer::new(buffer);
        encode_head(&mut writer, lengths.len(), afd_flags, tdi_flags.bits())?;
        encode_lengths(&mut writer, lengths)?;
        Ok(writer.written())
    }
}

impl SendInfo {
    /// Reads the payload of SEND.
    ///
    /// # Errors
    /// As [`ReceiveInfo::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NtStatus> {
        Self::parse_with(bytes, |_| Ok(None))
    }

    /// Reads the payload of SEND_DATAGRAM.
    ///
    /// # Errors
    /// As [`ReceiveInfo::parse`], and INVALID_ADDRESS for a bad address.
    pub fn parse_datagram(bytes: &[u8]) -> Result<Self, NtStatus> {
        Self::parse_with(bytes, |reader| address::parse(reader).map(Some))
    }

    fn parse_with(
        bytes: &[u8],
        parse_remote: impl FnOnce(&mut Reader<'_>) -> Result<Option<SocketAddress>, NtStatus>,
    ) -> Result<Self, NtStatus> {
        const SHORT: NtStatus = NtStatus::INVALID_PARAMETER;
        let mut reader = Reader::new(bytes);
        let count = reader.u32().ok_or(SHORT)?;
        let afd_flags = AfdFlags::from_bits_truncate(reader.u32().ok_or(SHORT)?);
        let tdi_flags = reader.u32().ok_or(SHORT)?;
        let remote = parse_remote(&mut reader)?;
        let length = total_length(&mut reader, count).ok_or(SHORT)?;
        Ok(Self {
            length,
            afd_flags,
            tdi_flags,
            remote,
        })
    }

    /// Writes the payload of SEND (`remote` is `None`) or SEND_DATAGRAM for
    /// buffers of the given lengths and answers its size.
    ///
    /// # Errors
    /// As [`ReceiveInfo::encode`].
    pub fn encode(
        buffer: &mut [u8],
        afd_flags: AfdFlags,
        remote: Option<SocketAddress>,
        lengths: impl ExactSizeIterator<Item = usize>,
    ) -> Result<usize, NtStatus> {
        let mut writer = Writer::new(buffer);
        encode_head(&mut writer, lengths.len(), afd_flags, 0)?;
        if let Some(remote) = remote {
            address::encode(&mut writer, remote).ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        }
        encode_lengths(&mut writer, lengths)?;
        Ok(writer.written())
    }
}

/// The sum of `count` lengths, bounded by the bytes that are there.
fn total_length(reader: &mut Reader<'_>, count: u32) -> Option<usize> {
    let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
    let mut lengths = Reader::new(reader.slice(count.checked_mul(4)?)?);
    let mut total = 0_u32;
    while let Some(length) = lengths.u32() {
        total = total.checked_add(length)?;
    }
    usize::try_from(total).ok()
}

fn encode_head(
    writer: &mut Writer<'_>,
    count: usize,
    afd_flags: AfdFlags,
    tdi_flags: u32,
) -> Result<(), NtStatus> {
    let count = u32::try_from(count).map_err(|_| NtStatus::INVALID_PARAMETER)?;
    writer
        .u32(count)
        .and_then(|()| writer.u32(afd_flags.bits()))
        .and_then(|()| writer.u32(tdi_flags))
        .ok_or(NtStatus::BUFFER_TOO_SMALL)
}

fn encode_lengths(
    writer: &mut Writer<'_>,
    mut lengths: impl Iterator<Item = usize>,
) -> Result<(), NtStatus> {
    lengths.try_for_each(|length| {
        let length = u32::try_from(length).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        writer.u32(length).ok_or(NtStatus::BUFFER_TOO_SMALL)
    })
}
