//! Draining the receive ring (datasheet section 7).
//!
//! BNRY names the page before the next frame to take, or one a little before
//! that, which the chip must not write to; the difference to CURR tells a full
//! ring from an empty one. Pages are given back to the chip several at a time.
//!
//! QEMU's card (hw/net/ne2000.c, `ne2000_buffer_full`) has no overwrite
//! warning, and lets a frame end exactly at BNRY: CURR and BNRY are then equal,
//! which it takes for an empty ring, and the next frames overwrite the oldest
//! ones. The first page written in such a lap is always the reserved one, so a
//! *guard word* in that page shows it, and the frames written since begin
//! exactly there. The guard is looked at after a frame was read and before it
//! is handed up, so that one the card has written over is never delivered. What
//! follows from a lap is in `lap`.

mod frame;
mod group;
mod guard;
mod lap;

use crate::bus::RegisterBus;
use crate::counters::CardCounters;
use crate::memory::CardMemory;
use crate::registers::ReceiveStatus;
use crate::ring::{FrameVerdict, HeaderFault, MINIMUM_FRAME, Ring};
use crate::transmit::ETHERNET_HEADER_SIZE;
use group::Group;
use guard::Guard;

pub use frame::{Overwritten, ReceivedFrame};

/// Bytes of payload that are handed up with a frame's header: with the two
/// headers they make 64 bytes, one remote DMA.
pub const LOOKAHEAD_SIZE: usize = MINIMUM_FRAME - ETHERNET_HEADER_SIZE;

/// After this many resynchronisations, with fewer than [`FRAMES_TO_TRUST`]
/// frames between each and the next, only a reset will help.
const RESYNCHRONISATION_LIMIT: u8 = 3;

/// Good frames in a row after which a resynchronisation is forgotten.
const FRAMES_TO_TRUST: u8 = 32;

/// CURR is no page of the ring, or does not hold still.
struct BadPointers;

/// How a pass over the ring ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every frame found at the start of the pass was taken.
    All,
    /// The budget ran out first.
    BudgetSpent,
    /// The ring or the card is in a state that only a reset mends.
    Broken,
}

/// The software half of the receive ring.
#[derive(Debug)]
pub struct Receiver {
    ring: Ring,
    /// Page of the next frame to take.
    next: u8,
    /// What BNRY holds.
    boundary: u8,
    /// What CURR held when it was read last.
    current: u8,
    /// Pages from `next` on that are known to hold frames.
    filled: u8,
    /// There may be more: PRX was acknowledged since CURR was read.
    survey_due: bool,
    /// The guard word is used, because the card may lap the ring unnoticed.
    guarded: bool,
    guard: Guard,
    /// BNRY holds the card up while the whole ring is full of frames.
    held: bool,
    resynchronisations: u8,
    frames_since: u8,
}

impl Receiver {
    /// For a ring that the card was initialised with, empty.
    pub fn new(ring: Ring, guarded: bool) -> Self {
        let next = ring.after(ring.start(), 1);
        Self {
            ring,
            next,
            boundary: ring.start(),
            current: next,
            filled: 0,
            survey_due: false,
            guarded,
            guard: Guard::default(),
            held: false,
            resynchronisations: 0,
            frames_since: 0,
        }
    }

    /// The ring's pages.
    pub const fn ring(&self) -> Ring {
        self.ring
    }

    /// Page of the next frame to take.
    pub const fn next(&self) -> u8 {
        self.next
    }

    /// Page that BNRY holds.
    pub const fn boundary(&self) -> u8 {
        self.boundary
    }

    /// The initial value of CURR: the page after BNRY.
    pub const fn initial_current(&self) -> u8 {
        self.ring.after(self.ring.start(), 1)
    }

    /// Puts the software half back to the empty ring of a card that is being
    /// initialised.
    pub fn restart(&mut self) {
        *self = Self::new(self.ring, self.guarded);
    }

    /// Writes the guard word, when the card's memory can be written.
    pub fn arm_guard<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>) {
        self.arm_guard_at(memory, self.boundary);
    }

    fn arm_guard_at<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>, page: u8) {
        if self.guarded {
            self.guard.arm(memory, self.ring.address(page, 0));
        }
    }

    /// Has the chip use everything but what lies between the page before `next`
    /// and CURR.
    fn give_all_back<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>) {
        let boundary = self.ring.before(self.next);
        self.arm_guard_at(memory, boundary);
        self.set_boundary(memory, boundary);
    }

    /// PRX has just been acknowledged.
    pub fn note_acknowledged(&mut self) {
        self.survey_due = true;
        self.guard.note_acknowledged();
    }

    /// Takes the frames that are in the ring now, or those that the last pass
    /// has left, at most `budget` of them, which is reduced by what was taken.
    /// Needs the card masked.
    pub fn drain<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        budget: &mut usize,
        mut sink: impl FnMut(&mut ReceivedFrame<'_, B>),
    ) -> Drained {
        self.pass(memory, counters, budget, &mut sink)
            .unwrap_or(Drained::Broken)
    }

    fn pass<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        budget: &mut usize,
        sink: &mut impl FnMut(&mut ReceivedFrame<'_, B>),
    ) -> Result<Drained, BadPointers> {
        // What the last pass has left comes first.
        self.survey_due |= self.filled == 0;
        let mut group = Group::new();
        let mut lapped = false;
        loop {
            if lapped {
                self.recover(memory, counters, None)?;
            }
            if self.survey_due && self.filled == 0 && *budget > 0 {
                self.survey_due = false;
                self.read_current(memory, counters)?;
                self.filled = self.ring.distance(self.next, self.current);
                lapped = self.filled == 0 && !self.guard.is_intact(memory);
                if lapped {
                    continue;
                }
            }
            if self.filled == 0 || *budget == 0 {
                return self.finish(memory, counters);
            }
            group.read(memory, self.ring, self.next, self.filled, *budget);
            *budget -= group.len().max(1);
            // A long frame is looked after when the rest of it was read.
            lapped = !(group.is_one_long() || self.guard.is_intact(memory))
                || !self.deliver(&group, memory, counters, sink);
            if lapped {
                continue;
            }
            if let Some(fault) = group.fault {
                return self.resynchronise(memory, counters, fault);
            }
            if self.held || self.unreturned() >= self.batch() {
                self.give_back(memory, counters)?;
            }
        }
    }

    /// Hands the frames up. Answers false if the card has lapped the ring
    /// meanwhile.
    fn deliver<B: RegisterBus>(
        &mut self,
        group: &Group,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        sink: &mut impl FnMut(&mut ReceivedFrame<'_, B>),
    ) -> bool {
        for (frame, first) in group.frames() {
            match frame.verdict {
                FrameVerdict::Accept(length) => {
                    let mut received = ReceivedFrame {
                        memory,
                        guard: &mut self.guard,
                        ring: self.ring,
                        page: self.next,
                        length,
                        first,
                        overwritten: false,
                    };
                    sink(&mut received);
                    let overwritten = received.overwritten;
                    counters.frames_received += 1;
                    counters.bytes_received += length as u64;
                    if overwritten {
                        counters.frames_overwritten += 1;
                        return false;
                    }
                    self.trust();
                }
                FrameVerdict::ReceptionError(status) => count_reception_error(status, counters),
                FrameVerdict::BadLength(_) => counters.receive_bad_length += 1,
            }
            self.next = frame.next;
            self.filled = self.filled.saturating_sub(frame.pages);
        }
        true
    }

    /// Pages of frames that were taken and that the chip doesn't have back.
    const fn unreturned(&self) -> u8 {
        match self.ring.distance(self.boundary, self.next) {
            0 => self.ring.pages() - 1,
            pages => pages - 1,
        }
    }

    /// Whether the page before `next` holds a frame, or is the one at CURR.
    pub(super) const fn is_full(&self) -> bool {
        self.filled.saturating_add(1) >= self.ring.pages()
    }

    /// So many pages are given back at once; the guard has to be moved each
    /// time.
    const fn batch(&self) -> u8 {
        self.ring.pages() / if self.guarded { 4 } else { 8 }
    }

    /// The ring is empty, as far as is known, or the budget is spent. Where
    /// giving pages back is dear, a few may wait for the next pass, and all if
    /// that one comes at once.
    fn finish<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> Result<Drained, BadPointers> {
        let few = self.unreturned() <= self.ring.pages() / 16 && !self.invites_lap(self.boundary);
        let can_wait = self.guarded && !self.held && (self.filled > 0 || few);
        if !can_wait {
            self.give_back(memory, counters)?;
        }
        Ok(if self.filled == 0 && !self.survey_due {
            Drained::All
        } else {
            Drained::BudgetSpent
        })
    }

    /// Lets the chip use the pages of the frames taken. While BNRY would meet CURR
    /// it stays held up.
    fn give_back<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> Result<(), BadPointers> {
        if self.held && self.is_full() {
            return Ok(());
        }
        let mut boundary = self.ring.before(self.next);
        if !self.held && self.unreturned() > 1 && self.invites_lap(boundary) {
            boundary = self.ring.before(boundary);
        }
        if boundary == self.boundary && !self.held {
            return Ok(());
        }
        let address = self.ring.address(boundary, 0);
        if self.guarded && !self.guard.move_to(memory, address) {
            return self.recover(memory, counters, Some(boundary));
        }
        self.set_boundary(memory, boundary);
        Ok(())
    }

    fn set_boundary<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>, boundary: u8) {
        memory.registers.page0().set_boundary(boundary);
        self.boundary = boundary;
        self.held = false;
    }

    /// Reads CURR.
    fn read_current<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> Result<(), BadPointers> {
        self.current = memory.registers.page1().current();
        if self.ring.contains(self.current) {
            return Ok(());
        }
        counters.current_page_outside += 1;
        Err(BadPointers)
    }

    /// Gives up what is in the ring up to CURR, since the chain of headers is
    /// broken.
    #[cold]
    fn resynchronise<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        fault: HeaderFault,
    ) -> Result<Drained, BadPointers> {
        let reason = match fault {
            HeaderFault::Status => &mut counters.header_bad_status,
            HeaderFault::NextOutside => &mut counters.header_next_outside,
            HeaderFault::Inconsistent => &mut counters.header_inconsistent,
            HeaderFault::BeyondCurrent => &mut counters.header_beyond_current,
        };
        *reason += 1;
        self.read_current(memory, counters)?;
        counters.resynchronisations += 1;
        self.abandon_to_current(memory);
        self.frames_since = 0;
        self.resynchronisations += 1;
        Ok(if self.resynchronisations >= RESYNCHRONISATION_LIMIT {
            Drained::Broken
        } else {
            Drained::All
        })
    }

    /// Takes nothing of what is in the ring.
    fn abandon_to_current<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>) {
        self.next = self.current;
        self.filled = 0;
        self.give_all_back(memory);
    }

    fn trust(&mut self) {
        if self.resynchronisations == 0 {
            return;
        }
        self.frames_since += 1;
        if self.frames_since >= FRAMES_TO_TRUST {
            self.resynchronisations = 0;
            self.frames_since = 0;
        }
    }
}

#[cold]
fn count_reception_error(status: ReceiveStatus, counters: &mut CardCounters) {
    let reason = if status.contains(ReceiveStatus::FRAME_ALIGNMENT_ERROR) {
        &mut counters.receive_alignment_errors
    } else if status.contains(ReceiveStatus::CRC_ERROR) {
        &mut counters.receive_crc_errors
    } else if status.contains(ReceiveStatus::FIFO_OVERRUN) {
        &mut counters.receive_fifo_overruns
    } else {
        &mut counters.receive_marked_missed
    };
    *reason += 1;
}
