//! The serial ports (16550 UARTs): COM1, which has the console, and COM2, which takes
//! captured packets.
//!
//! What is written to COM1 goes into a queue, from which the UART takes it as it can: in
//! the call itself, and with every clock tick while something is left. Nobody waits with
//! interrupts disabled, unless the machine is starting or ending.

mod port;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use uart_16550::spec::registers::{IER, LSR};

use super::lock::InterruptLock;
use port::SerialPort;

/// Base ports of COM1 and COM2.
const COM1: u16 = 0x3f8;
const COM2: u16 = 0x2f8;
/// The interrupt line of COM1.
pub(crate) const LINE: u8 = 4;

/// Bytes of output that wait while COM1's reader is late: about 200 lines.
const QUEUE_BYTES: usize = 16 * 1024;

/// What of the queue is left to those who cannot wait. The others wait with less in front
/// of them, so that a key that ends a long output is seen to end it.
const RESERVE: usize = QUEUE_BYTES - 2 * 1024;

/// The queue of a port that is written to directly; the shortest there is.
const UNUSED: usize = 1;

/// Bytes that one clock tick gives to the UART: at 1000 ticks a second more than any UART
/// sends.
const BYTES_PER_TICK: usize = 64;

static CONSOLE: InterruptLock<SerialPort<QUEUE_BYTES>> = InterruptLock::new(SerialPort::new(COM1));
static SECOND: InterruptLock<SerialPort<UNUSED>> = InterruptLock::new(SerialPort::new(COM2));

/// Whether clock ticks come, which take the output on.
static IS_STARTED: AtomicBool = AtomicBool::new(false);
/// Times at which the UART lost input because it was not read in time (at least).
static HARDWARE_OVERRUNS: AtomicU64 = AtomicU64::new(0);

/// Sets both ports up.
pub(crate) fn init() {
    CONSOLE.lock().init();
    SECOND.lock().init();
}

/// Lets the console's UART interrupt when there is input. From now on output may wait in
/// the queue.
pub(crate) fn enable_input_interrupt() {
    if let Some(uart) = CONSOLE.lock().uart() {
        uart.enable_interrupts(IER::DATA_READY | IER::RECEIVER_LINE_STATUS);
    }
    IS_STARTED.store(true, Ordering::Relaxed);
}

/// Writes to the console as much as there is room for now; says how much. Before the clock
/// ticks that is everything.
pub(crate) fn write(bytes: &[u8]) -> usize {
    let mut port = CONSOLE.lock();
    if IS_STARTED.load(Ordering::Relaxed) {
        return port.put(bytes, RESERVE);
    }
    if port.uart().is_some() {
        port.write_through(bytes);
    } else {
        port.bytes_dropped += bytes.len() as u64;
    }
    bytes.len()
}

/// Writes all bytes or, when there is no room for them, none: part of a log record.
pub(crate) fn write_record(bytes: &[u8]) {
    if IS_STARTED.load(Ordering::Relaxed) {
        let mut port = CONSOLE.lock();
        if !port.put_whole(bytes) {
            port.bytes_dropped += bytes.len() as u64;
        }
    } else {
        write(bytes);
    }
}

/// Counts output that its writer gives up.
pub(crate) fn drop_bytes(count: usize) {
    CONSOLE.lock().give_up(count);
}

/// Whether nobody takes the console's output.
pub(crate) fn is_stuck() -> bool {
    CONSOLE.lock().is_stuck()
}

/// Takes waiting output on; whether there is room again after writers have given up some.
/// Called by the clock's interrupt.
pub(crate) fn tick() -> bool {
    let mut port = CONSOLE.lock();
    if port.has_output() {
        port.drain(BYTES_PER_TICK);
    }
    port.take_gap()
}

/// Writes what waits and these bytes, even if the port's lock is held, and waits for the
/// UART in bounded time: for reports of what went wrong, and before the machine ends.
pub(crate) fn write_unlocked(bytes: &[u8]) {
    match CONSOLE.try_lock() {
        Some(mut port) => port.write_through(bytes),
        None => SerialPort::<UNUSED>::new(COM1).write_through(bytes),
    }
}

/// Whether there is a second port.
pub(crate) fn has_second() -> bool {
    SECOND.lock().uart().is_some()
}

/// Writes to the second port what its UART takes at once, a FIFO at most; says how much.
pub(crate) fn write_second(bytes: &[u8]) -> usize {
    SECOND
        .lock()
        .uart()
        .map_or(0, |uart| uart.send_bytes(bytes))
}

/// Whether the console's UART asks for attention. Reading this acknowledges some requests.
pub(crate) fn is_interrupting() -> bool {
    CONSOLE
        .lock()
        .uart()
        .is_some_and(|uart| uart.isr().has_pending_interrupt())
}

/// Reads what has come in, as much as fits. `None` when there is nothing.
pub(crate) fn read(buffer: &mut [u8]) -> Option<&[u8]> {
    let mut port = CONSOLE.lock();
    let uart = port.uart()?;
    let count = uart.receive_bytes(buffer);
    if uart.lsr().contains(LSR::OVERRUN_ERROR) {
        HARDWARE_OVERRUNS.fetch_add(1, Ordering::Relaxed);
    }
    buffer.get(..count).filter(|bytes| !bytes.is_empty())
}

/// Bytes of output that were given up.
pub(crate) fn bytes_dropped() -> u64 {
    CONSOLE.lock().bytes_dropped
}

/// Times at which the UART lost input.
pub(crate) fn hardware_overruns() -> u64 {
    HARDWARE_OVERRUNS.load(Ordering::Relaxed)
}
