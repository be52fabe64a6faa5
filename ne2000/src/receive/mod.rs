//! Draining the receive ring (datasheet section 7).
//!
//! BNRY names the page before the next frame to take, which the chip must not
//! write to; the difference to CURR tells a full ring from an empty one. Pages
//! are given back to the chip several at a time.
//!
//! QEMU's card (hw/net/ne2000.c, `ne2000_buffer_full`) has no overwrite
//! warning, and lets a frame end exactly at BNRY: CURR and BNRY are then equal,
//! which it takes for an empty ring, and the next frames overwrite the oldest
//! ones. The first page written in such a lap is always the reserved one, so a
//! *guard word* in that page shows it, and the frames written since begin
//! exactly there. What can't be helped is a lap that reaches a frame while that
//! very frame is being read: it is counted, but the frame has been handed up
//! damaged, for the checksums above to find.

mod frame;

use crate::bus::RegisterBus;
use crate::counters::CardCounters;
use crate::memory::CardMemory;
use crate::registers::{InterruptStatus, ReceiveStatus};
use crate::ring::{
    CheckedFrame, FRAME_HEADER_SIZE, FrameHeader, FrameVerdict, HeaderFault, MINIMUM_FRAME, Ring,
};
use crate::transmit::ETHERNET_HEADER_SIZE;

pub use frame::ReceivedFrame;

/// Bytes of payload that are handed up with a frame's header: with the two
/// headers they make 64 bytes, one remote DMA.
pub const LOOKAHEAD_SIZE: usize = MINIMUM_FRAME - ETHERNET_HEADER_SIZE;

/// Bytes of the first remote DMA of a frame: ring header and shortest frame.
const FIRST_READ: usize = FRAME_HEADER_SIZE + MINIMUM_FRAME;

/// Written to the start of the reserved page. No header that the chip stores
/// has a status of 0.
const GUARD_WORD: [u8; 4] = [0x00, 0xD8, 0x39, 0x0A];

/// After this many resynchronisations, with fewer than [`FRAMES_TO_TRUST`]
/// frames between each and the next, only a reset will help.
const RESYNCHRONISATION_LIMIT: u8 = 3;

/// Good frames in a row after which a resynchronisation is forgotten.
const FRAMES_TO_TRUST: u8 = 32;

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
    /// Pages from `boundary` to `next` beyond the first one.
    unreturned: u8,
    /// The guard word is used, because the card may lap the ring unnoticed.
    guarded: bool,
    /// The guard word stands in the page `boundary`.
    guard_armed: bool,
    resynchronisations: u8,
    frames_since: u8,
}

impl Receiver {
    /// For a ring that the card was initialised with, empty.
    pub fn new(ring: Ring, guarded: bool) -> Self {
        Self {
            ring,
            next: ring.after(ring.start(), 1),
            boundary: ring.start(),
            unreturned: 0,
            guarded,
            guard_armed: false,
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
        if !self.guarded {
            return;
        }
        let address = self.ring.address(self.boundary, 0);
        self.guard_armed = memory
            .write(address, [&GUARD_WORD[..]], GUARD_WORD.len())
            .is_ok();
    }

    /// Takes the frames that are in the ring now, at most `budget` of them,
    /// which is reduced by what was taken. Needs the card masked.
    pub fn drain<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        budget: &mut usize,
        mut sink: impl FnMut(&mut ReceivedFrame<'_, B>),
    ) -> Drained {
        let Some(mut filled) = self.survey(memory, counters) else {
            return Drained::Broken;
        };
        // With the reserved page next, any further frame laps the ring.
        let mut batch = match filled {
            filled if filled.saturating_add(1) >= self.ring.pages() => 1,
            _ => self.ring.pages() / 8,
        };
        while filled > 0 {
            if *budget == 0 {
                self.give_back(memory, counters);
                return Drained::BudgetSpent;
            }
            *budget -= 1;
            match self.take_frame(memory, counters, filled, &mut sink) {
                Ok(pages) => filled -= pages,
                Err(fault) => return self.resynchronise(memory, counters, fault),
            }
            if self.unreturned >= batch {
                batch = self.ring.pages() / 8;
                match self.give_back(memory, counters) {
                    GivenBack::Kept => {}
                    GivenBack::Lapped(now_filled) => filled = now_filled,
                    GivenBack::Broken => return Drained::Broken,
                }
            }
        }
        match self.give_back(memory, counters) {
            GivenBack::Kept => Drained::All,
            // Frames came while the last ones were taken; the interrupt status
            // says so too and brings the caller back.
            GivenBack::Lapped(_) => Drained::BudgetSpent,
            GivenBack::Broken => Drained::Broken,
        }
    }

    /// How many pages from `next` on hold frames; `None` if CURR is no page of
    /// the ring.
    fn survey<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> Option<u8> {
        if self.guard_broken(memory) {
            return self.survey_lap(memory, counters);
        }
        let current = self.current(memory, counters)?;
        Some(self.ring.distance(self.next, current))
    }

    fn current<B: RegisterBus>(
        &self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> Option<u8> {
        let current = memory.registers.page1().current();
        if self.ring.contains(current) {
            return Some(current);
        }
        counters.current_page_outside += 1;
        None
    }

    fn guard_broken<B: RegisterBus>(&self, memory: &mut CardMemory<B>) -> bool {
        if !self.guard_armed {
            return false;
        }
        let mut word = [0; GUARD_WORD.len()];
        memory.read(self.ring.address(self.boundary, 0), &mut word);
        word != GUARD_WORD
    }

    /// The card has gone past the reserved page. The frames since lie between
    /// it and CURR in one piece; the older ones are whole only if these haven't
    /// reached the page `next`.
    fn survey_lap<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> Option<u8> {
        self.guard_armed = false;
        let current = self.current(memory, counters)?;
        let overwritten = self.ring.distance(self.boundary, current);
        let taken = self.ring.distance(self.boundary, self.next);
        if overwritten == 0 {
            // A whole turn since, at least: nothing can be told apart.
            counters.ring_laps += 1;
            self.next = current;
            self.set_boundary(memory);
            return Some(0);
        }
        if overwritten > taken {
            counters.ring_laps += 1;
            self.next = self.boundary;
            self.set_boundary(memory);
            return Some(overwritten);
        }
        counters.ring_full_turns += 1;
        match self.ring.distance(self.next, current) {
            0 => Some(self.ring.pages()),
            filled => Some(filled),
        }
    }

    /// Takes the frame at `next` and returns its pages.
    fn take_frame<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        filled: u8,
        sink: &mut impl FnMut(&mut ReceivedFrame<'_, B>),
    ) -> Result<u8, HeaderFault> {
        let page = self.next;
        let mut first = [0; FIRST_READ];
        memory.read(self.ring.address(page, 0), &mut first);
        let Some((header, first)) = first.split_first_chunk::<FRAME_HEADER_SIZE>() else {
            return Err(HeaderFault::Status);
        };
        let CheckedFrame {
            next,
            pages,
            verdict,
        } = FrameHeader::from_bytes(*header).check(self.ring, page, filled)?;
        match (verdict, first.first_chunk::<MINIMUM_FRAME>()) {
            (FrameVerdict::Accept(length), Some(first)) => {
                counters.frames_received += 1;
                counters.bytes_received += length as u64;
                sink(&mut ReceivedFrame {
                    memory,
                    ring: self.ring,
                    page,
                    length,
                    first,
                });
                self.trust();
            }
            (FrameVerdict::ReceptionError(status), _) => count_reception_error(status, counters),
            (FrameVerdict::Accept(_) | FrameVerdict::BadLength(_), _) => {
                counters.receive_bad_length += 1;
            }
        }
        self.next = next;
        self.unreturned = self.unreturned.saturating_add(pages);
        Ok(pages)
    }

    /// Lets the chip use the pages of the frames taken.
    fn give_back<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> GivenBack {
        if self.unreturned == 0 {
            return GivenBack::Kept;
        }
        let frame_arrived = || {
            memory
                .registers
                .page0()
                .interrupt_status()
                .contains(InterruptStatus::PACKET_RECEIVED)
        };
        // No lap without a frame: while none has arrived since the interrupt
        // status was acknowledged, the guard needs no look.
        if self.guard_armed && { frame_arrived }() && self.guard_broken(memory) {
            return match self.survey_lap(memory, counters) {
                Some(filled) => {
                    self.set_boundary(memory);
                    GivenBack::Lapped(filled)
                }
                None => GivenBack::Broken,
            };
        }
        self.set_boundary(memory);
        GivenBack::Kept
    }

    fn set_boundary<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>) {
        self.boundary = self.ring.before(self.next);
        self.unreturned = 0;
        self.arm_guard(memory);
        memory.registers.page0().set_boundary(self.boundary);
    }

    /// Gives up what is in the ring up to CURR, since the chain of headers is
    /// broken.
    fn resynchronise<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        fault: HeaderFault,
    ) -> Drained {
        let reason = match fault {
            HeaderFault::Status => &mut counters.header_bad_status,
            HeaderFault::NextOutside => &mut counters.header_next_outside,
            HeaderFault::Inconsistent => &mut counters.header_inconsistent,
            HeaderFault::BeyondCurrent => &mut counters.header_beyond_current,
        };
        *reason += 1;
        let Some(current) = self.current(memory, counters) else {
            return Drained::Broken;
        };
        counters.resynchronisations += 1;
        self.next = current;
        self.set_boundary(memory);
        self.frames_since = 0;
        self.resynchronisations += 1;
        if self.resynchronisations >= RESYNCHRONISATION_LIMIT {
            Drained::Broken
        } else {
            Drained::All
        }
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

/// What became of the pages of the frames taken.
enum GivenBack {
    /// The chip has them; nothing else happened.
    Kept,
    /// The card had lapped the ring; this many pages from `next` on hold frames.
    Lapped(u8),
    /// The card's pointers make no sense.
    Broken,
}

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
