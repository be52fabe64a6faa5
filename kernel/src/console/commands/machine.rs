//! Commands about the machine and its threads.

use core::fmt::Write;

use log::LevelFilter;

use super::super::format::{OrDash, Padded, Word};
use super::{Arguments, CommandError, Outcome, Session};
use crate::machine::{SelfTest, Verdict};

const LEVELS: &str = "off, error, warn, info, debug or trace";

pub(super) fn uptime(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let now = session.system.executive.now().as_micros();
    let _ = writeln!(
        session.output,
        "up {}.{:06} s",
        now / 1_000_000,
        now % 1_000_000
    );
    Ok(())
}

pub(super) fn log(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let machine = session.system.machine;
    let Some(word) = arguments.optional_word()? else {
        let output = &mut session.output;
        let _ = writeln!(output, "{:<12} LEVEL", "TARGET");
        machine.log_levels(&mut |target, level| {
            let _ = writeln!(output, "{target:<12} {}", Word(level));
        });
        return Ok(());
    };
    let level: LevelFilter = word.parse().map_err(|_| Arguments::unknown(word, LEVELS))?;
    let target = arguments.optional_word()?;
    arguments.end()?;
    if !machine.set_log_level(target, level) {
        return Err(Arguments::unknown(
            target.unwrap_or_default(),
            "TARGET (`log` lists them)",
        ));
    }
    let _ = match target {
        Some(target) => writeln!(session.output, "log {} {target}", Word(level)),
        None => writeln!(session.output, "log {}", Word(level)),
    };
    Ok(())
}

pub(super) fn selftest(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let wanted = arguments.optional_word()?;
    arguments.end()?;
    run_self_tests(session, wanted).map(|_| ())
}

/// Runs one self test, or those that run by default; gives how many failed.
///
/// # Errors
/// There is no such test; then all are listed.
pub(crate) fn run_self_tests(
    session: &mut Session,
    wanted: Option<&str>,
) -> Result<u32, CommandError> {
    let tests = session.system.machine.self_tests();
    let mut chosen = tests
        .iter()
        .filter(|test| wanted.map_or(test.by_default, |name| name == test.name))
        .peekable();
    if let (Some(name), None) = (wanted, chosen.peek()) {
        for test in tests {
            let _ = writeln!(session.output, "{:<24} {}", test.name, test.summary);
        }
        return Err(Arguments::unknown(name, "NAME of a self test"));
    }
    let (mut passed, mut failed) = (0, 0);
    for test in chosen {
        if run_self_test(test, &mut session.output) {
            passed += 1;
        } else {
            failed += 1;
        }
    }
    let _ = writeln!(session.output, "{passed} passed, {failed} failed");
    Ok(failed)
}

/// Runs one self test and prints its line: verdict, name, what it found.
fn run_self_test(test: &SelfTest, output: &mut impl Write) -> bool {
    let mut details = heapless::String::<256>::new();
    let passed = (test.run)(&mut details);
    let verdict = if passed { "pass" } else { "fail" };
    let _ = writeln!(output, "{verdict} {}: {}", test.name, details.trim_end());
    passed
}

pub(super) fn threads(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let _ = writeln!(
        session.output,
        "{:>3} {:>8} {:<9} {:>12} {:>10} NAME",
        "ID", "PRIORITY", "STATE", "CPU-US", "SWITCHES"
    );
    for thread in session.system.executive.threads() {
        let _ = writeln!(
            session.output,
            "{:>3} {:>8} {:<9} {:>12} {:>10} {}",
            thread.id.index(),
            OrDash(thread.priority.map(Padded)),
            Word(thread.state),
            thread.cpu_time.as_micros(),
            thread.switches,
            thread.name
        );
    }
    Ok(())
}

pub(super) fn poweroff(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let _ = writeln!(session.output, "powering off");
    session.system.machine.power_off(Verdict::Pass)
}

pub(super) fn reboot(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let _ = writeln!(session.output, "rebooting");
    session.system.machine.reboot()
}
