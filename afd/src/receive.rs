//! RECV, RECV_DATAGRAM and READ of datagrams, and what the transport
//! delivers.

use executive::status::NtStatus;
use executive::time::Instant;
use netstack::Stack;
use netstack::tdi::{Completion, CompletionKind, ReceiveFlags, ReceivedDatagram};

use crate::device::{Afd, Outcome};
use crate::endpoint::{Full, Queue, State, StoredDatagram, Taken};
use crate::ioctl::{AfdFlags, ReceiveInfo};
use crate::pending::Operation;
use crate::request::{AfdIrp, AfdRequest, Datagram, MajorFunction};
use crate::table::Key;

impl Afd {
    /// Receives a datagram, or waits for one (seed items 46 and 47).
    pub(crate) fn receive(&mut self, mut irp: AfdIrp, stack: &mut Stack, now: Instant) {
        irp.request_mut().data = None;
        match self.prepare_receive(irp.request()) {
            Ok((endpoint, info)) => {
                self.post_receive(endpoint, stack, now);
                self.receive_or_wait(irp, endpoint, info);
            }
            Err(status) => self.complete(irp, status.into()),
        }
    }

    /// Checks a request.
    fn prepare_receive(&self, request: &AfdRequest) -> Result<(Key, ReceiveInfo), NtStatus> {
        let endpoint = self.handles.endpoint(request.handle)?;
        let block = self.endpoints.get(endpoint).ok_or(NtStatus::FILE_CLOSED)?;
        let info = receive_info(request)?;
        if !matches!(block.state, State::Bound | State::Connected) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        // Datagrams have no out-of-band data.
        if info.tdi_flags.contains(ReceiveFlags::EXPEDITED) {
            return Err(NtStatus::NOT_SUPPORTED);
        }
        Ok((endpoint, info))
    }

    fn receive_or_wait(&mut self, mut irp: AfdIrp, endpoint: Key, info: ReceiveInfo) {
        if let Some(outcome) = self.receive_now(&mut irp, endpoint, info) {
            self.complete(irp, outcome);
            return;
        }
        let nonblocking = self
            .endpoints
            .get(endpoint)
            .is_some_and(|block| block.fails_rather_than_waits(info.afd_flags));
        if info.afd_flags.contains(AfdFlags::IMMEDIATE) {
            self.complete(irp, NtStatus::CANT_WAIT.into());
        } else if nonblocking {
            self.complete(irp, NtStatus::DEVICE_NOT_READY.into());
        } else {
            self.pend(irp, endpoint, Operation::Receive(info));
        }
    }

    /// Satisfies a receive from what the endpoint holds: an error that is to
    /// be reported, or the oldest datagram. `None` when it holds neither.
    fn receive_now(
        &mut self,
        irp: &mut AfdIrp,
        endpoint: Key,
        info: ReceiveInfo,
    ) -> Option<Outcome> {
        let block = self.endpoints.get_mut(endpoint)?;
        if let Some(error) = block.error.take() {
            return Some(error.into());
        }
        match block
            .receive
            .take(&mut self.datagrams, info.capacity, info.tdi_flags)
        {
            Taken::Nothing => None,
            Taken::Refused {
                status,
                information,
            } => Some(Outcome {
                status,
                information,
            }),
            Taken::Datagram {
                datagram,
                is_truncated,
            } => Some(self.deliver(irp, datagram, is_truncated)),
        }
    }

    fn deliver(
        &mut self,
        irp: &mut AfdIrp,
        datagram: StoredDatagram,
        is_truncated: bool,
    ) -> Outcome {
        let StoredDatagram {
            packet,
            source,
            flags,
        } = datagram;
        let information = packet.len();
        self.counters.datagrams_delivered += 1;
        self.counters.datagrams_truncated += u64::from(is_truncated);
        irp.reply_mut().datagram = Some(Datagram {
            packet,
            source,
            flags,
        });
        let status = if is_truncated {
            NtStatus::BUFFER_OVERFLOW
        } else {
            NtStatus::SUCCESS
        };
        Outcome {
            status,
            information,
        }
    }

    /// The posted receive has come back: the datagram is stored, waiting
    /// receives are satisfied first in first out, pollers are told. The receive
    /// stays posted, after an error too (seed item 48).
    #[inline(always)]
    pub(crate) fn receive_completed(&mut self, endpoint: Key, completion: Completion) {
        let Some(block) = self
            .endpoints
            .get_mut(endpoint)
            .filter(|block| block.address.is_some())
        else {
            let is_datagram = matches!(completion.kind, CompletionKind::Received(_));
            self.counters.dropped_closed += u64::from(is_datagram);
            return;
        };
        let somebody_waits = !block.queues.get(Queue::Receive).is_empty();
        let is_polled = !block.registrations.is_empty();
        match completion.kind {
            CompletionKind::Received(received) => self.store(endpoint, received),
            _ => self.receive_failed(endpoint, completion.status),
        }
        if somebody_waits {
            self.satisfy_receives(endpoint);
        }
        if is_polled {
            self.signal(endpoint);
        }
    }

    #[inline(always)]
    fn store(&mut self, endpoint: Key, received: ReceivedDatagram) {
        let ReceivedDatagram {
            packet,
            source,
            flags,
            ..
        } = received;
        let Some(block) = self.endpoints.get_mut(endpoint) else {
            return;
        };
        self.counters.datagrams_received += 1;
        self.counters.bytes_received += packet.len() as u64;
        let id = packet.info().id;
        log::trace!(target: "afd", "packet {id} of {} bytes from {source}", packet.len());
        let datagram = StoredDatagram {
            packet,
            source,
            flags,
        };
        if let Err(full) = block.receive.store(&mut self.datagrams, datagram) {
            log::trace!(target: "afd", "packet {id} dropped: {full:?} full");
            *match full {
                Full::Window => &mut self.counters.dropped_window_full,
                Full::Endpoint => &mut self.counters.dropped_queue_full,
                Full::Device => &mut self.counters.dropped_pool_full,
            } += 1;
        }
    }

    /// An error of the transport is reported once, to the next receive.
    fn receive_failed(&mut self, endpoint: Key, status: NtStatus) {
        self.counters.receive_errors += 1;
        log::debug!(target: "afd", "a receive failed: {status}");
        if let Some(block) = self.endpoints.get_mut(endpoint) {
            block.error = Some(status);
        }
    }

    /// Gives what the endpoint holds to the receives that wait. Each leaves
    /// its list, so this ends.
    fn satisfy_receives(&mut self, endpoint: Key) {
        while let Some(block) = self.endpoints.get(endpoint)
            && (block.receive.has_data() || block.error.is_some())
            && let Some(key) = block.queues.get(Queue::Receive).head()
            && let Some(mut pending) = self.take_pending(key)
        {
            let Operation::Receive(info) = pending.operation else {
                return;
            };
            let outcome = self.receive_now(&mut pending.irp, endpoint, info);
            self.complete(pending.irp, outcome.unwrap_or(NtStatus::CANT_WAIT.into()));
        }
    }
}

/// The payload of a request that receives.
fn receive_info(request: &AfdRequest) -> Result<ReceiveInfo, NtStatus> {
    if request.major == MajorFunction::Read {
        return Ok(ReceiveInfo {
            capacity: request.output_length,
            afd_flags: AfdFlags::empty(),
            tdi_flags: ReceiveFlags::NORMAL,
        });
    }
    ReceiveInfo::parse(request.input.as_slice())
}
