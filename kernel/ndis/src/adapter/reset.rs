//! Resetting an adapter, and finding out that it hangs.

use executive::time::{Duration, Instant};

use super::Adapter;
use super::state::{Due, Reset};
use crate::counters::count;
use crate::filter::PacketFilter;
use crate::miniport::{AdapterContext, ErasedMiniport, ResetOutcome};
use crate::status::NdisStatus;

/// How long a request or a reset may be pending.
const HANG_TIME: Duration = Duration::from_secs(4);

/// Checks in a row, two seconds apart, that find sends pending of which none has ended: they have
/// been for four seconds. Counted so, a send needs no look at the clock.
const HANG_CHECKS: u32 = 2;

impl Adapter {
    /// Asks for a reset: PENDING, and ResetComplete of every binding follows. At or below Dispatch.
    pub(crate) fn reset(&'static self) -> NdisStatus {
        {
            let mut core = self.core.lock();
            if !core.state.is_started() {
                return NdisStatus::ADAPTER_NOT_READY;
            }
            if core.reset != Reset::Idle {
                return NdisStatus::RESET_IN_PROGRESS;
            }
            core.reset = Reset::Requested;
        }
        self.run_due(Due::empty());
        NdisStatus::PENDING
    }

    /// Tells the bindings, and has the miniport reset the hardware.
    pub(super) fn perform_reset(
        &self,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        count(&self.counters.resets);
        log::info!(target: "ndis", "{}: reset", self.name);
        context.tell_status(NdisStatus::RESET_START);
        context.indicate_status_complete();
        if self.below().is_none() {
            // What an intermediate driver has passed on goes on below, and its end is told it.
            self.abort_pending_request();
        }
        match miniport.reset(context) {
            ResetOutcome::Done { addressing_reset } => {
                self.finish_reset(context, NdisStatus::SUCCESS, addressing_reset);
            }
            ResetOutcome::Failure(status) => self.finish_reset(context, status, false),
            ResetOutcome::Pending => {}
        }
    }

    /// The miniport completes the reset it kept. That of an intermediate driver also tells so of
    /// resets of the adapter below, which the bindings are to know of as well.
    pub(crate) fn complete_pending_reset(
        &self,
        context: &mut AdapterContext,
        status: NdisStatus,
        addressing_reset: bool,
    ) {
        if self.is_resetting() {
            self.finish_reset(context, status, addressing_reset);
        } else if self.below().is_some() {
            context.each_binding(|bound| bound.protocol.reset_complete(bound.context, status));
        }
    }

    /// Lets sends and requests go on, and tells the bindings.
    fn finish_reset(
        &self,
        context: &mut AdapterContext,
        status: NdisStatus,
        addressing_reset: bool,
    ) {
        {
            let mut core = self.core.lock();
            core.reset = Reset::Idle;
            core.stalled = false;
            if addressing_reset {
                core.hardware_filter = PacketFilter::empty();
                core.due |= Due::ADDRESSING;
            }
        }
        if !status.is_success() {
            count(&self.counters.resets_failed);
            log::warn!(target: "ndis", "{}: reset failed: {status}", self.name);
        }
        context.tell_status(NdisStatus::RESET_END);
        context.indicate_status_complete();
        context.each_binding(|bound| bound.protocol.reset_complete(bound.context, status));
    }

    /// Called every two seconds: asks the miniport, or looks for operations without progress.
    pub(super) fn check_for_hang(
        &self,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        let now = context.now();
        let begun = self.core.lock().reset;
        if let Reset::InProgress(since) = begun {
            if now.duration_since(since) >= HANG_TIME {
                self.finish_reset(context, NdisStatus::FAILURE, true);
            }
            return;
        }
        let hangs = miniport.check_for_hang(context).unwrap_or_else(|| {
            let mut core = self.core.lock();
            let sends_hang = core.checks_without_send() >= HANG_CHECKS;
            let request = core.pending_request.as_ref();
            let hangs = |&(_, since): &(_, Instant)| now.duration_since(since) >= HANG_TIME;
            sends_hang || request.is_some_and(hangs)
        });
        let mut core = self.core.lock();
        // A driver that forgets to say it has room again does not stop the queue for good.
        core.stalled = false;
        if hangs && core.reset == Reset::Idle {
            count(&self.counters.resets_hung);
            core.reset = Reset::Requested;
        }
    }
}
