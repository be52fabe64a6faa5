//! What follows from a lap of QEMU's card, and how it is made less likely.
//!
//! The card wants 1518 bytes free before it takes a frame, and then stores it
//! whatever its length. So it fills the ring to the last page, and laps it with
//! the next frame, if and only if exactly six pages are free when a frame that
//! takes six arrives.

use super::{BadPointers, Receiver};
use crate::bus::RegisterBus;
use crate::counters::CardCounters;
use crate::memory::CardMemory;
use crate::transmit::SLOT_PAGES;

/// Attempts to hold the card up before it is reset.
const HOLDS: usize = 4;

impl Receiver {
    /// Whether a run of frames of full size would end in a lap with this
    /// boundary: the free pages are a multiple of what such a frame takes.
    pub(super) const fn invites_lap(&self, boundary: u8) -> bool {
        let free = self.ring.distance(self.current, boundary);
        self.guarded && free.is_multiple_of(SLOT_PAGES)
    }

    /// The guard is broken: the card has gone past the reserved page. The
    /// frames since lie between it and CURR in one piece; the older ones are
    /// whole only if these haven't reached the page `next`.
    ///
    /// `moved`: the page that the guard was moved to in the meantime. If the
    /// card had reached that one, a frame there is damaged by the guard word.
    #[cold]
    pub(super) fn recover<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
        moved: Option<u8>,
    ) -> Result<(), BadPointers> {
        self.guard.disarm();
        self.hold(memory, counters)?;
        let overwritten = self.ring.distance(self.boundary, self.current);
        let spared = self
            .ring
            .distance(self.boundary, moved.unwrap_or(self.next));
        if (1..=spared).contains(&overwritten) {
            counters.ring_full_turns += 1;
            self.filled = match self.ring.distance(self.next, self.current) {
                0 => self.ring.pages(),
                filled => filled,
            };
        } else {
            counters.ring_laps += 1;
            // After a whole turn, at least, nothing can be told apart.
            if overwritten == 0 || moved.is_some() {
                self.abandon_to_current(memory);
                return Ok(());
            }
            self.next = self.boundary;
            self.filled = overwritten;
        }
        if !self.is_full() {
            self.give_all_back(memory);
        }
        Ok(())
    }

    /// Has the card take no more frames: with BNRY right behind CURR it finds no
    /// room. Frames may come between the look at CURR and that.
    fn hold<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        counters: &mut CardCounters,
    ) -> Result<(), BadPointers> {
        self.read_current(memory, counters)?;
        for _ in 0..HOLDS {
            let current = self.current;
            let behind = self.ring.after(current, 1);
            memory.registers.page0().set_boundary(behind);
            self.held = true;
            self.read_current(memory, counters)?;
            if self.current == current {
                return Ok(());
            }
        }
        Err(BadPointers)
    }
}
