//! The chip's state, its command register, reset and interrupts.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use super::{Accesses, Configuration, Fate, Faults, Personality, Transmission, Violation};
use crate::registers::{Command, InterruptStatus};

pub(super) const ISR_RST: u8 = InterruptStatus::RESET.bits();
pub(super) const ISR_RDC: u8 = InterruptStatus::REMOTE_DMA_COMPLETE.bits();

pub(super) type HeaderChange = Box<dyn FnOnce(&mut [u8; 4]) + Send>;

/// A remote DMA that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remote {
    Idle,
    Reading,
    Writing,
}

/// A transmission under way.
pub(super) struct Leaving {
    pub(super) frame: Vec<u8>,
    pub(super) accesses_left: Option<u32>,
    /// Nothing but a reset ends it.
    pub(super) hangs: bool,
}

pub(super) struct Chip {
    pub(super) configuration: Configuration,
    pub(super) memory: Vec<u8>,
    pub(super) prom: [u8; 32],
    pub(super) cr: u8,
    pub(super) pstart: u8,
    pub(super) pstop: u8,
    pub(super) bnry: u8,
    pub(super) tpsr: u8,
    pub(super) tbcr: u16,
    pub(super) isr: u8,
    pub(super) imr: u8,
    pub(super) rsar: u16,
    pub(super) rbcr: u16,
    pub(super) rcr: u8,
    pub(super) tcr: u8,
    pub(super) dcr: u8,
    pub(super) tsr: u8,
    pub(super) ncr: u8,
    pub(super) rsr: u8,
    pub(super) par: [u8; 6],
    pub(super) curr: u8,
    pub(super) mar: [u8; 8],
    pub(super) tally: [u8; 3],
    pub(super) remote: Remote,
    /// Reads of the interrupt status until RDC shows, after a finished DMA.
    pub(super) completion_in: Option<u32>,
    pub(super) leaving: Option<Leaving>,
    /// The ring was full: nothing is received until the chip was stopped.
    pub(super) overflowed: bool,
    pub(super) sent: VecDeque<Vec<u8>>,
    pub(super) stored: Option<Vec<Vec<u8>>>,
    pub(super) planned: VecDeque<Transmission>,
    pub(super) header_changes: VecDeque<HeaderChange>,
    pub(super) scheduled: VecDeque<(u64, Vec<u8>)>,
    pub(super) faults: Faults,
    pub(super) fate: Fate,
    pub(super) violations: Vec<Violation>,
    pub(super) accesses: Accesses,
    ticks: u64,
}

impl Chip {
    pub(super) fn new(configuration: Configuration) -> Self {
        let mut chip = Self {
            configuration,
            memory: vec![0xA7; 0x1_0000],
            prom: [0; 32],
            cr: 0,
            pstart: 0,
            pstop: 0,
            bnry: 0,
            tpsr: 0,
            tbcr: 0,
            isr: 0,
            imr: 0,
            rsar: 0,
            rbcr: 0,
            rcr: 0,
            tcr: 0,
            dcr: 0,
            tsr: 0,
            ncr: 0,
            rsr: 0,
            par: [0; 6],
            curr: 0,
            mar: [0; 8],
            tally: [0; 3],
            remote: Remote::Idle,
            completion_in: None,
            leaving: None,
            overflowed: false,
            sent: VecDeque::new(),
            stored: None,
            planned: VecDeque::new(),
            header_changes: VecDeque::new(),
            scheduled: VecDeque::new(),
            faults: Faults::default(),
            fate: Fate::default(),
            violations: Vec::new(),
            accesses: Accesses::default(),
            ticks: 0,
        };
        chip.reset();
        if !chip.is_qemu() {
            chip.cr = (Command::STOP | Command::ABORT_REMOTE).bits();
        }
        chip
    }

    pub(super) fn is_qemu(&self) -> bool {
        self.configuration.personality == Personality::Qemu
    }

    pub(super) fn violate(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// One access to the card has happened: time goes on.
    pub(super) fn tick(&mut self) {
        self.ticks += 1;
        while let Some((at, _)) = self.scheduled.front() {
            if *at > self.ticks {
                break;
            }
            if let Some((_, frame)) = self.scheduled.pop_front() {
                self.arrive(&frame, crate::registers::ReceiveStatus::empty());
            }
        }
        let ended = self.leaving.as_mut().is_some_and(|leaving| {
            leaving.accesses_left.as_mut().is_some_and(|left| {
                *left = left.saturating_sub(1);
                *left == 0
            })
        });
        if ended {
            self.end_transmission();
        }
    }

    pub(super) fn schedule(&mut self, accesses: u64, frame: Vec<u8>) {
        let at = self.ticks + accesses;
        let position = self.scheduled.partition_point(|(other, _)| *other <= at);
        self.scheduled.insert(position, (at, frame));
    }

    /// The reset port was read.
    pub(super) fn reset(&mut self) -> u8 {
        let address = self.configuration.address;
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&address);
        bytes[14] = b'W';
        bytes[15] = b'W';
        for (index, byte) in self.prom.iter_mut().enumerate() {
            *byte = if self.configuration.eight_bit {
                bytes[index % 16]
            } else {
                bytes[index / 2]
            };
        }
        if !self.faults.no_reset_status {
            self.isr = ISR_RST;
        }
        if self.is_qemu() {
            return 0;
        }
        self.cr = (Command::STOP | Command::ABORT_REMOTE).bits();
        self.imr = 0;
        self.remote = Remote::Idle;
        self.completion_in = None;
        self.leaving = None;
        self.overflowed = false;
        0
    }

    /// Whether the interrupt line is up.
    pub(super) fn line(&self) -> bool {
        !self.faults.absent && (self.isr | self.faults.stuck_status) & self.imr & 0x7F != 0
    }

    pub(super) fn started(&self) -> bool {
        self.cr & Command::STOP.bits() == 0
    }

    pub(super) fn page(&self) -> u8 {
        self.cr >> 6
    }

    /// The command register was written.
    pub(super) fn command(&mut self, value: u8) {
        let command = Command::from_bits_retain(value);
        let was_started = self.started();
        self.cr = value;
        if value >> 6 != 0 && self.imr & 0x7F != 0 {
            self.violate(Violation::PagedUnmasked);
        }
        if command.contains(Command::STOP) {
            self.stopped(was_started);
        } else {
            self.isr &= !ISR_RST;
        }
        self.remote_command(command);
        if command.contains(Command::TRANSMIT) && self.started() {
            self.transmit();
        } else if self.leaving.is_some() {
            // Writing 0 doesn't end a transmission.
            self.cr |= Command::TRANSMIT.bits();
        }
    }

    fn stopped(&mut self, was_started: bool) {
        if self.is_qemu() {
            return;
        }
        if !self.faults.no_reset_status {
            self.isr |= ISR_RST;
        }
        self.overflowed = false;
        if let Some(leaving) = self.leaving.as_ref().filter(|_| was_started) {
            if self.faults.stop_cuts_transmission || leaving.hangs {
                self.leaving = None;
            } else {
                self.end_transmission();
            }
        }
    }

    fn remote_command(&mut self, command: Command) {
        if command.contains(Command::ABORT_REMOTE) {
            self.remote = Remote::Idle;
            self.completion_in = None;
            return;
        }
        let remote = if command.contains(Command::REMOTE_READ) {
            Remote::Reading
        } else if command.contains(Command::REMOTE_WRITE) {
            Remote::Writing
        } else {
            Remote::Idle
        };
        if self.remote != Remote::Idle {
            self.violate(Violation::InterleavedRemoteDma);
        }
        self.remote = remote;
        if remote != Remote::Idle && self.rbcr == 0 {
            self.remote_done();
        }
    }

    pub(super) fn remote_done(&mut self) {
        let suppressed = match self.remote {
            Remote::Reading => self.faults.no_read_completion,
            Remote::Writing => self.faults.no_write_completion,
            Remote::Idle => false,
        };
        if !suppressed {
            if self.faults.completion_delay == 0 {
                self.isr |= ISR_RDC;
            } else {
                self.completion_in = Some(self.faults.completion_delay);
            }
        }
    }

    pub(super) fn add_tally(&mut self, amounts: [u8; 3]) {
        for (counter, amount) in self.tally.iter_mut().zip(amounts) {
            // The counters stop at 192 (datasheet section 10.3).
            *counter = counter.saturating_add(amount).min(192);
            if *counter >= 0x80 {
                self.isr |= InterruptStatus::COUNTER_OVERFLOW.bits();
            }
        }
    }
}
