//! The requests that wait, and how they leave.
//!
//! A request that waits is in one list of its endpoint. It leaves by being
//! completed, by its deadline, or by being cancelled, and whichever comes first
//! takes it out of the list; so it is completed exactly once.

use alloc::boxed::Box;

use executive::irp::IrpId;
use executive::status::NtStatus;
use executive::time::Instant;
use netstack::Stack;

use crate::device::{Afd, Outcome};
use crate::endpoint::Queue;
use crate::ioctl::ReceiveInfo;
use crate::request::AfdIrp;
use crate::table::{Deadlines, Key, List, Lists};
use crate::transport::TransportRequest;
use executive::pool::PoolUsage;

/// What a waiting request waits for.
#[derive(Debug)]
pub(crate) enum Operation {
    /// A datagram.
    Receive(ReceiveInfo),
    /// The transport's completion of this send.
    Send { send: Key },
    /// An event on an endpoint, or the deadline.
    Poll {
        /// The first of the poll's registrations.
        registrations: Option<Key>,
    },
}

impl Operation {
    /// The list of the endpoint that such a request waits in; `None` is the
    /// list of polls.
    pub(crate) const fn queue(&self) -> Option<Queue> {
        match self {
            Self::Receive(_) => Some(Queue::Receive),
            Self::Send { .. } => Some(Queue::Send),
            Self::Poll { .. } => None,
        }
    }
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct PendingIrp {
    pub(crate) irp: AfdIrp,
    /// The endpoint the request was issued on.
    pub(crate) endpoint: Key,
    pub(crate) operation: Operation,
}

/// The requests that wait at all endpoints.
#[derive(Debug)]
pub(crate) struct PendingTable {
    irps: Lists<PendingIrp>,
    /// The waiting request of the IRP with this slot.
    by_slot: Box<[Option<Key>]>,
    deadlines: Deadlines,
}

impl PendingTable {
    /// Room for the IRPs of a pool of `size`.
    pub(crate) fn new(size: u32) -> Self {
        Self {
            irps: Lists::new(size),
            by_slot: alloc::vec![None; size as usize].into(),
            deadlines: Deadlines::new(size),
        }
    }

    /// Appends a request to `list`.
    ///
    /// # Errors
    /// The request itself when there is no room for it.
    pub(crate) fn insert(
        &mut self,
        list: &mut List,
        pending: PendingIrp,
    ) -> Result<Key, PendingIrp> {
        let slot = pending.irp.id().slot();
        // An IRP of another pool could have the slot of one that waits.
        let Some(place) = self.by_slot.get_mut(slot).filter(|place| place.is_none()) else {
            return Err(pending);
        };
        let key = self.irps.push_back(list, pending)?;
        *place = Some(key);
        Ok(key)
    }

    /// Takes a request out of `list`, which must be the one it is in.
    pub(crate) fn remove(&mut self, list: &mut List, key: Key) -> Option<PendingIrp> {
        let pending = self.irps.remove(list, key)?;
        self.deadlines.remove(key);
        if let Some(place) = self.by_slot.get_mut(pending.irp.id().slot()) {
            *place = None;
        }
        Some(pending)
    }

    /// The waiting request with this IRP.
    pub(crate) fn find(&self, irp: IrpId) -> Option<Key> {
        let key = self.by_slot.get(irp.slot()).copied().flatten()?;
        (self.irps.get(key)?.irp.id() == irp).then_some(key)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&PendingIrp> {
        self.irps.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut PendingIrp> {
        self.irps.get_mut(key)
    }

    pub(crate) fn set_deadline(&mut self, key: Key, deadline: Instant) {
        self.deadlines.insert(deadline, key);
    }

    /// The earliest deadline.
    pub(crate) fn earliest_deadline(&self) -> Option<Instant> {
        self.deadlines.earliest().map(|(deadline, _)| deadline)
    }

    /// The request whose deadline is the earliest, if that has come; it has no
    /// deadline afterwards.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<Key> {
        let (deadline, key) = self.deadlines.earliest()?;
        if deadline > now {
            return None;
        }
        self.deadlines.remove(key);
        Some(key)
    }

    pub(crate) const fn usage(&self) -> PoolUsage {
        self.irps.usage()
    }
}

impl Afd {
    /// Lets a request wait at `endpoint`. `None` when it could not and was
    /// completed: no room for it, or cancelled already.
    pub(crate) fn pend(&mut self, irp: AfdIrp, endpoint: Key, operation: Operation) -> Option<Key> {
        let Some(routine) = self.cancel_routine else {
            self.complete(irp, NtStatus::DEVICE_NOT_READY.into());
            return None;
        };
        let Some(block) = self.endpoints.get_mut(endpoint) else {
            self.complete(irp, NtStatus::FILE_CLOSED.into());
            return None;
        };
        let list = match operation.queue() {
            Some(queue) => block.queues.get_mut(queue),
            None => &mut block.polls,
        };
        let key = match self.pending.insert(
            list,
            PendingIrp {
                irp,
                endpoint,
                operation,
            },
        ) {
            Ok(key) => key,
            Err(refused) => {
                self.counters.pending_full += 1;
                self.complete(refused.irp, NtStatus::INSUFFICIENT_RESOURCES.into());
                return None;
            }
        };
        // Insertion comes first, then the flag is checked: a cancellation that
        // came earlier is seen here, a later one finds the request in its list.
        let marked = self
            .pending
            .get_mut(key)
            .map(|pending| pending.irp.mark_pending(routine));
        if let Some(Err(_cancelled)) = marked {
            self.complete_pending(key, NtStatus::CANCELLED.into());
            return None;
        }
        self.counters.pended += 1;
        Some(key)
    }

    /// Takes a waiting request out of its list.
    pub(crate) fn take_pending(&mut self, key: Key) -> Option<PendingIrp> {
        let pending = self.pending.get(key)?;
        let (endpoint, queue) = (pending.endpoint, pending.operation.queue());
        let block = self.endpoints.get_mut(endpoint)?;
        let list = match queue {
            Some(queue) => block.queues.get_mut(queue),
            None => &mut block.polls,
        };
        let mut taken = self.pending.remove(list, key)?;
        if block.main_poll == Some(key) {
            block.main_poll = None;
        }
        taken.irp.clear_cancel();
        Some(taken)
    }

    /// Ends a waiting request.
    pub(crate) fn complete_pending(&mut self, key: Key, outcome: Outcome) {
        if let Some(pending) = self.take_pending(key) {
            self.forget_operation(&pending.operation);
            self.complete(pending.irp, outcome);
        }
    }

    /// Undoes what a waiting request left in other tables.
    fn forget_operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Receive(_) => {}
            Operation::Send { send } => self.disown_send(*send),
            Operation::Poll { registrations } => self.unregister(*registrations),
        }
    }

    /// Cancels the waiting request with this IRP: it is completed with
    /// CANCELLED and 0 bytes. Answers `false`, and does nothing, when the
    /// request does not wait (any more).
    pub fn cancel(&mut self, irp: IrpId, stack: &mut Stack) -> bool {
        let Some(key) = self.pending.find(irp) else {
            return false;
        };
        self.cancel_pending(key, stack);
        true
    }

    /// Ends a waiting request with CANCELLED and takes a send back from the
    /// transport if it still can be.
    pub(crate) fn cancel_pending(&mut self, key: Key, stack: &mut Stack) {
        let Some(pending) = self.take_pending(key) else {
            return;
        };
        if let Operation::Send { send } = pending.operation {
            stack.cancel(TransportRequest::Send(send).id());
        }
        self.forget_operation(&pending.operation);
        self.complete(pending.irp, NtStatus::CANCELLED.into());
    }
}
