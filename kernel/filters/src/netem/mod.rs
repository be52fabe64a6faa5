//! A bad network on demand: loss, duplication, reordering, delay and jitter, corruption and a
//! limited rate, each direction for itself, as Linux's `tc-netem` makes it.
//!
//! Chance comes from a seed: the same settings, packets and times give the same result. Each
//! direction has a sequence of its own, so that what goes one way does not change what happens
//! the other way.
//!
//! A packet meets, in this order: duplication and loss (one chosen for both passes once; a copy
//! may be lost too, but is not duplicated again), corruption, the limits on held packets,
//! reordering, delay and rate. That is `sch_netem`'s order. Different from Linux: probabilities
//! are independent of each other (no correlation, no gap, no loss model) and jitter is uniform;
//! a packet that cannot be copied for corruption passes unchanged instead of being dropped; there
//! is a limit for each direction, and one in what is left of the packet pool.
//!
//! The clock is exact to the microsecond, but the timer comes at ticks (1 ms): a held packet goes
//! on with the first tick, or the first packet of either direction, that finds it due. What is
//! kept on the average is exact, since a packet's due time does not depend on when those before
//! it went.

mod counters;
mod held;
mod line;
mod quantity;
mod random;
mod settings;

#[cfg(test)]
mod tests;

use executive::{Duration, Instant};
use ndis::Packet;
use ndis::packet::{HEADROOM, PacketPool};

pub use counters::DirectionCounters;
pub use quantity::{Delay, InvalidQuantity, Probability, Rate};
pub use settings::{DirectionSettings, Settings, SettingsError};

use crate::{Direction, PacketHandler, Path};
use held::Held;
use line::Line;
use random::Random;

/// Packets of one direction that can be held. Each keeps a descriptor and its buffers of the pool,
/// of which a quarter is left to others.
pub const MAXIMUM_HELD: usize = 256;

/// Packets of one direction that are held unless `limit` says otherwise.
pub const DEFAULT_LIMIT: usize = 100;

/// One direction's chance, line and counters.
struct Lane {
    random: Random,
    line: Line,
    counters: DirectionCounters,
}

impl Lane {
    fn new(seed: u64, direction: Direction) -> Self {
        Self {
            random: random_for(seed, direction),
            line: Line::default(),
            counters: DirectionCounters::default(),
        }
    }
}

const fn random_for(seed: u64, direction: Direction) -> Random {
    match direction {
        Direction::Out => Random::new(seed, 0),
        Direction::In => Random::new(seed, 1),
    }
}

/// The filter that makes a network bad.
pub struct Netem {
    settings: Settings,
    outbound: Lane,
    inbound: Lane,
    held: Held,
    /// When the timer comes, if it was set.
    timer_at: Option<Instant>,
}

impl Netem {
    /// A filter that passes everything as it is.
    ///
    /// At start only: it allocates the room for held packets, 16 KiB.
    pub fn new() -> Self {
        let settings = Settings::default();
        Self {
            settings,
            outbound: Lane::new(settings.seed, Direction::Out),
            inbound: Lane::new(settings.seed, Direction::In),
            held: Held::new(),
            timer_at: None,
        }
    }

    /// Changes what the words of `text` name (see [`Settings`]); the rest stays.
    ///
    /// A `seed`, and `off`, begin the sequences of chance anew. Held packets keep their due times,
    /// so that one which comes after a delay was shortened may overtake them.
    ///
    /// # Errors
    /// The first thing wrong with the words; nothing is changed then.
    pub fn set(&mut self, text: &str) -> Result<(), SettingsError> {
        let (settings, seeded) = self.settings.changed_by(text)?;
        self.settings = settings;
        if seeded {
            for direction in [Direction::Out, Direction::In] {
                self.lane(direction).random = random_for(settings.seed, direction);
            }
        }
        Ok(())
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What was done to the packets of one direction.
    pub const fn direction_counters(&self, direction: Direction) -> &DirectionCounters {
        match direction {
            Direction::Out => &self.outbound.counters,
            Direction::In => &self.inbound.counters,
        }
    }

    /// Packets of one direction held now.
    pub const fn held(&self, direction: Direction) -> usize {
        self.held.count(direction)
    }

    const fn lane(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::Out => &mut self.outbound,
            Direction::In => &mut self.inbound,
        }
    }

    /// Takes a packet that came.
    fn take(&mut self, direction: Direction, packet: Packet, path: &mut Path<'_>) {
        self.lane(direction).counters.taken += 1;
        if self.held.is_empty() && self.settings.direction(direction).is_off() {
            self.pass(direction, packet, path);
            return;
        }
        let now = path.now();
        self.release(now, path);
        self.lose_or_duplicate(direction, packet, now, path);
        self.arrange_timer(now, path);
    }

    fn lose_or_duplicate(
        &mut self,
        direction: Direction,
        packet: Packet,
        now: Instant,
        path: &mut Path<'_>,
    ) {
        let DirectionSettings {
            loss, duplicate, ..
        } = *self.settings.direction(direction);
        let Lane {
            random, counters, ..
        } = self.lane(direction);
        let duplicated = duplicate.happens(random);
        let lost = loss.happens(random);
        counters.lost += u64::from(lost);
        if !duplicated {
            if !lost {
                self.shape(direction, packet, now, path);
            }
            return;
        }
        if lost {
            // One copy more and one packet less: it passes once.
            counters.duplicated += 1;
        } else if let Some(copy) = packet.share() {
            counters.duplicated += 1;
            if loss.happens(random) {
                counters.lost += 1;
            } else {
                self.shape(direction, copy, now, path);
            }
        } else {
            counters.no_packet += 1;
        }
        self.shape(direction, packet, now, path);
    }

    /// Corrupts a packet, and passes or holds it.
    fn shape(
        &mut self,
        direction: Direction,
        mut packet: Packet,
        now: Instant,
        path: &mut Path<'_>,
    ) {
        let settings = *self.settings.direction(direction);
        let held = self.held.count(direction);
        let holds_too_much = !self.held.is_empty() && is_short(path.pool());
        let Lane {
            random,
            line,
            counters,
        } = self.lane(direction);
        if settings.corrupt.happens(random) {
            if flip_a_bit(&mut packet, random, path.pool()) {
                counters.corrupted += 1;
            } else {
                counters.no_packet += 1;
            }
        }
        if held >= settings.limit {
            counters.over_limit += 1;
            return;
        }
        if holds_too_much {
            counters.pool_short += 1;
            return;
        }
        if settings.reorder.happens(random) {
            counters.reordered += 1;
            self.pass(direction, packet, path);
            return;
        }
        let mut due = now + delay(&settings, random);
        if let Some(rate) = settings.rate.bytes_per_second() {
            due = line.transmit(packet.len(), rate, due);
        }
        if due <= now {
            self.pass(direction, packet, path);
        } else if self.held.push(direction, due, packet).is_ok() {
            self.lane(direction).counters.delayed += 1;
        } else {
            self.lane(direction).counters.over_limit += 1;
        }
    }

    fn pass(&mut self, direction: Direction, packet: Packet, path: &mut Path<'_>) {
        self.lane(direction).counters.passed += 1;
        path.pass(direction, packet);
    }

    /// Passes what is due by `until`.
    fn release(&mut self, until: Instant, path: &mut Path<'_>) {
        while let Some((direction, packet)) = self.held.pop(until) {
            self.pass(direction, packet, path);
        }
    }

    /// Has the timer come for the packet that is due next, unless it comes earlier anyway.
    fn arrange_timer(&mut self, now: Instant, path: &mut Path<'_>) {
        let Some(due) = self.held.next_due() else {
            return;
        };
        // A time that has passed says nothing: the timer may have been cancelled.
        let comes_earlier = |at: Instant| now < at && at <= due;
        if !self.timer_at.is_some_and(comes_earlier) {
            self.timer_at = Some(due);
            path.set_timer(due - now);
        }
    }
}

impl Default for Netem {
    fn default() -> Self {
        Self::new()
    }
}

impl PacketHandler for Netem {
    fn send(&mut self, packet: Packet, path: &mut Path<'_>) {
        self.take(Direction::Out, packet, path);
    }

    fn receive(&mut self, packet: Packet, path: &mut Path<'_>) {
        self.take(Direction::In, packet, path);
    }

    fn timer(&mut self, path: &mut Path<'_>) {
        self.timer_at = None;
        let now = path.now();
        self.release(now, path);
        self.arrange_timer(now, path);
    }

    fn flush(&mut self, path: &mut Path<'_>) {
        self.timer_at = None;
        self.release(Instant::MAX, path);
    }

    fn counters(&self, each: &mut dyn FnMut(&'static str, u64)) {
        counters::tell(&self.outbound.counters, &self.inbound.counters, each);
    }
}

/// Whether less than a quarter of the pool's packets or buffers is free. The limits say nothing
/// of it: several netems share a pool, and a packet may have many buffers.
fn is_short(pool: &PacketPool) -> bool {
    let usage = pool.usage();
    [usage.packets, usage.buffers]
        .iter()
        .any(|usage| usage.used > usage.size - usage.size / 4)
}

/// The delay of one packet: uniform from `delay` less `jitter` to `delay` plus `jitter`, and not
/// below zero.
fn delay(settings: &DirectionSettings, random: &mut Random) -> Duration {
    let (delay, jitter) = (settings.delay.duration(), settings.jitter.duration());
    if jitter.is_zero() {
        return delay;
    }
    let spread = random.below(2 * jitter.as_micros() + 1);
    (delay + Duration::from_micros(spread)).saturating_sub(jitter)
}

/// Flips one bit anywhere in the packet, in a copy if its bytes are shared. `false`, with the
/// packet as it was, when it has no bytes or no copy can be had.
fn flip_a_bit(packet: &mut Packet, random: &mut Random, pool: &'static PacketPool) -> bool {
    let bit = random.below(packet.len() as u64 * 8) as usize;
    let (position, mask) = (bit / 8, 1 << (bit % 8));
    if let Some(byte) = packet.data_mut().and_then(|data| data.get_mut(position)) {
        *byte ^= mask;
        return true;
    }
    match flipped_copy(packet, position, mask, pool) {
        Some(copy) => {
            *packet = copy;
            true
        }
        None => false,
    }
}

/// A copy of a packet with other bits in the byte at `position`. `None` if there is no such byte,
/// or no packet or buffer.
fn flipped_copy(
    packet: &Packet,
    position: usize,
    mask: u8,
    pool: &'static PacketPool,
) -> Option<Packet> {
    let mut copy = pool.allocate(HEADROOM)?;
    copy.info_mut().timestamp = packet.info().timestamp;
    copy.info_mut().flags = packet.info().flags;
    let mut before = position;
    let mut flipped = false;
    for bytes in packet.segments() {
        let (front, rest) = bytes.split_at_checked(before).unwrap_or((bytes, &[]));
        before -= front.len();
        let done = match rest.split_first() {
            Some((byte, behind)) if !flipped => {
                flipped = true;
                copy.append_slice(front)
                    && copy.append_slice(&[byte ^ mask])
                    && copy.append_slice(behind)
            }
            _ => copy.append_slice(bytes),
        };
        if !done {
            return None;
        }
    }
    flipped.then_some(copy)
}
