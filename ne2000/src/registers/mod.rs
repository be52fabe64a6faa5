//! The DP8390's registers (datasheet section 10).
//!
//! Sixteen offsets show different registers on each of the chip's pages. The
//! resting state is page 0: [`Registers::page0`] costs nothing, while
//! [`Registers::page1`] and [`Registers::page2`] return guards that switch when
//! they are made and switch back when they are dropped. Each page's registers
//! are methods of its guard alone, and the guard borrows the whole of
//! [`Registers`], so the wrong page cannot be accessed.
//!
//! One party is outside of this borrow: the interrupt half of the driver, which
//! runs at device level in the middle of anything. It asks [`PageLatch`] first.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::bus::{RESET_PORT, RegisterBus};

mod bits;
mod page0;
mod page1;
mod page2;

pub use bits::{
    Command, DataConfiguration, InterruptStatus, ReceiveConfiguration, ReceiveStatus,
    TransmitConfiguration, TransmitStatus,
};
pub use page0::Page0;
pub use page1::Page1;
pub use page2::Page2;

/// Register offsets as they appear on the bus, for the interrupt half and the
/// register model.
pub mod offset {
    /// Command register, the same on every page.
    pub const COMMAND: u8 = 0x00;
    /// Page 0: interrupt status register.
    pub const INTERRUPT_STATUS: u8 = 0x07;
    /// Page 0, write: interrupt mask register.
    pub const INTERRUPT_MASK: u8 = 0x0F;
}

/// Direction of a remote DMA, as seen from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Card memory to host.
    Read,
    /// Host to card memory.
    Write,
}

/// Tells the interrupt half whether page 0 is selected.
#[derive(Debug, Clone, Default)]
pub struct PageLatch(Arc<AtomicBool>);

impl PageLatch {
    /// Whether the offsets lead to page 0 at this moment, so that the
    /// interrupt status and mask registers are where they are expected.
    pub fn page0_selected(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    fn set(&self, other_page: bool) {
        self.0.store(other_page, Ordering::SeqCst);
    }
}

/// All registers of one card.
#[derive(Debug)]
pub struct Registers<B> {
    bus: B,
    latch: PageLatch,
    /// STP or STA, whichever was written last: every write of the command
    /// register has to repeat it.
    run: Command,
    /// The last value written left no remote DMA selected, so that the next
    /// one may be set up at once.
    remote_idle: bool,
}

impl<B: RegisterBus> Registers<B> {
    /// Takes the bus. Nothing is accessed; the card's page is unknown until
    /// [`stop`](Self::stop) has been called.
    pub fn new(bus: B) -> Self {
        Self {
            bus,
            latch: PageLatch::default(),
            run: Command::STOP,
            remote_idle: false,
        }
    }

    /// The bus.
    pub const fn bus(&self) -> &B {
        &self.bus
    }

    /// The latch for the interrupt half.
    pub fn latch(&self) -> PageLatch {
        self.latch.clone()
    }

    /// Reads the command register.
    pub fn command(&self) -> Command {
        Command::from_bits_retain(self.bus.read(offset::COMMAND))
    }

    /// The command register as a raw byte: all ones where no card answers.
    pub fn raw_command(&self) -> u8 {
        self.bus.read(offset::COMMAND)
    }

    /// Whether the last run command was [`start`](Self::start).
    pub const fn is_started(&self) -> bool {
        self.run.contains(Command::START)
    }

    /// Stops the chip, aborts remote DMA and selects page 0 (`CR = 21`).
    pub fn stop(&mut self) {
        self.run = Command::STOP;
        self.abort_remote();
        self.latch.set(false);
    }

    /// Starts the chip (`CR = 22`).
    pub fn start(&mut self) {
        self.run = Command::START;
        self.abort_remote();
    }

    /// Starts the transmission that TPSR and TBCR describe (`CR = 26`).
    pub fn transmit(&mut self) {
        self.write_command(self.run | Command::ABORT_REMOTE | Command::TRANSMIT);
        self.remote_idle = true;
    }

    /// Makes the remote DMA ready to be set up. Does nothing if the last
    /// command has left it idle.
    pub fn idle_remote(&mut self) {
        if !self.remote_idle {
            self.abort_remote();
        }
    }

    /// Ends a remote DMA, finished or not (`CR = 22`, or `21` while stopped).
    pub fn abort_remote(&mut self) {
        self.write_command(self.run | Command::ABORT_REMOTE);
        self.remote_idle = true;
    }

    /// Starts the remote DMA that RSAR and RBCR describe (`CR = 0A` or `12`).
    pub fn start_remote(&mut self, direction: Direction) {
        let operation = match direction {
            Direction::Read => Command::REMOTE_READ,
            Direction::Write => Command::REMOTE_WRITE,
        };
        self.write_command(self.run | operation);
        self.remote_idle = false;
    }

    /// The registers of page 0.
    pub fn page0(&mut self) -> Page0<'_, B> {
        Page0::new(self)
    }

    /// Selects page 1 until the guard is dropped. The card's interrupts must be
    /// masked meanwhile: the interrupt half keeps its hands off the card, so an
    /// asserted line would stay asserted.
    pub fn page1(&mut self) -> Page1<'_, B> {
        Page1::new(self)
    }

    /// Selects page 2 until the guard is dropped; see [`page1`](Self::page1).
    pub fn page2(&mut self) -> Page2<'_, B> {
        Page2::new(self)
    }

    /// Begins the reset pulse: on NE2000 boards reading the reset port resets
    /// the chip.
    pub fn begin_reset(&mut self) -> u8 {
        self.bus.read(RESET_PORT)
    }

    /// Ends the reset pulse.
    pub fn end_reset(&mut self, value: u8) {
        self.bus.write(RESET_PORT, value);
    }

    fn write_command(&self, command: Command) {
        self.bus.write(offset::COMMAND, command.bits());
    }

    fn select(&mut self, page: Command) {
        self.latch.set(true);
        self.write_command(self.run | Command::ABORT_REMOTE | page);
    }

    fn select_page0(&mut self) {
        self.abort_remote();
        self.latch.set(false);
    }
}
