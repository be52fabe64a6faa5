//! What a miniport's handlers can do: indicate, and complete what was pending.

use executive::Irql;
use executive::time::{Duration, Instant};

use crate::adapter::{Adapter, Batch};
use crate::binding::Bound;
use crate::counters::count;
use crate::packet::{Packet, Passage};
use crate::protocol::SendCompletion;
use crate::status::NdisStatus;

use super::SendOutcome;

/// The wrapper, as a miniport's handlers see it during one call.
pub struct AdapterContext {
    pub(super) adapter: &'static Adapter,
    /// The bindings frames are indicated to, from the first indication to the end of the handler.
    /// `None` until the first one, so that sending does not pay for it.
    pub(super) batch: Option<Batch>,
    /// The time stamp of the packets it indicates, read once.
    pub(super) time: Option<Instant>,
    /// The driver has room for frames again.
    resources_available: bool,
}

impl AdapterContext {
    #[inline]
    pub(crate) fn new(adapter: &'static Adapter) -> Self {
        Self {
            adapter,
            batch: None,
            time: None,
            resources_available: false,
        }
    }

    pub(super) fn adapter(&self) -> &'static Adapter {
        self.adapter
    }

    /// The adapter's name.
    pub fn adapter_name(&self) -> &'static str {
        self.adapter.name
    }

    /// The time since the machine started.
    pub fn now(&self) -> Instant {
        self.adapter.executive().now()
    }

    /// Runs `body` at Device level, when the adapter's interrupt service routine cannot run.
    pub fn synchronize_with_interrupt<R>(&self, body: impl FnOnce() -> R) -> R {
        let _raised = self.adapter.executive().raise_irql(Irql::Device);
        body()
    }

    /// Has HandleInterrupt called soon, as if the card had interrupted: for a driver whose timer
    /// handler finds that an interrupt was lost, or more to do than its budget allows.
    /// EnableInterrupt follows it, as always.
    pub fn queue_handle_interrupt(&self) {
        self.adapter.queue_deferred_call();
    }

    /// Has the timer handler called once after `delay`; a call not yet made is put off.
    pub fn set_timer(&self, delay: Duration) {
        self.adapter.set_timer(delay);
    }

    /// Takes back [`AdapterContext::set_timer`].
    pub fn cancel_timer(&self) {
        self.adapter.cancel_timer();
    }

    /// Tells every binding of a change of the adapter's state.
    ///
    /// Beginning and end of the adapter's own resets the wrapper tells; what an intermediate driver
    /// passes on of those of the adapter below is left out meanwhile.
    pub fn indicate_status(&mut self, status: NdisStatus) {
        let is_of_reset = matches!(status, NdisStatus::RESET_START | NdisStatus::RESET_END);
        if !(is_of_reset && self.adapter.is_resetting()) {
            self.tell_status(status);
        }
    }

    /// Tells every binding of a change of the adapter's state.
    pub(crate) fn tell_status(&mut self, status: NdisStatus) {
        count(&self.adapter.counters.status_indications);
        self.adapter.media_status(status);
        self.each_binding(|bound| bound.protocol.status(bound.context, status));
    }

    /// Tells every binding that the change of state told last is over.
    pub fn indicate_status_complete(&mut self) {
        self.each_binding(|bound| bound.protocol.status_complete(bound.context));
    }

    /// Calls `indicate` for every binding, with no lock held.
    pub(crate) fn each_binding(&mut self, indicate: impl FnMut(&Bound)) {
        let batch = self.batch.get_or_insert_with(|| Batch::new(None));
        batch.begin(self.adapter);
        batch.bindings().for_each(indicate);
    }

    /// Gives back a packet for which Send answered [`SendOutcome::Pending`].
    pub fn send_complete(&mut self, packet: Packet, status: NdisStatus) {
        self.pass_send_completion(SendCompletion::with(packet, status));
    }

    /// Passes on what an intermediate driver was told of a packet that it had sent on and for
    /// which its own Send answered [`SendOutcome::Pending`].
    pub fn pass_send_completion(&mut self, completion: SendCompletion) {
        // Halt runs at Passive, SendComplete does not.
        let _raised = self.adapter.executive().raise_irql(Irql::Dispatch);
        self.resources_available = true;
        self.adapter.complete_pending_send(completion);
    }

    /// Says that the driver has room for frames again.
    pub fn send_resources_available(&mut self) {
        self.resources_available = true;
    }

    /// Whether room for frames was announced since the last call.
    #[inline]
    pub(crate) fn take_resources_available(&mut self) -> bool {
        core::mem::take(&mut self.resources_available)
    }

    /// Completes the send of a packet if the driver answered that it is over. `completion` was
    /// made before the driver got the packet.
    #[inline]
    pub(super) fn end_send(
        &mut self,
        mut completion: Option<SendCompletion>,
        outcome: &SendOutcome,
    ) {
        let status = match outcome {
            SendOutcome::Success => NdisStatus::SUCCESS,
            SendOutcome::Failure(status) => *status,
            SendOutcome::Pending => return self.adapter.pending_send_began(),
            // Stays queued; not the driver's.
            SendOutcome::Resources(_) => return,
        };
        if let Some(completion) = &mut completion {
            completion.status = status;
            self.adapter.count_sent(completion.length, status);
        }
        self.adapter.complete_send(completion);
    }

    /// Gives back a packet for which a transfer answered [`super::Transfer::Pending`].
    pub fn transfer_data_complete(
        &mut self,
        mut packet: Packet,
        result: Result<usize, NdisStatus>,
    ) {
        // Halt runs at Passive, TransferDataComplete does not.
        let _raised = self.adapter.executive().raise_irql(Irql::Dispatch);
        let passage = packet.info_mut().senders.pop();
        let sender = passage.map(Passage::sender);
        self.adapter.complete_transfer(sender, packet, result);
    }

    /// Completes the query for which QueryInformation answered [`super::RequestOutcome::Pending`].
    pub fn query_information_complete(&mut self, status: NdisStatus, bytes: &[u8]) {
        self.adapter.complete_pending_request(status, bytes);
    }

    /// Completes the set for which SetInformation answered [`super::RequestOutcome::Pending`].
    pub fn set_information_complete(&mut self, status: NdisStatus) {
        self.adapter.complete_pending_request(status, &[]);
    }

    /// Completes the reset for which Reset answered [`super::ResetOutcome::Pending`].
    pub fn reset_complete(&mut self, status: NdisStatus, addressing_reset: bool) {
        self.adapter
            .complete_pending_reset(self, status, addressing_reset);
    }
}
