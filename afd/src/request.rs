//! What an AFD IRP carries.

use core::fmt;

use executive::irp::{Irp, IrpPool, IrpTicket, Recycle};
use executive::status::NtStatus;
use ndis::packet::Packet;
use netstack::SocketAddress;
use netstack::tdi::{Payload, ReceiveFlags};

use crate::handle::Handle;
use crate::ioctl::{ControlCode, MAXIMUM_POLL_HANDLES, poll_size};

/// An IRP for the AFD device.
pub type AfdIrp = Irp<AfdRequest, AfdReply>;

/// The requester's side of an AFD IRP.
pub type AfdTicket = IrpTicket<AfdRequest, AfdReply>;

/// The pool that AFD IRPs come from.
pub type AfdIrpPool = IrpPool<AfdRequest, AfdReply>;

/// Bytes of a system buffer: the largest payload, that of SELECT.
pub const SYSTEM_BUFFER_SIZE: usize = poll_size(MAXIMUM_POLL_HANDLES);

/// What kind of request an IRP is (IRP_MJ_xxx).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MajorFunction {
    /// Makes an endpoint. The input is an open packet, or nothing for a handle
    /// to the device itself. The handle is the information of the completion.
    #[default]
    Create,
    /// Frees a handle; implies [`Self::Cleanup`] if that has not been.
    Close,
    /// Receives, as RECV without flags does.
    Read,
    /// Sends, as SEND without flags does.
    Write,
    /// Whatever the control code says.
    DeviceControl,
    /// Closes a handle: with the endpoint's last one every pending request is
    /// cancelled and the address given up.
    Cleanup,
    /// Makes another handle to the same endpoint, the information of the
    /// completion. NT's object manager does this without an IRP; here the
    /// handle table belongs to this device.
    DuplicateHandle,
}

/// A payload on its way through the I/O system, of bounded size.
pub struct SystemBuffer {
    bytes: [u8; SYSTEM_BUFFER_SIZE],
    length: usize,
}

impl SystemBuffer {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self {
            bytes: [0; SYSTEM_BUFFER_SIZE],
            length: 0,
        }
    }

    /// The payload.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Empties the buffer.
    pub const fn clear(&mut self) {
        self.length = 0;
    }

    /// Lets `encode` write the payload, of which it answers the size.
    ///
    /// # Errors
    /// What `encode` answers; the buffer is empty then.
    pub fn fill(
        &mut self,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, NtStatus>,
    ) -> Result<(), NtStatus> {
        self.length = 0;
        self.length = encode(&mut self.bytes)?.min(SYSTEM_BUFFER_SIZE);
        Ok(())
    }

    /// As [`Self::fill`] with no more than the first `limit` bytes to write to.
    ///
    /// # Errors
    /// What `encode` answers; the buffer is empty then.
    pub(crate) fn fill_within(
        &mut self,
        limit: usize,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, NtStatus>,
    ) -> Result<usize, NtStatus> {
        self.fill(|bytes| {
            encode(
                bytes
                    .get_mut(..limit.min(SYSTEM_BUFFER_SIZE))
                    .unwrap_or_default(),
            )
        })?;
        Ok(self.length)
    }

    /// Takes a payload as it is.
    ///
    /// # Errors
    /// INVALID_PARAMETER when it is longer than [`SYSTEM_BUFFER_SIZE`].
    pub fn copy_from(&mut self, payload: &[u8]) -> Result<(), NtStatus> {
        self.fill(|bytes| {
            let room = bytes
                .get_mut(..payload.len())
                .ok_or(NtStatus::INVALID_PARAMETER)?;
            room.copy_from_slice(payload);
            Ok(payload.len())
        })
    }
}

impl Default for SystemBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemBuffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SystemBuffer({} bytes)", self.length)
    }
}

/// What is asked.
#[derive(Debug, Default)]
pub struct AfdRequest {
    /// The kind of request.
    pub major: MajorFunction,
    /// The handle the request was issued on; ignored by CREATE.
    pub handle: Handle,
    /// The control code of a device control.
    pub control_code: ControlCode,
    /// The input payload.
    pub input: SystemBuffer,
    /// Room for the output payload, or for the data of [`MajorFunction::Read`],
    /// in bytes.
    pub output_length: usize,
    /// The data of a send, with headroom for every header.
    pub data: Option<Payload>,
}

/// Makes the request a blank CREATE; data that nobody took goes back to its
/// pool.
impl Recycle for AfdRequest {
    fn recycle(&mut self) {
        self.major = MajorFunction::default();
        self.handle = Handle::NULL;
        self.control_code = ControlCode::default();
        self.input.clear();
        self.output_length = 0;
        self.data = None;
    }
}

/// A received datagram.
#[derive(Debug)]
pub struct Datagram {
    /// The payload.
    pub packet: Packet,
    /// Who sent it.
    pub source: SocketAddress,
    /// NORMAL, BROADCAST, MULTICAST as they apply.
    pub flags: ReceiveFlags,
}

impl Datagram {
    /// Another handle to the first `length` bytes; `None` without a packet.
    pub(crate) fn share(&self, length: usize) -> Option<Self> {
        let packet = self.packet.share_range(0, length)?;
        Some(Self { packet, ..*self })
    }
}

/// What is answered beside status and information.
#[derive(Debug, Default)]
pub struct AfdReply {
    /// The output payload.
    pub output: SystemBuffer,
    /// The datagram of a receive. It may be longer than the caller's room: the
    /// information of the completion says how many bytes belong to the caller.
    pub datagram: Option<Datagram>,
}

/// Makes the reply a blank one; a datagram that nobody took goes back to its
/// pool.
impl Recycle for AfdReply {
    fn recycle(&mut self) {
        self.output.clear();
        self.datagram = None;
    }
}
