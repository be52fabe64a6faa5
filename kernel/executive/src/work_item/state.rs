//! Whether a call is requested, under way, or both.
//! `tests/interleavings` checks this code with a model checker.

use crate::sync::atomic::{AtomicU32, Ordering};

const IDLE: u32 = 0;
const QUEUED: u32 = 1;
const RUNNING: u32 = 2;
/// It runs, and has to run again.
const RUNNING_AND_QUEUED: u32 = 3;

/// What a request for a call found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requested {
    /// The caller puts the call into the queue.
    Enqueue,
    /// The call is under way and will be repeated.
    Repeat,
    /// The call is due already.
    Already,
}

/// The state of one call that never runs beside itself.
pub(crate) struct CallState(AtomicU32);

impl CallState {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(IDLE))
    }

    /// Asks for a call. Whatever the answer, a call starts after this that
    /// sees what the caller wrote before.
    pub(crate) fn request(&self) -> Requested {
        let request = |state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(RUNNING_AND_QUEUED),
            // Written again, so that `begin` acquires from this request too.
            queued => Some(queued),
        };
        match self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, request)
        {
            Ok(IDLE) => Requested::Enqueue,
            Ok(RUNNING) => Requested::Repeat,
            Ok(_) | Err(_) => Requested::Already,
        }
    }

    /// The call was taken out of the queue and starts.
    pub(crate) fn begin(&self) {
        self.0.swap(RUNNING, Ordering::AcqRel);
    }

    /// The call is over; true if it goes into the queue again.
    pub(crate) fn end(&self) -> bool {
        let end = |state| Some(if state == RUNNING { IDLE } else { QUEUED });
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, end)
            == Ok(RUNNING_AND_QUEUED)
    }
}
