//! The machine as the wiring sees it.

use executive::Duration;
use wiring::machine::{ConsoleEvent, Date, Machine, MemoryFigures, SelfTest, Verdict};

use super::system::Pc;
use super::{clock, console, entropy, interrupts, log, pic, power, rtc, selftest, serial};
use crate::mm;

macro_rules! line_counters {
    ($($line:literal)*) => {
        [$([
            concat!("line_", $line, "_interrupts"),
            concat!("line_", $line, "_unclaimed"),
            concat!("line_", $line, "_disabled"),
        ]),*]
    };
}

/// Names of the interrupt lines' counters, by line: all interrupts, unclaimed ones, and
/// times the line was masked for them.
const LINE_COUNTERS: [[&str; 3]; pic::LINES as usize] = line_counters!(
    "0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15"
);

impl Machine for Pc {
    fn read_console(&self, buffer: &mut [u8], timeout: Option<Duration>) -> ConsoleEvent {
        console::read(buffer, timeout)
    }

    fn set_line_editing(&self, editing: bool) {
        console::set_editing(editing);
    }

    fn write_console(&self, bytes: &[u8]) {
        console::write(bytes);
    }

    fn has_second_port(&self) -> bool {
        serial::has_second()
    }

    fn write_second_port(&self, bytes: &[u8]) -> usize {
        console::write_second(bytes)
    }

    fn set_log_level(&self, target: Option<&str>, level: ::log::LevelFilter) -> bool {
        log::set_level(target, level)
    }

    fn log_levels(&self, each: &mut dyn FnMut(&str, ::log::LevelFilter)) {
        log::levels(each);
    }

    fn memory(&self) -> MemoryFigures {
        mm::figures()
    }

    fn seal_heap(&self) {
        mm::seal();
    }

    fn date(&self) -> Option<Date> {
        rtc::date()
    }

    fn entropy(&self) -> u64 {
        entropy::entropy()
    }

    fn self_tests(&self) -> &'static [SelfTest] {
        &selftest::SELF_TESTS
    }

    fn power_off(&self, verdict: Verdict) -> ! {
        match verdict {
            Verdict::Pass => power::off(),
            Verdict::Fail => power::fail(),
        }
    }

    fn reboot(&self) -> ! {
        power::reboot()
    }

    fn counters(&self, each: &mut dyn FnMut(&str, &str, u64)) {
        const LAYER: &str = "hal";

        each(LAYER, "clock_ticks", clock::ticks());
        each(LAYER, "console_bytes_dropped", serial::bytes_dropped());
        each(LAYER, "console_overruns", console::overruns());
        each(LAYER, "apic_spurious", interrupts::apic_spurious());
        for (line, names) in (0..).zip(LINE_COUNTERS) {
            let counters = interrupts::counters(line);
            if counters.interrupts > 0 {
                for (name, value) in names.into_iter().zip([
                    counters.interrupts,
                    counters.unclaimed,
                    counters.disabled,
                ]) {
                    each(LAYER, name, value);
                }
            }
        }
        each(LAYER, "line_7_spurious", interrupts::counters(7).spurious);
        each(LAYER, "line_15_spurious", interrupts::counters(15).spurious);
    }
}
