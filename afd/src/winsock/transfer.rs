//! send, sendto, recv, recvfrom.

use executive::NtStatus;
use ndis::packet::{HEADROOM, Packet};
use netstack::SocketAddress;
use netstack::checksum::PayloadChecksum;
use netstack::tdi::{Payload, ReceiveFlags};

use super::constants::{MSG_OOB, MSG_PARTIAL, MSG_PEEK};
use super::io::blocking_error;
use super::{AfdDevice, Socket, Winsock, WsaError};
use crate::FastReceive;
use crate::ioctl::{AfdFlags, ControlCode, ReceiveInfo, SendInfo};
use crate::request::MajorFunction;
use crate::send::MAXIMUM_DATAGRAM_SIZE;

impl<D: AfdDevice> Winsock<D> {
    /// Sends a datagram to the socket's peer; answers the bytes sent.
    ///
    /// # Errors
    /// As [`Winsock::wsa_send_to`].
    pub fn send(&self, socket: Socket, data: &[u8], flags: u32) -> Result<usize, WsaError> {
        self.wsa_send_to(socket, &[data], flags, None)
    }

    /// Sends a datagram to `to`; answers the bytes sent.
    ///
    /// # Errors
    /// As [`Winsock::wsa_send_to`].
    pub fn sendto(
        &self,
        socket: Socket,
        data: &[u8],
        flags: u32,
        to: SocketAddress,
    ) -> Result<usize, WsaError> {
        self.wsa_send_to(socket, &[data], flags, Some(to))
    }

    /// Sends the bytes of all buffers as one datagram, to `to` or else to the
    /// socket's peer; answers how many. A socket without an address gets one.
    ///
    /// # Errors
    /// ENOTCONN without any destination, EMSGSIZE above 65,507 bytes, EACCES
    /// for a broadcast without SO_BROADCAST, ENETUNREACH, EHOSTUNREACH,
    /// EOPNOTSUPP for flags, ENOBUFS when packets or IRPs run out, EWOULDBLOCK.
    pub fn wsa_send_to(
        &self,
        socket: Socket,
        buffers: &[&[u8]],
        flags: u32,
        to: Option<SocketAddress>,
    ) -> Result<usize, WsaError> {
        self.end(self.transmit(socket, buffers, flags, to))
    }

    #[inline(always)]
    fn transmit(
        &self,
        socket: Socket,
        buffers: &[&[u8]],
        flags: u32,
        to: Option<SocketAddress>,
    ) -> Result<usize, WsaError> {
        self.begin()?;
        let (outline, _provider) = self.outline(socket)?;
        if flags != 0 {
            return Err(WsaError::EOPNOTSUPP);
        }
        self.bind_if_unbound(socket, outline)?;
        let data = self.gather(buffers)?;
        let length = data.packet.len();
        match self.device.fast_send(socket.handle(), to, data) {
            Ok(NtStatus::SUCCESS) => Ok(length),
            Ok(status) => Err(blocking_error(status)),
            Err(data) => {
                // Taken apart, so that the ordinary outcome stays in registers.
                let sent = self.send_by_irp(socket, to, data)?;
                Ok(sent)
            }
        }
    }

    /// Apart, as [`Winsock::receive_by_irp`], from what fast I/O makes the
    /// ordinary way, so that this stays short.
    #[inline(never)]
    fn send_by_irp(
        &self,
        socket: Socket,
        to: Option<SocketAddress>,
        data: Payload,
    ) -> Result<usize, WsaError> {
        let code = if to.is_some() {
            ControlCode::SEND_DATAGRAM
        } else {
            ControlCode::SEND
        };
        let completed = self.request(MajorFunction::DeviceControl, socket, None, |request| {
            let lengths = [data.packet.len()].into_iter();
            request.control_code = code;
            request.data = Some(data);
            request
                .input
                .fill(|buffer| SendInfo::encode(buffer, AfdFlags::empty(), to, lengths))
        })?;
        completed.into_result()
    }

    /// Copies the caller's bytes to a packet with room for headers, and sums
    /// them on the way.
    pub(super) fn gather(&self, buffers: &[&[u8]]) -> Result<Payload, WsaError> {
        let mut total = 0_usize;
        for bytes in buffers {
            total = total.saturating_add(bytes.len());
        }
        if total > MAXIMUM_DATAGRAM_SIZE {
            return Err(WsaError::EMSGSIZE);
        }
        let mut packet = self.packets.allocate(HEADROOM).ok_or(WsaError::ENOBUFS)?;
        let mut checksum = PayloadChecksum::new();
        for bytes in buffers {
            self.append(&mut packet, bytes, &mut checksum)
                .ok_or(WsaError::ENOBUFS)?;
        }
        Ok(Payload {
            packet,
            checksum: Some(checksum),
        })
    }

    /// Appends bytes to a packet and its sum.
    #[inline(always)]
    fn append(
        &self,
        packet: &mut Packet,
        bytes: &[u8],
        checksum: &mut PayloadChecksum,
    ) -> Option<()> {
        match packet.append(bytes.len()) {
            Some(room) => {
                checksum.copy_and_sum(room, bytes);
                Some(())
            }
            None => self.append_chain(packet, bytes, checksum),
        }
    }

    /// The same with more bytes than the packet has room for: chains buffers.
    #[cold]
    fn append_chain(
        &self,
        packet: &mut Packet,
        mut bytes: &[u8],
        checksum: &mut PayloadChecksum,
    ) -> Option<()> {
        let (here, rest) = bytes
            .split_at_checked(packet.tailroom())
            .unwrap_or((bytes, &[]));
        checksum.copy_and_sum(packet.append(here.len())?, here);
        bytes = rest;
        while !bytes.is_empty() {
            let mut more = self.packets.allocate(0)?;
            let (here, rest) = bytes
                .split_at_checked(more.tailroom())
                .unwrap_or((bytes, &[]));
            checksum.copy_and_sum(more.append(here.len())?, here);
            packet.append_packet(more).ok()?;
            bytes = rest;
        }
        Some(())
    }

    /// Receives a datagram; answers its bytes.
    ///
    /// # Errors
    /// As [`Winsock::wsa_recv_from`].
    pub fn recv(&self, socket: Socket, buffer: &mut [u8], flags: u32) -> Result<usize, WsaError> {
        self.recvfrom(socket, buffer, flags, None)
    }

    /// Receives a datagram and, if wanted, who sent it; answers its bytes.
    ///
    /// # Errors
    /// As [`Winsock::wsa_recv_from`].
    pub fn recvfrom(
        &self,
        socket: Socket,
        buffer: &mut [u8],
        flags: u32,
        from: Option<&mut SocketAddress>,
    ) -> Result<usize, WsaError> {
        let mut flags = flags;
        self.wsa_recv_from(socket, &mut [buffer], &mut flags, from)
    }

    /// Receives a datagram into the buffers, one after the other, and, if
    /// wanted, who sent it; answers its bytes. `flags` may be MSG_PEEK; it is
    /// MSG_PARTIAL afterwards if the datagram did not fit, else 0.
    ///
    /// # Errors
    /// EMSGSIZE when the datagram did not fit: the buffers hold its beginning,
    /// the rest is lost. EINVAL when the socket has no address, EWOULDBLOCK,
    /// ETIMEDOUT after SO_RCVTIMEO, EINTR when the socket was closed,
    /// ECONNRESET when an earlier datagram met a closed port, EOPNOTSUPP for
    /// MSG_OOB, ENOBUFS.
    #[inline(never)]
    pub fn wsa_recv_from(
        &self,
        socket: Socket,
        buffers: &mut [&mut [u8]],
        flags: &mut u32,
        from: Option<&mut SocketAddress>,
    ) -> Result<usize, WsaError> {
        self.end(self.receive(socket, buffers, flags, from))
    }

    #[inline(always)]
    fn receive(
        &self,
        socket: Socket,
        buffers: &mut [&mut [u8]],
        flags: &mut u32,
        mut from: Option<&mut SocketAddress>,
    ) -> Result<usize, WsaError> {
        self.begin()?;
        let (_, _provider) = self.outline(socket)?;
        let fast = self.device.fast_receive(
            socket.handle(),
            capacity(buffers),
            device_flags(*flags),
            from.as_deref_mut(),
        );
        let Some(FastReceive { status, packet }) = fast else {
            // Taken apart, so that the ordinary outcome stays in registers.
            let received = self.receive_by_irp(socket, buffers, flags, from)?;
            return Ok(received);
        };
        if status != NtStatus::SUCCESS {
            return Err(cut_off(&packet, status, buffers, flags));
        }
        scatter(&packet, buffers);
        *flags = 0;
        Ok(packet.len())
    }

    #[inline(never)]
    fn receive_by_irp(
        &self,
        socket: Socket,
        buffers: &mut [&mut [u8]],
        flags: &mut u32,
        from: Option<&mut SocketAddress>,
    ) -> Result<usize, WsaError> {
        let timeout = self.sockets.lock().get(socket)?.receive_timeout;
        let lengths = [capacity(buffers).min(u32::MAX as usize)].into_iter();
        let tdi_flags = device_flags(*flags);
        let code = ControlCode::RECV_DATAGRAM;
        let mut completed =
            self.request(MajorFunction::DeviceControl, socket, timeout, |request| {
                request.control_code = code;
                request.input.fill(|buffer| {
                    ReceiveInfo::encode(buffer, AfdFlags::empty(), tdi_flags, lengths)
                })
            })?;
        *flags = message_flags(completed.status);
        if let Some(datagram) = completed.reply().and_then(|reply| reply.datagram.as_ref()) {
            scatter(&datagram.packet, buffers);
            if let Some(from) = from {
                *from = datagram.source;
            }
        }
        completed.into_result()
    }
}

/// Hands a datagram that does not fit to the caller, and the error.
#[cold]
fn cut_off(
    packet: &Packet,
    status: NtStatus,
    buffers: &mut [&mut [u8]],
    flags: &mut u32,
) -> WsaError {
    scatter(packet, buffers);
    *flags = message_flags(status);
    blocking_error(status)
}

/// Bytes that fit the caller's buffers.
#[inline(always)]
fn capacity(buffers: &[&mut [u8]]) -> usize {
    let mut capacity = 0_usize;
    for buffer in buffers {
        capacity = capacity.saturating_add(buffer.len());
    }
    capacity
}

/// Copies a received datagram to the caller's buffers.
#[inline(always)]
fn scatter(packet: &Packet, buffers: &mut [&mut [u8]]) {
    let mut offset = 0;
    for buffer in buffers {
        offset += packet.copy_to(offset, buffer);
    }
}

/// What a receive's flags are to the device, which truncates only when it may
/// (seed item 46).
fn device_flags(flags: u32) -> ReceiveFlags {
    receive_flags(flags) | ReceiveFlags::PARTIAL
}

/// What a receive's flags are to the transport (seed item 49).
pub(super) fn receive_flags(flags: u32) -> ReceiveFlags {
    let mut tdi_flags = ReceiveFlags::empty();
    tdi_flags.set(ReceiveFlags::NORMAL, flags & MSG_OOB == 0);
    tdi_flags.set(ReceiveFlags::EXPEDITED, flags & MSG_OOB != 0);
    tdi_flags.set(ReceiveFlags::PEEK, flags & MSG_PEEK != 0);
    tdi_flags.set(ReceiveFlags::PARTIAL, flags & MSG_PARTIAL != 0);
    tdi_flags
}

/// STATUS_RECEIVE_PARTIAL: part of a message, the rest can still be received.
const RECEIVE_PARTIAL: NtStatus = NtStatus(0x4000_000F);
/// STATUS_RECEIVE_EXPEDITED: out-of-band data.
const RECEIVE_EXPEDITED: NtStatus = NtStatus(0x4000_0010);
/// STATUS_RECEIVE_PARTIAL_EXPEDITED: both.
const RECEIVE_PARTIAL_EXPEDITED: NtStatus = NtStatus(0x4000_0011);

/// What a receive's status says of the data, as flags (seed item 49).
pub(super) fn message_flags(status: NtStatus) -> u32 {
    match status {
        NtStatus::BUFFER_OVERFLOW | RECEIVE_PARTIAL => MSG_PARTIAL,
        RECEIVE_EXPEDITED => MSG_OOB,
        RECEIVE_PARTIAL_EXPEDITED => MSG_PARTIAL | MSG_OOB,
        _ => 0,
    }
}
