//! What the wiring asks of the machine it runs on.
//!
//! The bare-metal `hal` implements it over the hardware, host tests over plain
//! memory; nothing in this library knows which.

use core::fmt;

use executive::Duration;

/// How the whole run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything asked for was done.
    Pass,
    /// Something failed.
    Fail,
}

/// Memory of the machine, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryFigures {
    /// Usable physical memory.
    pub physical: u64,
    /// Physical memory that no one has taken.
    pub physical_free: u64,
    /// Size of the heap.
    pub heap: u64,
    /// Heap bytes in use.
    pub heap_used: u64,
    /// Most heap bytes ever in use.
    pub heap_peak: u64,
    /// Whether the heap is sealed: a further allocation is a fault.
    pub sealed: bool,
}

/// A date and time of day, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year, in full.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Date {
    /// Seconds since the beginning of 1970, leap seconds not counted.
    pub const fn seconds_since_1970(&self) -> u64 {
        // The year begins in March, so that the leap day is its last.
        let months = (self.month as u64 + 9) % 12;
        let years = self.year as u64 - (months >= 10) as u64;
        // Months are 30.6 days long on average, in a pattern that repeats every five.
        let day_of_year = (153 * months + 2) / 5 + (self.day as u64).saturating_sub(1);
        let days = 365 * years + years / 4 - years / 100 + years / 400 + day_of_year;
        let hours = days.saturating_sub(DAYS_TO_1970) * 24 + self.hour as u64;
        (hours * 60 + self.minute as u64) * 60 + self.second as u64
    }
}

/// Days from the first of March of the year 0 to the beginning of 1970.
const DAYS_TO_1970: u64 = 719_468;

/// One self test of the machine's own code, run from the console.
pub struct SelfTest {
    /// The word that selects it.
    pub name: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    /// Whether a plain `selftest` runs it; the others run only by name (a
    /// control that is meant to fail, for example).
    pub by_default: bool,
    /// Runs it at PASSIVE_LEVEL, prints what it found to the writer and says
    /// whether it passed.
    pub run: fn(&mut dyn fmt::Write) -> bool,
}

/// What [`Machine::read_console`] saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleEvent {
    /// That many bytes of input, at least one.
    Input(usize),
    /// A log record was written over the line being edited.
    Disturbed,
    /// The time is up.
    TimedOut,
}

/// Services of the machine. All of them may be called at PASSIVE_LEVEL; writing
/// to the console at any level.
pub trait Machine: Sync {
    /// Waits until something happens on the console, for the one thread that
    /// reads it. Input is read into `buffer`.
    fn read_console(&self, buffer: &mut [u8], timeout: Option<Duration>) -> ConsoleEvent;

    /// Says whether a line is being edited. Then a log record first clears the
    /// line (`CR ESC [ K`), and [`ConsoleEvent::Disturbed`] asks for it to be
    /// drawn again.
    fn set_line_editing(&self, editing: bool);

    /// Writes to the console. Bounded in time even if nothing takes the bytes; what
    /// finds no room above PASSIVE_LEVEL is dropped and counted.
    fn write_console(&self, bytes: &[u8]);

    /// Whether there is a second serial port, COM2.
    fn has_second_port(&self) -> bool;

    /// Writes to the second serial port, as it is, with nothing else in between; says
    /// how much was taken, which is less than all when nobody takes the rest. Bounded
    /// in time. PASSIVE_LEVEL.
    fn write_second_port(&self, bytes: &[u8]) -> usize;

    /// Sets the log level of one target, or of all. `false` if no such target
    /// is known.
    fn set_log_level(&self, target: Option<&str>, level: log::LevelFilter) -> bool;

    /// The log targets with their levels.
    fn log_levels(&self, each: &mut dyn FnMut(&str, log::LevelFilter));

    /// Memory in numbers.
    fn memory(&self) -> MemoryFigures;

    /// Ends the use of the heap: from here on an allocation is a fault.
    fn seal_heap(&self);

    /// The date, if the machine has a clock that keeps it.
    fn date(&self) -> Option<Date>;

    /// Unpredictable bits, for sequence numbers and ports.
    fn entropy(&self) -> u64;

    /// Self tests of the machine.
    fn self_tests(&self) -> &'static [SelfTest];

    /// Ends the run and the machine.
    fn power_off(&self, verdict: Verdict) -> !;

    /// Starts the machine anew.
    fn reboot(&self) -> !;

    /// Counters of the machine (interrupts by line, spurious ones, ticks, ...),
    /// each as `layer`, `counter`, value.
    fn counters(&self, each: &mut dyn FnMut(&str, &str, u64));
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn seconds_are_counted_from_1970() {
        let seconds = |year, month, day, hour, minute, second| {
            let date = Date {
                year,
                month,
                day,
                hour,
                minute,
                second,
            };
            date.seconds_since_1970()
        };
        assert_eq!(seconds(1970, 1, 1, 0, 0, 0), 0);
        assert_eq!(seconds(2000, 2, 29, 23, 59, 59), 951_868_799);
        assert_eq!(seconds(2000, 3, 1, 0, 0, 0), 951_868_800);
        assert_eq!(seconds(2038, 1, 19, 3, 14, 7), 0x7FFF_FFFF);
        assert_eq!(seconds(2069, 12, 31, 23, 59, 59), 3_155_759_999);
        assert_eq!(seconds(0, 0, 0, 0, 0, 0), 0, "no date");
    }
}
