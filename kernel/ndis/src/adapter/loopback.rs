//! Looping back to this machine what it sends and its own bindings want: frames to its own address,
//! broadcasts and multicasts that a packet filter takes, everything for a promiscuous binding and
//! for one that wants ALL_LOCAL.
//!
//! A copy (a shared packet) waits in a queue and is indicated like a batch of received frames,
//! never from within the send. A packet that comes from an adapter above through an intermediate
//! driver was looped back there.

use super::Adapter;
use super::receive::FrameKind;
use super::state::{Core, Due};
use crate::address::HardwareAddress;
use crate::binding::Binding;
use crate::counters::count;
use crate::miniport::{AdapterContext, BATCH_SIZE};
use crate::packet::{Packet, PacketFlags, Passage, Sender};
use crate::status::NdisStatus;

/// In GEN_MAC_OPTIONS: the miniport does not loop frames back, so the wrapper does
/// (`NDIS_MAC_OPTION_NO_LOOPBACK` of the Windows `ntddndis.h` header).
const MAC_OPTION_NO_LOOPBACK: u32 = 0x08;

/// A packet that was sent and waits for being indicated, and the binding that sent it.
pub(super) type LoopedBack = (Packet, Sender);

/// Who loops an adapter's frames back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loopback {
    /// The miniport, or nobody.
    OfMiniport,
    /// The wrapper, but no binding wants frames that this machine sends.
    Unwanted,
    /// The wrapper.
    Wanted,
}

/// Where a packet to be sent goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// To the miniport, looped back or not.
    Out,
    /// Not to the miniport: it was for this machine alone. The status of the send.
    Back(NdisStatus),
}

impl Adapter {
    /// Notes by the miniport's GEN_MAC_OPTIONS whether it loops frames back itself. One that does
    /// not say does, and one that is to stand `above` another does as that one.
    pub(super) fn learn_loopback(&self, options: Option<u32>, above: Option<&Adapter>) {
        let by_wrapper = match (options, above) {
            (Some(options), _) => options & MAC_OPTION_NO_LOOPBACK != 0,
            (None, Some(below)) => below.core.lock().loopback != Loopback::OfMiniport,
            (None, None) => false,
        };
        let mut core = self.core.lock();
        core.loopback = if by_wrapper {
            Loopback::Unwanted
        } else {
            Loopback::OfMiniport
        };
        core.update_loopback();
    }

    /// Puts a copy of a packet to be sent into the queue if a binding wants it. Called when
    /// [`Core::wants_loopback`]; nothing is looped back of a packet that is refused.
    #[inline(never)]
    pub(super) fn loop_back(&self, core: &mut Core, packet: &Packet) -> Path {
        let info = packet.info();
        let is_from_above = info.senders.depth() > 1;
        if is_from_above || info.flags.contains(PacketFlags::DONT_LOOPBACK) {
            return Path::Out;
        }
        let Some(sender) = info.senders.top().map(Passage::sender) else {
            return Path::Out;
        };
        let destination = destination_of(packet);
        let kind = FrameKind::of(destination, self.hardware_address());
        let is_wanted = core
            .bindings
            .iter()
            .any(|bound| bound.wants_looped_back(sender, kind, destination));
        if !is_wanted || !self.accepts_send(core) {
            return Path::Out;
        }
        count(&self.counters.loopbacks);
        let queued = self.queue_looped_back(core, packet, sender);
        if kind != FrameKind::DIRECTED {
            return Path::Out;
        }
        count(&self.counters.loopbacks_only);
        Path::Back(queued.err().unwrap_or(NdisStatus::SUCCESS))
    }

    fn queue_looped_back(
        &self,
        core: &mut Core,
        packet: &Packet,
        sender: Sender,
    ) -> Result<(), NdisStatus> {
        if core.looped_back.len() >= self.ndis.limits().send_queue_length {
            count(&self.counters.loopbacks_queue_full);
            return Err(NdisStatus::RESOURCES);
        }
        let Some(copy) = packet.share() else {
            count(&self.counters.loopbacks_no_packet);
            return Err(NdisStatus::RESOURCES);
        };
        core.looped_back.push_back((copy, sender));
        core.due |= Due::LOOPBACK;
        Ok(())
    }

    /// Indicates what waits, as one batch. What handlers send meanwhile comes with the next.
    pub(super) fn perform_loopback(&self, context: &mut AdapterContext) {
        let waiting = self.core.lock_at_level().looped_back.len();
        for _ in 0..waiting.min(BATCH_SIZE) {
            let first = self.core.lock_at_level().looped_back.pop_front();
            if let Some((packet, sender)) = first {
                context.indicate_looped_back(packet, sender);
            }
        }
        let mut core = self.core.lock_at_level();
        if !core.looped_back.is_empty() {
            core.due |= Due::LOOPBACK;
        }
    }

    /// Drops what waits.
    pub(super) fn abort_loopback(&self) {
        while let Some(waiting) = {
            let mut core = self.core.lock_at_level();
            core.looped_back.pop_front()
        } {
            drop(waiting);
        }
    }
}

/// The first bytes of a frame.
fn destination_of(packet: &Packet) -> HardwareAddress {
    HardwareAddress::from_slice(packet.data()).unwrap_or_else(|| {
        let mut destination = HardwareAddress::default();
        packet.copy_to(0, &mut destination.0);
        destination
    })
}

impl Core {
    /// Whether a packet that a binding sends may have to be looped back. Kept up to date by
    /// [`Core::update_loopback`], so that it costs a send one look.
    #[inline]
    pub(super) fn wants_loopback(&self) -> bool {
        self.loopback == Loopback::Wanted
    }

    /// To be called after a change of the bindings, their packet filters and their options.
    pub(super) fn update_loopback(&mut self) {
        if self.loopback == Loopback::OfMiniport {
            return;
        }
        let is_alone = self.bindings.len() == 1;
        let wants = |binding: &Binding| {
            let is_silent = is_alone && binding.declines_own();
            !is_silent && !binding.filter().is_empty()
        };
        self.loopback = if self.bindings.iter().any(|bound| wants(bound.binding)) {
            Loopback::Wanted
        } else {
            Loopback::Unwanted
        };
    }
}
