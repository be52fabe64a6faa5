//! Batches of received frames, and what kind of frame one is.

use super::{Adapter, MAXIMUM_BINDINGS};
use crate::address::HardwareAddress;
use crate::binding::Bound;
use crate::counters::add;
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

/// A binding that frames are indicated to.
pub(crate) struct Listener {
    pub(crate) bound: Bound,
    /// Frames indicated to it since the last ReceiveComplete.
    indicated: u32,
}

impl Listener {
    /// Notes that a frame was indicated to the binding.
    #[inline]
    pub(crate) fn note_indicated(&mut self) {
        self.indicated += 1;
    }

    /// Adds the frames indicated since the last call to the binding's counters; whether there are
    /// any.
    fn settle(&mut self) -> bool {
        let indicated = core::mem::take(&mut self.indicated) as usize;
        if indicated == 0 {
            return false;
        }
        add(&self.bound.binding.counters.frames_indicated, indicated);
        true
    }
}

/// The bindings frames are indicated to until the handler that indicates them ends, none of which
/// is freed meanwhile, and what is counted of the frames: it is added to the counters once a batch.
pub(crate) struct Batch {
    listeners: heapless::Vec<Listener, MAXIMUM_BINDINGS>,
    is_begun: bool,
    /// It has begun for frames too.
    has_frames: bool,
    /// The adapter, if others stand on it that indicate on frames of this batch.
    passing: Option<&'static Adapter>,
    /// Frames received and not yet counted.
    frames: usize,
    /// Bytes of those.
    bytes: usize,
}

impl Batch {
    /// One that has not begun; `passing` as it was noted of its frames.
    pub(crate) fn new(passing: Option<&'static Adapter>) -> Self {
        Self {
            listeners: heapless::Vec::new(),
            is_begun: false,
            has_frames: false,
            passing,
            frames: 0,
            bytes: 0,
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
        for &bound in &adapter.core.lock().bindings {
            bound.binding.acquire_again();
            let indicated = 0;
            // The capacities agree.
            let _ = self.listeners.push(Listener { bound, indicated });
        }
    }

    /// The same for frames, in `slot`.
    #[inline]
    pub(crate) fn of_frames<'a>(
        slot: &'a mut Option<Self>,
        adapter: &'static Adapter,
    ) -> &'a mut Self {
        if !slot.as_ref().is_some_and(|batch| batch.has_frames) {
            Self::begin_frames(slot, adapter);
        }
        slot.get_or_insert_with(|| Self::new(None))
    }

    #[inline(never)]
    fn begin_frames(slot: &mut Option<Self>, adapter: &'static Adapter) {
        let passing = adapter.begin_passing().then_some(adapter);
        let batch = slot.get_or_insert_with(|| Self::new(passing));
        batch.passing = passing;
        batch.has_frames = true;
        batch.begin(adapter);
    }

    /// Whether adapters stand on this one that indicate on its frames.
    pub(crate) fn is_passing(&self) -> bool {
        self.passing.is_some()
    }

    /// The bindings it has.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = &Bound> {
        self.listeners.iter().map(|listener| &listener.bound)
    }

    /// The same, each with what is counted of it.
    #[inline]
    pub(crate) fn listeners(&mut self) -> &mut [Listener] {
        &mut self.listeners
    }

    /// Counts a frame of so many bytes as received.
    #[inline]
    pub(crate) fn count_received(&mut self, length: usize) {
        self.frames += 1;
        self.bytes += length;
    }

    /// Adds what was counted since the last call to the counters of the adapter and the bindings.
    /// Bit n of the answer: binding n was indicated a frame since then.
    pub(crate) fn settle(&mut self, adapter: &Adapter) -> u32 {
        if self.frames != 0 {
            let counters = &adapter.counters;
            add(&counters.frames_received, core::mem::take(&mut self.frames));
            add(&counters.bytes_received, core::mem::take(&mut self.bytes));
        }
        let mut indicated = 0;
        for (index, listener) in self.listeners.iter_mut().enumerate() {
            if listener.settle() {
                indicated |= 1 << index;
            }
        }
        indicated
    }

    /// Has ReceiveComplete called when the batch of the adapter below is over.
    pub(crate) fn owe_receive_complete(&mut self, adapter: &Adapter) {
        let indicated = self.settle(adapter);
        if indicated == 0 {
            return;
        }
        for (index, bound) in self.bindings().enumerate() {
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
            while let Some(listener) = self.listeners.pop() {
                listener.bound.binding.release();
            }
        }
    }
}
