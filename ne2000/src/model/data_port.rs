//! The remote DMA behind the data port. QEMU's doesn't look at the command
//! register: every access moves data, only a write wants some count left.

use super::Violation;
use super::chip::{Chip, Remote};
use crate::bus::DataWidth;
use crate::registers::DataConfiguration;

impl Chip {
    /// One read access of the data port.
    pub(super) fn read_data(&mut self, width: DataWidth, access: &mut [u8]) {
        access.fill(0xFF);
        if self.faults.absent || width > self.configuration.widest {
            return;
        }
        if !self.is_qemu() && (self.remote != Remote::Reading || self.rbcr == 0) {
            self.violate(Violation::StrayDataAccess);
            return;
        }
        let step = self.step(width);
        for (offset, byte) in access.iter_mut().enumerate() {
            *byte = if offset < step {
                self.memory_read(self.rsar.wrapping_add(offset as u16))
            } else {
                0
            };
        }
        self.advance(step);
    }

    /// One write access of the data port.
    pub(super) fn write_data(&mut self, width: DataWidth, access: &[u8]) {
        if self.faults.absent || width > self.configuration.widest {
            return;
        }
        if self.rbcr == 0 || !self.is_qemu() && self.remote != Remote::Writing {
            self.violate(Violation::StrayDataAccess);
            return;
        }
        let step = self.step(width);
        for (offset, byte) in access.iter().take(step).enumerate() {
            self.memory_write(self.rsar.wrapping_add(offset as u16), *byte);
        }
        self.advance(step);
    }

    /// Bytes of memory that one access moves: the chip goes by its data
    /// configuration, except that 32-bit ports join two words.
    fn step(&self, width: DataWidth) -> usize {
        let words = self.dcr & DataConfiguration::WORD_TRANSFER.bits() != 0;
        match (width, words) {
            (DataWidth::DoubleWord, _) => 4,
            (_, true) => 2,
            (_, false) => 1,
        }
    }

    fn advance(&mut self, step: usize) {
        self.rsar = self.rsar.wrapping_add(step as u16);
        if self.configuration.remote_wraps && self.rsar == u16::from_be_bytes([self.pstop, 0]) {
            self.rsar = u16::from_be_bytes([self.pstart, 0]);
        }
        self.rbcr = self.rbcr.saturating_sub(step as u16);
        if self.rbcr == 0 {
            self.remote_done();
        }
    }

    fn is_memory(&self, address: u16) -> bool {
        let [page, _] = address.to_be_bytes();
        (self.configuration.memory_start..self.configuration.memory_stop).contains(&page)
    }

    /// Where an address leads to.
    fn decode(&self, address: u16) -> u16 {
        let [page, offset] = address.to_be_bytes();
        let (start, stop) = (
            self.configuration.memory_start,
            self.configuration.memory_stop,
        );
        if self.configuration.echoes && page >= stop {
            let page = start + (page - start) % (stop - start);
            u16::from_be_bytes([page, offset])
        } else {
            address
        }
    }

    pub(super) fn memory_read(&self, address: u16) -> u8 {
        let address = self.decode(address);
        if let Some(byte) = self.prom.get(usize::from(address)) {
            return *byte;
        }
        if self.is_memory(address) {
            self.memory[usize::from(address)]
        } else {
            0xFF
        }
    }

    pub(super) fn memory_write(&mut self, address: u16, value: u8) {
        let address = self.decode(address);
        if self.is_memory(address) {
            self.note_slot_write(address);
            self.memory[usize::from(address)] = value;
        } else if self.is_qemu()
            && let Some(byte) = self.prom.get_mut(usize::from(address))
        {
            *byte = value;
        }
    }

    /// The chip reads a slot while it sends it.
    fn note_slot_write(&mut self, address: u16) {
        let start = u16::from_be_bytes([self.tpsr, 0]);
        let sending = self.leaving.as_ref().is_some_and(|leaving| {
            (start..start.saturating_add(leaving.frame.len() as u16)).contains(&address)
        });
        if sending {
            self.violate(Violation::SlotChanged);
        }
    }
}
