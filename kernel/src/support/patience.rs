//! How long to wait for a UART's transmitter.

use executive::{Duration, Instant};

/// Line status register (16550): there is room in the transmitter.
const HOLDING_REGISTER_EMPTY: u8 = 1 << 5;
/// Line status register: everything has been sent.
const TRANSMITTER_EMPTY: u8 = 1 << 6;

/// Equal readings of the status after which the transmitter may be dead. Sending a full
/// FIFO takes 1.4 ms at 115200 baud; a reading takes at least 40 ns, and on hardware
/// about 1 us.
const READINGS: u32 = 100_000;

/// How long they must have lasted as well, once there is a clock: on a virtual machine
/// whoever reads the port's other end may be late.
const SILENCE: Duration = Duration::from_millis(500);

/// Watches the line status of a UART, and lies about a dead one so that its driver does
/// not wait for it: after the status has been the same, and not idle, for too long, and
/// from then on until it changes, the transmitter is reported as empty. What is sent
/// meanwhile is lost.
#[derive(Debug, Default)]
pub struct Patience {
    last_status: u8,
    equal_readings: u32,
    /// When the equal readings began.
    since: Instant,
    exhausted: bool,
}

impl Patience {
    /// For a UART whose status is not known yet.
    pub const fn new() -> Self {
        Self {
            last_status: 0,
            equal_readings: 0,
            since: Instant::ZERO,
            exhausted: false,
        }
    }

    /// What to make of a reading of the line status register. `clock` stands at zero
    /// while there is none.
    pub fn observe(&mut self, status: u8, clock: impl Fn() -> Instant) -> u8 {
        if status & TRANSMITTER_EMPTY != 0 || status != self.last_status {
            self.last_status = status;
            self.equal_readings = 0;
            self.exhausted = false;
        } else if !self.exhausted {
            self.wait(clock());
        }
        if self.exhausted {
            status | HOLDING_REGISTER_EMPTY | TRANSMITTER_EMPTY
        } else {
            status
        }
    }

    fn wait(&mut self, now: Instant) {
        if self.equal_readings == 0 {
            self.since = now;
        }
        self.equal_readings = self.equal_readings.saturating_add(1);
        let silent = now == Instant::ZERO || now - self.since >= SILENCE;
        self.exhausted = self.equal_readings >= READINGS && silent;
    }

    /// Whether the transmitter is taken for dead.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}
