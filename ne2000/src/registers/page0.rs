//! Page 0: status on reading, configuration on writing (datasheet section
//! 10.2).

use super::{
    DataConfiguration, InterruptStatus, ReceiveConfiguration, ReceiveStatus, Registers,
    TransmitConfiguration, TransmitStatus, offset,
};
use crate::bus::RegisterBus;

const PSTART: u8 = 0x01;
const PSTOP: u8 = 0x02;
const BNRY: u8 = 0x03;
const TSR: u8 = 0x04;
const TPSR: u8 = 0x04;
const NCR: u8 = 0x05;
const TBCR0: u8 = 0x05;
const TBCR1: u8 = 0x06;
const RSAR0: u8 = 0x08;
const RSAR1: u8 = 0x09;
const RBCR0: u8 = 0x0A;
const RBCR1: u8 = 0x0B;
const REALTEK_ID0: u8 = 0x0A;
const REALTEK_ID1: u8 = 0x0B;
const RSR: u8 = 0x0C;
const RCR: u8 = 0x0C;
const TCR: u8 = 0x0D;
const CNTR0: u8 = 0x0D;
const DCR: u8 = 0x0E;
const CNTR1: u8 = 0x0E;
const CNTR2: u8 = 0x0F;

/// What the tally counters held; reading them clears them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// CNTR0: frames with an alignment error.
    pub frame_alignment_errors: u8,
    /// CNTR1: frames with a wrong checksum.
    pub crc_errors: u8,
    /// CNTR2: frames missed for want of room or because of monitor mode.
    pub missed: u8,
}

/// The registers of page 0.
#[derive(Debug)]
pub struct Page0<'r, B> {
    registers: &'r Registers<B>,
}

impl<'r, B: RegisterBus> Page0<'r, B> {
    pub(super) fn new(registers: &'r mut Registers<B>) -> Self {
        Self { registers }
    }

    fn read(&self, register: u8) -> u8 {
        self.registers.bus.read(register)
    }

    fn write(&self, register: u8, value: u8) {
        self.registers.bus.write(register, value);
    }

    /// First page of the receive ring (PSTART).
    pub fn set_page_start(&mut self, page: u8) {
        self.write(PSTART, page);
    }

    /// Page after the last one of the receive ring (PSTOP).
    pub fn set_page_stop(&mut self, page: u8) {
        self.write(PSTOP, page);
    }

    /// The page the chip must not write to (BNRY).
    pub fn boundary(&self) -> u8 {
        self.read(BNRY)
    }

    /// Sets BNRY.
    pub fn set_boundary(&mut self, page: u8) {
        self.write(BNRY, page);
    }

    /// How the last transmission went (TSR).
    pub fn transmit_status(&self) -> TransmitStatus {
        TransmitStatus::from_bits_retain(self.read(TSR))
    }

    /// Collisions of the last transmission (NCR), 0 to 15.
    pub fn collisions(&self) -> u8 {
        self.read(NCR) & 0x0F
    }

    /// First page of the frame to transmit (TPSR).
    pub fn set_transmit_page(&mut self, page: u8) {
        self.write(TPSR, page);
    }

    /// Length in bytes of the frame to transmit (TBCR).
    pub fn set_transmit_count(&mut self, bytes: u16) {
        let [low, high] = bytes.to_le_bytes();
        self.write(TBCR0, low);
        self.write(TBCR1, high);
    }

    /// The interrupt status (ISR).
    pub fn interrupt_status(&self) -> InterruptStatus {
        InterruptStatus::from_bits_retain(self.read(offset::INTERRUPT_STATUS))
    }

    /// Clears bits of ISR.
    pub fn acknowledge(&mut self, bits: InterruptStatus) {
        self.write(offset::INTERRUPT_STATUS, bits.bits());
    }

    /// Sets the interrupt mask (IMR). Only for a card that no interrupt half
    /// watches; otherwise that half owns this register.
    pub fn set_interrupt_mask(&mut self, bits: InterruptStatus) {
        self.write(offset::INTERRUPT_MASK, bits.bits());
    }

    /// Start address of the remote DMA in the card's memory (RSAR).
    pub fn set_remote_address(&mut self, address: u16) {
        let [low, high] = address.to_le_bytes();
        self.write(RSAR0, low);
        self.write(RSAR1, high);
    }

    /// Bytes that the remote DMA will move (RBCR).
    pub fn set_remote_count(&mut self, bytes: u16) {
        let [low, high] = bytes.to_le_bytes();
        self.write(RBCR0, low);
        self.write(RBCR1, high);
    }

    /// Sets the upper byte of [that count](Self::set_remote_count) alone.
    pub fn set_remote_count_high(&mut self, high: u8) {
        self.write(RBCR1, high);
    }

    /// The two identification bytes of Realtek's chips, offsets 0A and 0B.
    pub fn realtek_id(&self) -> [u8; 2] {
        [self.read(REALTEK_ID0), self.read(REALTEK_ID1)]
    }

    /// Status of the last frame received (RSR).
    pub fn receive_status(&self) -> ReceiveStatus {
        ReceiveStatus::from_bits_retain(self.read(RSR))
    }

    /// Sets the receive configuration (RCR).
    pub fn set_receive_configuration(&mut self, bits: ReceiveConfiguration) {
        self.write(RCR, bits.bits());
    }

    /// Sets the transmit configuration (TCR).
    pub fn set_transmit_configuration(&mut self, bits: TransmitConfiguration) {
        self.write(TCR, bits.bits());
    }

    /// Sets the data configuration (DCR).
    pub fn set_data_configuration(&mut self, bits: DataConfiguration) {
        self.write(DCR, bits.bits());
    }

    /// Reads and thereby clears the tally counters.
    pub fn take_tally(&mut self) -> Tally {
        Tally {
            frame_alignment_errors: self.read(CNTR0),
            crc_errors: self.read(CNTR1),
            missed: self.read(CNTR2),
        }
    }
}
