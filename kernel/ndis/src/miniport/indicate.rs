//! Indicating frames to the bindings: what was received, and what was sent and is looped back.

use executive::time::Instant;

use super::{AdapterContext, TransferData};
use crate::adapter::{Adapter, Batch, FrameKind};
use crate::address::HardwareAddress;
use crate::binding::{Bound, Fate};
use crate::counters::count;
use crate::packet::{Packet, PacketFlags, Sender};
use crate::protocol::{NO_HANDLER, ReceiveContext};
use crate::status::NdisStatus;

/// Where a frame comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// The medium.
    Medium,
    /// This machine: the binding that sent it.
    Binding(Sender),
}

impl AdapterContext {
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
        let length = header.len() + payload_size;
        self.deliver(Origin::Medium, header, length, |bound| {
            let mut receive = ReceiveContext::new(transfer, bound);
            let receiver = bound.context.receiver;
            receiver.receive(&mut receive, header, lookahead, payload_size)
        });
    }

    /// Indicates a received frame that is all in `packet`, from its link-layer header on.
    ///
    /// Protocols with a ReceivePacket handler get the packet; the others get it as lookahead. A
    /// packet without a time stamp gets one.
    pub fn indicate_packet(&mut self, packet: Packet) {
        self.indicate_whole(Origin::Medium, packet);
    }

    /// Indicates a packet that was sent by `sender`, marked as such, to every binding that wants
    /// what this machine sends.
    pub(crate) fn indicate_looped_back(&mut self, mut packet: Packet, sender: Sender) {
        packet.info_mut().flags |= PacketFlags::IS_LOOPBACK_PACKET;
        packet.info_mut().timestamp = Instant::ZERO;
        self.indicate_whole(Origin::Binding(sender), packet);
    }

    fn indicate_whole(&mut self, origin: Origin, mut packet: Packet) {
        if packet.info().timestamp == Instant::ZERO {
            packet.info_mut().timestamp = self.time_of_batch();
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
        self.deliver(origin, header, packet.len(), |bound| {
            let answer = bound.protocol.receive_packet(bound.context, &packet);
            answer.unwrap_or_else(|| {
                let mut receive = ReceiveContext::new(&mut transfer, bound);
                let receiver = bound.context.receiver;
                receiver.receive(&mut receive, header, lookahead, payload_size)
            })
        });
    }

    /// The time of the first packet that this handler indicates: the clock is read once a batch.
    fn time_of_batch(&mut self) -> Instant {
        let adapter = self.adapter;
        *self.time.get_or_insert_with(|| adapter.executive().now())
    }

    /// Calls `indicate` for every binding that wants the frame, and counts what becomes of it.
    #[inline]
    fn deliver(
        &mut self,
        origin: Origin,
        header: &[u8],
        length: usize,
        mut indicate: impl FnMut(&Bound) -> NdisStatus,
    ) {
        let adapter = self.adapter;
        if log::max_level() == log::LevelFilter::Trace {
            trace_frame(adapter, length);
        }
        let batch = Batch::of_frames(&mut self.batch, adapter);
        match origin {
            Origin::Medium => batch.count_received(length),
            Origin::Binding(_) => count(&adapter.counters.loopback_frames),
        }
        let destination =
            HardwareAddress::from_slice(header).filter(|_| header.len() >= adapter.header_size());
        let Some(destination) = destination else {
            count(&adapter.counters.dropped_short_header);
            return;
        };
        let kind = FrameKind::of(destination, adapter.hardware_address());
        let mut fate = Fate::Filtered;
        for listener in batch.listeners() {
            let bound = &listener.bound;
            let is_wanted = match origin {
                Origin::Medium => bound.binding.wants(kind, destination),
                Origin::Binding(sender) => bound.wants_looped_back(sender, kind, destination),
            };
            if !is_wanted {
                count(&bound.binding.counters.frames_filtered);
                continue;
            }
            fate = match indicate(bound) {
                NdisStatus::SUCCESS => Fate::Taken,
                NO_HANDLER => continue,
                status => fate.max(bound.binding.count_not_success(status)),
            };
            listener.note_indicated();
        }
        if fate != Fate::Taken {
            count_dropped(adapter, batch, fate);
        }
    }

    /// Tells the protocols that the batch of frames is over (seed item 21). The wrapper does so
    /// after every handler that has indicated frames and not called this.
    pub fn indicate_receive_complete(&mut self) {
        let Some(batch) = &mut self.batch else { return };
        let indicated = batch.settle(self.adapter);
        if indicated == 0 {
            return;
        }
        count(&self.adapter.counters.receive_batches);
        for (index, bound) in batch.bindings().enumerate() {
            if indicated & 1 << index != 0 {
                bound.protocol.receive_complete(bound.context);
            }
        }
        if batch.is_passing() {
            self.adapter.settle_above();
        }
    }

    /// Ends the call of a handler: the batch it indicated is over.
    #[inline]
    pub(crate) fn end_handler(&mut self) {
        if self.batch.is_some() {
            self.end_batch();
        }
    }

    /// Ends what an intermediate driver did from a handler of its protocol edge. What it indicated
    /// is over when the batch of the adapter below is.
    pub(crate) fn end_switch(&mut self) {
        if let Some(batch) = &mut self.batch
            && self.adapter.is_passing()
        {
            batch.owe_receive_complete(self.adapter);
        }
        self.end_handler();
    }

    fn end_batch(&mut self) {
        self.indicate_receive_complete();
        self.time = None;
        if let Some(batch) = &mut self.batch {
            batch.end();
        }
    }
}

#[cold]
fn trace_frame(adapter: &Adapter, length: usize) {
    log::trace!(target: "ndis", "{}: frame up, {length} bytes", adapter.name);
}

/// Counts a frame that no binding took.
#[cold]
fn count_dropped(adapter: &Adapter, batch: &Batch, fate: Fate) {
    let counters = &adapter.counters;
    let is_bound = batch.bindings().next().is_some();
    count(match (is_bound, fate) {
        (_, Fate::Refused | Fate::Taken) => &counters.dropped_not_accepted,
        (true, Fate::Filtered) => &counters.dropped_filtered,
        (false, Fate::Filtered) => &counters.dropped_no_binding,
    });
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
        destination: &mut [u8],
    ) -> Result<(), NdisStatus> {
        let offset = payload_offset.saturating_add(self.header_size);
        if offset.saturating_add(destination.len()) > self.packet.len() {
            return Err(NdisStatus::INVALID_LENGTH);
        }
        self.packet.copy_to(offset, destination);
        Ok(())
    }
}
