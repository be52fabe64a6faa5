//! Finding out whether there is a card and what it can do: registers first, so
//! that other hardware at the ports isn't disturbed, then PROM, memory and data
//! port.

mod emulator;
mod extent;
mod prom;

use core::fmt;

use crate::bus::{DataWidth, RegisterBus};
use crate::filter::Address;
use crate::memory::CardMemory;
use crate::registers::{
    DataConfiguration, InterruptStatus, ReceiveConfiguration, Registers, TransmitConfiguration,
    offset,
};
use crate::ring::Ring;
use crate::transmit::{SLOT_PAGES, SLOTS};
use extent::{find_memory, widest_data_port};
use prom::Prom;

/// The value of a port that nothing answers.
const FLOATING: u8 = 0xFF;

/// How often the interrupt status is read while the reset completes: some 20 ms
/// on an ISA bus, less in an emulator. A chip that never tells is gone on with.
const RESET_POLLS: u32 = 20_000;

/// Pages that can't be memory: the address space ends there.
const MEMORY_END: u8 = 0xE0;

/// What a kind of card is known not to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Narrowest data port access that works.
    pub narrowest: DataWidth,
    /// Widest data port access to try.
    pub widest: DataWidth,
    /// Page after the last one of memory to use.
    pub memory_stop: u8,
}

impl Limits {
    /// Nothing is known.
    pub const NONE: Self = Self {
        narrowest: DataWidth::Byte,
        widest: DataWidth::DoubleWord,
        memory_stop: MEMORY_END,
    };
    /// 16-bit accesses only.
    pub const ONLY_16_BIT: Self = Self {
        narrowest: DataWidth::Word,
        widest: DataWidth::Word,
        memory_stop: MEMORY_END,
    };
    /// 32-bit accesses only, and 8 KiB of memory.
    pub const ONLY_32_BIT_TO_PAGE_60: Self = Self {
        narrowest: DataWidth::DoubleWord,
        widest: DataWidth::DoubleWord,
        memory_stop: 0x60,
    };
}

/// The chip, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// A DP8390 or a clone that has no identification.
    Dp8390,
    /// Realtek's ISA chip: 50 70 at offsets 0A and 0B of page 0.
    Rtl8019As,
    /// Realtek's PCI chip: 50 43. QEMU's cards say so on either bus.
    Rtl8029,
}

impl Chip {
    /// What it is called.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Dp8390 => "DP8390 (NE2000)",
            Self::Rtl8019As => "Realtek RTL8019AS (NE2000)",
            Self::Rtl8029 => "Realtek RTL8029 (NE2000)",
        }
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Dp8390 => "DP8390",
            Self::Rtl8019As => "RTL8019AS",
            Self::Rtl8029 => "RTL8029",
        })
    }
}

/// What is known of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The chip.
    pub chip: Chip,
    /// Width of the data port: the widest that works.
    pub width: DataWidth,
    /// First page of memory.
    pub memory_start: u8,
    /// Page after the last one of memory.
    pub memory_stop: u8,
    /// The address in the PROM.
    pub permanent_address: Address,
    /// The PROM has the NE1000's or NE2000's signature.
    pub has_signature: bool,
    /// What was written to the configuration registers can be read on page 2.
    /// QEMU's card can't, and has no overwrite warning either, so its ring has
    /// to be guarded (see [`Receiver`](crate::receive::Receiver)).
    pub has_readback: bool,
    /// It is QEMU's card: its data port is always open (see
    /// [`memory`](crate::memory)), and a transmission has ended when the command
    /// to start it returns.
    pub is_emulated: bool,
}

impl Identity {
    /// Bytes of memory.
    pub const fn memory_size(&self) -> u32 {
        (self.memory_stop - self.memory_start) as u32 * crate::memory::PAGE_SIZE as u32
    }

    /// First page of the transmit slots, which are at the front of the memory.
    pub const fn transmit_page(&self) -> u8 {
        self.memory_start
    }

    /// The pages of the receive ring: all behind the transmit slots.
    pub const fn ring(&self) -> Option<Ring> {
        Ring::new(self.memory_start + SLOTS * SLOT_PAGES, self.memory_stop)
    }
}

/// Why there is no card, or none that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeError {
    /// Nothing answers at the ports.
    Absent,
    /// What answers doesn't have a DP8390's registers. They were left as found.
    OtherHardware,
    /// A DP8390, but without memory that keeps what is written to it.
    NoMemory,
    /// The PROM holds no address that a station can have.
    NoAddress,
}

impl fmt::Display for ProbeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Absent => "nothing there",
            Self::OtherHardware => "not a DP8390",
            Self::NoMemory => "no memory on the card",
            Self::NoAddress => "no station address in the PROM",
        })
    }
}

impl core::error::Error for ProbeError {}

/// Looks for a card and finds out what it can do. It is left stopped, masked,
/// in monitor mode and loopback.
///
/// # Errors
/// Why there is no card, or none that can be used.
pub fn identify<B: RegisterBus>(
    bus: B,
    limits: Limits,
) -> Result<(CardMemory<B>, Identity), ProbeError> {
    check_registers(&bus)?;
    let mut memory = CardMemory::new(Registers::new(bus), limits.narrowest);
    reset(&mut memory.registers);
    make_quiet(&mut memory.registers, limits.narrowest);
    let chip = match memory.registers.page0().realtek_id() {
        [0x50, 0x70] => Chip::Rtl8019As,
        [0x50, 0x43] => Chip::Rtl8029,
        _ => Chip::Dp8390,
    };
    let has_readback = memory
        .registers
        .page2()
        .transmit_configuration()
        .contains(TransmitConfiguration::INTERNAL_LOOPBACK);

    let prom = Prom::read(&mut memory);
    let word = DataWidth::Word.clamp(limits.narrowest, limits.widest);
    // A 16-bit card in an 8-bit slot doubles its PROM too.
    let bases = if prom.doubled {
        [word, limits.narrowest]
    } else {
        [limits.narrowest; 2]
    };
    let (base, memory_start, memory_stop) = bases
        .into_iter()
        .find_map(|base| {
            set_width(&mut memory, base);
            let (start, stop) = find_memory(&mut memory, limits.memory_stop)?;
            Some((base, start, stop))
        })
        .ok_or(ProbeError::NoMemory)?;
    let permanent_address = prom.address().ok_or(ProbeError::NoAddress)?;
    let width = widest_data_port(&mut memory, memory_start, base, limits.widest);
    set_width(&mut memory, width);
    let is_emulated =
        chip == Chip::Rtl8029 && !has_readback && emulator::is_emulated(&mut memory, memory_start);
    memory.set_open_port(is_emulated);
    memory.registers.stop();
    let identity = Identity {
        chip,
        width,
        memory_start,
        memory_stop,
        permanent_address,
        has_signature: prom.has_signature(),
        has_readback,
        is_emulated,
    };
    Ok((memory, identity))
}

/// Looks whether the registers behave like a DP8390's, writing as little as
/// possible before that is likely, and undoing it where it isn't.
fn check_registers<B: RegisterBus>(bus: &B) -> Result<(), ProbeError> {
    const STOPPED: u8 = 0x21;
    const STOPPED_PAGE_1: u8 = 0x61;
    /// MAR5 on page 1, a tally counter on page 0.
    const PAGED: u8 = 0x0D;
    const PATTERN: u8 = 0xA5;

    let command = bus.read(offset::COMMAND);
    let status = bus.read(offset::INTERRUPT_STATUS);
    if command == FLOATING && status == FLOATING {
        return Err(ProbeError::Absent);
    }
    // No page 3 and no transmission may be selected together, and the run bits
    // must not contradict each other. With neither of those set, as QEMU's card
    // has it at power-on, nothing else may be, and the reset must show.
    let likely = match command & 0x03 {
        0x03 => false,
        0x00 => command & !0x20 == 0 && status & InterruptStatus::RESET.bits() != 0,
        _ => command & 0xC4 != 0xC4,
    };
    if !likely {
        return Err(ProbeError::OtherHardware);
    }
    bus.write(offset::COMMAND, STOPPED);
    if bus.read(offset::COMMAND) != STOPPED {
        bus.write(offset::COMMAND, command);
        return Err(ProbeError::OtherHardware);
    }
    bus.write(offset::COMMAND, STOPPED_PAGE_1);
    let paged = bus.read(PAGED);
    bus.write(PAGED, PATTERN);
    let kept = bus.read(PAGED) == PATTERN;
    bus.write(PAGED, !PATTERN);
    let kept = kept && bus.read(PAGED) == !PATTERN;
    bus.write(PAGED, paged);
    bus.write(offset::COMMAND, STOPPED);
    // Reading the tally counter clears it, and nothing can raise it while the
    // chip is stopped.
    bus.read(PAGED);
    if kept && bus.read(PAGED) == 0 {
        Ok(())
    } else {
        bus.write(offset::COMMAND, command);
        Err(ProbeError::OtherHardware)
    }
}

/// Resets the chip and waits, within bounds, until it says so. Chips that were
/// stopped before may not say it, and QEMU's card says it without a wait.
pub fn reset<B: RegisterBus>(registers: &mut Registers<B>) {
    registers.stop();
    let value = registers.begin_reset();
    registers.end_reset(value);
    for _ in 0..RESET_POLLS {
        if registers
            .page0()
            .interrupt_status()
            .contains(InterruptStatus::RESET)
        {
            break;
        }
    }
    registers.stop();
}

/// The data configuration for a width: 8 bytes of FIFO threshold, normal
/// operation, words unless the port is a byte wide (`48` or `49`).
pub fn data_configuration(width: DataWidth) -> DataConfiguration {
    let bits = DataConfiguration::NORMAL | DataConfiguration::FIFO_THRESHOLD_8;
    match width {
        DataWidth::Byte => bits,
        DataWidth::Word | DataWidth::DoubleWord => bits | DataConfiguration::WORD_TRANSFER,
    }
}

fn set_width<B: RegisterBus>(memory: &mut CardMemory<B>, width: DataWidth) {
    memory
        .registers
        .page0()
        .set_data_configuration(data_configuration(width));
    memory.set_width(width);
}

/// Off the network, masked, and started, which the remote DMA needs.
fn make_quiet<B: RegisterBus>(registers: &mut Registers<B>, width: DataWidth) {
    let mut page0 = registers.page0();
    page0.set_data_configuration(data_configuration(width));
    page0.set_remote_count(0);
    page0.set_receive_configuration(ReceiveConfiguration::MONITOR);
    page0.set_transmit_configuration(TransmitConfiguration::INTERNAL_LOOPBACK);
    page0.set_interrupt_mask(InterruptStatus::empty());
    page0.acknowledge(InterruptStatus::all());
    // The remote DMA wraps at PSTOP: put it where no memory is.
    page0.set_page_start(0);
    page0.set_page_stop(FLOATING);
    registers.start();
}
