//! SEND, SEND_DATAGRAM and WRITE of datagrams.
//!
//! The transport may keep a datagram for a while, as when it has to ask for
//! the neighbour's hardware address first. While such bytes fit in the send
//! window their callers go on at once; beyond it a request waits until the
//! transport has really finished with its datagram (seed item 45).

use executive::status::NtStatus;
use executive::time::Instant;
use netstack::tdi::{AddressHandle, Payload};
use netstack::{SocketAddress, Stack};

use crate::device::{Afd, Outcome};
use crate::endpoint::Endpoint;
use crate::ioctl::{AfdFlags, ControlCode, SendInfo};
use crate::pending::Operation;
use crate::request::{AfdIrp, AfdRequest, MajorFunction};
use crate::table::Key;
use crate::trace;
use crate::transport::TransportRequest;

/// The largest payload of a UDP datagram in IPv4, in bytes: 65,535 less an IP
/// header of 20 and a UDP header of 8.
pub const MAXIMUM_DATAGRAM_SIZE: usize = 65_507;

/// A send that the transport has not finished.
#[derive(Debug)]
pub(crate) struct SendInProgress {
    endpoint: Key,
    length: usize,
    /// The request that waits for it; none when its caller has gone on.
    waiter: Option<Key>,
}

/// What a send wants, after every check that needs no transport.
pub(crate) struct Send {
    pub(crate) endpoint: Key,
    /// The endpoint's address object.
    pub(crate) address: AddressHandle,
    pub(crate) remote: SocketAddress,
    pub(crate) flags: AfdFlags,
    pub(crate) data: Payload,
}

impl Afd {
    /// Sends a datagram.
    pub(crate) fn send(&mut self, mut irp: AfdIrp, stack: &mut Stack, now: Instant) {
        let length = irp
            .request()
            .data
            .as_ref()
            .map_or(0, |data| data.packet.len());
        let sent = self
            .prepare_send(&mut irp)
            .and_then(|send| self.start_send(send, stack, now));
        match sent {
            Ok(None) => self.complete(
                irp,
                Outcome {
                    status: NtStatus::SUCCESS,
                    information: length,
                },
            ),
            Ok(Some((endpoint, progress))) => self.await_send(irp, endpoint, progress),
            Err(status) => self.complete(irp, status.into()),
        }
    }

    /// Checks a request and takes its data.
    fn prepare_send(&self, irp: &mut AfdIrp) -> Result<Send, NtStatus> {
        let data = irp.request_mut().data.take();
        let request = irp.request();
        let endpoint = self.handles.endpoint(request.handle)?;
        let block = self.endpoints.get(endpoint).ok_or(NtStatus::FILE_CLOSED)?;
        let info = send_info(request, data.as_ref())?;
        // Seed item 44: only an endpoint with an address sends.
        let address = block.address.ok_or(NtStatus::INVALID_PARAMETER)?;
        let remote = info
            .remote
            .or(block.remote)
            .ok_or(NtStatus::INVALID_CONNECTION)?;
        let data = data.ok_or(NtStatus::ACCESS_VIOLATION)?;
        if data.packet.len() != info.length {
            return Err(NtStatus::ACCESS_VIOLATION);
        }
        if info.length > MAXIMUM_DATAGRAM_SIZE {
            return Err(NtStatus::BUFFER_OVERFLOW);
        }
        check_room(block, info.afd_flags)?;
        Ok(Send {
            endpoint,
            address,
            remote,
            flags: info.afd_flags,
            data,
        })
    }

    /// Hands the datagram to the transport. The answer is the send that the
    /// caller has to wait for, if any.
    #[inline(always)]
    pub(crate) fn start_send(
        &mut self,
        send: Send,
        stack: &mut Stack,
        now: Instant,
    ) -> Result<Option<(Key, Key)>, NtStatus> {
        let Send {
            endpoint,
            address,
            remote,
            flags,
            data,
        } = send;
        let length = data.packet.len();
        // Its key names the send to the transport; most sends are over before
        // they would need the place.
        let place = self
            .sends
            .vacant()
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        trace::datagram(&data.packet, "to", remote);
        let id = TransportRequest::Send(place.key()).id();
        let status = stack.send_datagram(address, id, Some(remote), data, now);
        status.ok()?;
        self.counters.datagrams_sent += 1;
        let waits_for = if status == NtStatus::PENDING {
            let key = place.fill(SendInProgress {
                endpoint,
                length,
                waiter: None,
            });
            self.defer(endpoint, length, flags)
                .then_some((endpoint, key))
        } else {
            None
        };
        self.counters.bytes_sent += length as u64;
        Ok(waits_for)
    }

    /// The transport keeps a datagram of `length` bytes for a while. Whether
    /// its caller has to wait.
    #[cold]
    fn defer(&mut self, endpoint: Key, length: usize, flags: AfdFlags) -> bool {
        self.counters.sends_deferred += 1;
        let Some(block) = self.endpoints.get_mut(endpoint) else {
            return false;
        };
        let may_go_on = block.send.buffers()
            || flags.contains(AfdFlags::IMMEDIATE)
            || block.fails_rather_than_waits(flags);
        block.send.begin(length);
        !may_go_on
    }

    /// Lets a request wait for the transport to finish with its datagram.
    fn await_send(&mut self, irp: AfdIrp, endpoint: Key, send: Key) {
        let waiter = self.pend(irp, endpoint, Operation::Send { send });
        if let Some(progress) = self.sends.get_mut(send) {
            progress.waiter = waiter;
        }
    }

    /// The transport has finished with a datagram that it has kept.
    #[cold]
    pub(crate) fn send_completed(&mut self, send: Key, status: NtStatus) {
        let Some(progress) = self.sends.remove(send) else {
            return;
        };
        if let Some(block) = self.endpoints.get_mut(progress.endpoint) {
            block.send.end(progress.length);
        }
        match progress.waiter {
            Some(waiter) => {
                let information = if status.is_success() {
                    progress.length
                } else {
                    0
                };
                self.complete_pending(
                    waiter,
                    Outcome {
                        status,
                        information,
                    },
                );
            }
            None if !status.is_success() && status != NtStatus::CANCELLED => {
                self.counters.buffered_sends_failed += 1;
                log::debug!(target: "afd", "a buffered send failed: {status}");
            }
            None => {}
        }
        self.signal(progress.endpoint);
    }

    /// A send goes on without the request that waited for it.
    pub(crate) fn disown_send(&mut self, send: Key) {
        if let Some(progress) = self.sends.get_mut(send) {
            progress.waiter = None;
        }
    }
}

/// The payload of a request that sends.
fn send_info(request: &AfdRequest, data: Option<&Payload>) -> Result<SendInfo, NtStatus> {
    let payload = request.input.as_slice();
    match (request.major, request.control_code) {
        (MajorFunction::Write, _) => Ok(SendInfo {
            length: data.map_or(0, |data| data.packet.len()),
            afd_flags: AfdFlags::empty(),
            tdi_flags: 0,
            remote: None,
        }),
        (_, ControlCode::SEND_DATAGRAM) => SendInfo::parse_datagram(payload),
        _ => SendInfo::parse(payload),
    }
}

/// Refuses a send that would have to wait when it must not.
fn check_room(block: &Endpoint, flags: AfdFlags) -> Result<(), NtStatus> {
    if block.send.has_room() {
        Ok(())
    } else if flags.contains(AfdFlags::IMMEDIATE) {
        Err(NtStatus::CANT_WAIT)
    } else if block.fails_rather_than_waits(flags) {
        Err(NtStatus::DEVICE_NOT_READY)
    } else {
        Ok(())
    }
}
