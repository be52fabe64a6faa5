//! The log: one line a record, on the serial port and the text screen. Nobody waits for
//! the serial port: a record without room is dropped and counted.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering};

use log::{LevelFilter, Log, Metadata, Record};

use super::clock::TimeStamp;
use super::{console, serial, vga};

/// Bytes of a line that are written in one go; a longer one may be interrupted by
/// another.
const PIECE: usize = 192;

/// The layers, each a target of its own.
const TARGETS: [&str; 19] = [
    "boot",
    "hal",
    "mm",
    "executive",
    "ndis",
    "ne2000",
    "loopback",
    "filters",
    "lan",
    "ethernet",
    "arp",
    "ip",
    "icmp",
    "udp",
    "tdi",
    "afd",
    "winsock",
    "task",
    "console",
];

/// What is logged before anyone asks for more or less.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::Info;

static LOGGER: Logger = Logger {
    levels: [const { AtomicU8::new(DEFAULT_LEVEL as u8) }; TARGETS.len()],
    other: AtomicU8::new(DEFAULT_LEVEL as u8),
};

struct Logger {
    /// Level of each of [`TARGETS`].
    levels: [AtomicU8; TARGETS.len()],
    /// Level of all other targets.
    other: AtomicU8,
}

/// Begins to log.
pub(crate) fn init() {
    // Only fails when there is a logger already, which then goes on.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(DEFAULT_LEVEL);
    }
}

/// Sets the level of one target, or of all. `false` if there is no such target.
pub(crate) fn set_level(target: Option<&str>, level: LevelFilter) -> bool {
    match target {
        Some(target) => {
            let Some(slot) = LOGGER.slot(target) else {
                return false;
            };
            slot.store(level as u8, Ordering::Relaxed);
        }
        None => LOGGER
            .all()
            .for_each(|slot| slot.store(level as u8, Ordering::Relaxed)),
    }
    let most = LOGGER
        .all()
        .map(|slot| filter(slot.load(Ordering::Relaxed)))
        .max();
    log::set_max_level(most.unwrap_or(DEFAULT_LEVEL));
    true
}

/// Calls `each` with every target and its level.
pub(crate) fn levels(each: &mut dyn FnMut(&str, LevelFilter)) {
    for (target, level) in TARGETS.iter().zip(&LOGGER.levels) {
        each(target, filter(level.load(Ordering::Relaxed)));
    }
}

/// The filter that became a number.
fn filter(number: u8) -> LevelFilter {
    LevelFilter::iter()
        .find(|level| *level as u8 == number)
        .unwrap_or(DEFAULT_LEVEL)
}

impl Logger {
    fn slot(&self, target: &str) -> Option<&AtomicU8> {
        TARGETS
            .iter()
            .zip(&self.levels)
            .find_map(|(name, level)| (*name == target).then_some(level))
    }

    fn all(&self) -> impl Iterator<Item = &AtomicU8> {
        self.levels.iter().chain([&self.other])
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = self.slot(metadata.target()).unwrap_or(&self.other);
        metadata.level() <= filter(level.load(Ordering::Relaxed))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut line = Line::begin();
        // `Line` never fails; an argument that does ends the line early.
        let _ = write!(
            line,
            "[{:>12}] {:5} {}: {}",
            TimeStamp::now(),
            record.level(),
            record.target(),
            record.args()
        );
        line.end();
    }

    fn flush(&self) {}
}

/// Collects a line, so that it goes out at once: formatting may take its time, writing
/// disables interrupts.
struct Line {
    text: heapless::Vec<u8, PIECE>,
    begun: bool,
}

impl Line {
    fn begin() -> Self {
        Self {
            text: heapless::Vec::new(),
            begun: false,
        }
    }

    fn put(&mut self, byte: u8) {
        if self.text.is_full() {
            self.write();
        }
        // There is room now.
        let _ = self.text.push(byte);
    }

    fn end(mut self) {
        self.put(b'\r');
        self.put(b'\n');
        self.write();
        console::disturb();
    }

    fn write(&mut self) {
        if !self.begun {
            self.begun = true;
            console::begin_log();
        }
        serial::write_record(&self.text);
        vga::write(&self.text);
        self.text.clear();
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // A record is one line, and the terminal takes no orders from it.
            self.put(if byte.is_ascii_control() { b' ' } else { byte });
        }
        Ok(())
    }
}
