//! The guard word, which shows whether the card has lapped the ring.

use crate::bus::RegisterBus;
use crate::memory::CardMemory;
use crate::registers::InterruptStatus;

/// Written to the start of the reserved page. No header that the chip stores
/// has a status of 0.
const WORD: [u8; 4] = [0x00, 0xD8, 0x39, 0x0A];

/// What is known of frames that arrived since the guard was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Arrival {
    /// The interrupt status has to be asked.
    #[default]
    Unknown,
    /// Some did, before PRX was acknowledged.
    Acknowledged,
    /// PRX is set.
    Pending,
}

/// A guard word in the card's memory, or none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guard {
    /// Where the word stands.
    address: Option<u16>,
    arrival: Arrival,
}

impl Guard {
    /// Writes the word to `address`.
    pub(super) fn arm<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>, address: u16) {
        let written = memory.write(address, [&WORD[..]], WORD.len());
        self.address = written.is_ok().then_some(address);
    }

    /// Writes the word to `address` too, and goes there if it is found whole where
    /// it was: only then nothing was written over at the new place. True also if
    /// there was no guard.
    pub(super) fn move_to<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        address: u16,
    ) -> bool {
        let mut moved = *self;
        moved.arm(memory, address);
        if !self.is_intact(memory) {
            return false;
        }
        self.address = moved.address;
        true
    }

    /// There is no word any more.
    pub(super) fn disarm(&mut self) {
        self.address = None;
    }

    /// PRX has just been acknowledged.
    pub(super) fn note_acknowledged(&mut self) {
        self.arrival = Arrival::Acknowledged;
    }

    /// Whether nothing has been written to the guarded page, and therefore
    /// nothing to the pages behind it: what was read from those until now is
    /// whole. True if there is no guard.
    ///
    /// No lap without a frame: while PRX stays clear after the guard was found
    /// whole, one look at the interrupt status does.
    pub(super) fn is_intact<B: RegisterBus>(&mut self, memory: &mut CardMemory<B>) -> bool {
        let Some(address) = self.address else {
            return true;
        };
        match self.arrival {
            Arrival::Unknown => {
                let status = memory.registers.page0().interrupt_status();
                if !status.contains(InterruptStatus::PACKET_RECEIVED) {
                    return true;
                }
                self.arrival = Arrival::Pending;
            }
            Arrival::Acknowledged => self.arrival = Arrival::Unknown,
            Arrival::Pending => {}
        }
        is_word_at(memory, address)
    }
}

/// Whether the guard word is found whole at `address`.
#[inline(never)]
fn is_word_at<B: RegisterBus>(memory: &mut CardMemory<B>, address: u16) -> bool {
    let mut word = [0; WORD.len()];
    memory.read(address, &mut word);
    word == WORD
}
