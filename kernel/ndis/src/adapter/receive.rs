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
    pub(crate) bindings: heapless::Vec<Bound, MAXIMUM_BINDINGS>,
    /// Bit n: binding n was indicated a frame since the last ReceiveComplete.
    pub(crate) indicated: u32,
}

impl Batch {
    /// Lets go of the bindings.
    pub(crate) fn end(self) {
        for bound in &self.bindings {
            bound.binding.release();
        }
    }
}

impl Adapter {
    /// The bindings open now.
    pub(crate) fn begin_batch(&self) -> Batch {
        let core = self.core.lock();
        for bound in &core.bindings {
            bound.binding.acquire_again();
        }
        Batch {
            bindings: core.bindings.clone(),
            indicated: 0,
        }
    }
}
