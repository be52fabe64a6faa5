//! Resetting an adapter, and finding out that it hangs.

use executive::time::Duration;

use super::Adapter;
use super::state::{Due, Reset};
use crate::counters::count;
use crate::filter::PacketFilter;
use crate::miniport::{AdapterContext, ErasedMiniport, ResetOutcome};
use crate::status::NdisStatus;

/// How long a send, a request or a reset may be pending without progress.
const HANG_TIME: Duration = Duration::from_secs(4);

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
        context.indicate_status(NdisStatus::RESET_START);
        context.indicate_status_complete();
        self.abort_pending_request();
        match miniport.reset(context) {
            ResetOutcome::Done { addressing_reset } => {
                self.finish_reset(context, NdisStatus::SUCCESS, addressing_reset);
            }
            ResetOutcome::Failure(status) => self.finish_reset(context, status, false),
            ResetOutcome::Pending => {}
        }
    }

    /// The miniport completes the reset it kept.
    pub(crate) fn complete_pending_reset(
        &self,
        context: &mut AdapterContext,
        status: NdisStatus,
        addressing_reset: bool,
    ) {
        if self.is_resetting() {
            self.finish_reset(context, status, addressing_reset);
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
        context.indicate_status(NdisStatus::RESET_END);
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
            let (sends, progress) = self.pending_sends();
            let request = self
                .core
                .lock()
                .pending_request
                .as_ref()
                .map(|&(_, since)| since);
            let since = request.or((sends != 0).then_some(progress));
            since.is_some_and(|since| now.duration_since(since) >= HANG_TIME)
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
