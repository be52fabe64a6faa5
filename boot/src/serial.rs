//! The serial line, for the one line that says what is wrong.
//!
//! The registers' names come from the `uart_16550` crate; its driver is not used, since that waits
//! without a bound for the transmitter while it sets the line up.

use core::fmt::{self, Write};

use uart_16550::spec::registers::{FCR, LCR, LSR, MCR, offsets};
use x86_64::instructions::port::Port;

/// I/O port of COM1.
const COM1: u16 = 0x3f8;

/// How often the transmitter's state is read before a line that takes nothing is given up. At
/// 115200 baud a byte takes 87 us; reading the port takes about 1 us on a PC and a twentieth of
/// that in QEMU.
const READS_PER_BYTE: u32 = 100_000;

/// COM1.
struct SerialLine;

impl SerialLine {
    /// Sets the line to 115200 baud (divisor 1), 8 data bits, no parity, 1 stop bit, without
    /// interrupts.
    fn open() -> Self {
        let eight_bits = LCR::WORD_LENGTH0 | LCR::WORD_LENGTH1;
        for (register, value) in [
            (offsets::IER, 0),
            (offsets::LCR, LCR::DLAB.bits()),
            (offsets::DLL, 1),
            (offsets::DLM, 0),
            (offsets::LCR, eight_bits.bits()),
            (
                offsets::FCR,
                (FCR::FIFO_ENABLE | FCR::RX_FIFO_RESET | FCR::TX_FIFO_RESET).bits(),
            ),
            (offsets::MCR, (MCR::DTR | MCR::RTS).bits()),
        ] {
            Self::write_register(register, value);
        }
        Self
    }

    fn write_register(register: usize, value: u8) {
        // SAFETY: COM1 is a UART or nothing on every PC, and nobody else drives it now.
        unsafe { Port::new(COM1 + register as u16).write(value) };
    }

    fn is_ready() -> bool {
        // SAFETY: as for writing; reading the line status takes no data.
        let status: u8 = unsafe { Port::new(COM1 + offsets::LSR as u16).read() };
        LSR::from_bits_retain(status).contains(LSR::THR_EMPTY)
    }
}

impl Write for SerialLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if !(0..READS_PER_BYTE).any(|_| Self::is_ready()) {
                return Err(fmt::Error);
            }
            Self::write_register(offsets::DATA, byte);
        }
        Ok(())
    }
}

/// Prints `line` and a line end, or as much of it as the line takes.
pub(crate) fn print_line(line: fmt::Arguments<'_>) {
    // When the line takes nothing, nobody is left to be told.
    let _ = write!(SerialLine::open(), "{line}\r\n");
}
