//! Requests to the device: made, submitted, waited for.

use executive::{Duration, NtStatus};

use super::catalogue::ProviderReference;
use super::table::{Outline, SocketInformation};
use super::{AfdDevice, Socket, Winsock, WsaError};
use crate::ioctl::ControlCode;
use crate::request::{AfdReply, AfdRequest, AfdTicket, MajorFunction};

/// A completed request.
pub(super) struct Completed {
    pub(super) status: NtStatus,
    pub(super) information: usize,
    ticket: AfdTicket,
}

impl Completed {
    /// The answer, for taking something out of it.
    pub(super) fn reply(&mut self) -> Option<&mut AfdReply> {
        self.ticket.reply_mut()
    }

    /// The output payload.
    pub(super) fn output(&mut self) -> &[u8] {
        self.ticket
            .reply()
            .map_or(&[], |reply| reply.output.as_slice())
    }

    /// `Ok` with the information when the request succeeded.
    pub(super) fn into_result(self) -> Result<usize, WsaError> {
        self.success().map(|completed| completed.information)
    }

    /// The request itself when it succeeded.
    pub(super) fn success(self) -> Result<Self, WsaError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(blocking_error(self.status))
        }
    }
}

/// The error of a call that has waited. The table makes OPERATION_ABORTED of
/// CANCELLED, which is for overlapped requests; a call that waits is
/// interrupted when another thread closes its socket (Winsock 1.1 section 2.7).
pub(super) fn blocking_error(status: NtStatus) -> WsaError {
    if status == NtStatus::CANCELLED {
        WsaError::EINTR
    } else {
        status.into()
    }
}

impl<D: AfdDevice> Winsock<D> {
    /// Has the device carry out a request that `fill` has filled in, and waits
    /// for it. When `timeout` is over the request is cancelled and ends with
    /// TIMEOUT, unless it has been carried out meanwhile.
    pub(super) fn request(
        &self,
        major: MajorFunction,
        socket: Socket,
        timeout: Option<Duration>,
        fill: impl FnOnce(&mut AfdRequest) -> Result<(), NtStatus>,
    ) -> Result<Completed, WsaError> {
        let (mut irp, ticket) = self.irps.allocate()?;
        let request = irp.request_mut();
        request.major = major;
        request.handle = socket.handle();
        match fill(request) {
            Ok(()) => self.device.submit(irp),
            Err(status) => irp.complete(status, 0),
        }
        let timed_out = ticket.wait(timeout) == NtStatus::TIMEOUT;
        if timed_out {
            ticket.cancel();
            // It ends soon, cancelled or not.
            let _ = ticket.wait(None);
        }
        let (status, information) = ticket.result();
        let was_cancelled = timed_out && status == NtStatus::CANCELLED;
        let status = if was_cancelled {
            NtStatus::IO_TIMEOUT
        } else {
            status
        };
        Ok(Completed {
            status,
            information,
            ticket,
        })
    }

    /// A device control with an input payload that `fill` writes.
    pub(super) fn control(
        &self,
        socket: Socket,
        code: ControlCode,
        output_length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, NtStatus>,
    ) -> Result<Completed, WsaError> {
        self.request(MajorFunction::DeviceControl, socket, None, |request| {
            request.control_code = code;
            request.output_length = output_length;
            request.input.fill(fill)
        })
    }

    /// A socket's outline, and its provider, which is in use as long as the
    /// reference lives (seed item 51).
    #[inline(always)]
    pub(super) fn outline(
        &self,
        socket: Socket,
    ) -> Result<(Outline, ProviderReference<'_>), WsaError> {
        let outline = self.outlines.get(socket)?;
        let provider = self
            .catalogue
            .reference(outline.provider)
            .ok_or(WsaError::ENOTSOCK)?;
        Ok((outline, provider))
    }

    /// The same with all that is known of the socket.
    pub(super) fn look_up(
        &self,
        socket: Socket,
    ) -> Result<(SocketInformation, ProviderReference<'_>), WsaError> {
        let (_, provider) = self.outline(socket)?;
        let information = *self.sockets.lock().get(socket)?;
        Ok((information, provider))
    }
}
