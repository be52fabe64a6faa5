//! The real-time clock (MC146818).

use wiring::machine::Date;
use wiring::support::date::{self, DATE_REGISTERS};
use x86_64::instructions::port::Port;

use super::lock::InterruptsDisabled;

/// Status register A: the clock is about to count on.
const STATUS_A: u8 = 0x0a;
const UPDATE_IN_PROGRESS: u8 = 1 << 7;
/// Status register B: the formats of the numbers.
const STATUS_B: u8 = 0x0b;

/// Reads of status register A while the clock counts on, which takes 2 ms at most.
const MAX_POLLS: usize = 100_000;

/// Pairs of readings until two are equal.
const MAX_READINGS: usize = 4;

/// The date and time; `None` where there is no clock. Any level; takes some
/// microseconds, in the worst case milliseconds.
pub(crate) fn date() -> Option<Date> {
    (0..MAX_READINGS).find_map(|_| {
        let first = read_all()?;
        (read_all()? == first)
            .then(|| date::from_registers(first, read(STATUS_B)))
            .flatten()
    })
}

fn read_all() -> Option<[u8; 6]> {
    (0..MAX_POLLS).find(|_| read(STATUS_A) & UPDATE_IN_PROGRESS == 0)?;
    Some(DATE_REGISTERS.map(read))
}

fn read(register: u8) -> u8 {
    let _disabled = InterruptsDisabled::enter();
    // SAFETY: selecting a register changes nothing, reading these neither, and nobody
    // comes in between.
    unsafe {
        Port::new(0x70).write(register);
        Port::new(0x71).read()
    }
}
