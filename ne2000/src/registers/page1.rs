//! Page 1: station address, current page, multicast hash (datasheet section
//! 10.2).

use super::{Command, Registers};
use crate::bus::RegisterBus;

const PAR0: u8 = 0x01;
const CURR: u8 = 0x07;
const MAR0: u8 = 0x08;

/// The registers of page 1; page 0 is selected again when this is dropped.
#[derive(Debug)]
pub struct Page1<'r, B: RegisterBus> {
    registers: &'r mut Registers<B>,
}

impl<'r, B: RegisterBus> Page1<'r, B> {
    pub(super) fn new(registers: &'r mut Registers<B>) -> Self {
        registers.select(Command::PAGE_1);
        Self { registers }
    }

    /// The page the next received frame will start at (CURR).
    pub fn current(&self) -> u8 {
        self.registers.bus.read(CURR)
    }

    /// Sets CURR.
    pub fn set_current(&mut self, page: u8) {
        self.registers.bus.write(CURR, page);
    }

    /// The address unicast frames must carry (PAR).
    pub fn physical_address(&self) -> [u8; 6] {
        let mut address = [0; 6];
        for (byte, register) in address.iter_mut().zip(PAR0..) {
            *byte = self.registers.bus.read(register);
        }
        address
    }

    /// Sets PAR.
    pub fn set_physical_address(&mut self, address: [u8; 6]) {
        for (byte, register) in address.into_iter().zip(PAR0..) {
            self.registers.bus.write(register, byte);
        }
    }

    /// The multicast hash filter (MAR), bit 0 of byte 0 first.
    pub fn multicast_hash(&self) -> [u8; 8] {
        let mut hash = [0; 8];
        for (byte, register) in hash.iter_mut().zip(MAR0..) {
            *byte = self.registers.bus.read(register);
        }
        hash
    }

    /// Sets MAR.
    pub fn set_multicast_hash(&mut self, hash: [u8; 8]) {
        for (byte, register) in hash.into_iter().zip(MAR0..) {
            self.registers.bus.write(register, byte);
        }
    }
}

impl<B: RegisterBus> Drop for Page1<'_, B> {
    fn drop(&mut self) {
        self.registers.select_page0();
    }
}
