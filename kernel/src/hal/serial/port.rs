//! One serial port.

use uart_16550::backend::Backend;
use uart_16550::spec::registers::{FifoTriggerLevel, offsets};
use uart_16550::{BaudRate, Config, Uart16550};
use wiring::support::output_queue::OutputQueue;
use wiring::support::patience::Patience;
use x86_64::instructions::port::Port;

use super::super::clock;

/// The UART's registers as I/O ports.
struct Ports {
    base: u16,
    /// Ends waits for a dead transmitter, while somebody waits.
    patience: Patience,
    is_waited_for: bool,
}

impl Backend for Ports {
    unsafe fn read(&mut self, register: u8) -> u8 {
        // SAFETY: the caller's word; the ports are the UART's.
        let value = unsafe { Port::new(self.base + u16::from(register)).read() };
        if self.is_waited_for && usize::from(register) == offsets::LSR {
            self.patience.observe(value, clock::now)
        } else {
            value
        }
    }

    unsafe fn write(&mut self, register: u8, value: u8) {
        // SAFETY: as above.
        unsafe { Port::new(self.base + u16::from(register)).write(value) };
    }
}

/// A UART with the output that waits for it.
pub(super) struct SerialPort<const QUEUE: usize> {
    uart: Uart16550<Ports>,
    is_present: bool,
    queue: OutputQueue<QUEUE>,
    /// Bytes that were given up because the UART did not take them.
    pub(super) bytes_dropped: u64,
}

impl<const QUEUE: usize> SerialPort<QUEUE> {
    /// The port whose registers begin at `base`, where every PC has one.
    pub(super) const fn new(base: u16) -> Self {
        let ports = Ports {
            base,
            patience: Patience::new(),
            is_waited_for: false,
        };
        Self {
            // SAFETY: only this type uses the ports; without a UART, writes go nowhere.
            uart: unsafe { Uart16550::new_with_backend(ports) },
            is_present: false,
            queue: OutputQueue::new(),
            bytes_dropped: 0,
        }
    }

    /// Sets the port up for 115200 baud, eight data bits, no parity. Without a UART
    /// everything written is dropped.
    pub(super) fn init(&mut self) {
        let configuration = Config {
            baud_rate: BaudRate::Baud115200,
            // Every byte interrupts at once: it comes from a person.
            fifo_trigger_level: Some(FifoTriggerLevel::One),
            ..Config::DEFAULT
        };
        self.uart.backend_mut().is_waited_for = true;
        self.is_present = self.uart.init(configuration).is_ok();
        self.uart.backend_mut().is_waited_for = false;
    }

    /// The UART, if there is one.
    pub(super) fn uart(&mut self) -> Option<&mut Uart16550<impl Backend>> {
        self.is_present.then_some(&mut self.uart)
    }

    /// Takes bytes in, as many as there is room for while `reserve` bytes of the queue stay
    /// free, and has the UART take what it can at once; says how many were taken in. They
    /// are dropped when there is no UART.
    pub(super) fn put(&mut self, bytes: &[u8], reserve: usize) -> usize {
        if !self.is_present {
            self.bytes_dropped += bytes.len() as u64;
            return bytes.len();
        }
        let room = self.queue.room().saturating_sub(reserve);
        let fitting = bytes.get(..room).unwrap_or(bytes);
        let taken = self.queue.put(fitting, clock::now());
        // More than came in, so that a queue grows shorter with each write.
        self.drain(2 * bytes.len());
        taken
    }

    /// As [`Self::put`], all of the bytes or none; false for none.
    pub(super) fn put_whole(&mut self, bytes: &[u8]) -> bool {
        if self.is_present && self.queue.room() < bytes.len() {
            return false;
        }
        self.put(bytes, 0);
        true
    }

    /// Has the UART take waiting bytes, at most so many, as far as it can at once.
    pub(super) fn drain(&mut self, most: usize) {
        let uart = &mut self.uart;
        self.queue
            .drain(most, clock::now(), |bytes| uart.send_bytes(bytes));
    }

    /// Whether output waits.
    pub(super) fn has_output(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether output waits that nobody takes.
    pub(super) fn is_stuck(&self) -> bool {
        self.queue.is_stuck()
    }

    /// Counts output that its writer gives up.
    pub(super) fn give_up(&mut self, count: usize) {
        self.bytes_dropped += count as u64;
        self.queue.note_gap();
    }

    /// Whether writers have given up output and there is room again; asking resets it.
    pub(super) fn take_gap(&mut self) -> bool {
        self.queue.take_gap()
    }

    /// Writes what waits and then all bytes, and waits for the UART meanwhile, or gives up
    /// those that it does not take in bounded time.
    pub(super) fn write_through(&mut self, bytes: &[u8]) {
        let uart = &mut self.uart;
        uart.backend_mut().is_waited_for = true;
        let dropped = &mut self.bytes_dropped;
        while !self.queue.is_empty() {
            self.queue
                .drain(QUEUE, clock::now(), |bytes| send(uart, bytes, dropped));
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = send(uart, rest, dropped);
            rest = rest.get(sent..).unwrap_or_default();
        }
        uart.backend_mut().is_waited_for = false;
    }
}

/// Gives the UART some of the bytes; in the end it takes them, since a dead one is
/// reported as empty.
fn send(uart: &mut Uart16550<Ports>, bytes: &[u8], dropped: &mut u64) -> usize {
    let sent = uart.send_bytes(bytes);
    if uart.backend().patience.is_exhausted() {
        *dropped += sent as u64;
    }
    sent
}
