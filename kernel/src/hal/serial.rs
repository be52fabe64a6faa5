//! The serial port COM1 (16550 UART).

use core::sync::atomic::{AtomicU64, Ordering};

use uart_16550::backend::Backend;
use uart_16550::spec::registers::{FifoTriggerLevel, IER, LSR, offsets};
use uart_16550::{BaudRate, Config, Uart16550};
use wiring::support::patience::Patience;
use x86_64::instructions::port::Port;

use super::clock;
use super::lock::InterruptLock;

/// Base port of COM1.
const BASE: u16 = 0x3f8;
/// Its interrupt line.
pub(crate) const LINE: u8 = 4;

/// The UART's registers as I/O ports.
struct Ports {
    patience: Patience,
}

impl Backend for Ports {
    unsafe fn read(&mut self, register: u8) -> u8 {
        // SAFETY: the caller's word; the ports are the UART's.
        let value = unsafe { Port::new(BASE + u16::from(register)).read() };
        if usize::from(register) == offsets::LSR {
            self.patience.observe(value, clock::now)
        } else {
            value
        }
    }

    unsafe fn write(&mut self, register: u8, value: u8) {
        // SAFETY: as above.
        unsafe { Port::new(BASE + u16::from(register)).write(value) };
    }
}

type Uart = Uart16550<Ports>;

const fn uart() -> Uart {
    // SAFETY: the registers of COM1 are where every PC has them; without a UART, writes
    // go nowhere.
    unsafe {
        Uart::new_with_backend(Ports {
            patience: Patience::new(),
        })
    }
}

static PORT: InterruptLock<SerialPort> = InterruptLock::new(SerialPort {
    uart: uart(),
    present: false,
});

/// Bytes that were given up because the UART did not take them.
static BYTES_DROPPED: AtomicU64 = AtomicU64::new(0);
/// Bytes the UART itself lost because they were not read in time (at least).
static HARDWARE_OVERRUNS: AtomicU64 = AtomicU64::new(0);

struct SerialPort {
    uart: Uart,
    present: bool,
}

/// Sets the port up for 115200 baud, eight data bits, no parity. Without a UART
/// everything written is dropped.
pub(crate) fn init() {
    let configuration = Config {
        baud_rate: BaudRate::Baud115200,
        // Every byte interrupts at once: it comes from a person.
        fifo_trigger_level: Some(FifoTriggerLevel::One),
        ..Config::DEFAULT
    };
    let mut port = PORT.lock();
    port.present = port.uart.init(configuration).is_ok();
}

/// Lets the UART interrupt when there is input.
pub(crate) fn enable_input_interrupt() {
    let mut port = PORT.lock();
    if port.present {
        port.uart
            .enable_interrupts(IER::DATA_READY | IER::RECEIVER_LINE_STATUS);
    }
}

/// Writes all bytes, or gives up those that the UART does not take in bounded time.
pub(crate) fn write(bytes: &[u8]) {
    let mut port = PORT.lock();
    if port.present {
        send(&mut port.uart, bytes);
    } else {
        BYTES_DROPPED.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

/// As [`write()`], even if the port's lock is held: for reports of what went wrong.
pub(crate) fn write_unlocked(bytes: &[u8]) {
    match PORT.try_lock() {
        Some(mut port) => send(&mut port.uart, bytes),
        None => send(&mut uart(), bytes),
    }
}

fn send(uart: &mut Uart, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let sent = uart.send_bytes(bytes);
        if sent > 0 && uart.backend().patience.is_exhausted() {
            BYTES_DROPPED.fetch_add(sent as u64, Ordering::Relaxed);
        }
        bytes = bytes.get(sent..).unwrap_or_default();
    }
}

/// Whether the UART asks for attention. Reading this acknowledges some requests.
pub(crate) fn is_interrupting() -> bool {
    let mut port = PORT.lock();
    port.present && port.uart.isr().has_pending_interrupt()
}

/// Reads what has come in, as much as fits. `None` when there is nothing.
pub(crate) fn read(buffer: &mut [u8]) -> Option<&[u8]> {
    let mut port = PORT.lock();
    if !port.present {
        return None;
    }
    let count = port.uart.receive_bytes(buffer);
    if port.uart.lsr().contains(LSR::OVERRUN_ERROR) {
        HARDWARE_OVERRUNS.fetch_add(1, Ordering::Relaxed);
    }
    buffer.get(..count).filter(|bytes| !bytes.is_empty())
}

/// Bytes of output that were given up.
pub(crate) fn bytes_dropped() -> u64 {
    BYTES_DROPPED.load(Ordering::Relaxed)
}

/// Times at which the UART lost input.
pub(crate) fn hardware_overruns() -> u64 {
    HARDWARE_OVERRUNS.load(Ordering::Relaxed)
}
