//! Batches of received frames, and what kind of frame one is.

use super::{Adapter, MAXIMUM_BINDINGS};
use crate::address::HardwareAddress;
use crate::binding::Bound;
use crate::filter::PacketFilter;

/// A frame's kind by its destination address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// To the adapter's own address.
    Directed,
    /// To a multicast address.
    Multicast,
    /// To every station.
    Broadcast,
    /// To another station.
    Foreign,
}

impl FrameKind {
    /// The kind of a frame to `destination`, received by the station `own`.
    pub(crate) fn of(destination: HardwareAddress, own: HardwareAddress) -> Self {
        if !destination.is_group() {
            if destination == own {
                Self::Directed
            } else {
                Self::Foreign
            }
        } else if destination.is_broadcast() {
            Self::Broadcast
        } else {
            Self::Multicast
        }
    }

    /// The bits of a packet filter any one of which takes such a frame to any address.
    pub(crate) const fn filter(self) -> PacketFilter {
        let kind = match self {
            Self::Directed => PacketFilter::DIRECTED,
            Self::Multicast => PacketFilter::ALL_MULTICAST,
            Self::Broadcast => PacketFilter::BROADCAST,
            Self::Foreign => PacketFilter::empty(),
        };
        kind.union(PacketFilter::PROMISCUOUS)
    }
}

/// The bindings frames are indicated to until the handler that indicates them ends. None of them
/// is freed meanwhile.
pub(crate) struct Batch {
    bindings: heapless::Vec<Bound, MAXIMUM_BINDINGS>,
    is_begun: bool,
    /// Bit n: binding n was indicated a frame since the last ReceiveComplete.
    indicated: u32,
}

impl Batch {
    /// One that has not begun.
    pub(crate) const fn new() -> Self {
        Self {
            bindings: heapless::Vec::new(),
            is_begun: false,
            indicated: 0,
        }
    }

    /// Takes hold of the bindings to `adapter` that are open now, unless it has.
    pub(crate) fn begin(&mut self, adapter: &Adapter) {
        if self.is_begun {
            return;
        }
        self.is_begun = true;
        for bound in &adapter.core.lock().bindings {
            bound.binding.acquire_again();
            // The capacities agree.
            let _ = self.bindings.push(*bound);
        }
    }

    /// The bindings it has.
    pub(crate) fn bindings(&self) -> &[Bound] {
        &self.bindings
    }

    /// Notes the bindings that were indicated a frame, a bit each.
    pub(crate) fn note_indicated(&mut self, indicated: u32) {
        self.indicated |= indicated;
    }

    /// The bindings indicated a frame since the last call.
    pub(crate) fn take_indicated(&mut self) -> u32 {
        core::mem::take(&mut self.indicated)
    }

    /// Lets go of the bindings.
    pub(crate) fn end(&mut self) {
        if self.is_begun {
            self.is_begun = false;
            while let Some(bound) = self.bindings.pop() {
                bound.binding.release();
            }
        }
    }
}
