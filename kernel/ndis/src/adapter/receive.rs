//! Batches of received frames, and what kind of frame one is.

use super::{Adapter, MAXIMUM_BINDINGS};
use crate::address::HardwareAddress;
use crate::binding::Bound;
use crate::filter::PacketFilter;

/// A frame's kind by its destination address: the bits of a packet filter any one of which takes
/// such a frame to any address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameKind(PacketFilter);

impl FrameKind {
    /// To the adapter's own address.
    pub(crate) const DIRECTED: Self = Self::taken_by(PacketFilter::DIRECTED);
    /// To a multicast address.
    pub(crate) const MULTICAST: Self = Self::taken_by(PacketFilter::ALL_MULTICAST);
    /// To every station.
    const BROADCAST: Self = Self::taken_by(PacketFilter::BROADCAST);
    /// To another station.
    const FOREIGN: Self = Self::taken_by(PacketFilter::empty());

    const fn taken_by(filter: PacketFilter) -> Self {
        Self(filter.union(PacketFilter::PROMISCUOUS))
    }

    /// The kind of a frame to `destination`, received by the station `own`.
    #[inline]
    pub(crate) fn of(destination: HardwareAddress, own: HardwareAddress) -> Self {
        if destination.is_group() {
            if destination.is_broadcast() {
                Self::BROADCAST
            } else {
                Self::MULTICAST
            }
        } else if destination == own {
            Self::DIRECTED
        } else {
            Self::FOREIGN
        }
    }

    #[inline]
    pub(crate) const fn filter(self) -> PacketFilter {
        self.0
    }
}

/// The bindings frames are indicated to until the handler that indicates them ends. None of them
/// is freed meanwhile.
pub(crate) struct Batch {
    bindings: heapless::Vec<Bound, MAXIMUM_BINDINGS>,
    is_begun: bool,
    /// It has begun for frames too.
    has_frames: bool,
    /// The adapter, if others stand on it that indicate on frames of this batch.
    passing: Option<&'static Adapter>,
    /// Bit n: binding n was indicated a frame since the last ReceiveComplete.
    indicated: u32,
}

impl Batch {
    /// One that has not begun.
    pub(crate) const fn new() -> Self {
        Self {
            bindings: heapless::Vec::new(),
            is_begun: false,
            has_frames: false,
            passing: None,
            indicated: 0,
        }
    }

    /// Takes hold of the bindings to `adapter` that are open now, unless it has.
    #[inline]
    pub(crate) fn begin(&mut self, adapter: &Adapter) {
        if !self.is_begun {
            self.take_hold(adapter);
        }
    }

    #[inline(never)]
    fn take_hold(&mut self, adapter: &Adapter) {
        self.is_begun = true;
        for bound in &adapter.core.lock().bindings {
            bound.binding.acquire_again();
            // The capacities agree.
            let _ = self.bindings.push(*bound);
        }
    }

    /// The same for frames.
    #[inline]
    pub(crate) fn begin_frames(&mut self, adapter: &'static Adapter) {
        if !self.has_frames {
            self.has_frames = true;
            self.passing = adapter.begin_passing().then_some(adapter);
            self.begin(adapter);
        }
    }

    /// Whether adapters stand on this one that indicate on its frames.
    pub(crate) fn is_passing(&self) -> bool {
        self.passing.is_some()
    }

    /// The bindings it has.
    #[inline]
    pub(crate) fn bindings(&self) -> &[Bound] {
        &self.bindings
    }

    /// Notes the bindings that were indicated a frame, a bit each.
    #[inline]
    pub(crate) fn note_indicated(&mut self, indicated: u32) {
        self.indicated |= indicated;
    }

    /// The bindings indicated a frame since the last call.
    pub(crate) fn take_indicated(&mut self) -> u32 {
        core::mem::take(&mut self.indicated)
    }

    /// Has ReceiveComplete called when the batch of the adapter below is over.
    pub(crate) fn owe_receive_complete(&mut self, adapter: &Adapter) {
        let indicated = self.take_indicated();
        if indicated == 0 {
            return;
        }
        for (index, bound) in self.bindings.iter().enumerate() {
            if indicated & 1 << index != 0 {
                bound.binding.owe_receive_complete();
            }
        }
        adapter.owe_receive_complete();
    }

    /// Lets go of the bindings.
    pub(crate) fn end(&mut self) {
        self.has_frames = false;
        if let Some(adapter) = self.passing.take() {
            adapter.end_passing();
        }
        if self.is_begun {
            self.is_begun = false;
            while let Some(bound) = self.bindings.pop() {
                bound.binding.release();
            }
        }
    }
}
