//! What is counted of a binding.

use super::Binding;
use crate::counters::{BindingCounters, count};
use crate::status::NdisStatus;

/// What became of a frame at the bindings, the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// Nobody wanted it.
    Filtered,
    /// Whoever was indicated it did not accept it.
    Refused,
    /// Somebody took it.
    Taken,
}

impl Binding {
    /// Counts what the protocol answered to a frame other than SUCCESS.
    #[inline(never)]
    pub(crate) fn count_not_success(&self, status: NdisStatus) -> Fate {
        let counters = &self.counters;
        let (counter, fate) = match status {
            NdisStatus::PENDING => return Fate::Taken,
            NdisStatus::NOT_ACCEPTED | NdisStatus::NOT_RECOGNIZED | NdisStatus::NOT_COPIED => {
                (&counters.frames_not_accepted, Fate::Refused)
            }
            // The frame was the protocol's; it counts the loss itself too.
            NdisStatus::RESOURCES => (&counters.frames_out_of_resources, Fate::Taken),
            _ => (&counters.frames_failed, Fate::Taken),
        };
        count(counter);
        fate
    }

    /// The counters. Frames are accepted so often that they are not counted but reckoned here:
    /// they are the frames indicated less all the others.
    pub(crate) fn counters(&self) -> BindingCounters {
        let mut counters = self.counters.snapshot();
        let others = counters.frames_not_accepted
            + counters.frames_out_of_resources
            + counters.frames_failed;
        // Of a batch under way, the others are counted and the frames indicated are not.
        counters.frames_accepted = counters.frames_indicated.saturating_sub(others);
        counters
    }

    pub(crate) fn count_transfer(&self, is_done: bool) {
        let counters = &self.counters;
        count(if is_done {
            &counters.transfers
        } else {
            &counters.transfers_failed
        });
    }

    #[inline]
    pub(crate) fn count_send(&self, status: NdisStatus) {
        let counters = &self.counters;
        count(if status.is_success() {
            &counters.sends_done
        } else {
            &counters.sends_failed
        });
    }

    pub(crate) fn count_request(&self, status: NdisStatus) {
        if !status.is_success() {
            count(&self.counters.requests_failed);
        }
    }
}
