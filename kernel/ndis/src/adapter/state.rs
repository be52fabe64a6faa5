//! The part of an adapter that its lock protects, and the choice of what its miniport does next.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use bitflags::bitflags;
use executive::time::Instant;

use super::loopback::{Loopback, LoopedBack};
use super::request::QueuedRequest;
use super::{AdapterState, MAXIMUM_BINDINGS, REQUEST_QUEUE_LENGTH};
use crate::binding::Bound;
use crate::filter::PacketFilter;
use crate::miniport::{BATCH_SIZE, ErasedMiniport, Frames};
use crate::oid::Oid;
use crate::packet::Packet;

bitflags! {
    /// What is due besides sends and requests.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Due: u8 {
        /// HandleInterrupt.
        const INTERRUPT = 0x01;
        /// The driver's timer.
        const TIMER = 0x02;
        /// CheckForHang.
        const HANG_CHECK = 0x04;
        /// Setting the packet filter of the card.
        const PACKET_FILTER = 0x08;
        /// Setting the multicast list of the card.
        const MULTICAST_LIST = 0x10;
        /// Setting the lookahead of the card.
        const LOOKAHEAD = 0x20;
        /// Reconfigure.
        const RECONFIGURE = 0x40;
        /// Indicating what is looped back.
        const LOOPBACK = 0x80;
        /// What a binding's end, or a reset, makes due.
        const ADDRESSING = 0x38;
    }
}

/// How far a reset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reset {
    /// There is none.
    Idle,
    /// It is due.
    Requested,
    /// It began then.
    InProgress(Instant),
}

/// One thing for the miniport to do.
#[derive(Clone, Copy)]
pub(super) enum Work {
    Interrupt,
    Timer,
    HangCheck,
    Loopback,
    Reconfigure,
    Reset,
    /// Set the union over the bindings.
    Apply(Oid),
    /// The first request of the queue.
    Request,
    /// The first packets of the queue.
    Send,
}

pub(crate) struct Core {
    pub(super) state: AdapterState,
    /// The miniport's side of the adapter; taken out while one of its handlers runs, so that no
    /// lock is held then.
    pub(super) miniport: Option<Box<dyn ErasedMiniport>>,
    /// Open bindings.
    pub(super) bindings: heapless::Vec<Bound, MAXIMUM_BINDINGS>,
    /// Open bindings and those being closed.
    pub(super) binding_count: usize,
    pub(super) sends: VecDeque<Packet>,
    /// The driver has no room for the first packet of `sends`.
    pub(super) stalled: bool,
    pub(super) requests: heapless::Deque<QueuedRequest, REQUEST_QUEUE_LENGTH>,
    /// The request that the driver completes later, and when it began.
    pub(super) pending_request: Option<(QueuedRequest, Instant)>,
    pub(super) reset: Reset,
    pub(super) due: Due,
    /// The packet filter the card has.
    pub(super) hardware_filter: PacketFilter,
    /// The card may have another one: setting it was given up halfway.
    pub(super) filter_unknown: bool,
    pub(super) loopback: Loopback,
    /// Packets to be looped back.
    pub(super) looped_back: VecDeque<LoopedBack>,
    /// Sends the driver has not completed.
    pub(super) pending_sends: u32,
    /// Since the last check for a hang a pending send ended, or began with none before it.
    send_progress: bool,
    checks_without_send: u32,
}

impl Core {
    pub(super) fn new(miniport: Box<dyn ErasedMiniport>, send_queue_length: usize) -> Self {
        Self {
            state: AdapterState::Added,
            miniport: Some(miniport),
            bindings: heapless::Vec::new(),
            binding_count: 0,
            // Packets given back by the driver go in front of a full queue, and those of an
            // adapter taken out of the stack above this one behind it.
            sends: VecDeque::with_capacity(2 * (send_queue_length + BATCH_SIZE)),
            stalled: false,
            requests: heapless::Deque::new(),
            pending_request: None,
            reset: Reset::Idle,
            due: Due::empty(),
            hardware_filter: PacketFilter::empty(),
            filter_unknown: false,
            loopback: Loopback::OfMiniport,
            looped_back: VecDeque::with_capacity(send_queue_length),
            pending_sends: 0,
            send_progress: false,
            checks_without_send: 0,
        }
    }

    /// The miniport, if a send can go to it at once, in front of nothing.
    #[inline]
    pub(super) fn take_to_send(&mut self) -> Option<Box<dyn ErasedMiniport>> {
        let is_ready = self.state.is_started()
            && self.sends.is_empty()
            && !self.stalled
            && self.reset == Reset::Idle;
        if is_ready { self.miniport.take() } else { None }
    }

    /// Puts the miniport back after its handler.
    #[inline]
    pub(super) fn put_miniport(&mut self, miniport: Box<dyn ErasedMiniport>) {
        // It was taken out, so there is none to drop.
        core::mem::forget(self.miniport.replace(miniport));
    }

    /// Notes that the driver keeps a packet.
    pub(super) fn begin_pending_send(&mut self) {
        if self.pending_sends == 0 {
            self.send_progress = true;
        }
        // A driver that completed it before it answered PENDING has counted it down already.
        self.pending_sends = self.pending_sends.wrapping_add(1);
    }

    /// Notes that the driver has given back a packet that it kept.
    pub(super) fn end_pending_send(&mut self) {
        self.send_progress = true;
        if self.pending_sends == 0 && self.miniport.is_some() {
            // An intermediate driver passes on a completion from before it was halted.
            return;
        }
        self.pending_sends = self.pending_sends.wrapping_sub(1);
    }

    /// Called by every check for a hang: how many checks in a row found that sends were pending and
    /// none had ended since the check before.
    pub(super) fn checks_without_send(&mut self) -> u32 {
        let progress = core::mem::take(&mut self.send_progress) || self.pending_sends == 0;
        self.checks_without_send = if progress {
            0
        } else {
            self.checks_without_send.saturating_add(1)
        };
        self.checks_without_send
    }

    /// Whether a request can go to the miniport at once, in front of nothing.
    pub(super) fn is_ready_for_request(&self) -> bool {
        self.requests.is_empty() && self.pending_request.is_none() && self.reset == Reset::Idle
    }

    /// What the miniport does next; `None`: nothing is due that can be done now.
    pub(super) fn next_work(&mut self, now: impl FnOnce() -> Instant) -> Option<Work> {
        self.next_due_work()
            .or_else(|| self.next_reset(now))
            .or_else(|| self.next_request())
            .or_else(|| self.next_send())
            .or_else(|| self.take_due(Due::LOOPBACK).then_some(Work::Loopback))
    }

    /// Whether nothing at all waits to be done.
    #[inline(always)]
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty()
            && self.reset != Reset::Requested
            && self.requests.is_empty()
            && (self.sends.is_empty() || self.stalled)
    }

    /// What is done even while a reset is under way.
    fn next_due_work(&mut self) -> Option<Work> {
        let work = [
            (Due::INTERRUPT, Work::Interrupt),
            (Due::TIMER, Work::Timer),
            (Due::HANG_CHECK, Work::HangCheck),
            (Due::RECONFIGURE, Work::Reconfigure),
        ];
        work.into_iter()
            .find_map(|(due, work)| self.take_due(due).then_some(work))
    }

    fn take_due(&mut self, due: Due) -> bool {
        let is_due = self.due.contains(due);
        self.due.remove(due);
        is_due
    }

    fn next_reset(&mut self, now: impl FnOnce() -> Instant) -> Option<Work> {
        if self.reset != Reset::Requested {
            return None;
        }
        self.reset = Reset::InProgress(now());
        Some(Work::Reset)
    }

    /// One request at a time; first what the wrapper sets itself.
    fn next_request(&mut self) -> Option<Work> {
        if self.reset != Reset::Idle || self.pending_request.is_some() {
            return None;
        }
        let settings = [
            (Due::PACKET_FILTER, Oid::GEN_CURRENT_PACKET_FILTER),
            (Due::MULTICAST_LIST, Oid::IEEE_802_3_MULTICAST_LIST),
            (Due::LOOKAHEAD, Oid::GEN_CURRENT_LOOKAHEAD),
        ];
        settings
            .into_iter()
            .find_map(|(due, oid)| self.take_due(due).then_some(Work::Apply(oid)))
            .or_else(|| (!self.requests.is_empty()).then_some(Work::Request))
    }

    fn next_send(&self) -> Option<Work> {
        let is_due = self.reset == Reset::Idle && !self.stalled && !self.sends.is_empty();
        is_due.then_some(Work::Send)
    }

    /// Moves the first packets of the queue to `frames`.
    pub(super) fn take_frames(&mut self, frames: &mut Frames) {
        while !frames.is_full()
            && let Some(packet) = self.sends.pop_front()
        {
            // There is room.
            let _ = frames.push_back(packet);
        }
    }

    /// Puts frames the driver had no room for back in front of the queue.
    pub(super) fn put_back(&mut self, frames: &mut Frames) {
        while let Some(packet) = frames.pop_back() {
            self.sends.push_front(packet);
        }
    }
}
