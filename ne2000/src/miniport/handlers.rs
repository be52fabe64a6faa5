//! The handlers: interrupt, send, reset, hang check, halt.

use executive::time::Duration;
use ndis::{
    AdapterContext, HandleInterrupt, IsrOutcome, NdisStatus, Packet, ResetOutcome, SendBatch,
    SendOutcome, TransferData,
};

use super::Adapter;
use crate::bus::RegisterBus;
use crate::card::Health;
use crate::interrupt::{Interrupt, InterruptHalf};
use crate::receive::{Overwritten, ReceivedFrame};
use crate::service::{CardEvents, Service};
use crate::transmit::SendRefusal;

/// The interrupt service routine (seed item 14). Device level.
pub(super) fn isr<B: RegisterBus>(interrupt: &InterruptHalf<B>) -> IsrOutcome {
    let mine = interrupt.service() == Interrupt::Mine;
    IsrOutcome {
        recognized: mine,
        queue_handle_interrupt: mine,
    }
}

/// The deferred half (seed item 15).
pub(super) fn handle_interrupt<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
) -> HandleInterrupt {
    adapter.serve(context)
}

pub(super) fn serve<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
) -> HandleInterrupt {
    let now = context.now();
    match adapter.card.service(now, &mut Indicate(context)) {
        Service::Done => HandleInterrupt::Done,
        Service::MoreWork => HandleInterrupt::MoreWork,
        Service::WaitUntil(time) => {
            adapter.timer_set = true;
            context.set_timer(time.duration_since(now));
            HandleInterrupt::Done
        }
        Service::NeedsReset => {
            log::warn!(target: "ne2000", "{}: the card is reset", context.adapter_name());
            reset_card(adapter, context);
            HandleInterrupt::Done
        }
        Service::Absent => {
            report_absent(adapter, context);
            HandleInterrupt::Done
        }
    }
}

/// The timer: the second part of a recovery.
pub(super) fn timer<B: RegisterBus>(adapter: &mut Adapter<B>, context: &mut AdapterContext) {
    if !core::mem::take(&mut adapter.timer_set) {
        return;
    }
    match adapter.serve(context) {
        HandleInterrupt::Done => adapter.interrupt.enable(),
        HandleInterrupt::MoreWork => {
            adapter.timer_set = true;
            context.set_timer(Duration::from_micros(1));
        }
    }
}

/// Hands up what a pass of the deferred half finds.
struct Indicate<'c>(&'c mut AdapterContext);

impl<B: RegisterBus> CardEvents<B> for Indicate<'_> {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, B>) {
        let (header, lookahead) = (frame.header(), frame.lookahead());
        let payload_size = frame.payload_size();
        self.0
            .indicate_receive(&mut InCard(frame), header, lookahead, payload_size);
    }

    fn transmit_slot_free(&mut self) {
        self.0.send_resources_available();
    }
}

/// A frame in the card's memory: what the lookahead doesn't have goes from
/// there straight into the protocol's packet (seed item 20).
struct InCard<'a, 'f, B>(&'a mut ReceivedFrame<'f, B>);

impl<B: RegisterBus> TransferData for InCard<'_, '_, B> {
    #[inline(always)]
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut [u8],
    ) -> Result<(), NdisStatus> {
        let available = self.0.payload_size().checked_sub(payload_offset);
        if available.is_none_or(|available| destination.len() > available) {
            return Err(NdisStatus::INVALID_LENGTH);
        }
        match self.0.read_payload(payload_offset, destination) {
            Ok(_) => Ok(()),
            Err(Overwritten) => Err(NdisStatus::FAILURE),
        }
    }
}

/// Sends one frame: it is on the card when this answers, so the packet is done
/// with.
pub(super) fn send<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
    packet: Packet,
) -> SendOutcome {
    let Some(bytes) = packet.only_segment().filter(|_| adapter.card.can_send()) else {
        return send_otherwise(adapter, context, packet);
    };
    match adapter.card.send([bytes], bytes.len(), || context.now()) {
        Ok(()) => SendOutcome::Success,
        Err(refusal) => not_sent(adapter, context, packet, refusal),
    }
}

/// Sends a frame of several segments, or answers for a card that takes none.
#[inline(never)]
fn send_otherwise<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
    packet: Packet,
) -> SendOutcome {
    // A full card costs no look at the packet.
    if !adapter.card.can_send() && !adapter.reported_absent {
        return SendOutcome::Resources(packet);
    }
    let sent = adapter
        .card
        .send(packet.segments(), packet.len(), || context.now());
    match sent {
        Ok(()) => SendOutcome::Success,
        Err(refusal) => not_sent(adapter, context, packet, refusal),
    }
}

/// Answers for a frame that the card did not take.
#[cold]
fn not_sent<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
    packet: Packet,
    refusal: SendRefusal,
) -> SendOutcome {
    match refusal {
        SendRefusal::Busy => SendOutcome::Resources(packet),
        SendRefusal::BadLength => SendOutcome::Failure(NdisStatus::INVALID_PACKET),
        SendRefusal::NotRunning => SendOutcome::Failure(NdisStatus::ADAPTER_REMOVED),
        SendRefusal::Stuck => {
            log::warn!(
                target: "ne2000",
                "{}: a remote write does not complete, the card is reset",
                context.adapter_name()
            );
            reset_card(adapter, context);
            SendOutcome::Failure(NdisStatus::DEVICE_FAILED)
        }
    }
}

/// Sends frames until one finds no room (seed item 32).
pub(super) fn send_packets<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
    batch: &mut SendBatch<'_>,
) {
    batch.send_each(context, |context, packet| send(adapter, context, packet));
}

/// Resets the card. Address and filter are as before.
pub(super) fn reset<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
) -> ResetOutcome {
    if reset_card(adapter, context) {
        ResetOutcome::Done {
            addressing_reset: false,
        }
    } else {
        ResetOutcome::Failure(NdisStatus::ADAPTER_REMOVED)
    }
}

fn reset_card<B: RegisterBus>(adapter: &mut Adapter<B>, context: &mut AdapterContext) -> bool {
    adapter.timer_set = false;
    if !adapter.card.reset() {
        report_absent(adapter, context);
        return false;
    }
    if core::mem::take(&mut adapter.reported_absent) {
        log::info!(target: "ne2000", "{}: the card is back", context.adapter_name());
        context.indicate_status(NdisStatus::MEDIA_CONNECT);
    }
    context.send_resources_available();
    true
}

fn report_absent<B: RegisterBus>(adapter: &mut Adapter<B>, context: &mut AdapterContext) {
    if !core::mem::replace(&mut adapter.reported_absent, true) {
        log::error!(
            target: "ne2000",
            "{}: the card does not answer any more",
            context.adapter_name()
        );
        context.indicate_status(NdisStatus::MEDIA_DISCONNECT);
        // Frames that wait for a slot fail now.
        context.send_resources_available();
    }
}

/// Looks after the card every two seconds.
pub(super) fn check_for_hang<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
) -> bool {
    match adapter.card.check(context.now()) {
        Health::Good => false,
        Health::InterruptLost => {
            log::warn!(target: "ne2000", "{}: an interrupt was lost", context.adapter_name());
            false
        }
        Health::NeedsReset => true,
        Health::Absent => {
            report_absent(adapter, context);
            false
        }
    }
}

/// Quiets the card and gives up its ports. Passive.
pub(super) fn halt<B: RegisterBus>(mut adapter: Adapter<B>, _: &mut AdapterContext) {
    adapter.card.stop();
}

/// Quiets the card.
pub(super) fn shutdown<B: RegisterBus>(adapter: &mut Adapter<B>) {
    adapter.card.stop();
}
