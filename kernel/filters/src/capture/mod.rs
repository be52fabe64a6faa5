//! Capture: keeps the packets that passed last, and shows those that pass.
//!
//! Packets pass unchanged and at once. Two things look at them, each with an [`Expression`] of its
//! own: the store, a ring in which the newest packets overwrite the oldest, to be read as a pcap
//! file ([`Dump`]); and the live view, a queue that somebody drains and decodes
//! ([`crate::decode`]). Both copy the first bytes of a packet, and nothing else is done with its
//! bytes.

mod excerpt;
mod pcap;
mod reader;
mod ring;

#[cfg(test)]
mod tests;

pub use excerpt::{EXCERPT_LENGTH, Excerpt};
pub use pcap::{Dump, Resolution};
pub use reader::Reader;
pub use ring::Captured;

use executive::Instant;
use ndis::Packet;

use crate::expression::{Expression, Headers};
use crate::{Direction, PacketHandler, Path};
use ring::Ring;

/// The snap length unless another is set: any frame of Ethernet.
pub const DEFAULT_SNAP_LENGTH: usize = 65_535;

executive::counters! {
    /// What a capture counted.
    pub struct CaptureCounters {
        /// Packets that passed downwards.
        passed_out,
        /// Packets that passed upwards.
        passed_in,
        /// Packets stored.
        stored,
        /// Of those, packets of which only the first bytes are stored.
        stored_cut,
        /// Packets the store's filter keeps out.
        filtered,
        /// Stored packets that newer ones have overwritten.
        overwritten,
        /// Packets not stored: longer than the store.
        dropped_too_long,
        /// Packets queued for the live view.
        live,
        /// Packets the live view's filter keeps out.
        live_filtered,
        /// Packets the live view does not have: its queue was full.
        live_dropped,
    }
}

/// What is to be seen of a capture besides its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureState {
    /// Whether packets are being stored.
    pub is_running: bool,
    /// Bytes of each packet that are stored.
    pub snap_length: usize,
    /// Packets in the store.
    pub packets: usize,
    /// Bytes they take there.
    pub bytes: usize,
    /// Bytes of the store.
    pub size: usize,
    /// What it counted.
    pub counters: CaptureCounters,
}

/// The handler: see the module.
pub struct Capture {
    store: Ring,
    snap_length: usize,
    is_running: bool,
    filter: Expression,
    live: Ring,
    is_live: bool,
    live_filter: Expression,
    counters: CaptureCounters,
}

impl Capture {
    /// A capture with a store of `store_size` bytes and a live queue of `live_size`. It is
    /// running, and takes every packet. Allocates.
    pub fn new(store_size: usize, live_size: usize) -> Self {
        Self {
            store: Ring::new(store_size),
            snap_length: DEFAULT_SNAP_LENGTH,
            is_running: true,
            filter: Expression::all(),
            live: Ring::new(live_size),
            is_live: false,
            live_filter: Expression::all(),
            counters: CaptureCounters::default(),
        }
    }

    /// Begins to store packets, or goes on.
    pub fn start(&mut self) {
        self.is_running = true;
    }

    /// Stores no more packets; those stored stay.
    pub fn stop(&mut self) {
        self.is_running = false;
    }

    /// Forgets the packets stored.
    pub fn clear(&mut self) {
        self.store.clear();
    }

    /// Sets how many bytes of each packet are stored from now on; at least one header's.
    pub fn set_snap_length(&mut self, snap_length: usize) {
        self.snap_length = snap_length.clamp(1, DEFAULT_SNAP_LENGTH);
    }

    /// Sets which packets are stored from now on.
    pub fn set_filter(&mut self, filter: Expression) {
        self.filter = filter;
    }

    /// Which packets are stored.
    pub fn filter(&self) -> &Expression {
        &self.filter
    }

    /// What is to be seen of it.
    pub fn state(&self) -> CaptureState {
        CaptureState {
            is_running: self.is_running,
            snap_length: self.snap_length,
            packets: self.store.len(),
            bytes: self.store.bytes(),
            size: self.store.size(),
            counters: self.counters,
        }
    }

    /// The packets stored, the oldest first. For more than a few of them, see [`Reader`].
    pub fn packets(&self) -> impl Iterator<Item = Captured<'_>> {
        self.store.iter()
    }

    /// Begins the live view with an empty queue, for the packets `filter` takes.
    pub fn start_live(&mut self, filter: Expression) {
        self.live.clear();
        self.live_filter = filter;
        self.is_live = true;
    }

    /// Ends the live view.
    pub fn stop_live(&mut self) {
        self.is_live = false;
        self.live.clear();
    }

    /// The oldest packet in the live view's queue.
    pub fn next_live(&mut self) -> Option<Excerpt> {
        let (packet, _) = self.live.read(self.live.start())?;
        let packet = Excerpt::of(&packet);
        self.live.pop();
        Some(packet)
    }

    /// Looks at a packet that passes.
    fn look(&mut self, direction: Direction, packet: &Packet, path: &Path<'_>) {
        if !self.is_running && !self.is_live {
            return;
        }
        // Not when it was received: a filter below may have held it.
        let time = path.now();
        let needs_headers =
            self.is_running && !self.filter.is_all() || self.is_live && !self.live_filter.is_all();
        let headers = if needs_headers {
            Headers::of_packet(packet)
        } else {
            Headers::default()
        };
        if self.is_running {
            if self.filter.matches(&headers) {
                self.store(time, direction, packet);
            } else {
                self.counters.filtered += 1;
            }
        }
        if self.is_live {
            if self.live_filter.matches(&headers) {
                self.queue_live(time, direction, packet);
            } else {
                self.counters.live_filtered += 1;
            }
        }
    }

    fn store(&mut self, time: Instant, direction: Direction, packet: &Packet) {
        let snap_length = self.snap_length;
        while !self.store.push(time, direction, packet, snap_length) {
            if !self.store.pop() {
                self.counters.dropped_too_long += 1;
                return;
            }
            self.counters.overwritten += 1;
        }
        self.counters.stored += 1;
        if packet.len() > snap_length {
            self.counters.stored_cut += 1;
        }
    }

    fn queue_live(&mut self, time: Instant, direction: Direction, packet: &Packet) {
        if self.live.push(time, direction, packet, EXCERPT_LENGTH) {
            self.counters.live += 1;
        } else {
            self.counters.live_dropped += 1;
        }
    }
}

impl PacketHandler for Capture {
    const USES_TIMER: bool = false;

    fn send(&mut self, packet: Packet, path: &mut Path<'_>) {
        self.counters.passed_out += 1;
        self.look(Direction::Out, &packet, path);
        path.pass_down(packet);
    }

    fn receive(&mut self, packet: Packet, path: &mut Path<'_>) {
        self.counters.passed_in += 1;
        self.look(Direction::In, &packet, path);
        path.pass_up(packet);
    }

    fn counters(&self, each: &mut dyn FnMut(&'static str, u64)) {
        self.counters
            .iter()
            .for_each(|(name, value)| each(name, value));
    }
}
