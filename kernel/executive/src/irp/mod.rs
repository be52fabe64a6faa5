//! I/O request packets.
//!
//! A requester allocates an IRP from a pool and gets two things: the [`Irp`]
//! itself, which is handed down to whoever carries the request out, and an
//! [`IrpTicket`], by which the requester waits, cancels and takes the reply.
//! An [`Irp`] is owned: completing it consumes it, so that it is completed
//! once; and if its owner loses it, it is completed with
//! `DRIVER_INTERNAL_ERROR`, counted and logged.
//!
//! **Cancelling.** An owner that keeps an IRP in a queue does, under the lock
//! of that queue, both the insertion and [`Irp::mark_pending`]; if that
//! answers [`Cancelled`], the owner takes it out again and completes it. From
//! then on a cancellation calls the [`CancelRoutine`], with no lock held, in
//! the canceller's context. The routine takes the queue's lock and looks for
//! the IRP by its [`IrpId`]. If it is there, it removes and completes it; if
//! not, the owner was first and there is nothing to do, because an id is not
//! used again. Whoever takes the IRP out of the queue to complete it calls
//! [`Irp::clear_cancel`] or just [`Irp::complete`].
//!
//! The request and the reply stay in place in the pool; only handles move.

mod slot;
mod state;
mod ticket;

use alloc::boxed::Box;
use core::fmt;

use crate::executive::Executive;
use crate::pool::{Pool, PoolUsage, PooledArc};
use crate::status::NtStatus;
use slot::{Body, BodyHandle, Slot};
pub use state::Cancelled;
pub use ticket::IrpTicket;

/// What a pool's requests and replies can do besides being data.
pub trait Recycle {
    /// Called when the IRP is over and its memory goes back to the pool: must
    /// give away everything that is owned (packets, handles) and may keep
    /// memory for the next use. At or below Dispatch.
    fn recycle(&mut self);
}

impl Recycle for () {
    fn recycle(&mut self) {}
}

/// An IRP's identity. It names one request for ever: the slot's next IRP has
/// another generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IrpId {
    slot: u32,
    generation: u32,
}

impl IrpId {
    /// The IRP's place in its pool, below the pool's size.
    pub const fn slot(self) -> usize {
        self.slot as usize
    }

    /// Which use of the slot this is.
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

impl fmt::Display for IrpId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.slot, self.generation)
    }
}

/// Ends a pending IRP before its time.
pub trait CancelRoutine: Sync {
    /// Completes the IRP with `CANCELLED` if it is still there to be found.
    /// Called at or below Dispatch in the canceller's context with no lock of
    /// the executive held.
    fn cancel(&self, id: IrpId);
}

/// Is told when an IRP is completed, before its event is set.
pub trait CompletionRoutine<Q, R>: Sync {
    /// Called at or below Dispatch in the completer's context with no lock of
    /// the executive held. It may change the reply.
    fn completed(&self, completion: Completion<'_, Q, R>);
}

/// A completed IRP as its completion routine sees it.
#[derive(Debug)]
pub struct Completion<'a, Q, R> {
    /// Which IRP.
    pub id: IrpId,
    /// How it ended.
    pub status: NtStatus,
    /// The count that goes with the status, usually of bytes.
    pub information: usize,
    /// What was asked.
    pub request: &'a Q,
    /// What was answered.
    pub reply: &'a mut R,
}

/// The two sides of a new IRP.
pub type IrpWithTicket<Q, R> = (Irp<Q, R>, IrpTicket<Q, R>);

/// A fixed number of IRPs with requests `Q` and replies `R`.
pub struct IrpPool<Q: Recycle + Send + 'static, R: Recycle + Send + 'static> {
    slots: &'static Pool<Slot<Q, R>>,
    bodies: &'static Pool<Body<Q, R>>,
}

impl<Q: Recycle + Send, R: Recycle + Send> IrpPool<Q, R> {
    /// Makes `count` IRPs; `init` makes each one's request and reply. Takes
    /// one event for each. Allocates, so call it while starting.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when there are not enough events.
    pub fn new(
        executive: &'static Executive,
        count: usize,
        mut init: impl FnMut() -> (Q, R),
    ) -> Result<&'static Self, NtStatus> {
        let slots = (0..count).map(|index| Slot::new(executive, index as u32));
        let slots = Pool::from_values(slots.collect::<Result<_, _>>()?);
        let bodies = Pool::new(count, |_| {
            let (request, reply) = init();
            Body { request, reply }
        });
        Ok(Box::leak(Box::new(Self { slots, bodies })))
    }

    /// Takes an IRP, with the request and the reply as `recycle` left them. At
    /// or below Dispatch.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`, counted, when every one is in use.
    pub fn allocate(&'static self) -> Result<IrpWithTicket<Q, R>, NtStatus> {
        let slot = self
            .slots
            .allocate()
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let body = self
            .bodies
            .allocate()
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let mut slot = slot;
        slot.begin();
        let slot = slot.into_shared();
        let irp = Irp {
            body: Some(BodyHandle(body)),
            slot: slot.clone(),
            completion: None,
        };
        Ok((irp, IrpTicket::new(slot)))
    }

    /// How full the pool is and was.
    pub fn usage(&self) -> PoolUsage {
        self.slots.usage()
    }
}

impl<Q: Recycle + Send, R: Recycle + Send> fmt::Debug for IrpPool<Q, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("IrpPool")
            .field(&self.usage())
            .finish()
    }
}

/// An I/O request packet in the hands of whoever carries it out.
#[must_use = "an IRP must be completed"]
pub struct Irp<Q: Recycle + Send + 'static, R: Recycle + Send + 'static> {
    /// Empty once it was completed.
    body: Option<BodyHandle<Q, R>>,
    slot: PooledArc<Slot<Q, R>>,
    completion: Option<&'static dyn CompletionRoutine<Q, R>>,
}

impl<Q: Recycle + Send, R: Recycle + Send> Irp<Q, R> {
    /// The IRP's identity.
    pub fn id(&self) -> IrpId {
        self.slot.id()
    }

    /// What is asked.
    pub fn request(&self) -> &Q {
        &self.body().0.request
    }

    /// What is asked, to be filled in by the requester before it hands the IRP
    /// down, or to be taken from by the owner.
    pub fn request_mut(&mut self) -> &mut Q {
        &mut self.body_mut().0.request
    }

    /// The answer so far.
    pub fn reply(&self) -> &R {
        &self.body().0.reply
    }

    /// The answer, to be filled in before completing.
    pub fn reply_mut(&mut self) -> &mut R {
        &mut self.body_mut().0.reply
    }

    /// The request and the answer at once.
    pub fn parts_mut(&mut self) -> (&mut Q, &mut R) {
        let body = &mut *self.body_mut().0;
        (&mut body.request, &mut body.reply)
    }

    /// Has `routine` called when the IRP is completed. The requester sets it
    /// before it hands the IRP down.
    pub fn set_completion_routine(&mut self, routine: &'static dyn CompletionRoutine<Q, R>) {
        self.completion = Some(routine);
    }

    /// The owner keeps the IRP: from now on a cancellation calls `routine`.
    /// See the module's description for what goes with it. At or below
    /// Dispatch.
    ///
    /// # Errors
    /// [`Cancelled`] when cancellation was requested before: the routine will
    /// not be called, and the owner completes the IRP.
    pub fn mark_pending(&mut self, routine: &'static dyn CancelRoutine) -> Result<(), Cancelled> {
        self.slot.mark_pending(routine)
    }

    /// The owner takes the IRP up again. False if a cancellation was first:
    /// then the routine was called, or is about to be, and will not find the
    /// IRP. Also false if it was not pending.
    pub fn clear_cancel(&mut self) -> bool {
        self.slot.state.clear_cancellable()
    }

    /// Whether the requester wants the IRP to end.
    pub fn is_cancel_requested(&self) -> bool {
        self.slot.state.is_cancel_requested()
    }

    /// Ends the IRP with the reply as it is. `information` is the count that
    /// goes with the status. At or below Dispatch, with no lock held: the
    /// completion routine runs here, and below Dispatch the requester may run
    /// before this returns. `PENDING` is no end and counts as losing the IRP.
    pub fn complete(mut self, status: NtStatus, information: usize) {
        if status == NtStatus::PENDING {
            drop(self);
        } else {
            self.finish(status, information);
        }
    }

    fn finish(&mut self, status: NtStatus, information: usize) {
        let Some(mut body) = self.body.take() else {
            return;
        };
        if let Some(routine) = self.completion.take() {
            let Body { request, reply } = &mut *body.0;
            let id = self.slot.id();
            routine.completed(Completion {
                id,
                status,
                information,
                request,
                reply,
            });
        }
        self.slot.complete(body, status, information);
    }

    /// An `Irp` that can be reached has its body: only `finish` takes it, and
    /// that is called with the last of it.
    fn body(&self) -> &BodyHandle<Q, R> {
        self.body
            .as_ref()
            .expect("an IRP has its body until it is completed")
    }

    fn body_mut(&mut self) -> &mut BodyHandle<Q, R> {
        self.body
            .as_mut()
            .expect("an IRP has its body until it is completed")
    }
}

impl<Q: Recycle + Send, R: Recycle + Send> Drop for Irp<Q, R> {
    fn drop(&mut self) {
        if self.body.is_some() {
            self.slot.executive().irp_abandoned(self.slot.id());
            self.finish(NtStatus::DRIVER_INTERNAL_ERROR, 0);
        }
    }
}

impl<Q: Recycle + Send, R: Recycle + Send> fmt::Debug for Irp<Q, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Irp").field(&self.id()).finish()
    }
}
