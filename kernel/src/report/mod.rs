//! The end of a run that went wrong: what happened, where, and how it came there.

mod backtrace;
pub(crate) mod symbols;

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use x86_64::instructions::interrupts;

use crate::hal::frame::InterruptFrame;
use crate::hal::{clock, power, serial, system, vga};

/// How many reports have begun. A report that itself fails must not start over.
static REPORTS: AtomicU32 = AtomicU32::new(0);

/// Writes to the serial port past its lock, and to the screen if it is free.
struct Output;

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    serial::write_unlocked(line.as_bytes());
                    serial::write_unlocked(b"\r\n");
                }
                None => serial::write_unlocked(line.as_bytes()),
            }
        }
        vga::write(text.as_bytes());
        Ok(())
    }
}

/// Called for every `panic!`.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    match info.location() {
        Some(location) => end(
            format_args!("panic at {location}: {}", info.message()),
            None,
        ),
        None => end(format_args!("panic: {}", info.message()), None),
    }
}

/// Ends the run on what the executive cannot go on with.
#[track_caller]
pub(crate) fn bug_check(message: fmt::Arguments<'_>) -> ! {
    end(
        format_args!(
            "bug check at {}: {message}",
            core::panic::Location::caller()
        ),
        None,
    )
}

/// Ends the run on a processor exception.
pub(crate) fn exception(what: fmt::Arguments<'_>, frame: &InterruptFrame) -> ! {
    end(format_args!("exception: {what}"), Some(frame))
}

/// Reports and leaves the machine with the failure code.
fn end(headline: fmt::Arguments<'_>, frame: Option<&InterruptFrame>) -> ! {
    interrupts::disable();
    system::halt();
    match REPORTS.fetch_add(1, Ordering::Relaxed) {
        0 => report(headline, frame),
        1 => {
            // Whatever is written can only fail in the output, whose bytes went first.
            let _ = writeln!(Output, "\n*** while reporting, {headline}");
        }
        _ => {}
    }
    power::fail()
}

fn report(headline: fmt::Arguments<'_>, frame: Option<&InterruptFrame>) {
    let mut output = Output;
    // `Output` never fails.
    let _ = writeln!(output, "\n*** {headline}");
    let _ = writeln!(
        output,
        "*** at {} s, {}",
        clock::TimeStamp::now(),
        system::Situation
    );
    if let Some(frame) = frame {
        let _ = writeln!(output, "{frame}");
    }
    let _ = backtrace::write(&mut output, frame);
}
