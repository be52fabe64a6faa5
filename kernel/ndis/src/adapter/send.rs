//! Sending: at once if the miniport is free, else by the queue (seed item 32).

use executive::Irql;
use executive::time::Instant;

use super::Adapter;
use super::state::{Core, Due};
use crate::counters::{add, count};
use crate::miniport::{AdapterContext, ErasedMiniport, Frames};
use crate::packet::{Packet, Sender};
use crate::protocol::SendCompletion;
use crate::status::NdisStatus;

impl Adapter {
    /// Sends a packet whose sender is noted in it. At or below Dispatch.
    ///
    /// PENDING: SendComplete follows. Otherwise the send is over.
    pub(crate) fn send(&'static self, packet: Packet) -> NdisStatus {
        count(&self.counters.sends);
        let id = packet.info().id;
        log::trace!(target: "ndis", "{}: packet {id} down, {} bytes", self.name, packet.len());
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let mut core = self.core.lock();
        if !core.state.is_started() {
            drop(core);
            count(&self.counters.sends_refused_not_running);
            return NdisStatus::ADAPTER_NOT_READY;
        }
        if core.is_ready_to_send()
            && let Some(mut miniport) = core.miniport.take()
        {
            drop(core);
            let mut context = AdapterContext::new(self);
            context.expect_direct_status(id);
            if let Some(packet) = miniport.send(&mut context, packet) {
                self.wait_for_resources(&mut context, |core| core.sends.push_front(packet));
            }
            let status = context.take_direct_status().unwrap_or(NdisStatus::PENDING);
            context.end_handler();
            self.work(miniport, &mut context);
            return status;
        }
        if core.sends.len() >= self.ndis.limits().send_queue_length {
            drop(core);
            count(&self.counters.sends_refused_queue_full);
            return NdisStatus::RESOURCES;
        }
        core.sends.push_back(packet);
        count(&self.counters.sends_queued);
        NdisStatus::PENDING
    }

    /// Puts packets into the queue and sends what can be sent; each one is completed by
    /// SendComplete. At or below Dispatch.
    pub(crate) fn send_all(&'static self, packets: impl Iterator<Item = Packet>) {
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        for packet in packets {
            count(&self.counters.sends);
            let refused = {
                let mut core = self.core.lock();
                if !core.state.is_started() {
                    Some((
                        packet,
                        &self.counters.sends_refused_not_running,
                        NdisStatus::ADAPTER_NOT_READY,
                    ))
                } else if core.sends.len() >= self.ndis.limits().send_queue_length {
                    Some((
                        packet,
                        &self.counters.sends_refused_queue_full,
                        NdisStatus::RESOURCES,
                    ))
                } else {
                    core.sends.push_back(packet);
                    None
                }
            };
            if let Some((packet, counter, status)) = refused {
                count(counter);
                self.complete_send(SendCompletion::of(&packet, status));
            }
        }
        self.run_due(Due::empty());
    }

    /// Sends from the queue.
    pub(super) fn perform_queued_sends(
        &self,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        let mut frames = Frames::new();
        self.core.lock().take_frames(&mut frames);
        self.perform_sends(&mut frames, miniport, context);
    }

    /// Gives `frames` to the miniport; those it has no room for go back to the queue.
    pub(super) fn perform_sends(
        &self,
        frames: &mut Frames,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        miniport.send_packets(context, frames);
        if !frames.is_empty() {
            self.wait_for_resources(context, |core| core.put_back(frames));
        }
    }

    /// Puts back what the driver had no room for, until it says that it has.
    fn wait_for_resources(&self, context: &mut AdapterContext, put_back: impl FnOnce(&mut Core)) {
        count(&self.counters.sends_out_of_resources);
        let mut core = self.core.lock();
        put_back(&mut core);
        core.stalled = !context.take_resources_available();
    }

    pub(crate) fn pending_send_began(&self) {
        count(&self.counters.sends_pending);
        let now = self.executive().now();
        let mut core = self.core.lock();
        if core.pending_sends == 0 {
            core.send_progress = now;
        }
        // A driver that completed it before it answered PENDING has counted it down already.
        core.pending_sends = core.pending_sends.wrapping_add(1);
    }

    pub(crate) fn pending_send_ended(&self) {
        let now = self.executive().now();
        let mut core = self.core.lock();
        core.pending_sends = core.pending_sends.wrapping_sub(1);
        core.send_progress = now;
    }

    /// Whether `sender` is a binding to this adapter with a send under way.
    pub(crate) fn is_sender(&self, sender: Sender) -> bool {
        self.ndis
            .target(sender)
            .is_some_and(|target| core::ptr::eq(target.adapter, self))
    }

    /// Counts a send that is over.
    pub(crate) fn count_sent(&self, length: usize, status: NdisStatus) {
        if status.is_success() {
            count(&self.counters.sends_done);
            add(&self.counters.bytes_sent, length);
        } else {
            count(&self.counters.sends_failed);
        }
    }

    /// Calls the sender's SendComplete, with no lock held, and ends the operation.
    pub(crate) fn complete_send(&self, mut completion: SendCompletion) {
        let sender = completion.senders.pop();
        let Some(target) = sender.and_then(|sender| self.ndis.target(sender)) else {
            return;
        };
        if let Some(packet) = &mut completion.packet {
            packet.info_mut().senders.pop();
        }
        let bound = target.bound;
        bound.binding.count_send(completion.status);
        bound.protocol.send_complete(bound.context, completion);
        bound.binding.release();
    }

    /// Calls TransferDataComplete of the binding that asked for the transfer, and ends the
    /// operation.
    pub(crate) fn complete_transfer(
        &self,
        sender: Option<Sender>,
        packet: Packet,
        result: Result<usize, NdisStatus>,
    ) {
        let Some(target) = sender.and_then(|sender| self.ndis.target(sender)) else {
            return;
        };
        let bound = target.bound;
        bound.binding.count_transfer(&result);
        bound
            .protocol
            .transfer_data_complete(bound.context, packet, result);
        bound.binding.release();
    }

    /// Gives up every packet in the queue. Dispatch or below.
    pub(super) fn abort_sends(&self) {
        loop {
            let Some(packet) = self.core.lock().sends.pop_front() else {
                return;
            };
            count(&self.counters.sends_aborted);
            let mut completion = SendCompletion::of(&packet, NdisStatus::REQUEST_ABORTED);
            completion.packet = Some(packet);
            self.complete_send(completion);
        }
    }

    /// The sends pending in the driver, and since when none of them has ended.
    pub(super) fn pending_sends(&self) -> (u32, Instant) {
        let core = self.core.lock();
        (core.pending_sends, core.send_progress)
    }
}
