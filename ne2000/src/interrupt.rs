//! The half of the driver that runs at device level, in the middle of anything
//! the other half does.
//!
//! The two halves agree through two words: the page latch, which says whether
//! the interrupt registers can be reached, and the mask in force. While another
//! page is selected the card is masked, so its line is low and an interrupt
//! there belongs to another device of a shared line.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::bus::RegisterBus;
use crate::counters::{AtomicInterruptCounters, InterruptCounters};
use crate::registers::{InterruptStatus, PageLatch, offset};

/// The interrupt half of one card. Clones share their state.
#[derive(Debug)]
pub struct InterruptHalf<B>(Arc<Shared<B>>);

#[derive(Debug)]
struct Shared<B> {
    bus: B,
    latch: PageLatch,
    /// What the mask register is to hold while interrupts are enabled.
    causes: AtomicU8,
    /// What the mask register holds: 0 while masked.
    in_force: AtomicU8,
    absent: AtomicBool,
    counters: AtomicInterruptCounters,
}

/// What an interrupt turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// The card's own: it is masked now and wants its deferred half.
    Mine,
    /// Another device's, or spurious. The card was left as it is.
    NotMine,
}

impl<B> Clone for InterruptHalf<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: RegisterBus> InterruptHalf<B> {
    /// For the card behind `bus`, masked, with no causes chosen.
    pub fn new(bus: B, latch: PageLatch) -> Self {
        Self(Arc::new(Shared {
            bus,
            latch,
            causes: AtomicU8::new(0),
            in_force: AtomicU8::new(0),
            absent: AtomicBool::new(false),
            counters: AtomicInterruptCounters::default(),
        }))
    }

    /// Answers an interrupt on the card's line, at device level (seed item 14):
    /// if it is the card's, masks the card.
    pub fn service(&self) -> Interrupt {
        let shared = &*self.0;
        if !shared.latch.page0_selected() || shared.absent.load(Ordering::SeqCst) {
            shared.counters.while_masked.fetch_add(1, Ordering::Relaxed);
            return Interrupt::NotMine;
        }
        let in_force = shared.in_force.load(Ordering::SeqCst);
        if in_force == 0 {
            // Reached in the middle of `enable` after this half has masked the
            // card: without this write a level-triggered line would stay up.
            self.write_mask(0);
            shared.counters.while_masked.fetch_add(1, Ordering::Relaxed);
            return Interrupt::NotMine;
        }
        if shared.bus.read(offset::INTERRUPT_STATUS) & in_force == 0 {
            shared.counters.not_mine.fetch_add(1, Ordering::Relaxed);
            return Interrupt::NotMine;
        }
        self.disable();
        shared.counters.recognised.fetch_add(1, Ordering::Relaxed);
        Interrupt::Mine
    }

    /// Masks the card (IMR = 0), which lowers its line. Any level, page 0.
    pub fn disable(&self) {
        self.0.in_force.store(0, Ordering::SeqCst);
        self.write_mask(0);
    }

    /// Unmasks the card. What is pending raises the line anew, which is a fresh
    /// edge for an edge-triggered interrupt controller. Dispatch level or below,
    /// page 0.
    pub fn enable(&self) {
        let shared = &*self.0;
        let causes = shared.causes.load(Ordering::SeqCst);
        shared.in_force.store(causes, Ordering::SeqCst);
        self.put_in_force(causes);
    }

    /// Chooses the causes of interrupts; in force at once unless masked.
    pub fn set_causes(&self, causes: InterruptStatus) {
        let shared = &*self.0;
        let causes = (causes & InterruptStatus::CAUSES).bits();
        if shared.causes.swap(causes, Ordering::SeqCst) == causes {
            return;
        }
        let in_force = shared.in_force.load(Ordering::SeqCst);
        let replaced = in_force != 0
            && shared
                .in_force
                .compare_exchange(in_force, causes, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok();
        if replaced {
            self.put_in_force(causes);
        }
    }

    /// The causes chosen.
    pub fn causes(&self) -> InterruptStatus {
        InterruptStatus::from_bits_truncate(self.0.causes.load(Ordering::SeqCst))
    }

    /// What the mask register holds now.
    pub fn in_force(&self) -> InterruptStatus {
        InterruptStatus::from_bits_truncate(self.0.in_force.load(Ordering::SeqCst))
    }

    /// Masks the card until the guard is dropped, for an access to another page.
    /// Page 0 must be selected both times.
    #[must_use = "the card is unmasked when this is dropped"]
    pub fn suspend(&self) -> Suspended<B> {
        self.write_mask(0);
        Suspended {
            was_enabled: self.0.in_force.swap(0, Ordering::SeqCst) != 0,
            half: self.clone(),
        }
    }

    /// Tells this half that no card answers any more: it won't claim or touch
    /// anything until told otherwise.
    pub fn set_absent(&self, absent: bool) {
        self.0.absent.store(absent, Ordering::SeqCst);
    }

    /// What this half has seen.
    pub fn counters(&self) -> InterruptCounters {
        self.0.counters.snapshot()
    }

    fn put_in_force(&self, causes: u8) {
        self.write_mask(causes);
        // An interrupt between the caller's store and this write has masked the
        // card, which was undone just now.
        if self.0.in_force.load(Ordering::SeqCst) == 0 {
            self.write_mask(0);
        }
    }

    fn write_mask(&self, bits: u8) {
        self.0.bus.write(offset::INTERRUPT_MASK, bits);
    }
}

/// The card is masked while this lives; see [`InterruptHalf::suspend`].
#[derive(Debug)]
pub struct Suspended<B: RegisterBus> {
    half: InterruptHalf<B>,
    was_enabled: bool,
}

impl<B: RegisterBus> Drop for Suspended<B> {
    /// Unmasks the card unless it was masked before, or was masked by an
    /// interrupt meanwhile.
    fn drop(&mut self) {
        if self.was_enabled {
            self.half.enable();
        }
    }
}
