//! Bindings: the use of an adapter by a protocol.

mod multicast;
mod state;

use core::sync::atomic::{AtomicU32, Ordering};

use executive::{Executive, SpinLock};

pub use multicast::MULTICAST_LIST_SIZE;
pub(crate) use multicast::{MulticastError, MulticastList};
use state::UseState;

use crate::adapter::{Adapter, FrameKind};
use crate::address::HardwareAddress;
use crate::counters::{AtomicBindingCounters, count};
use crate::filter::PacketFilter;
use crate::packet::Sender;
use crate::protocol::{BindingContext, ErasedProtocol};
use crate::status::NdisStatus;

/// An open binding, as the protocol holds it. A handle of a binding that has been closed is
/// recognised as such.
#[derive(Clone, Copy)]
pub struct BindingHandle {
    pub(crate) binding: &'static Binding,
    pub(crate) generation: u32,
    pub(crate) medium_index: usize,
}

impl BindingHandle {
    /// Which of the media offered to [`crate::Ndis::open_adapter`] the adapter has.
    pub fn medium_index(&self) -> usize {
        self.medium_index
    }
}

impl PartialEq for BindingHandle {
    fn eq(&self, other: &Self) -> bool {
        self.binding.slot == other.binding.slot && self.generation == other.generation
    }
}

impl Eq for BindingHandle {}

impl core::fmt::Debug for BindingHandle {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            formatter,
            "BindingHandle({}.{})",
            self.binding.slot, self.generation
        )
    }
}

/// The two sides of an open binding (seed item 13).
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) adapter: &'static Adapter,
    pub(crate) bound: Bound,
}

/// An entry of an adapter's list of bindings: what indicating a frame needs.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) binding: &'static Binding,
    pub(crate) protocol: &'static dyn ErasedProtocol,
    pub(crate) context: BindingContext,
    pub(crate) sender: Sender,
}

/// A slot of the wrapper's table of bindings.
pub(crate) struct Binding {
    pub(crate) slot: u32,
    state: UseState,
    /// Place of the adapter in the wrapper's table.
    adapter: AtomicU32,
    /// There from opening to the end of the last operation.
    target: SpinLock<Option<Target>>,
    /// Kinds of frames the protocol wants, a [`PacketFilter`].
    filter: AtomicU32,
    /// Bytes of lookahead the protocol wants.
    lookahead: AtomicU32,
    multicast: SpinLock<MulticastList>,
    pub(crate) counters: AtomicBindingCounters,
}

/// How a close went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// The binding is closed.
    Done,
    /// Operations are under way; the last one closes it.
    Pending,
    /// It was closed, or being closed, before.
    NotOpen,
}

impl Binding {
    pub(crate) fn new(executive: &'static Executive, slot: u32) -> Self {
        Self {
            slot,
            state: UseState::new(),
            adapter: AtomicU32::new(0),
            target: SpinLock::new(executive, None),
            filter: AtomicU32::new(0),
            lookahead: AtomicU32::new(0),
            multicast: SpinLock::new(executive, MulticastList::new()),
            counters: AtomicBindingCounters::default(),
        }
    }

    /// Opens the slot if it is free.
    pub(crate) fn open(
        &'static self,
        adapter: &'static Adapter,
        protocol: &'static dyn ErasedProtocol,
        context: BindingContext,
    ) -> Option<Target> {
        let mut place = self.target.lock();
        if place.is_some() {
            return None;
        }
        self.filter.store(0, Ordering::Relaxed);
        self.lookahead.store(0, Ordering::Relaxed);
        *self.multicast.lock() = MulticastList::new();
        self.adapter.store(adapter.place, Ordering::Relaxed);
        let sender = Sender {
            slot: self.slot,
            generation: self.state.generation(),
        };
        let bound = Bound {
            binding: self,
            protocol,
            context,
            sender,
        };
        let target = Target { adapter, bound };
        *place = Some(target);
        self.state.open();
        Some(target)
    }

    /// Begins an operation of use number `generation`; false unless it is open.
    ///
    /// [`Binding::release`] must follow.
    pub(crate) fn acquire(&self, generation: u32) -> bool {
        self.state.acquire(generation)
    }

    /// Begins an operation on behalf of one that is under way, closing or not.
    pub(crate) fn acquire_again(&self) {
        self.state.acquire_again();
    }

    /// The adapter's place in the wrapper's table, while an operation keeps the binding.
    pub(crate) fn adapter_place(&self) -> u32 {
        self.adapter.load(Ordering::Relaxed)
    }

    /// The two sides of use number `generation`, while an operation keeps it.
    pub(crate) fn target(&self, generation: u32) -> Option<Target> {
        let is_it = |target: &Target| target.bound.sender.generation == generation;
        self.any_target().filter(is_it)
    }

    /// The two sides, if it is open now.
    pub(crate) fn current(&self) -> Option<Target> {
        self.any_target().filter(|_| self.state.is_open())
    }

    /// The two sides, if it is open or being closed.
    pub(crate) fn any_target(&self) -> Option<Target> {
        *self.target.lock()
    }

    /// Ends an operation. The last one of a binding being closed closes it and tells the protocol.
    pub(crate) fn release(&self) {
        if self.state.release()
            && let Some(target) = self.free()
        {
            let Bound {
                protocol, context, ..
            } = target.bound;
            protocol.close_adapter_complete(context, NdisStatus::SUCCESS);
            target.adapter.binding_closed();
        }
    }

    /// Begins to close use number `generation`: no operation begins from now on. `remove` takes
    /// it off the adapter's list meanwhile.
    pub(crate) fn close(&self, generation: u32, remove: impl FnOnce(&Target)) -> Close {
        let Some(target) = self.target(generation) else {
            return Close::NotOpen;
        };
        if !self.state.begin_close(generation) {
            return Close::NotOpen;
        }
        remove(&target);
        if !self.state.release() {
            return Close::Pending;
        }
        if let Some(target) = self.free() {
            target.adapter.binding_closed();
        }
        Close::Done
    }

    /// Ends every operation of a binding to `adapter` that is being closed: those that have them
    /// under way are gone.
    pub(crate) fn abandon(&self, adapter: &'static Adapter) {
        let of_adapter = |target: Target| core::ptr::eq(target.adapter, adapter);
        if self.any_target().is_some_and(of_adapter) && self.state.abandon() {
            self.release();
        }
    }

    /// Frees the slot after its last operation.
    fn free(&self) -> Option<Target> {
        let mut place = self.target.lock();
        self.state.free();
        place.take()
    }

    /// Whether the packet filter takes a frame of `kind` to `destination`.
    pub(crate) fn wants(&self, kind: FrameKind, destination: HardwareAddress) -> bool {
        let filter = self.filter();
        filter.intersects(kind.filter())
            || (kind == FrameKind::Multicast
                && filter.contains(PacketFilter::MULTICAST)
                && self.multicast.lock().contains(destination))
    }

    pub(crate) fn filter(&self) -> PacketFilter {
        PacketFilter::from_bits_retain(self.filter.load(Ordering::Relaxed))
    }

    /// Sets the packet filter; returns the one before.
    pub(crate) fn set_filter(&self, filter: PacketFilter) -> PacketFilter {
        PacketFilter::from_bits_retain(self.filter.swap(filter.bits(), Ordering::Relaxed))
    }

    pub(crate) fn lookahead(&self) -> u32 {
        self.lookahead.load(Ordering::Relaxed)
    }

    /// Sets the bytes of lookahead wanted; returns those before.
    pub(crate) fn set_lookahead(&self, lookahead: u32) -> u32 {
        self.lookahead.swap(lookahead, Ordering::Relaxed)
    }

    pub(crate) fn multicast(&self) -> MulticastList {
        self.multicast.lock().clone()
    }

    /// Sets the multicast list; returns the one before.
    pub(crate) fn set_multicast(&self, list: MulticastList) -> MulticastList {
        core::mem::replace(&mut *self.multicast.lock(), list)
    }

    /// Counts what the protocol answered to a frame; whether it took it.
    pub(crate) fn count_indication(&self, status: NdisStatus) -> bool {
        let counters = &self.counters;
        count(&counters.frames_indicated);
        let (counter, taken) = match status {
            NdisStatus::SUCCESS | NdisStatus::PENDING => (&counters.frames_accepted, true),
            NdisStatus::NOT_ACCEPTED | NdisStatus::NOT_RECOGNIZED | NdisStatus::NOT_COPIED => {
                (&counters.frames_not_accepted, false)
            }
            // The frame was the protocol's; it counts the loss itself too.
            NdisStatus::RESOURCES => (&counters.frames_out_of_resources, true),
            _ => (&counters.frames_failed, true),
        };
        count(counter);
        taken
    }

    pub(crate) fn count_transfer(&self, result: &Result<usize, NdisStatus>) {
        let counters = &self.counters;
        count(if result.is_ok() {
            &counters.transfers
        } else {
            &counters.transfers_failed
        });
    }

    pub(crate) fn count_send(&self, status: NdisStatus) {
        let counters = &self.counters;
        count(if status.is_success() {
            &counters.sends_done
        } else {
            &counters.sends_failed
        });
    }

    pub(crate) fn count_request(&self, status: NdisStatus) {
        if !status.is_success() {
            count(&self.counters.requests_failed);
        }
    }
}
