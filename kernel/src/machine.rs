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

    /// Writes to the console. Bounded in time even if nothing takes the bytes.
    fn write_console(&self, bytes: &[u8]);

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
