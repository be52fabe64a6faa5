//! Sending: at once if the miniport is free, else by the queue (seed item 32).

use executive::SpinLockGuardAtLevel;

use super::Adapter;
use super::loopback::Path;
use super::state::{Core, Due};
use crate::binding::Target;
use crate::counters::{add, count};
use crate::miniport::{AdapterContext, ErasedMiniport, Frames, SendOutcome};
use crate::packet::{Packet, Sender};
use crate::protocol::SendCompletion;
use crate::status::NdisStatus;

impl Adapter {
    /// Sends a packet whose sender is noted in it. Dispatch.
    ///
    /// PENDING: SendComplete follows. Otherwise the send is over.
    pub(crate) fn send(&'static self, packet: Packet) -> NdisStatus {
        count(&self.counters.sends);
        let length = packet.len();
        if log::max_level() == log::LevelFilter::Trace {
            self.trace_down(&packet);
        }
        let mut core = self.core.lock_at_level();
        let loops_back = core.wants_loopback();
        if loops_back && let Path::Back(status) = self.loop_back(&mut core, &packet) {
            drop(core);
            drop(packet);
            self.run_due(Due::empty());
            return status;
        }
        let Some(mut miniport) = core.take_to_send() else {
            return self.send_later(core, packet, loops_back);
        };
        drop(core);
        let mut context = AdapterContext::new(self);
        let status = match miniport.send(&mut context, packet) {
            SendOutcome::Success => {
                self.count_sent(length, NdisStatus::SUCCESS);
                NdisStatus::SUCCESS
            }
            SendOutcome::Failure(status) => self.send_failed(status),
            SendOutcome::Pending => self.send_pends(),
            SendOutcome::Resources(packet) => self.send_again(packet, &mut context),
        };
        context.end_handler();
        self.put_miniport_back(miniport, &mut context);
        status
    }

    #[cold]
    fn trace_down(&self, packet: &Packet) {
        let (id, length) = (packet.info().id, packet.len());
        log::trace!(target: "ndis", "{}: packet {id} down, {length} bytes", self.name);
    }

    /// Queues a packet that cannot go to the miniport now.
    #[cold]
    fn send_later(
        &'static self,
        mut core: SpinLockGuardAtLevel<'_, Core>,
        packet: Packet,
        loops_back: bool,
    ) -> NdisStatus {
        let queued = self.enqueue(&mut core, packet);
        drop(core);
        if loops_back {
            // What is looped back does not wait for the card.
            self.run_due(Due::empty());
        }
        queued
            .err()
            .map_or(NdisStatus::PENDING, |(_, status)| status)
    }

    /// The miniport refused a packet for good.
    #[cold]
    fn send_failed(&self, status: NdisStatus) -> NdisStatus {
        self.count_sent(0, status);
        status
    }

    /// The miniport keeps a packet that it was to send.
    #[cold]
    fn send_pends(&self) -> NdisStatus {
        self.pending_send_began();
        NdisStatus::PENDING
    }

    /// The miniport had no room for a packet: it is the first of the queue.
    #[cold]
    fn send_again(&self, packet: Packet, context: &mut AdapterContext) -> NdisStatus {
        self.wait_for_resources(context, |core| core.sends.push_front(packet));
        NdisStatus::PENDING
    }

    /// Whether a packet would not be refused now.
    pub(super) fn accepts_send(&self, core: &Core) -> bool {
        core.state.is_started() && core.sends.len() < self.ndis.limits().send_queue_length
    }

    /// Puts a packet into the queue, unless the adapter is not started or the queue is full.
    fn enqueue(&self, core: &mut Core, packet: Packet) -> Result<(), (Packet, NdisStatus)> {
        if !core.state.is_started() {
            count(&self.counters.sends_refused_not_running);
            return Err((packet, NdisStatus::ADAPTER_NOT_READY));
        }
        if core.sends.len() >= self.ndis.limits().send_queue_length {
            count(&self.counters.sends_refused_queue_full);
            return Err((packet, NdisStatus::RESOURCES));
        }
        count(&self.counters.sends_queued);
        core.sends.push_back(packet);
        Ok(())
    }

    /// Sends packets; each one is completed by SendComplete. Dispatch.
    pub(crate) fn send_all(&'static self, mut packets: impl Iterator<Item = Packet>) {
        loop {
            let mut frames = Frames::new();
            while !frames.is_full()
                && let Some(packet) = packets.next()
            {
                // There is room.
                let _ = frames.push_back(packet);
            }
            if frames.is_empty() {
                return;
            }
            self.send_several(&mut frames);
        }
    }

    /// Gives packets to the miniport, or puts them into the queue; those that it does not take are
    /// completed with the reason.
    fn send_several(&'static self, frames: &mut Frames) {
        add(&self.counters.sends, frames.len());
        let loops_back = self.core.lock_at_level().wants_loopback();
        if loops_back {
            self.loop_back_several(frames);
        }
        let mut core = self.core.lock_at_level();
        if let Some(mut miniport) = core.take_to_send() {
            drop(core);
            let mut context = AdapterContext::new(self);
            self.perform_sends(frames, &mut *miniport, &mut context);
            context.end_handler();
            self.work_through(miniport, &mut context);
            return;
        }
        let mut status = NdisStatus::PENDING;
        for _ in 0..frames.len() {
            let packet = frames.pop_front();
            let queued = packet.map(|packet| self.enqueue(&mut core, packet));
            if let Some(Err((packet, refused))) = queued {
                status = refused;
                // The place it was taken from is free.
                let _ = frames.push_back(packet);
            }
        }
        drop(core);
        if loops_back {
            self.run_due(Due::empty());
        }
        while let Some(packet) = frames.pop_front() {
            self.complete_send(Some(SendCompletion::of(&packet, status)));
        }
    }

    /// Loops packets back; those for this machine alone are completed and not in `frames` any more.
    #[inline(never)]
    fn loop_back_several(&self, frames: &mut Frames) {
        for _ in 0..frames.len() {
            let Some(packet) = frames.pop_front() else {
                return;
            };
            let path = self.loop_back(&mut self.core.lock_at_level(), &packet);
            match path {
                // The place it was taken from is free.
                Path::Out => drop(frames.push_back(packet)),
                Path::Back(status) => {
                    self.complete_send(Some(SendCompletion::with(packet, status)));
                }
            }
        }
    }

    /// Sends from the queue.
    pub(super) fn perform_queued_sends(
        &self,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        let mut frames = Frames::new();
        self.core.lock_at_level().take_frames(&mut frames);
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
        let mut core = self.core.lock_at_level();
        put_back(&mut core);
        core.stalled = !context.take_resources_available();
    }

    /// The miniport keeps a packet. Dispatch.
    pub(crate) fn pending_send_began(&self) {
        count(&self.counters.sends_pending);
        self.core.lock_at_level().begin_pending_send();
    }

    /// The miniport gives back a packet that it kept. Dispatch.
    pub(crate) fn complete_pending_send(&self, completion: SendCompletion) {
        let passage = completion.senders.top();
        if passage.is_none_or(|passage| !passage.is_to(self.place)) {
            count(&self.counters.sends_completed_unknown);
            return;
        }
        self.core.lock_at_level().end_pending_send();
        self.count_sent(completion.length, completion.status);
        self.complete_send(Some(completion));
    }

    /// Counts a send that is over.
    #[inline]
    pub(crate) fn count_sent(&self, length: usize, status: NdisStatus) {
        if status.is_success() {
            count(&self.counters.sends_done);
            add(&self.counters.bytes_sent, length);
        } else {
            count(&self.counters.sends_failed);
        }
    }

    /// Calls the sender's SendComplete, with no lock held, and ends the operation. Dispatch.
    /// A completion is moved into the handler and nowhere else.
    pub(crate) fn complete_send(&self, mut completion: Option<SendCompletion>) {
        let Some(told) = &mut completion else { return };
        let passage = told.senders.pop();
        let target = passage.and_then(|passage| self.ndis.target_at_level(passage.sender()));
        let Some(Target { bound, .. }) = target else {
            return;
        };
        if let Some(packet) = &mut told.packet {
            packet.info_mut().senders.pop();
        }
        bound.binding.count_send(told.status);
        bound.protocol.send_complete(bound.context, &mut completion);
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
        bound.binding.count_transfer(result.is_ok());
        bound
            .protocol
            .transfer_data_complete(bound.context, packet, result);
        bound.binding.release();
    }

    /// Gives up every packet in the queues. Dispatch.
    pub(super) fn abort_sends(&self) {
        self.abort_loopback();
        loop {
            let Some(packet) = self.core.lock_at_level().sends.pop_front() else {
                return;
            };
            count(&self.counters.sends_aborted);
            let completion = SendCompletion::with(packet, NdisStatus::REQUEST_ABORTED);
            self.complete_send(Some(completion));
        }
    }
}
