//! Page 2: what was written to page 0, for diagnostics (datasheet section
//! 10.2). QEMU's card has only the ring's limits there; the rest reads 0.

use super::{
    Command, DataConfiguration, InterruptStatus, ReceiveConfiguration, Registers,
    TransmitConfiguration,
};
use crate::bus::RegisterBus;

const PSTART: u8 = 0x01;
const PSTOP: u8 = 0x02;
const TPSR: u8 = 0x04;
const RCR: u8 = 0x0C;
const TCR: u8 = 0x0D;
const DCR: u8 = 0x0E;
const IMR: u8 = 0x0F;

/// The registers of page 2; page 0 is selected again when this is dropped.
#[derive(Debug)]
pub struct Page2<'r, B: RegisterBus> {
    registers: &'r mut Registers<B>,
}

impl<'r, B: RegisterBus> Page2<'r, B> {
    pub(super) fn new(registers: &'r mut Registers<B>) -> Self {
        registers.select(Command::PAGE_2);
        Self { registers }
    }

    fn read(&self, register: u8) -> u8 {
        self.registers.bus.read(register)
    }

    /// First page of the receive ring (PSTART).
    pub fn page_start(&self) -> u8 {
        self.read(PSTART)
    }

    /// Page after the last one of the receive ring (PSTOP).
    pub fn page_stop(&self) -> u8 {
        self.read(PSTOP)
    }

    /// First page of the frame to transmit (TPSR).
    pub fn transmit_page(&self) -> u8 {
        self.read(TPSR)
    }

    /// Receive configuration (RCR); the chip drives bits 6 and 7 high.
    pub fn receive_configuration(&self) -> ReceiveConfiguration {
        ReceiveConfiguration::from_bits_truncate(self.read(RCR))
    }

    /// Transmit configuration (TCR); the chip drives bits 5 to 7 high.
    pub fn transmit_configuration(&self) -> TransmitConfiguration {
        TransmitConfiguration::from_bits_truncate(self.read(TCR))
    }

    /// Data configuration (DCR); the chip drives bit 7 high.
    pub fn data_configuration(&self) -> DataConfiguration {
        DataConfiguration::from_bits_truncate(self.read(DCR))
    }

    /// Interrupt mask (IMR); the chip drives bit 7 high.
    pub fn interrupt_mask(&self) -> InterruptStatus {
        InterruptStatus::from_bits_truncate(self.read(IMR)) & InterruptStatus::CAUSES
    }
}

impl<B: RegisterBus> Drop for Page2<'_, B> {
    fn drop(&mut self) {
        self.registers.select_page0();
    }
}
