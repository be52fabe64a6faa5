//! A way that writes down what comes along it, under a clock of its own.

use alloc::vec::Vec;

use executive::{Duration, Instant};
use ndis::{Packet, PacketPool};

use super::{Direction, PacketHandler, Path, Way};

/// Both ends of a path, and its clock.
pub(crate) struct Recorder {
    pool: &'static PacketPool,
    now: Instant,
    due: Option<Instant>,
    passed: Vec<(Instant, Direction, Packet)>,
}

impl Recorder {
    pub(crate) fn new(pool: &'static PacketPool) -> Self {
        Self {
            pool,
            now: Instant::from_secs(1),
            due: None,
            passed: Vec::new(),
        }
    }

    /// A packet with these bytes.
    pub(crate) fn packet(&self, bytes: &[u8]) -> Packet {
        let mut packet = self.pool.allocate(0).expect("the pool has packets");
        assert!(packet.append_slice(bytes));
        packet
    }

    /// Gives a frame to the handler.
    pub(crate) fn give<H: PacketHandler>(
        &mut self,
        handler: &mut H,
        direction: Direction,
        bytes: &[u8],
    ) {
        let packet = self.packet(bytes);
        let path = &mut Path::new(self);
        match direction {
            Direction::Out => handler.send(packet, path),
            Direction::In => handler.receive(packet, path),
        }
    }

    /// Moves the clock to `until`; the handler's timer is called at its times.
    pub(crate) fn run_until<H: PacketHandler>(&mut self, handler: &mut H, until: Instant) {
        while let Some(due) = self.due.filter(|&due| due <= until) {
            self.now = self.now.max(due);
            self.due = None;
            handler.timer(&mut Path::new(self));
        }
        self.now = self.now.max(until);
    }

    /// Has the handler flush.
    pub(crate) fn flush<H: PacketHandler>(&mut self, handler: &mut H) {
        handler.flush(&mut Path::new(self));
    }

    /// The time on the clock.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Moves the clock without a call of the timer, which is late then.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    /// Has the timer not come at all.
    pub(crate) fn cancel_timer(&mut self) {
        self.due = None;
    }

    /// When the timer is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What has been passed on since the last call: when, which way, its bytes.
    pub(crate) fn take(&mut self) -> Vec<(Instant, Direction, Vec<u8>)> {
        self.passed
            .drain(..)
            .map(|(when, direction, packet)| {
                (
                    when,
                    direction,
                    packet.segments().flatten().copied().collect(),
                )
            })
            .collect()
    }
}

impl Way for Recorder {
    fn now(&self) -> Instant {
        self.now
    }

    fn pass_down(&mut self, packet: Packet) {
        self.passed.push((self.now, Direction::Out, packet));
    }

    fn pass_up(&mut self, packet: Packet) {
        self.passed.push((self.now, Direction::In, packet));
    }

    fn set_timer(&mut self, delay: Duration) {
        self.due = Some(self.now + delay);
    }

    fn pool(&self) -> &'static PacketPool {
        self.pool
    }
}
