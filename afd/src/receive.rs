//! RECV, RECV_DATAGRAM and READ of datagrams, and what the transport
//! delivers.

use executive::status::NtStatus;
use executive::time::Instant;
use netstack::Stack;
use netstack::tdi::{Completion, CompletionKind, ReceiveFlags};

use crate::device::{Afd, Outcome};
use crate::endpoint::{Full, Queue, State, Taken};
use crate::ioctl::{AfdFlags, ReceiveInfo};
use crate::pending::Operation;
use crate::request::{AfdIrp, AfdRequest, Datagram, MajorFunction};
use crate::table::Key;
use crate::trace;

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
            .take(info.capacity, info.tdi_flags, &mut self.datagrams.usage)
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

    fn deliver(&mut self, irp: &mut AfdIrp, datagram: Datagram, is_truncated: bool) -> Outcome {
        let information = datagram.packet.len();
        irp.reply_mut().datagram = Some(datagram);
        let status = self.counters.deliver(is_truncated);
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
        let has_listeners =
            !block.queues.get(Queue::Receive).is_empty() || !block.registrations.is_empty();
        if let CompletionKind::Received(received) = completion.kind {
            let datagram = Datagram {
                packet: received.packet,
                source: received.source,
                flags: received.flags,
            };
            self.counters.datagrams_received += 1;
            trace::datagram(&datagram.packet, "from", datagram.source);
            self.counters.bytes_received += datagram.packet.len() as u64;
            let stored = block.receive.store(datagram, &mut self.datagrams.usage);
            if let Err((full, datagram)) = stored {
                self.drop_received(full, datagram.packet.info().id);
            }
        } else {
            block.error = Some(completion.status);
            self.receive_failed(completion.status);
        }
        if has_listeners {
            self.tell_listeners(endpoint);
        }
    }

    /// Something has arrived at an endpoint where somebody waits for it.
    #[inline(never)]
    fn tell_listeners(&mut self, endpoint: Key) {
        self.satisfy_receives(endpoint);
        self.signal(endpoint);
    }

    #[cold]
    fn drop_received(&mut self, full: Full, packet: u64) {
        log::trace!(target: "afd", "packet {packet} dropped: {full:?} full");
        *match full {
            Full::Window => &mut self.counters.dropped_window_full,
            Full::Endpoint => &mut self.counters.dropped_queue_full,
            Full::Device => &mut self.counters.dropped_pool_full,
        } += 1;
    }

    /// An error of the transport is reported once, to the next receive.
    #[cold]
    fn receive_failed(&mut self, status: NtStatus) {
        self.counters.receive_errors += 1;
        log::debug!(target: "afd", "a receive failed: {status}");
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
