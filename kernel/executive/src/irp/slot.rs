//! What an IRP's two sides share.

use super::state::{Cancelled, IrpState};
use super::{CancelRoutine, IrpId, Recycle};
use crate::event::{Event, EventKind};
use crate::executive::Executive;
use crate::lock::SpinLock;
use crate::pool::Pooled;
use crate::status::NtStatus;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What the completion of an IRP adds to the priority of whoever waits for it:
/// NT's IO_NETWORK_INCREMENT, since every IRP here is the network's. A thread
/// that takes what arrived comes before those that compute all the time, and
/// before the DPC thread, which would bring more than it has taken.
const NETWORK_INCREMENT: u8 = 2;

/// The data of an IRP. It belongs to the `Irp` until completion and to the
/// ticket afterwards.
pub(super) struct Body<Q, R> {
    pub(super) request: Q,
    pub(super) reply: R,
}

/// The ownership of a body; returns it to the pool recycled.
pub(super) struct BodyHandle<Q, R>(pub(super) Pooled<Body<Q, R>>)
where
    Q: Recycle + 'static,
    R: Recycle + 'static;

impl<Q: Recycle, R: Recycle> Drop for BodyHandle<Q, R> {
    fn drop(&mut self) {
        self.0.request.recycle();
        self.0.reply.recycle();
    }
}

/// What passes between the sides under a lock.
struct Shared<Q: Recycle + 'static, R: Recycle + 'static> {
    routine: Option<&'static dyn CancelRoutine>,
    /// On its way from the owner to the ticket.
    body: Option<BodyHandle<Q, R>>,
}

/// See the module's description. A slot is free again when both sides have
/// dropped their handle.
pub(super) struct Slot<Q: Recycle + 'static, R: Recycle + 'static> {
    executive: &'static Executive,
    id: IrpId,
    pub(super) state: IrpState,
    status: AtomicU32,
    information: AtomicU64,
    /// Signalled when the IRP is complete.
    event: Event,
    shared: SpinLock<Shared<Q, R>>,
}

impl<Q: Recycle, R: Recycle> Slot<Q, R> {
    pub(super) fn new(executive: &'static Executive, index: u32) -> Result<Self, NtStatus> {
        Ok(Self {
            executive,
            id: IrpId {
                slot: index,
                generation: 0,
            },
            state: IrpState::new(),
            status: AtomicU32::new(NtStatus::PENDING.0),
            information: AtomicU64::new(0),
            event: Event::new(executive, EventKind::Notification, false)?,
            shared: SpinLock::new(
                executive,
                Shared {
                    routine: None,
                    body: None,
                },
            ),
        })
    }

    /// The slot becomes a new IRP.
    pub(super) fn begin(&mut self) {
        self.id.generation = self.id.generation.wrapping_add(1);
        self.state.reset();
        self.status.store(NtStatus::PENDING.0, Ordering::Relaxed);
        self.information.store(0, Ordering::Relaxed);
        self.event.clear();
    }

    pub(super) fn id(&self) -> IrpId {
        self.id
    }

    pub(super) fn executive(&self) -> &'static Executive {
        self.executive
    }

    pub(super) fn event(&self) -> &Event {
        &self.event
    }

    pub(super) fn mark_pending(
        &self,
        routine: &'static dyn CancelRoutine,
    ) -> Result<(), Cancelled> {
        if self.state.is_cancel_requested() {
            return Err(Cancelled);
        }
        // The routine first: a canceller that finds the IRP cancellable calls
        // it at once.
        self.shared.lock().routine = Some(routine);
        self.state.make_cancellable()
    }

    /// The owner's last step: leaves the body to the ticket, if there is one.
    pub(super) fn complete(&self, body: BodyHandle<Q, R>, status: NtStatus, information: usize) {
        self.status.store(status.0, Ordering::Relaxed);
        self.information
            .store(information as u64, Ordering::Relaxed);
        self.shared.lock().body = Some(body);
        if self.state.complete() {
            self.event.set_boosting(NETWORK_INCREMENT);
        } else {
            drop(self.take_body());
        }
    }

    /// Takes the body that the owner left.
    pub(super) fn take_body(&self) -> Option<BodyHandle<Q, R>> {
        self.shared.lock().body.take()
    }

    /// How the IRP ended; `PENDING` and 0 if it has not.
    pub(super) fn result(&self) -> (NtStatus, usize) {
        if !self.state.is_completed() {
            return (NtStatus::PENDING, 0);
        }
        let information = self.information.load(Ordering::Relaxed);
        (
            NtStatus(self.status.load(Ordering::Relaxed)),
            information as usize,
        )
    }

    /// Calls the cancel routine, with no lock held.
    pub(super) fn call_cancel_routine(&self) {
        let routine = self.shared.lock().routine;
        if let Some(routine) = routine {
            routine.cancel(self.id);
        }
    }
}
