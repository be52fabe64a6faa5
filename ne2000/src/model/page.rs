//! Reading and writing the sixteen byte registers.

use super::Violation;
use super::chip::{Chip, ISR_RDC, ISR_RST};
use crate::registers::offset;

impl Chip {
    pub(super) fn read(&mut self, register: u8) -> u8 {
        if register == offset::COMMAND {
            return self.cr;
        }
        match self.page() {
            0 => self.read_page0(register),
            1 => match register {
                0x01..=0x06 => self.par[usize::from(register - 1)],
                0x07 => self.curr,
                _ => self.mar[usize::from(register - 8)],
            },
            2 => self.read_page2(register),
            _ => 0,
        }
    }

    fn read_page0(&mut self, register: u8) -> u8 {
        let [address_low, address_high] = self.rsar.to_le_bytes();
        let [id0, id1] = self.configuration.realtek_id;
        match register {
            0x03 => self.bnry,
            0x04 => self.tsr,
            0x05 => self.ncr,
            0x07 => self.interrupt_status(),
            0x08 => address_low,
            0x09 => address_high,
            0x0A => id0,
            0x0B => id1,
            0x0C => self.rsr,
            0x0D..=0x0F => core::mem::take(&mut self.tally[usize::from(register - 0x0D)]),
            _ => 0,
        }
    }

    fn interrupt_status(&mut self) -> u8 {
        if let Some(left) = self.completion_in {
            if left <= 1 {
                self.completion_in = None;
                self.isr |= ISR_RDC;
            } else {
                self.completion_in = Some(left - 1);
            }
        }
        self.isr | self.faults.stuck_status
    }

    fn read_page2(&self, register: u8) -> u8 {
        match register {
            0x01 => self.pstart,
            0x02 => self.pstop,
            _ if self.is_qemu() => 0,
            0x04 => self.tpsr,
            0x0C => self.rcr | 0xC0,
            0x0D => self.tcr | 0xE0,
            0x0E => self.dcr | 0x80,
            0x0F => self.imr | 0x80,
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, register: u8, value: u8) {
        if register == offset::COMMAND {
            self.command(value);
            return;
        }
        match self.page() {
            0 => self.write_page0(register, value),
            1 => match register {
                0x01..=0x06 => self.par[usize::from(register - 1)] = value,
                0x07 => self.curr = value,
                _ => self.mar[usize::from(register - 8)] = value,
            },
            _ => self.violate(Violation::UnknownRegister),
        }
    }

    fn write_page0(&mut self, register: u8, value: u8) {
        match register {
            0x01 => self.pstart = value,
            0x02 => self.pstop = value,
            0x03 => self.bnry = value,
            0x04 => self.tpsr = value,
            0x05 => self.tbcr = self.tbcr & 0xFF00 | u16::from(value),
            0x06 => self.tbcr = self.tbcr & 0x00FF | u16::from(value) << 8,
            0x07 => self.acknowledge(value),
            0x08 => self.rsar = self.rsar & 0xFF00 | u16::from(value),
            0x09 => self.rsar = self.rsar & 0x00FF | u16::from(value) << 8,
            0x0A => self.rbcr = self.rbcr & 0xFF00 | u16::from(value),
            0x0B => self.rbcr = self.rbcr & 0x00FF | u16::from(value) << 8,
            0x0C => self.rcr = value,
            0x0D => self.tcr = value,
            0x0E => self.dcr = value,
            0x0F => self.imr = value,
            _ => self.violate(Violation::UnknownRegister),
        }
    }

    fn acknowledge(&mut self, value: u8) {
        self.isr &= !(value & !ISR_RST);
    }
}
