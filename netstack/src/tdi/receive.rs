//! Posted receives, and the datagrams that satisfy them.

use executive::status::NtStatus;
use ndis::packet::Packet;

use super::request::{Requests, Waiting};
use super::{
    AddressHandle, Completion, CompletionKind, ReceiveFlags, ReceivedDatagram, RequestId, Target,
    Tdi, TdiCounters,
};
use crate::address::SocketAddress;
use crate::ip::{Datagram, Delivery};
use crate::stack::Stack;
use crate::stack::interface::InterfaceId;
use crate::table::List;

/// A receive to be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveRequest {
    /// Bytes wanted at most.
    pub length: usize,
    /// NORMAL; the others are not looked at, except those that datagrams can't
    /// have.
    pub flags: ReceiveFlags,
    /// Posted again in the step that satisfies it, behind the others there are,
    /// until it is cancelled: for a client that would do so itself (seed item
    /// 48).
    pub stays_posted: bool,
}

impl ReceiveRequest {
    /// A receive of any datagram of at most `length` bytes.
    pub const fn new(length: usize) -> Self {
        Self {
            length,
            flags: ReceiveFlags::NORMAL,
            stays_posted: false,
        }
    }

    /// The same, posted again each time it is satisfied.
    #[must_use]
    pub const fn staying_posted(self) -> Self {
        Self {
            stays_posted: true,
            ..self
        }
    }
}

/// Where a received datagram came from and went to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) source: SocketAddress,
    pub(crate) destination: SocketAddress,
    pub(crate) delivery: Delivery,
    pub(crate) interface: InterfaceId,
}

/// The receives of an address object for which a datagram is.
pub(crate) struct Receiver<'a> {
    receives: &'a mut List,
    requests: &'a mut Requests,
}

impl Receiver<'_> {
    /// Satisfies the first receive with `length` bytes of a packet from `offset`
    /// on, or drops that if none is posted. Gives the request and its status.
    #[inline(always)]
    pub(crate) fn complete(
        self,
        mut packet: Packet,
        offset: usize,
        length: usize,
        arrival: &Arrival,
        counters: &mut TdiCounters,
    ) -> Option<(RequestId, NtStatus)> {
        let Some((id, wanted)) = self.requests.next_receive(self.receives) else {
            counters.dropped_no_receive += 1;
            return None;
        };
        counters.receives_completed += 1;
        let mut flags = ReceiveFlags::NORMAL;
        match arrival.delivery {
            Delivery::Unicast => {}
            Delivery::Broadcast => flags |= ReceiveFlags::BROADCAST,
            Delivery::Multicast => flags |= ReceiveFlags::MULTICAST,
        }
        let mut status = NtStatus::SUCCESS;
        if length > wanted {
            flags |= ReceiveFlags::PARTIAL;
            status = NtStatus::BUFFER_OVERFLOW;
            counters.receives_overflowed += 1;
        }
        packet.keep(offset, length.min(wanted));
        self.requests.complete(Completion {
            request: id,
            status,
            kind: CompletionKind::Received(ReceivedDatagram {
                packet,
                length,
                source: arrival.source,
                destination: arrival.destination,
                flags,
            }),
        });
        Some((id, status))
    }
}

impl Tdi {
    /// The receives of the address object in `slot`.
    #[inline(always)]
    pub(crate) fn receiver(&mut self, slot: usize) -> Option<Receiver<'_>> {
        let object = self.objects.at_mut(slot)?;
        Some(Receiver {
            receives: &mut object.receives,
            requests: &mut self.requests,
        })
    }
}

impl Stack {
    /// Posts a receive to an address object. Each datagram satisfies exactly
    /// one, the first that was posted (seed item 27).
    ///
    /// `PENDING`, or
    /// - `INVALID_HANDLE`;
    /// - `INVALID_PARAMETER`: the name is in use, or expedited data or peeking
    ///   is asked for;
    /// - `INSUFFICIENT_RESOURCES`: too many requests are open.
    pub fn receive_datagram(
        &mut self,
        handle: AddressHandle,
        id: RequestId,
        request: ReceiveRequest,
    ) -> NtStatus {
        if request
            .flags
            .intersects(ReceiveFlags::EXPEDITED | ReceiveFlags::PEEK)
        {
            return NtStatus::INVALID_PARAMETER;
        }
        let tdi = &mut self.tdi;
        let Some(object) = tdi.objects.get_mut(handle.0) else {
            return NtStatus::INVALID_HANDLE;
        };
        let receives = &mut object.receives;
        let added = tdi
            .requests
            .add_receive(id, handle.0.slot(), receives, request);
        if let Err(status) = added {
            return self.tdi_count_refused(status);
        }
        self.counters.tdi.receives_posted += 1;
        if let Some((remote, status)) = object.error.take() {
            self.tdi_fail_receive(handle.0.slot(), remote, status);
        }
        NtStatus::PENDING
    }

    /// Cancels an open request, which completes with `CANCELLED`. `false` if
    /// there is none: it was never there, or its completion waits to be
    /// fetched.
    pub fn cancel(&mut self, id: RequestId) -> bool {
        match self.tdi.requests.waiting(id) {
            None => return false,
            Some(Waiting::Send(pending)) => {
                if self.neighbours.remove_pending(pending).is_some() {
                    self.counters.arp.pending_dropped_cancelled += 1;
                }
                self.tdi.requests.complete_send(id, NtStatus::CANCELLED, 0);
            }
            Some(Waiting::Receive(slot, _)) => {
                if let Some(object) = self.tdi.objects.at_mut(slot) {
                    self.tdi.requests.remove_receive(id, &mut object.receives);
                }
                self.tdi.requests.complete(cancelled(id));
            }
        }
        self.counters.tdi.cancelled += 1;
        true
    }

    /// Cancels the receives of an address object that is being closed.
    pub(super) fn tdi_cancel_receives(&mut self, slot: usize) {
        let tdi = &mut self.tdi;
        let Some(object) = tdi.objects.at_mut(slot) else {
            return;
        };
        while let Some((id, _)) = tdi.requests.pop_receive(&mut object.receives) {
            tdi.requests.complete(cancelled(id));
            self.counters.tdi.cancelled += 1;
        }
    }

    /// Satisfies the first receive of the address object in `slot` with a
    /// datagram, or drops that if none is posted.
    #[inline(always)]
    pub(crate) fn tdi_complete_receive(&mut self, slot: usize, packet: Packet, arrival: &Arrival) {
        let counters = &mut self.counters.tdi;
        let Some(receiver) = self.tdi.receiver(slot) else {
            counters.dropped_no_receive += 1;
            return;
        };
        let (number, length) = (packet.info().id, packet.len());
        if let Some((id, status)) = receiver.complete(packet, 0, length, arrival, counters) {
            log::trace!(target: "tdi", "packet {number}: request {id:?}, {status}");
        }
    }

    /// Ends the first receive of the address object in `slot` with an error;
    /// if none is posted, the next one gets it.
    pub(crate) fn tdi_fail_receive(
        &mut self,
        slot: usize,
        remote: SocketAddress,
        status: NtStatus,
    ) {
        let tdi = &mut self.tdi;
        let Some(object) = tdi.objects.at_mut(slot) else {
            return;
        };
        let Some((id, _)) = tdi.requests.next_receive(&mut object.receives) else {
            object.error = Some((remote, status));
            return;
        };
        self.counters.tdi.receives_failed += 1;
        tdi.requests.complete(Completion {
            request: id,
            status,
            kind: CompletionKind::NotReceived {
                remote: Some(remote),
            },
        });
    }

    /// Gives a datagram to every raw address object of its protocol (seed item
    /// 28). Returns whether there was one.
    #[inline(always)]
    pub(crate) fn tdi_deliver_raw(&mut self, datagram: Datagram, packet: &Packet) -> bool {
        self.tdi.has_raw_objects() && self.tdi_share_raw(datagram, packet)
    }

    #[inline(never)]
    fn tdi_share_raw(&mut self, datagram: Datagram, packet: &Packet) -> bool {
        let arrival = Arrival {
            source: SocketAddress::new(datagram.source, 0),
            destination: SocketAddress::new(datagram.destination, 0),
            delivery: datagram.delivery,
            interface: datagram.interface,
        };
        let target = Target::Raw(datagram.protocol);
        let mut next = self.tdi.chains.first(target.key());
        let mut taken = false;
        while let Some(slot) = next {
            next = self.tdi.chains.after(slot);
            if !self.tdi_matches(slot, target, &arrival) {
                continue;
            }
            taken = true;
            let Some(mut shared) = packet.share_range(datagram.start, datagram.length()) else {
                self.counters.tdi.dropped_share += 1;
                continue;
            };
            let include = self
                .tdi
                .objects
                .at(slot)
                .is_some_and(|object| object.options.header_include);
            if !include {
                shared.trim_front(datagram.header_length);
            }
            self.tdi_complete_receive(slot, shared, &arrival);
        }
        taken
    }
}

const fn cancelled(id: RequestId) -> Completion {
    Completion {
        request: id,
        status: NtStatus::CANCELLED,
        kind: CompletionKind::NotReceived { remote: None },
    }
}
