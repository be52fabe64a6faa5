//! What a miniport's handlers can do: indicate, and complete what was pending.

use executive::Irql;
use executive::time::{Duration, Instant};

use crate::adapter::{Adapter, Batch, FrameKind};
use crate::address::HardwareAddress;
use crate::binding::Bound;
use crate::counters::{add, count};
use crate::packet::{Packet, SenderStack};
use crate::protocol::{ReceiveContext, SendCompletion};
use crate::status::NdisStatus;

use super::{SendOutcome, TransferData};

/// The wrapper, as a miniport's handlers see it during one call.
pub struct AdapterContext {
    adapter: &'static Adapter,
    /// The bindings frames are indicated to, from the first indication to the end of the handler.
    /// `None` until the first one, so that sending does not pay for it.
    batch: Option<Batch>,
    /// The driver has room for frames again.
    resources_available: bool,
    /// The packet whose sender waits for the answer of Send, instead of for SendComplete.
    direct: Option<DirectSend>,
}

/// A send whose status is returned to its caller.
struct DirectSend {
    id: u64,
    status: Option<NdisStatus>,
}

/// What is remembered of a packet while the driver has it.
pub(super) struct SentFrame {
    id: u64,
    length: usize,
    /// Who is to be told; `None`: the sender waits for the answer of Send.
    senders: Option<SenderStack>,
}

impl AdapterContext {
    pub(crate) fn new(adapter: &'static Adapter) -> Self {
        Self {
            adapter,
            batch: None,
            resources_available: false,
            direct: None,
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

    /// Indicates a received frame to every binding whose packet filter takes it (seed item 18):
    /// the link-layer `header`, the first bytes of the payload as `lookahead`, and the size of
    /// the whole payload. What the lookahead does not have, protocols get by `transfer`.
    pub fn indicate_receive(
        &mut self,
        transfer: &mut dyn TransferData,
        header: &[u8],
        lookahead: &[u8],
        payload_size: usize,
    ) {
        self.deliver(header, header.len() + payload_size, |bound| {
            let mut receive = ReceiveContext::new(transfer, bound);
            bound
                .protocol
                .receive(bound.context, &mut receive, header, lookahead, payload_size)
        });
    }

    /// Indicates a received frame that is all in `packet`, from its link-layer header on.
    ///
    /// Protocols with a ReceivePacket handler get the packet; the others get it as lookahead.
    pub fn indicate_packet(&mut self, mut packet: Packet) {
        if packet.info().timestamp == Instant::ZERO {
            packet.info_mut().timestamp = self.now();
        }
        let header_size = self.adapter.header_size();
        packet.pull_up(header_size.min(packet.len()));
        let (header, lookahead) = packet
            .data()
            .split_at_checked(header_size)
            .unwrap_or_default();
        let payload_size = packet.len() - header.len();
        let mut transfer = PacketTransfer {
            packet: &packet,
            header_size,
        };
        self.deliver(header, packet.len(), |bound| {
            bound
                .protocol
                .receive_packet(bound.context, &packet)
                .or_else(|| {
                    let mut receive = ReceiveContext::new(&mut transfer, bound);
                    bound.protocol.receive(
                        bound.context,
                        &mut receive,
                        header,
                        lookahead,
                        payload_size,
                    )
                })
        });
    }

    /// Calls `indicate` for every binding that wants the frame, and counts what becomes of it.
    fn deliver(
        &mut self,
        header: &[u8],
        length: usize,
        mut indicate: impl FnMut(&Bound) -> Option<NdisStatus>,
    ) {
        let adapter = self.adapter;
        let counters = &adapter.counters;
        log::trace!(target: "ndis", "{}: frame up, {length} bytes", adapter.name);
        count(&counters.frames_received);
        add(&counters.bytes_received, length);
        let destination =
            HardwareAddress::from_slice(header).filter(|_| header.len() >= adapter.header_size());
        let Some(destination) = destination else {
            count(&counters.dropped_short_header);
            return;
        };
        let kind = FrameKind::of(destination, adapter.hardware_address());
        let batch = self.batch.get_or_insert_with(Batch::new);
        batch.begin(adapter);
        let (mut asked, mut taken, mut indicated) = (false, false, 0);
        for (index, bound) in batch.bindings().iter().enumerate() {
            if !bound.binding.wants(kind, destination) {
                count(&bound.binding.counters.frames_filtered);
            } else if let Some(status) = indicate(bound) {
                asked = true;
                taken |= bound.binding.count_indication(status);
                indicated |= 1 << index;
            }
        }
        batch.note_indicated(indicated);
        if batch.bindings().is_empty() {
            count(&counters.dropped_no_binding);
        } else if !asked {
            count(&counters.dropped_filtered);
        } else if !taken {
            count(&counters.dropped_not_accepted);
        }
    }

    /// Tells the protocols that the batch of frames is over (seed item 21). The wrapper does so
    /// after every handler that has indicated frames and not called this.
    pub fn indicate_receive_complete(&mut self) {
        let Some(batch) = &mut self.batch else { return };
        let indicated = batch.take_indicated();
        if indicated == 0 {
            return;
        }
        count(&self.adapter.counters.receive_batches);
        for (index, bound) in batch.bindings().iter().enumerate() {
            if indicated & 1 << index != 0 {
                bound.protocol.receive_complete(bound.context);
            }
        }
    }

    /// Ends the call of a handler: the batch it indicated is over.
    pub(crate) fn end_handler(&mut self) {
        self.indicate_receive_complete();
        if let Some(batch) = &mut self.batch {
            batch.end();
        }
    }

    /// Tells every binding of a change of the adapter's state.
    pub fn indicate_status(&mut self, status: NdisStatus) {
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
        let batch = self.batch.get_or_insert_with(Batch::new);
        batch.begin(self.adapter);
        batch.bindings().iter().for_each(indicate);
    }

    /// Gives back a packet for which Send answered [`SendOutcome::Pending`].
    pub fn send_complete(&mut self, packet: Packet, status: NdisStatus) {
        let mut completion = SendCompletion::of(&packet, status);
        completion.packet = Some(packet);
        self.pass_send_completion(completion);
    }

    /// Passes on what an intermediate driver was told of a packet that it had sent on and for
    /// which its own Send answered [`SendOutcome::Pending`].
    pub fn pass_send_completion(&mut self, completion: SendCompletion) {
        // Halt runs at Passive, SendComplete does not.
        let _raised = self.adapter.executive().raise_irql(Irql::Dispatch);
        self.resources_available = true;
        let adapter = self.adapter;
        let sender = completion.senders.top();
        if sender.is_none_or(|sender| !adapter.is_sender(sender)) {
            count(&adapter.counters.sends_completed_unknown);
            return;
        }
        adapter.pending_send_ended();
        adapter.count_sent(completion.length, completion.status);
        adapter.complete_send(completion);
    }

    /// Says that the driver has room for frames again.
    pub fn send_resources_available(&mut self) {
        self.resources_available = true;
    }

    /// Whether room for frames was announced since the last call.
    pub(crate) fn take_resources_available(&mut self) -> bool {
        core::mem::take(&mut self.resources_available)
    }

    /// Has the status of packet `id` returned by [`AdapterContext::take_direct_status`], if it is
    /// known when the handler returns.
    pub(crate) fn expect_direct_status(&mut self, id: u64) {
        self.direct = Some(DirectSend { id, status: None });
    }

    pub(crate) fn take_direct_status(&mut self) -> Option<NdisStatus> {
        self.direct.take()?.status
    }

    /// Remembers whose `packet` is, before the driver gets it.
    pub(super) fn begin_send(&self, packet: &Packet) -> SentFrame {
        let info = packet.info();
        let is_direct = self
            .direct
            .as_ref()
            .is_some_and(|direct| direct.id == info.id);
        SentFrame {
            id: info.id,
            length: packet.len(),
            senders: (!is_direct).then(|| info.senders.clone()),
        }
    }

    /// Completes the send if the driver answered that it is over.
    pub(super) fn end_send(&mut self, sent: &SentFrame, outcome: &SendOutcome) {
        match outcome {
            SendOutcome::Success => self.finish_send(sent, NdisStatus::SUCCESS),
            SendOutcome::Failure(status) => self.finish_send(sent, *status),
            SendOutcome::Pending => self.adapter.pending_send_began(),
            // Stays queued; not the driver's.
            SendOutcome::Resources(_) => {}
        }
    }

    /// Tells the sender, by return or by SendComplete, that its packet is done with.
    fn finish_send(&mut self, sent: &SentFrame, status: NdisStatus) {
        self.adapter.count_sent(sent.length, status);
        match (&sent.senders, &mut self.direct) {
            (Some(senders), _) => self.adapter.complete_send(SendCompletion {
                id: sent.id,
                status,
                packet: None,
                length: sent.length,
                senders: senders.clone(),
            }),
            (None, Some(direct)) => direct.status = Some(status),
            (None, None) => {}
        }
    }

    /// Gives back a packet for which a transfer answered [`super::Transfer::Pending`].
    pub fn transfer_data_complete(
        &mut self,
        mut packet: Packet,
        result: Result<usize, NdisStatus>,
    ) {
        let sender = packet.info_mut().senders.pop();
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

/// Transfers from a packet that is being indicated.
struct PacketTransfer<'a> {
    packet: &'a Packet,
    header_size: usize,
}

impl TransferData for PacketTransfer<'_> {
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut Packet,
        length: usize,
    ) -> Result<usize, NdisStatus> {
        let offset = payload_offset.saturating_add(self.header_size);
        if offset.saturating_add(length) > self.packet.len() {
            return Err(NdisStatus::INVALID_LENGTH);
        }
        let space = destination.append(length).ok_or(NdisStatus::RESOURCES)?;
        Ok(self.packet.copy_to(offset, space))
    }
}
