//! Transmission from two slots of card memory in turn: one is on the wire while
//! the other is being filled (datasheet section 8). On QEMU's card, where a
//! transmission is over when the command to start it returns, the first slot is
//! always free.

use executive::time::{Duration, Instant};

use crate::bus::RegisterBus;
use crate::counters::CardCounters;
use crate::memory::{CardMemory, RemoteDmaTimeout};
use crate::registers::{Command, InterruptStatus, TransmitStatus};
use crate::ring::MINIMUM_FRAME;

/// Length of an Ethernet header, and of the shortest frame accepted for sending.
pub const ETHERNET_HEADER_SIZE: usize = 14;

/// Longest frame that is sent, in bytes, without the checksum.
pub const MAXIMUM_FRAME: usize = 1514;

/// Pages of one transmit slot: room for the longest frame.
pub const SLOT_PAGES: u8 = 6;

/// Number of transmit slots.
pub const SLOTS: u8 = 2;

/// A transmission takes at most sixteen attempts, some 0.4 s in the worst case
/// of back-offs, and 1.2 ms on an idle wire; a chip that has been silent for
/// this long won't speak again.
pub const TRANSMIT_TIMEOUT: Duration = Duration::from_millis(500);

/// Why a frame was not taken for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendRefusal {
    /// Both slots are in use; one will be free after a transmit interrupt.
    Busy,
    /// Shorter than an Ethernet header or longer than a frame may be.
    BadLength,
    /// The card doesn't take data any more and has to be reset.
    Stuck,
    /// The card is stopped or gone.
    NotRunning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Free,
    /// Filled, waits for the other one to leave.
    Loaded {
        length: u16,
    },
    /// The chip is transmitting it.
    Leaving {
        length: u16,
        since: Instant,
    },
}

/// The two slots.
#[derive(Debug)]
pub struct Transmitter {
    first_page: u8,
    slots: [Slot; SLOTS as usize],
    /// A transmission ends with the command that starts it.
    ends_at_once: bool,
    /// What TPSR and TBCR hold, so that they need not be written again.
    programmed: Option<(u8, u16)>,
}

impl Transmitter {
    /// Two slots from `first_page` on.
    pub const fn new(first_page: u8, ends_at_once: bool) -> Self {
        Self {
            first_page,
            slots: [Slot::Free; SLOTS as usize],
            ends_at_once,
            programmed: None,
        }
    }

    /// First page of the first slot.
    pub const fn first_page(&self) -> u8 {
        self.first_page
    }

    /// Whether a frame would find a slot.
    pub fn has_room(&self) -> bool {
        self.free_slot().is_some()
    }

    fn free_slot(&self) -> Option<usize> {
        self.slots.iter().position(|slot| *slot == Slot::Free)
    }

    /// Whether the chip has a frame to transmit.
    pub fn is_leaving(&self) -> bool {
        self.leaving().is_some()
    }

    /// How long the chip has been at the present transmission.
    pub fn leaving_for(&self, now: Instant) -> Option<Duration> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::Leaving { since, .. } => Some(now.duration_since(*since)),
            _ => None,
        })
    }

    /// Empties both slots, for a card that was reset. Returns how many frames
    /// were lost.
    pub fn clear(&mut self) -> u64 {
        let lost = self.slots.iter().filter(|slot| **slot != Slot::Free);
        let lost = lost.count() as u64;
        self.slots = [Slot::Free; SLOTS as usize];
        self.programmed = None;
        lost
    }

    /// Copies a frame of `length` bytes to a free slot, zero-padded to 60 bytes,
    /// and transmits it unless the other slot is leaving; only then the clock is
    /// asked. Answers the length with the padding.
    ///
    /// # Errors
    /// BadLength, Busy, or Stuck for a remote write that doesn't complete.
    pub fn send<'s, B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        segments: impl IntoIterator<Item = &'s [u8]>,
        length: usize,
        now: impl FnOnce() -> Instant,
    ) -> Result<u16, SendRefusal> {
        if !(ETHERNET_HEADER_SIZE..=MAXIMUM_FRAME).contains(&length) {
            return Err(SendRefusal::BadLength);
        }
        let index = self.free_slot().ok_or(SendRefusal::Busy)?;
        let padded = length.max(MINIMUM_FRAME);
        let address = u16::from_be_bytes([self.page_of(index), 0]);
        memory
            .write(address, segments, padded)
            .map_err(|RemoteDmaTimeout| SendRefusal::Stuck)?;
        let length = padded as u16;
        if self.ends_at_once {
            self.command(memory, index, length);
            return Ok(length);
        }
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Slot::Loaded { length };
        }
        if !self.is_leaving() {
            self.start(memory, index, now());
        }
        Ok(length)
    }

    /// The chip has ended a transmission with `status` bits of its interrupt
    /// status: frees the slot, counts the outcome, starts the other slot if it
    /// is filled. PTX ends a transmission, and so does TXE unless the chip goes
    /// on transmitting, as some clones do after an error that doesn't abort.
    /// Returns whether a slot was freed.
    pub fn ended<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        status: InterruptStatus,
        now: Instant,
        counters: &mut CardCounters,
    ) -> bool {
        let Some(index) = self.leaving() else {
            return false;
        };
        let failed = status.contains(InterruptStatus::TRANSMIT_ERROR);
        let ended = !failed || status.contains(InterruptStatus::PACKET_TRANSMITTED);
        if !ended && memory.registers.command().contains(Command::TRANSMIT) {
            return false;
        }
        let outcome = memory.registers.page0().transmit_status();
        if failed {
            count_failure(outcome, counters);
        } else {
            count_success(memory, outcome, counters);
        }
        self.free(memory, index, now);
        true
    }

    /// Transmits the leaving slot once more, after the chip was stopped in the
    /// middle of it.
    pub fn resend<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>, now: Instant) {
        if let Some(index) = self.leaving() {
            self.programmed = None;
            self.start(memory, index, now);
        }
    }

    fn leaving(&self) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| matches!(slot, Slot::Leaving { .. }))
    }

    fn page_of(&self, index: usize) -> u8 {
        self.first_page + SLOT_PAGES * index as u8
    }

    fn start<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>, index: usize, now: Instant) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let (Slot::Loaded { length } | Slot::Leaving { length, .. }) = *slot else {
            return;
        };
        *slot = Slot::Leaving { length, since: now };
        self.command(memory, index, length);
    }

    /// Has the chip transmit the slot `index`.
    fn command<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>, index: usize, length: u16) {
        let page = self.page_of(index);
        if self.programmed != Some((page, length)) {
            let mut page0 = memory.registers.page0();
            page0.set_transmit_page(page);
            page0.set_transmit_count(length);
            self.programmed = Some((page, length));
        }
        memory.registers.transmit();
    }

    fn free<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>, index: usize, now: Instant) {
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Slot::Free;
        }
        let waiting = self
            .slots
            .iter()
            .position(|slot| matches!(slot, Slot::Loaded { .. }));
        if let Some(waiting) = waiting {
            self.start(memory, waiting, now);
        }
    }
}

fn count_success<B: RegisterBus>(
    memory: &mut CardMemory<B>,
    outcome: TransmitStatus,
    counters: &mut CardCounters,
) {
    counters.transmissions_completed += 1;
    if outcome.contains(TransmitStatus::COLLIDED) {
        match memory.registers.page0().collisions() {
            0 | 1 => counters.transmit_one_collision += 1,
            _ => counters.transmit_more_collisions += 1,
        }
    }
}

fn count_failure(outcome: TransmitStatus, counters: &mut CardCounters) {
    // Sixteen collisions show as ABT with the collision counter back at 0
    // (datasheet section 10.3, NCR).
    let reason = if outcome.contains(TransmitStatus::ABORTED) {
        &mut counters.transmit_excessive_collisions
    } else if outcome.contains(TransmitStatus::FIFO_UNDERRUN) {
        &mut counters.transmit_fifo_underrun
    } else if outcome.contains(TransmitStatus::OUT_OF_WINDOW_COLLISION) {
        &mut counters.transmit_late_collision
    } else if outcome.contains(TransmitStatus::CARRIER_LOST) {
        &mut counters.transmit_carrier_lost
    } else {
        &mut counters.transmit_failed_otherwise
    };
    *reason += 1;
}
