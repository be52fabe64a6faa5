//! The edge to NDIS: the protocol driver through which frames come and go.
//!
//! ```text
//! receive handler   DISPATCH   checks, copies, queues the frame    (seed items 19, 20)
//! receive complete  DISPATCH   queues the work item, once a batch  (seed item 21)
//! work item         PASSIVE    Lan::events, the stack
//! Lan::send         DISPATCH   NDIS
//! ```

mod binding;
mod protocol;
mod queue;
mod receive;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use executive::WorkItem;
use ndis::medium::Medium;
use ndis::packet::{Packet, PacketPool};
use ndis::protocol::ProtocolCharacteristics;
use ndis::status::NdisStatus;
use ndis::{BindingHandle, Ndis};

use crate::wire::ethernet::HardwareAddress;
use binding::LanAdapter;
use protocol::Tcpip;
use queue::EventQueue;
pub use queue::LanEvents;

executive::atomic_counters! {
    /// What became of the frames between NDIS and the stack.
    pub struct LanCounters / AtomicLanCounters {
        /// Frames indicated by NDIS.
        indicated,
        /// Frames queued for the stack.
        queued,
        /// Among them, those that were wholly in the lookahead.
        copied,
        /// Among them, those whose rest was transferred.
        transferred,
        /// Among them, those that came as packets and are shared.
        shared,
        /// Transfers that were not over at once.
        transfers_pended,
        /// Batches handed to the work item.
        batches,
        /// Not accepted: the binding is not started.
        not_accepted_not_started,
        /// Not accepted: the medium is neither Ethernet nor loopback.
        not_accepted_medium,
        /// Not accepted: shorter than an Ethernet header.
        not_accepted_short_header,
        /// Not accepted: neither IPv4 nor ARP.
        not_accepted_ether_type,
        /// Dropped: longer than a packet's buffer.
        dropped_too_long,
        /// Dropped: the queue is full.
        dropped_queue_full,
        /// Dropped: no packet.
        dropped_no_packet,
        /// Dropped: the transfer from the card failed.
        dropped_transfer_failed,
        /// Frames given to NDIS and sent at once.
        sent,
        /// Frames that NDIS keeps until they are sent.
        sends_pended,
        /// Among them, those that are sent by now.
        sends_completed,
        /// Frames that were not sent: NDIS or the adapter refused or failed.
        unsent_failed,
        /// Frames that were not sent: the binding is gone.
        unsent_not_bound,
        /// Adapters bound.
        bound,
        /// Adapters unbound.
        unbound,
        /// Bindings refused: no place for another.
        refused_bindings,
    }
}

/// The sizes of the edge's tables, and what it works with.
#[derive(Clone, Copy)]
pub struct LanConfiguration {
    /// Where packets for received frames come from.
    pub pool: &'static PacketPool,
    /// Queued once for each batch of frames and for each change of the
    /// bindings; its routine takes [`Lan::events`] until there are no more.
    pub work: Option<&'static WorkItem>,
    /// Frames that wait for the stack at most.
    pub frames: usize,
    /// Adapters bound at most.
    pub bindings: usize,
}

impl LanConfiguration {
    /// Room for 256 frames and 8 bindings.
    pub const fn new(pool: &'static PacketPool, work: Option<&'static WorkItem>) -> Self {
        Self {
            pool,
            work,
            frames: 256,
            bindings: 8,
        }
    }
}

impl fmt::Debug for LanConfiguration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LanConfiguration")
            .field("frames", &self.frames)
            .field("bindings", &self.bindings)
            .finish_non_exhaustive()
    }
}

/// Names a binding; one that is bound again has another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LanBinding(u64);

impl LanBinding {
    const fn new(slot: usize, generation: u32) -> Self {
        Self((generation as u64) << 32 | slot as u64)
    }

    const fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// What happened below.
#[derive(Debug)]
pub enum LanEvent {
    /// An adapter was bound.
    Bound {
        /// Its binding.
        binding: LanBinding,
        /// The adapter's name.
        name: &'static str,
        /// Its medium: Ethernet, or the machine itself.
        medium: Medium,
        /// The card's address.
        hardware_address: HardwareAddress,
        /// The longest payload of a frame in bytes.
        mtu: usize,
    },
    /// An adapter was unbound; frames of it come no more.
    Unbound {
        /// Its binding.
        binding: LanBinding,
    },
    /// A frame was received.
    Frame {
        /// The binding it came through.
        binding: LanBinding,
        /// The frame, from the Ethernet header on.
        packet: Packet,
    },
}

/// The protocol driver.
pub struct Lan {
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    work: Option<&'static WorkItem>,
    adapters: Box<[LanAdapter]>,
    events: EventQueue,
    counters: AtomicLanCounters,
    /// Transfers that pended and are not over.
    transfers_under_way: AtomicU64,
}

impl fmt::Debug for Lan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Lan")
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

/// Makes the protocol driver and registers it with NDIS as `Tcpip`; the
/// adapters that have been started are bound before this returns. At start
/// only: it allocates. IRQL: PASSIVE.
///
/// # Errors
/// What [`Ndis::register_protocol`] says.
pub fn register(
    ndis: &'static Ndis,
    configuration: LanConfiguration,
) -> Result<&'static Lan, NdisStatus> {
    let lan = Box::leak(Box::new(Lan::new(ndis, &configuration)));
    let lan: &'static Lan = lan;
    for adapter in &lan.adapters {
        adapter.belongs_to(lan);
    }
    let characteristics = protocol::characteristics();
    let length = ProtocolCharacteristics::<Tcpip>::LENGTH_4;
    ndis.register_protocol(protocol::NAME, &characteristics, length, lan)?;
    Ok(lan)
}

impl Lan {
    fn new(ndis: &'static Ndis, configuration: &LanConfiguration) -> Self {
        let executive = ndis.executive();
        Self {
            ndis,
            pool: configuration.pool,
            work: configuration.work,
            adapters: (0..configuration.bindings)
                .map(|slot| LanAdapter::new(executive, slot))
                .collect(),
            events: EventQueue::new(executive, configuration.frames, configuration.bindings),
            counters: AtomicLanCounters::default(),
            transfers_under_way: AtomicU64::new(0),
        }
    }

    /// The events that wait, to be taken one after the other in one hold of
    /// the lock of lan's queue. IRQL: at most DISPATCH, and that while the
    /// iterator lives; lan and NDIS are not to be called meanwhile.
    #[inline(always)]
    pub fn events(&self) -> LanEvents<'_> {
        self.events.lock()
    }

    /// Sends a frame, which starts with the Ethernet header. IRQL: at most
    /// DISPATCH.
    ///
    /// SUCCESS or PENDING: it is on its way. Else it was dropped: CLOSING if
    /// the binding is gone, or what [`Ndis::send`] says.
    #[inline(always)]
    pub fn send(&self, binding: LanBinding, packet: Packet) -> NdisStatus {
        let Some(handle) = self.handle(binding) else {
            count(&self.counters.unsent_not_bound);
            return NdisStatus::CLOSING;
        };
        if log::max_level() == log::LevelFilter::Trace {
            trace_out(&packet);
        }
        let status = self.ndis.send(&handle, packet);
        if status == NdisStatus::SUCCESS {
            count(&self.counters.sent);
        } else {
            self.count_not_sent(status);
        }
        status
    }

    /// Counts a frame that has not been sent at once.
    #[inline(never)]
    fn count_not_sent(&self, status: NdisStatus) {
        count(match status {
            NdisStatus::PENDING => &self.counters.sends_pended,
            status if status.is_success() => &self.counters.sent,
            _ => &self.counters.unsent_failed,
        });
    }

    fn handle(&self, binding: LanBinding) -> Option<BindingHandle> {
        self.adapters.get(binding.slot())?.handle(binding)
    }

    /// The counters of this layer.
    ///
    /// Two are reckoned here, so that a frame on its way counts once only: each
    /// one queued is among those copied, transferred or shared, and each one
    /// indicated was queued, refused or dropped, unless its transfer is under
    /// way.
    pub fn counters(&self) -> LanCounters {
        let mut counters = self.counters.snapshot();
        counters.queued = counters.copied + counters.transferred + counters.shared;
        counters.indicated = counters.queued
            + counters.not_accepted_not_started
            + counters.not_accepted_medium
            + counters.not_accepted_short_header
            + counters.not_accepted_ether_type
            + counters.dropped_too_long
            + counters.dropped_queue_full
            + counters.dropped_no_packet
            + counters.dropped_transfer_failed
            + self.transfers_under_way.load(Ordering::Relaxed);
        counters
    }

    /// Frames that wait for the stack now. IRQL: at most DISPATCH.
    pub fn queued_frames(&self) -> usize {
        self.events.frames()
    }

    /// Has the work item look at the events.
    fn wake(&self) {
        if let Some(work) = self.work {
            work.queue();
        }
    }
}

#[cold]
fn trace_out(packet: &Packet) {
    log::trace!(target: "lan", "packet {} out", packet.info().id);
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
