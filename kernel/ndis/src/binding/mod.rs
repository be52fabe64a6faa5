//! Bindings: the use of an adapter by a protocol.

mod counting;
mod multicast;
mod state;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use executive::{Executive, SpinLock};

pub(crate) use counting::Fate;
pub use multicast::MULTICAST_LIST_SIZE;
pub(crate) use multicast::{MulticastError, MulticastList};
use state::UseState;

use crate::adapter::{Adapter, FrameKind};
use crate::address::HardwareAddress;
use crate::counters::AtomicBindingCounters;
use crate::filter::PacketFilter;
use crate::packet::Sender;
use crate::protocol::{BindingContext, ErasedProtocol};
use crate::status::NdisStatus;

/// In GEN_PROTOCOL_OPTIONS: the protocol does not want the frames that it sends
/// (`NDIS_PROT_OPTION_NO_LOOPBACK` of the Windows `ntddndis.h` header).
pub const PROTOCOL_OPTION_NO_LOOPBACK: u32 = 0x02;

/// An open binding, as the protocol holds it. A handle of a binding that has been closed is
/// recognised as such.
#[derive(Clone, Copy)]
pub struct BindingHandle {
    pub(crate) binding: &'static Binding,
    pub(crate) generation: u32,
    pub(crate) medium_index: usize,
}

impl BindingHandle {
    /// That of an open binding, for the wrapper's own use.
    pub(crate) fn of(target: &Target) -> Self {
        Self {
            binding: target.bound.binding,
            generation: target.bound.sender.generation,
            medium_index: 0,
        }
    }

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

impl Bound {
    /// Whether the protocol wants a frame of `kind` to `destination` that `sender` sent: what its
    /// packet filter takes, and everything if that has ALL_LOCAL; its own frames only if it has
    /// not declined them (NDIS_PROT_OPTION_NO_LOOPBACK).
    pub(crate) fn wants_looped_back(
        &self,
        sender: Sender,
        kind: FrameKind,
        destination: HardwareAddress,
    ) -> bool {
        let binding = self.binding;
        let is_declined = self.sender == sender && binding.declines_own();
        !is_declined
            && (binding.filter().contains(PacketFilter::ALL_LOCAL)
                || binding.wants(kind, destination))
    }
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
    /// What the protocol set by OID_GEN_PROTOCOL_OPTIONS.
    options: AtomicU32,
    multicast: SpinLock<MulticastList>,
    /// It was indicated a frame of a batch that is not over below.
    owes_receive_complete: AtomicBool,
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
            options: AtomicU32::new(0),
            multicast: SpinLock::new(executive, MulticastList::new()),
            owes_receive_complete: AtomicBool::new(false),
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
        self.options.store(0, Ordering::Relaxed);
        self.take_owed();
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

    /// The same at Dispatch, where it costs less.
    #[inline]
    pub(crate) fn target_at_level(&self, generation: u32) -> Option<Target> {
        let place = self.target.lock_at_level();
        (*place).filter(|target| target.bound.sender.generation == generation)
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
    #[inline]
    pub(crate) fn release(&self) {
        if self.state.release() {
            self.close_complete();
        }
    }

    #[cold]
    fn close_complete(&self) {
        if let Some(target) = self.free() {
            let Bound {
                protocol, context, ..
            } = target.bound;
            protocol.close_adapter_complete(context, NdisStatus::SUCCESS);
            target.adapter.binding_closed();
        }
    }

    /// Binds the open slot to another adapter. Dispatch.
    pub(crate) fn move_to(&self, adapter: &'static Adapter) {
        if let Some(target) = &mut *self.target.lock() {
            target.adapter = adapter;
            self.adapter.store(adapter.place, Ordering::Relaxed);
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
    #[inline]
    pub(crate) fn wants(&self, kind: FrameKind, destination: HardwareAddress) -> bool {
        self.filter().intersects(kind.filter())
            || (kind == FrameKind::MULTICAST && self.is_listed(destination))
    }

    /// Whether the packet filter takes frames to the addresses of the multicast list, and
    /// `destination` is one.
    #[inline(never)]
    fn is_listed(&self, destination: HardwareAddress) -> bool {
        self.filter().contains(PacketFilter::MULTICAST)
            && self.multicast.lock().contains(destination)
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

    /// The options of the protocol, `NDIS_PROT_OPTION_*`.
    pub(crate) fn options(&self) -> u32 {
        self.options.load(Ordering::Relaxed)
    }

    pub(crate) fn set_options(&self, options: u32) {
        self.options.store(options, Ordering::Relaxed);
    }

    /// Whether the protocol does not want the frames that it sends.
    pub(crate) fn declines_own(&self) -> bool {
        self.options() & PROTOCOL_OPTION_NO_LOOPBACK != 0
    }

    pub(crate) fn multicast(&self) -> MulticastList {
        self.multicast.lock().clone()
    }

    /// Sets the multicast list; returns the one before.
    pub(crate) fn set_multicast(&self, list: MulticastList) -> MulticastList {
        core::mem::replace(&mut *self.multicast.lock(), list)
    }

    /// ReceiveComplete is to follow.
    pub(crate) fn owe_receive_complete(&self) {
        self.owes_receive_complete.store(true, Ordering::Relaxed);
    }

    /// Whether ReceiveComplete is to follow; it is called now.
    pub(crate) fn take_owed(&self) -> bool {
        self.owes_receive_complete.swap(false, Ordering::Relaxed)
    }
}
