//! The queue of events for the stack.

use core::sync::atomic::{AtomicUsize, Ordering};

use executive::{Executive, SpinLock, SpinLockGuard};
use ndis::packet::Packet;

use super::{LanBinding, LanEvent};
use crate::stack::Queue;

/// Events of one binding that may wait: that it was bound, and unbound.
const EVENTS_PER_BINDING: usize = 2;

/// What is next; small, because every frame is one.
enum Entry {
    Frame(LanBinding, Packet),
    /// The first of what bindings have told.
    Told,
}

struct Events {
    queue: Queue<Entry>,
    told: Queue<LanEvent>,
    /// Places promised to bindings for what they will tell, and those taken by
    /// what they have told.
    reserved: usize,
}

/// A bounded queue in the order of what happened. Frames leave room for what
/// the bindings have to tell.
pub(super) struct EventQueue {
    events: SpinLock<Events>,
    /// How many frames wait, told when the lock is given up, read without it.
    frames: AtomicUsize,
    maximum_frames: usize,
    maximum_reserved: usize,
}

impl EventQueue {
    pub(super) fn new(executive: &'static Executive, frames: usize, bindings: usize) -> Self {
        let maximum_reserved = bindings * EVENTS_PER_BINDING;
        let events = Events {
            queue: Queue::new(frames + maximum_reserved),
            told: Queue::new(maximum_reserved),
            reserved: 0,
        };
        Self {
            events: SpinLock::new(executive, events),
            frames: AtomicUsize::new(0),
            maximum_frames: frames,
            maximum_reserved,
        }
    }

    /// Reserves places for what a new binding has to tell. `false` if there is
    /// none.
    pub(super) fn reserve(&self) -> bool {
        let mut events = self.events.lock();
        let fits = events.reserved + EVENTS_PER_BINDING <= self.maximum_reserved;
        if fits {
            events.reserved += EVENTS_PER_BINDING;
        }
        fits
    }

    /// Gives back the places of a binding that came to nothing.
    pub(super) fn release(&self) {
        let mut events = self.events.lock();
        events.reserved = events.reserved.saturating_sub(EVENTS_PER_BINDING);
    }

    /// Appends what a binding has to tell, for which it has reserved a place.
    pub(super) fn push_reserved(&self, event: LanEvent) {
        let mut events = self.events.lock();
        if events.queue.push(Entry::Told).is_ok() {
            // A place is reserved.
            let _ = events.told.push(event);
        }
    }

    /// Whether a frame would be refused.
    pub(super) fn is_full(&self) -> bool {
        self.frames() >= self.maximum_frames
    }

    /// Appends a frame, or drops it and answers `false` if as many as may wait.
    /// IRQL: DISPATCH.
    #[inline(always)]
    pub(super) fn push_frame(&self, binding: LanBinding, packet: Packet) -> bool {
        let mut events = self.events.lock_at_level();
        let frames = self.frames();
        let entry = Entry::Frame(binding, packet);
        let is_queued = frames < self.maximum_frames && events.queue.push(entry).is_ok();
        if is_queued {
            self.frames.store(frames + 1, Ordering::Relaxed);
        }
        is_queued
    }

    /// What waits, to be taken in one hold of the lock.
    #[inline(always)]
    pub(super) fn lock(&self) -> LanEvents<'_> {
        LanEvents {
            events: self.events.lock(),
            frames: &self.frames,
        }
    }

    /// How many frames wait.
    pub(super) fn frames(&self) -> usize {
        self.frames.load(Ordering::Relaxed)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.events.lock().queue.is_empty()
    }
}

/// The events that wait, oldest first, from [`Lan::events`](super::Lan::events).
/// Lan's queue is locked while this lives.
pub struct LanEvents<'a> {
    events: SpinLockGuard<'a, Events>,
    frames: &'a AtomicUsize,
}

impl LanEvents<'_> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.queue.is_empty()
    }
}

impl Iterator for LanEvents<'_> {
    type Item = LanEvent;

    #[inline(always)]
    fn next(&mut self) -> Option<LanEvent> {
        match self.events.queue.pop()? {
            Entry::Frame(binding, packet) => Some(LanEvent::Frame { binding, packet }),
            Entry::Told => {
                self.events.reserved = self.events.reserved.saturating_sub(1);
                self.events.told.pop()
            }
        }
    }
}

impl Drop for LanEvents<'_> {
    fn drop(&mut self) {
        let frames = self.events.queue.len() - self.events.told.len();
        self.frames.store(frames, Ordering::Relaxed);
    }
}
