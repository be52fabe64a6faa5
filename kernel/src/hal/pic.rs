//! The two interrupt controllers (8259A).

use pic8259::ChainedPics;
use x86_64::instructions::port::Port;

use super::idt::FIRST_LINE_VECTOR;

/// ISA interrupt lines.
pub(crate) const LINES: u8 = 16;

/// The line of the first controller that the second one is connected to.
const CASCADE: u8 = 2;

/// Operation control word 3: the next read of the command port gives the in-service
/// register (8259A datasheet, figure 8).
const READ_IN_SERVICE: u8 = 0x0b;

/// Both controllers and what they are told.
pub(crate) struct Pics {
    chain: ChainedPics,
    commands: [Port<u8>; 2],
    /// A bit for each line that is masked.
    mask: u16,
}

impl Pics {
    /// The controllers at their usual ports.
    pub(crate) const fn new() -> Self {
        Self {
            // SAFETY: the vectors are those of the interrupt gates.
            chain: unsafe { ChainedPics::new_contiguous(FIRST_LINE_VECTOR) },
            commands: [Port::new(0x20), Port::new(0xa0)],
            mask: !(1 << CASCADE),
        }
    }

    /// Sets the controllers up, all lines masked.
    pub(crate) fn initialize(&mut self) {
        // SAFETY: the gates are set up, or interrupts are disabled until they are.
        unsafe { self.chain.initialize() };
        self.write_mask();
    }

    /// Masks or unmasks one line, 0 to 15.
    pub(crate) fn set_masked(&mut self, line: u8, masked: bool) {
        let bit = 1_u16 << (line % LINES);
        if line == CASCADE || (self.mask & bit != 0) == masked {
            return;
        }
        self.mask ^= bit;
        self.write_mask();
    }

    /// Whether the controller raised `line` for nothing: its request had gone by the
    /// time the processor took it. Only lines 7 and 15 can do so.
    pub(crate) fn is_spurious(&mut self, line: u8) -> bool {
        let Some(command) = (match line {
            7 => self.commands.first_mut(),
            15 => self.commands.last_mut(),
            _ => None,
        }) else {
            return false;
        };
        // SAFETY: reading the in-service register changes nothing.
        let in_service = unsafe {
            command.write(READ_IN_SERVICE);
            command.read()
        };
        in_service & 0x80 == 0
    }

    /// Tells the controllers that the interrupt of `line` was handled.
    pub(crate) fn end_of_interrupt(&mut self, line: u8) {
        // SAFETY: the line is in service, so the controller waits for just this.
        unsafe {
            self.chain
                .notify_end_of_interrupt(FIRST_LINE_VECTOR + line % LINES);
        }
    }

    /// As [`Self::end_of_interrupt`] for a spurious interrupt: the second controller
    /// has nothing in service then, but the first one has the cascade.
    pub(crate) fn end_of_spurious_interrupt(&mut self, line: u8) {
        if line >= 8 {
            self.end_of_interrupt(CASCADE);
        }
    }

    fn write_mask(&mut self) {
        let [first, second] = self.mask.to_le_bytes();
        // SAFETY: a line is only unmasked when something handles it.
        unsafe { self.chain.write_masks(first, second) };
    }
}
