//! The card's memory, reached through the remote DMA and the data port
//! (datasheet section 9).
//!
//! A DP8390 is given a count and an address, is told which way, and reports the
//! end: seven register accesses around each transfer. QEMU's card moves data
//! whenever its data port is accessed, in the direction of the access, at once,
//! from the address it has got to (hw/net/ne2000.c, `ne2000_dma_update`), as
//! long as there is some count left for a write. There, the *open port* takes
//! two for a read, three for a write, and none for a read that goes on where the
//! last transfer ended.

use crate::bus::{DataWidth, RegisterBus};
use crate::registers::{Direction, InterruptStatus, Registers};

/// Bytes in one page of the card's memory, the unit of its ring.
pub const PAGE_SIZE: u16 = 256;

/// How often the interrupt status is read while a remote write completes: some
/// 20 ms on an ISA bus, where one read takes about a microsecond, and 1 ms in
/// an emulator. The chip needs a few microseconds.
const COMPLETION_POLLS: u32 = 20_000;

/// Widest access to the data port, in bytes.
const WIDEST: usize = 4;

/// Upper byte of the count that an open port is given: more than any transfer
/// needs, so that it never runs out.
const OPEN_COUNT_HIGH: u8 = 0xFF;

/// A remote write did not report its completion in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteDmaTimeout;

/// The registers together with the memory behind the data port. Only one
/// remote DMA can be under way, which the exclusive borrow ensures.
#[derive(Debug)]
pub struct CardMemory<B> {
    /// The chip's registers.
    pub registers: Registers<B>,
    width: DataWidth,
    read_before_write: bool,
    /// RDC is known to be clear in the interrupt status.
    completion_clear: bool,
    open_port: Option<OpenPort>,
}

/// What is known of an open port.
#[derive(Debug, Clone, Copy, Default)]
struct OpenPort {
    /// Where the next access goes, if that is known.
    position: Option<u16>,
}

impl<B: RegisterBus> CardMemory<B> {
    /// Wraps the registers; the data port is used `width` wide, which the data
    /// configuration register must agree with.
    pub fn new(registers: Registers<B>, width: DataWidth) -> Self {
        Self {
            registers,
            width,
            read_before_write: false,
            completion_clear: false,
            open_port: None,
        }
    }

    /// Uses the data port as an open one, or as the datasheet says.
    pub(crate) fn set_open_port(&mut self, open: bool) {
        self.open_port = open.then(OpenPort::default);
    }

    /// Forgets what is known of an open port, after the chip was reset.
    pub(crate) fn reopen_port(&mut self) {
        self.set_open_port(self.open_port.is_some());
    }

    /// Width of the data port.
    pub const fn width(&self) -> DataWidth {
        self.width
    }

    /// Changes the width of the data port.
    pub fn set_width(&mut self, width: DataWidth) {
        self.width = width;
    }

    /// Precedes every remote write with a one-word remote read: the first
    /// DP8390 could corrupt the first bytes of a write otherwise (datasheet
    /// section 9, remote write; DP8390D has it mended).
    pub fn set_read_before_write(&mut self, on: bool) {
        self.read_before_write = on;
    }

    /// Tells that interrupt status bits were written; RDC among them saves the
    /// next remote write a register access.
    pub fn acknowledged(&mut self, bits: InterruptStatus) {
        if bits.contains(InterruptStatus::REMOTE_DMA_COMPLETE) {
            self.completion_clear = true;
        }
    }

    /// Reads `buffer.len()` bytes from `address` on.
    ///
    /// Address and length may be odd: what a wide data port moves beyond them
    /// is discarded. Completion isn't waited for: the last access has happened
    /// when this returns, and some chips never report it after a read.
    #[inline(always)]
    pub fn read(&mut self, address: u16, buffer: &mut [u8]) {
        let skip = address as usize % self.width.bytes();
        if skip != 0 {
            return self.read_unaligned(address, skip, buffer);
        }
        if !buffer.is_empty() {
            let count = buffer.len().next_multiple_of(self.width.bytes());
            self.set_up(address, count as u16, Direction::Read);
            self.read_on(buffer);
        }
    }

    /// The same from the middle of an access, `skip` bytes behind its beginning.
    #[cold]
    fn read_unaligned(&mut self, address: u16, skip: usize, buffer: &mut [u8]) {
        if buffer.is_empty() {
            return;
        }
        let width = self.width.bytes();
        let count = (skip + buffer.len()).next_multiple_of(width);
        let start = address.wrapping_sub(skip as u16);
        self.set_up(start, count as u16, Direction::Read);
        let (first, rest) = buffer.split_at_mut(buffer.len().min(width - skip));
        self.read_partial(skip, first);
        self.read_on(rest);
    }

    /// Fills `buffer` from where the data port is.
    #[inline(always)]
    fn read_on(&mut self, buffer: &mut [u8]) {
        let whole = buffer.len() - buffer.len() % self.width.bytes();
        let (body, tail) = buffer.split_at_mut(whole);
        if !body.is_empty() {
            self.registers.bus().read_block(self.width, body);
        }
        if !tail.is_empty() {
            self.read_partial(0, tail);
        }
    }

    /// Reads one access' worth and keeps `part.len()` bytes from `skip` on.
    fn read_partial(&mut self, skip: usize, part: &mut [u8]) {
        let mut word = [0; WIDEST];
        let (access, _) = word.split_at_mut(self.width.bytes());
        self.registers.bus().read_block(self.width, access);
        // Shifted out, because a copy of so few bytes would be a call.
        let mut word = u32::from_le_bytes(word) >> (8 * skip);
        for byte in part.iter_mut().take(WIDEST) {
            *byte = word as u8;
            word >>= 8;
        }
    }

    /// Writes `segments` one after another from `address` on, followed by zeros
    /// up to `length` bytes, and waits for completion. `address` is a multiple
    /// of the data port's width.
    ///
    /// Each segment goes to the port from where it lies; only the bytes around
    /// a boundary that is not a multiple of the width are gathered first.
    ///
    /// # Errors
    /// The chip doesn't report the completion in time; the DMA was aborted.
    pub fn write<'s>(
        &mut self,
        address: u16,
        segments: impl IntoIterator<Item = &'s [u8]>,
        length: usize,
    ) -> Result<(), RemoteDmaTimeout> {
        if self.read_before_write {
            let mut discarded = [0; WIDEST];
            let (discarded, _) = discarded.split_at_mut(self.width.bytes());
            self.read(address, discarded);
        }
        if self.open_port.is_none() && !self.completion_clear {
            self.registers
                .page0()
                .acknowledge(InterruptStatus::REMOTE_DMA_COMPLETE);
        }
        let count = length.next_multiple_of(self.width.bytes());
        self.set_up(address, count as u16, Direction::Write);
        self.completion_clear = false;

        let mut writer = BlockWriter {
            bus: self.registers.bus(),
            width: self.width,
            remaining: count,
            pending: [0; WIDEST],
            pending_length: 0,
        };
        for segment in segments {
            writer.write(segment);
        }
        writer.fill();
        if self.open_port.is_some() {
            return Ok(());
        }
        self.await_completion()
    }

    fn set_up(&mut self, address: u16, count: u16, direction: Direction) {
        if let Some(port) = &mut self.open_port {
            port.seek(&mut self.registers, address, count, direction);
            return;
        }
        self.registers.idle_remote();
        let mut page0 = self.registers.page0();
        page0.set_remote_count(count);
        page0.set_remote_address(address);
        self.registers.start_remote(direction);
        if direction == Direction::Read {
            self.completion_clear = false;
        }
    }

    fn await_completion(&mut self) -> Result<(), RemoteDmaTimeout> {
        let page0 = self.registers.page0();
        for _ in 0..COMPLETION_POLLS {
            if page0
                .interrupt_status()
                .contains(InterruptStatus::REMOTE_DMA_COMPLETE)
            {
                return Ok(());
            }
        }
        self.registers.abort_remote();
        Err(RemoteDmaTimeout)
    }
}

impl OpenPort {
    /// Has the next `count` bytes go to or come from `address` on. Writes rely on
    /// nothing that was written before.
    fn seek<B: RegisterBus>(
        &mut self,
        registers: &mut Registers<B>,
        address: u16,
        count: u16,
        direction: Direction,
    ) {
        let mut page0 = registers.page0();
        if direction == Direction::Write || self.position != Some(address) {
            page0.set_remote_address(address);
        }
        if direction == Direction::Write {
            page0.set_remote_count_high(OPEN_COUNT_HIGH);
        }
        // At PSTOP it goes on at PSTART; but nothing is read from PSTOP on.
        self.position = Some(address.wrapping_add(count));
    }
}

/// Writes byte sequences of any length to the data port in whole accesses, and
/// never more than was announced.
struct BlockWriter<'b, B> {
    bus: &'b B,
    width: DataWidth,
    remaining: usize,
    /// The access being gathered; zeros behind `pending_length`.
    pending: [u8; WIDEST],
    pending_length: usize,
}

impl<B: RegisterBus> BlockWriter<'_, B> {
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) {
        let (bytes, _) = bytes.split_at(bytes.len().min(self.remaining - self.pending_length));
        let rest = if self.pending_length == 0 {
            bytes
        } else {
            self.complete_pending(bytes)
        };
        let (body, tail) = rest.split_at(rest.len() - rest.len() % self.width.bytes());
        if !body.is_empty() {
            self.write_whole(body);
        }
        self.gather(tail);
    }

    /// Writes what makes whole accesses.
    fn write_whole(&mut self, bytes: &[u8]) {
        self.bus.write_block(self.width, bytes);
        self.remaining -= bytes.len();
    }

    /// Adds what is missing of the pending access, and writes that when it is
    /// full. Answers the bytes behind it.
    #[inline(never)]
    fn complete_pending<'s>(&mut self, bytes: &'s [u8]) -> &'s [u8] {
        let missing = self.width.bytes() - self.pending_length;
        let (first, rest) = bytes.split_at(bytes.len().min(missing));
        self.gather(first);
        if first.len() == missing {
            self.write_pending();
        }
        rest
    }

    /// Adds to the pending access what doesn't exceed it.
    fn gather(&mut self, bytes: &[u8]) {
        for (to, from) in self.pending.iter_mut().skip(self.pending_length).zip(bytes) {
            *to = *from;
        }
        self.pending_length += bytes.len();
    }

    fn write_pending(&mut self) {
        let pending = core::mem::take(&mut self.pending);
        let (word, _) = pending.split_at(self.width.bytes());
        self.write_whole(word);
        self.pending_length = 0;
    }

    /// Writes zeros up to the announced count.
    #[inline(always)]
    fn fill(&mut self) {
        const ZEROS: [u8; 64] = [0; 64];
        if self.pending_length != 0 {
            self.write_pending();
        }
        while self.remaining != 0 {
            let (zeros, _) = ZEROS.split_at(self.remaining.min(ZEROS.len()));
            self.write_whole(zeros);
        }
    }
}
