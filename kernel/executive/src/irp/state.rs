//! The one word on which an IRP's owner, its canceller and its requester
//! agree. `tests/interleavings` checks this code with a model checker.

use crate::sync::atomic::{AtomicU32, Ordering};

/// The requester wants the IRP to end.
const CANCEL_REQUESTED: u32 = 1;
/// The IRP is pending and its cancel routine may be called.
const CANCELLABLE: u32 = 2;
/// The IRP was completed.
const COMPLETED: u32 = 4;
/// The requester is no longer interested.
const TICKET_GONE: u32 = 8;

/// The IRP was cancelled before it became pending; its owner completes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// What dropping the ticket found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TicketDrop {
    /// The IRP was complete: the ticket frees what the owner left.
    pub(super) completed: bool,
    /// The cancel routine is to be called.
    pub(super) call_routine: bool,
}

/// See the module's description.
pub(super) struct IrpState(AtomicU32);

impl IrpState {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// For a new IRP in the same slot; nobody else knows it yet.
    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The owner makes the IRP pending, unless its cancellation was requested.
    /// One step decides that: whatever request comes later finds the IRP
    /// cancellable.
    pub(super) fn make_cancellable(&self) -> Result<(), Cancelled> {
        let mark = |word| (word & CANCEL_REQUESTED == 0).then_some(word | CANCELLABLE);
        // Release: the canceller sees the routine.
        match self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, mark)
        {
            Ok(_) => Ok(()),
            Err(_) => Err(Cancelled),
        }
    }

    /// The owner takes the IRP out of the pending state; false if a canceller
    /// was first, whose call of the cancel routine is under way or over.
    pub(super) fn clear_cancellable(&self) -> bool {
        self.0.fetch_and(!CANCELLABLE, Ordering::AcqRel) & CANCELLABLE != 0
    }

    /// The requester wants the IRP to end; true if the cancel routine is to be
    /// called, which is true once at most for each time it was made pending.
    pub(super) fn request_cancel(&self) -> bool {
        let mark = |word| Some(word & !CANCELLABLE | CANCEL_REQUESTED);
        match self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, mark)
        {
            Ok(word) | Err(word) => word & CANCELLABLE != 0,
        }
    }

    /// The owner has left the reply; false if nobody is going to take it.
    pub(super) fn complete(&self) -> bool {
        let mark = |word| Some(word & !CANCELLABLE | COMPLETED);
        // Release: whoever sees the completion sees the reply. Acquire: if the
        // ticket is gone, its last access comes before.
        match self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, mark)
        {
            Ok(word) | Err(word) => word & TICKET_GONE == 0,
        }
    }

    /// The requester goes away, and wants the IRP to end if it has not.
    pub(super) fn drop_ticket(&self) -> TicketDrop {
        let mark = |word| Some(word & !CANCELLABLE | CANCEL_REQUESTED | TICKET_GONE);
        match self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, mark)
        {
            Ok(word) | Err(word) => TicketDrop {
                completed: word & COMPLETED != 0,
                call_routine: word & CANCELLABLE != 0,
            },
        }
    }

    pub(super) fn is_cancel_requested(&self) -> bool {
        self.0.load(Ordering::Acquire) & CANCEL_REQUESTED != 0
    }

    pub(super) fn is_completed(&self) -> bool {
        self.0.load(Ordering::Acquire) & COMPLETED != 0
    }
}
