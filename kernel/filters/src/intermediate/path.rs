//! The way on, as a handler sees it during one call.

use executive::{Duration, Instant};
use ndis::{Packet, PacketPool};

/// What a [`Path`] leads to: the edges, or a test.
pub trait Way {
    /// The time since the machine started.
    fn now(&self) -> Instant;
    /// Sends a packet to the adapter below.
    fn pass_down(&mut self, packet: Packet);
    /// Indicates a packet to the protocols above.
    fn pass_up(&mut self, packet: Packet);
    /// Has [`super::PacketHandler::timer`] called once, `delay` from now.
    fn set_timer(&mut self, delay: Duration);
    /// Where packets come from.
    fn pool(&self) -> &'static PacketPool;
}

/// The way on for packets, and the clock, during one call of a handler. Dispatch.
pub struct Path<'a> {
    way: &'a mut dyn Way,
}

impl<'a> Path<'a> {
    /// The path along `way`.
    pub fn new(way: &'a mut dyn Way) -> Self {
        Self { way }
    }

    /// The time since the machine started. Reads the clock.
    pub fn now(&self) -> Instant {
        self.way.now()
    }

    /// Sends a packet to the adapter below; what that refuses is counted and dropped.
    pub fn pass_down(&mut self, packet: Packet) {
        self.way.pass_down(packet);
    }

    /// Indicates a packet to the protocols above.
    pub fn pass_up(&mut self, packet: Packet) {
        self.way.pass_up(packet);
    }

    /// Passes a packet on in its direction.
    pub fn pass(&mut self, direction: super::Direction, packet: Packet) {
        match direction {
            super::Direction::Out => self.pass_down(packet),
            super::Direction::In => self.pass_up(packet),
        }
    }

    /// Has [`super::PacketHandler::timer`] called once, `delay` from now, instead of when the
    /// call before said. It is as exact as the clock tick.
    pub fn set_timer(&mut self, delay: Duration) {
        self.way.set_timer(delay);
    }

    /// Where packets come from.
    pub fn pool(&self) -> &'static PacketPool {
        self.way.pool()
    }
}
