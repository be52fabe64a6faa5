//! A behavioural model of a card, for tests on the host.
//!
//! [`CardModel`] is a [`RegisterBus`] and, on the other side, a network: frames
//! are put in with [`inject`](CardModel::inject) and taken out with
//! [`take_sent`](CardModel::take_sent). It behaves in one of two ways, see
//! [`Personality`], raises what emulators never do, and takes down every
//! [`Violation`] of the chip's rules by the driver.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use spin::Mutex;

use crate::bus::{DATA_PORT, DataWidth, RESET_PORT, RegisterBus};
use crate::filter::Address;
use crate::registers::{InterruptStatus, ReceiveConfiguration, ReceiveStatus};

mod chip;
mod data_port;
mod medium;
mod page;
mod record;
mod script;

use chip::Chip;
pub use record::{Accesses, Fate, Faults, Transmission, Violation};
pub use script::run_script;

/// Whose behaviour is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    /// The chip of the DP8390D datasheet: unicast filter by PAR, overwrite
    /// warning, tally counters, transmissions that take time, registers that
    /// can be read on page 2.
    Datasheet,
    /// QEMU's card, as hw/net/ne2000.c has it: unicast filter by the PROM, no
    /// error ever reported, transmissions that end within the command, a ring
    /// that can be lapped.
    Qemu,
}

/// What kind of card is modelled.
#[derive(Debug, Clone, Copy)]
pub struct Configuration {
    /// Whose behaviour.
    pub personality: Personality,
    /// The address in the PROM.
    pub address: Address,
    /// First page of memory.
    pub memory_start: u8,
    /// Page after the last one of memory.
    pub memory_stop: u8,
    /// The memory appears again behind its end, since not all address lines are
    /// looked at.
    pub echoes: bool,
    /// The remote DMA goes on at PSTART when it reaches PSTOP.
    pub remote_wraps: bool,
    /// Widest access the data port takes.
    pub widest: DataWidth,
    /// A card for an 8-bit slot, whose PROM isn't doubled.
    pub eight_bit: bool,
    /// The identification at offsets 0A and 0B of page 0.
    pub realtek_id: [u8; 2],
    /// Accesses after which a transmission ends by itself; `None`: only
    /// [`CardModel::end_transmission`] ends it. QEMU's ends at once.
    pub transmit_accesses: Option<u32>,
}

impl Configuration {
    /// QEMU's card with 32 KiB of memory.
    pub const QEMU: Self = Self {
        personality: Personality::Qemu,
        address: [0x52, 0x54, 0x00, 0x12, 0x34, 0x56],
        memory_start: 0x40,
        memory_stop: 0xC0,
        echoes: false,
        remote_wraps: true,
        widest: DataWidth::DoubleWord,
        eight_bit: false,
        realtek_id: [0x50, 0x43],
        transmit_accesses: None,
    };
    /// An NE2000 in a 16-bit slot with 16 KiB of memory.
    pub const NE2000: Self = Self {
        personality: Personality::Datasheet,
        address: [0x00, 0x00, 0x1B, 0x12, 0x34, 0x56],
        memory_start: 0x40,
        memory_stop: 0x80,
        echoes: true,
        remote_wraps: false,
        widest: DataWidth::Word,
        eight_bit: false,
        realtek_id: [0x00, 0x00],
        transmit_accesses: Some(64),
    };
}

type Hook<T> = Arc<Mutex<Option<Box<dyn Fn(T) + Send>>>>;

/// A handle to a modelled card; clones lead to the same card.
#[derive(Clone)]
pub struct CardModel {
    chip: Arc<Mutex<Chip>>,
    interrupt_hook: Hook<bool>,
    sent_hook: Hook<Vec<u8>>,
}

impl fmt::Debug for CardModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CardModel").finish_non_exhaustive()
    }
}

impl CardModel {
    /// A card as it is after power-on.
    pub fn new(configuration: Configuration) -> Self {
        Self {
            chip: Arc::new(Mutex::new(Chip::new(configuration))),
            interrupt_hook: Arc::default(),
            sent_hook: Arc::default(),
        }
    }

    /// Calls `hook` whenever the interrupt line changes, with its new level and
    /// with no lock of the model held.
    pub fn set_interrupt_hook(&self, hook: impl Fn(bool) + Send + 'static) {
        *self.interrupt_hook.lock() = Some(Box::new(hook));
    }

    /// Calls `hook` with every frame sent, which then isn't kept for
    /// [`take_sent`](Self::take_sent).
    pub fn set_sent_hook(&self, hook: impl Fn(Vec<u8>) + Send + 'static) {
        *self.sent_hook.lock() = Some(Box::new(hook));
    }

    /// Puts a frame, without its checksum, on the card's wire.
    pub fn inject(&self, frame: &[u8]) {
        self.with(|chip| chip.arrive(frame, ReceiveStatus::empty()));
    }

    /// Puts a frame on the wire that is received with these errors.
    pub fn inject_with_errors(&self, frame: &[u8], errors: ReceiveStatus) {
        self.with(|chip| chip.arrive(frame, errors));
    }

    /// Puts a frame on the wire after so many more accesses to the card.
    pub fn inject_after(&self, accesses: u64, frame: Vec<u8>) {
        self.with(|chip| chip.schedule(accesses, frame));
    }

    /// Takes the frames sent so far.
    pub fn take_sent(&self) -> Vec<Vec<u8>> {
        self.with(|chip| core::mem::take(&mut chip.sent).into())
    }

    /// From now on, keeps a copy of every frame stored in the ring.
    pub fn record_stored(&self) {
        self.with(|chip| chip.stored = Some(Vec::new()));
    }

    /// Takes the copies of the frames stored, in the order of their arrival.
    pub fn take_stored(&self) -> Vec<Vec<u8>> {
        self.with(|chip| {
            chip.stored
                .as_mut()
                .map(core::mem::take)
                .unwrap_or_default()
        })
    }

    /// Decides how the next transmissions end; those after them end well, as all
    /// of QEMU's do.
    pub fn plan_transmissions(&self, outcomes: impl IntoIterator<Item = Transmission>) {
        self.with(|chip| chip.planned.extend(outcomes));
    }

    /// Ends the transmission under way.
    pub fn end_transmission(&self) {
        self.with(Chip::end_transmission);
    }

    /// Changes what goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        self.with(|chip| chip.faults = faults);
    }

    /// The ring header of the frame stored next is changed by `change`, given
    /// its status, next page and count's two bytes.
    pub fn corrupt_next_header(&self, change: impl FnOnce(&mut [u8; 4]) + Send + 'static) {
        self.with(|chip| chip.header_changes.push_back(Box::new(change)));
    }

    /// Forgets what was planned: frames still to come, header changes, outcomes
    /// of transmissions and faults.
    pub fn calm(&self) {
        self.with(|chip| {
            chip.scheduled.clear();
            chip.header_changes.clear();
            chip.planned.clear();
            chip.faults = Faults::default();
        });
    }

    /// Sets the current page behind the driver's back.
    pub fn set_current_page(&self, page: u8) {
        self.with(|chip| chip.curr = page);
    }

    /// Sets interrupt status bits behind the driver's back.
    pub fn raise(&self, bits: InterruptStatus) {
        self.with(|chip| chip.isr |= bits.bits());
    }

    /// Adds to the tally counters: alignment, checksum, missed.
    pub fn add_tally(&self, amounts: [u8; 3]) {
        self.with(|chip| chip.add_tally(amounts));
    }

    /// Level of the interrupt line.
    pub fn interrupt_line(&self) -> bool {
        self.chip.lock().line()
    }

    /// What became of the frames put in.
    pub fn fate(&self) -> Fate {
        self.chip.lock().fate
    }

    /// Takes the rules broken so far.
    pub fn take_violations(&self) -> Vec<Violation> {
        core::mem::take(&mut self.chip.lock().violations)
    }

    /// Takes the count of accesses so far.
    pub fn take_accesses(&self) -> Accesses {
        core::mem::take(&mut self.chip.lock().accesses)
    }

    /// The receive configuration (RCR), without the card noticing.
    pub fn receive_configuration(&self) -> ReceiveConfiguration {
        ReceiveConfiguration::from_bits_retain(self.chip.lock().rcr)
    }

    /// The multicast hash filter (MAR), without the card noticing.
    pub fn multicast_hash(&self) -> [u8; 8] {
        self.chip.lock().mar
    }

    /// Reads the card's memory without the card noticing.
    pub fn memory(&self, address: u16, length: usize) -> Vec<u8> {
        let chip = self.chip.lock();
        (0..length)
            .map(|offset| chip.memory_read(address.wrapping_add(offset as u16)))
            .collect()
    }

    /// Does something to the chip, then tells the hooks what came of it.
    fn with<R>(&self, action: impl FnOnce(&mut Chip) -> R) -> R {
        let mut chip = self.chip.lock();
        let before = chip.line();
        let result = action(&mut chip);
        let after = chip.line();
        let mut edge = before != after;
        if edge && after && chip.faults.lost_edges > 0 {
            chip.faults.lost_edges -= 1;
            edge = false;
        }
        let mut sent = VecDeque::new();
        if self.sent_hook.lock().is_some() {
            core::mem::swap(&mut sent, &mut chip.sent);
        }
        drop(chip);
        for frame in sent {
            call(&self.sent_hook, frame);
        }
        if edge {
            call(&self.interrupt_hook, after);
        }
        result
    }
}

/// Calls a hook without holding its lock, so that it may come back here.
fn call<T>(hook: &Hook<T>, argument: T) {
    let taken = hook.lock().take();
    if let Some(function) = taken {
        function(argument);
        let mut slot = hook.lock();
        if slot.is_none() {
            *slot = Some(function);
        }
    }
}

impl RegisterBus for CardModel {
    fn read(&self, offset: u8) -> u8 {
        self.with(|chip| {
            chip.accesses.reads += 1;
            chip.tick();
            match offset {
                _ if chip.faults.absent => 0xFF,
                RESET_PORT => chip.reset(),
                0..DATA_PORT => chip.read(offset),
                _ => 0xFF,
            }
        })
    }

    fn write(&self, offset: u8, value: u8) {
        self.with(|chip| {
            chip.accesses.writes += 1;
            chip.tick();
            match offset {
                _ if chip.faults.absent => {}
                0..DATA_PORT => chip.write(offset, value),
                _ => {}
            }
        });
    }

    fn read_block(&self, width: DataWidth, buffer: &mut [u8]) {
        self.with(|chip| {
            chip.accesses.blocks += 1;
            chip.accesses.block_bytes += buffer.len() as u64;
            chip.tick();
            for access in buffer.chunks_exact_mut(width.bytes()) {
                chip.read_data(width, access);
            }
        });
    }

    fn write_block(&self, width: DataWidth, bytes: &[u8]) {
        self.with(|chip| {
            chip.accesses.blocks += 1;
            chip.accesses.block_bytes += bytes.len() as u64;
            chip.tick();
            for access in bytes.chunks_exact(width.bytes()) {
                chip.write_data(width, access);
            }
        });
    }
}
