//! The wire: frames that arrive and frames that leave.

use alloc::vec::Vec;

use super::chip::{Chip, Leaving};
use super::{Transmission, Violation};
use crate::filter::hash_index;
use crate::registers::{
    Command, InterruptStatus, ReceiveConfiguration, ReceiveStatus, TransmitConfiguration,
    TransmitStatus,
};

/// Shortest frame without checksum.
const MINIMUM: usize = 60;

/// Bytes that QEMU wants free before it takes a frame.
const QEMU_ROOM: usize = 1518;

impl Chip {
    /// A frame comes in from the wire.
    pub(super) fn arrive(&mut self, frame: &[u8], errors: ReceiveStatus) {
        let mut frame = Vec::from(frame);
        if frame.len() < 6 || !self.on_network() || !self.wanted(&frame) {
            self.fate.filtered += 1;
            return;
        }
        if frame.len() < MINIMUM {
            frame.resize(MINIMUM, 0);
        }
        if self.is_qemu() {
            self.arrive_qemu(&frame);
        } else {
            self.arrive_datasheet(&frame, errors);
        }
    }

    fn on_network(&self) -> bool {
        let loopback =
            TransmitConfiguration::INTERNAL_LOOPBACK | TransmitConfiguration::ENCODER_LOOPBACK;
        let looped = !self.is_qemu() && self.tcr & loopback.bits() != 0;
        self.started() && !looped && !self.faults.absent
    }

    fn wanted(&self, frame: &[u8]) -> bool {
        let rcr = ReceiveConfiguration::from_bits_retain(self.rcr);
        let Some(destination) = frame.first_chunk::<6>() else {
            return false;
        };
        let promiscuous = rcr.contains(ReceiveConfiguration::PROMISCUOUS);
        if self.is_qemu() && promiscuous {
            return true;
        }
        if *destination == [0xFF; 6] {
            return rcr.contains(ReceiveConfiguration::ACCEPT_BROADCAST);
        }
        if destination[0] & 1 != 0 {
            let index = hash_index(destination);
            return rcr.contains(ReceiveConfiguration::ACCEPT_MULTICAST)
                && self.mar[usize::from(index >> 3)] & 1 << (index & 7) != 0;
        }
        let own = if self.is_qemu() {
            core::array::from_fn(|index| self.prom[2 * index])
        } else {
            self.par
        };
        promiscuous || *destination == own
    }

    fn arrive_qemu(&mut self, frame: &[u8]) {
        let (start, stop) = (usize::from(self.pstart) << 8, usize::from(self.pstop) << 8);
        let (index, boundary) = (usize::from(self.curr) << 8, usize::from(self.bnry) << 8);
        let available = if stop <= start {
            0
        } else if index < boundary {
            boundary - index
        } else {
            (stop - start).saturating_sub(index - boundary)
        };
        if available < QEMU_ROOM {
            self.fate.missed += 1;
            return;
        }
        let total = frame.len() + 4;
        let size = (total + 4).next_multiple_of(256);
        let mut next = index + size;
        if next >= stop {
            next -= stop.saturating_sub(start);
        }
        if size >= available {
            self.fate.laps += 1;
        }
        self.store(frame, ReceiveStatus::RECEIVED, (next >> 8) as u8, total);
    }

    fn arrive_datasheet(&mut self, frame: &[u8], errors: ReceiveStatus) {
        let rcr = ReceiveConfiguration::from_bits_retain(self.rcr);
        if rcr.contains(ReceiveConfiguration::MONITOR) {
            self.fate.missed += 1;
            self.add_tally([0, 0, 1]);
            return;
        }
        if !errors.is_empty() {
            self.fate.errors += 1;
            self.isr |= InterruptStatus::RECEIVE_ERROR.bits();
            let alignment = errors.contains(ReceiveStatus::FRAME_ALIGNMENT_ERROR);
            let checksum = errors.contains(ReceiveStatus::CRC_ERROR);
            self.add_tally([u8::from(alignment), u8::from(checksum), 0]);
            if !rcr.contains(ReceiveConfiguration::SAVE_ERRORED) {
                return;
            }
        }
        let pages = (frame.len() + 8).div_ceil(256);
        let room = self.pages_between(self.curr, self.bnry);
        if self.overflowed || pages > room {
            self.overflowed = true;
            self.isr |= InterruptStatus::OVERWRITE_WARNING.bits();
            self.fate.missed += 1;
            self.add_tally([0, 0, 1]);
            return;
        }
        let mut next = usize::from(self.curr) + pages;
        if next >= usize::from(self.pstop) {
            next -= usize::from(self.pstop.saturating_sub(self.pstart));
        }
        let status = if errors.is_empty() {
            ReceiveStatus::RECEIVED
        } else {
            errors
        };
        self.store(frame, status, next as u8, frame.len() + 4);
    }

    fn pages_between(&self, from: u8, to: u8) -> usize {
        if to >= from {
            usize::from(to - from)
        } else {
            usize::from(self.pstop.saturating_sub(self.pstart))
                .saturating_sub(usize::from(from - to))
        }
    }

    /// Stores a frame at CURR, its data going on at PSTART after PSTOP.
    fn store(&mut self, frame: &[u8], status: ReceiveStatus, next: u8, count: usize) {
        let mut status = status;
        status.set(
            ReceiveStatus::MULTICAST,
            frame.first().is_some_and(|byte| byte & 1 != 0),
        );
        let [low, high] = (count as u16).to_le_bytes();
        let mut header = [status.bits(), next, low, high];
        if let Some(change) = self.header_changes.pop_front() {
            change(&mut header);
        }
        let mut address = u16::from_be_bytes([self.curr, 0]);
        for byte in header.iter().chain(frame) {
            self.memory[usize::from(address)] = *byte;
            address = address.wrapping_add(1);
            if address == u16::from_be_bytes([self.pstop, 0]) {
                address = u16::from_be_bytes([self.pstart, 0]);
            }
        }
        self.curr = next;
        self.rsr = status.bits();
        self.fate.stored += 1;
        if let Some(stored) = &mut self.stored {
            stored.push(Vec::from(frame));
        }
        if status.contains(ReceiveStatus::RECEIVED) {
            self.isr |= InterruptStatus::PACKET_RECEIVED.bits();
        }
    }

    /// The transmit bit was written.
    pub(super) fn transmit(&mut self) {
        if self.leaving.is_some() {
            self.violate(Violation::TransmitWhileTransmitting);
            return;
        }
        let start = usize::from(self.tpsr) << 8;
        let frame = self.memory.get(start..start + usize::from(self.tbcr));
        let Some(frame) = frame.filter(|frame| !frame.is_empty()).map(Vec::from) else {
            self.violate(Violation::TransmitLength);
            return;
        };
        self.leaving = Some(Leaving {
            frame,
            accesses_left: self.configuration.transmit_accesses,
            hangs: false,
        });
        if self.is_qemu() {
            self.end_transmission();
        }
    }

    /// The transmission under way ends as planned.
    pub(super) fn end_transmission(&mut self) {
        let Some(leaving) = self.leaving.take() else {
            return;
        };
        let planned = self.planned.pop_front().filter(|_| !self.is_qemu());
        let outcome = planned.unwrap_or(Transmission::Sent(0));
        let failure = match outcome {
            Transmission::Hangs => {
                self.leaving = Some(Leaving {
                    accesses_left: None,
                    hangs: true,
                    ..leaving
                });
                return;
            }
            Transmission::Sent(collisions) => {
                self.sent.push_back(leaving.frame);
                self.ncr = collisions & 0x0F;
                let mut status = TransmitStatus::TRANSMITTED;
                status.set(TransmitStatus::COLLIDED, collisions > 0);
                self.finish_transmission(status, InterruptStatus::PACKET_TRANSMITTED);
                return;
            }
            Transmission::ExcessiveCollisions => {
                self.ncr = 0;
                TransmitStatus::ABORTED | TransmitStatus::COLLIDED
            }
            Transmission::CarrierLost => TransmitStatus::CARRIER_LOST,
            Transmission::FifoUnderrun => TransmitStatus::FIFO_UNDERRUN,
            Transmission::LateCollision => TransmitStatus::OUT_OF_WINDOW_COLLISION,
        };
        self.finish_transmission(failure, InterruptStatus::TRANSMIT_ERROR);
    }

    fn finish_transmission(&mut self, status: TransmitStatus, cause: InterruptStatus) {
        self.tsr = status.bits();
        self.isr |= cause.bits();
        self.cr &= !Command::TRANSMIT.bits();
    }
}
