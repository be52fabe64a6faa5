//! The requester's side of an IRP.

use core::fmt;

use super::slot::{BodyHandle, Slot};
use super::{IrpId, Recycle};
use crate::event::Event;
use crate::pool::PooledArc;
use crate::status::NtStatus;
use crate::time::Duration;

/// By this the requester waits for the IRP, cancels it and takes the reply.
/// Dropping it before the IRP is complete cancels the IRP, whose reply is then
/// thrown away.
#[must_use = "dropping the ticket cancels the IRP"]
pub struct IrpTicket<Q: Recycle + Send + 'static, R: Recycle + Send + 'static> {
    slot: PooledArc<Slot<Q, R>>,
    /// Taken from the slot when the IRP is complete.
    body: Option<BodyHandle<Q, R>>,
}

impl<Q: Recycle + Send, R: Recycle + Send> IrpTicket<Q, R> {
    pub(super) fn new(slot: PooledArc<Slot<Q, R>>) -> Self {
        Self { slot, body: None }
    }

    /// The IRP's identity.
    pub fn id(&self) -> IrpId {
        self.slot.id()
    }

    /// The notification event that is signalled when the IRP is complete, for
    /// waiting for several things.
    pub fn event(&self) -> &Event {
        self.slot.event()
    }

    /// Whether the IRP is complete. Any IRQL.
    pub fn is_complete(&self) -> bool {
        self.slot.state.is_completed()
    }

    /// Waits until the IRP is complete: `SUCCESS` (however it ended, see
    /// [`IrpTicket::result`]), or `TIMEOUT`. Passive or Apc.
    pub fn wait(&self, timeout: Option<Duration>) -> NtStatus {
        if self.is_complete() {
            return NtStatus::SUCCESS;
        }
        self.slot.executive().wait(self.slot.event(), timeout)
    }

    /// How the IRP ended and the count that goes with it; `PENDING` and 0 if
    /// it has not ended. Any IRQL.
    pub fn result(&self) -> (NtStatus, usize) {
        self.slot.result()
    }

    /// Wants the IRP to end soon; true if it had not ended yet. It still has
    /// to be waited for: it may end with success all the same. At or below
    /// Dispatch, with no lock held that the cancel routine takes.
    pub fn cancel(&self) -> bool {
        if self.is_complete() {
            return false;
        }
        if self.slot.state.request_cancel() {
            self.slot.call_cancel_routine();
        }
        true
    }

    /// The answer, once the IRP is complete.
    pub fn reply(&mut self) -> Option<&R> {
        self.reply_mut().map(|reply| &*reply)
    }

    /// The answer for taking something out of it, once the IRP is complete.
    pub fn reply_mut(&mut self) -> Option<&mut R> {
        self.collect().map(|body| &mut body.0.reply)
    }

    /// The request again, once the IRP is complete.
    pub fn request_mut(&mut self) -> Option<&mut Q> {
        self.collect().map(|body| &mut body.0.request)
    }

    fn collect(&mut self) -> Option<&mut BodyHandle<Q, R>> {
        if self.body.is_none() && self.is_complete() {
            self.body = self.slot.take_body();
        }
        self.body.as_mut()
    }
}

impl<Q: Recycle + Send, R: Recycle + Send> Drop for IrpTicket<Q, R> {
    fn drop(&mut self) {
        let found = self.slot.state.drop_ticket();
        if found.completed {
            // The body goes before the slot, so that whoever gets the slot
            // next finds a body too.
            drop(self.body.take().or_else(|| self.slot.take_body()));
        } else if found.call_routine {
            self.slot.call_cancel_routine();
        }
    }
}

impl<Q: Recycle + Send, R: Recycle + Send> fmt::Debug for IrpTicket<Q, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("IrpTicket")
            .field(&self.id())
            .field(&self.result())
            .finish()
    }
}
