//! The console: a thread that edits lines and runs commands.

mod arguments;
mod base64;
mod commands;
mod format;
mod line;
mod output;

#[cfg(test)]
mod tests;

pub use arguments::{Arguments, CommandError, Failure, Reason, Shown};
pub use line::{Line, LineEditor, MAXIMUM_LINE};
pub use output::Output;

use core::fmt::Write;

use embedded_cli::command::RawCommand;
use executive::{Duration, Instant};
use heapless::Deque;

use crate::machine::{ConsoleEvent, Verdict};
use crate::system::System;
use commands::{COMMANDS, Command};

const CTRL_C: u8 = 0x03;
/// Bytes typed while a command runs and kept for after it.
const TYPE_AHEAD: usize = 256;

/// What a command works with.
pub struct Session {
    /// The system it looks at.
    pub system: &'static System,
    /// Where its text goes.
    pub output: Output,
    typed_ahead: Deque<u8, TYPE_AHEAD>,
}

impl Session {
    /// A session on the system's console.
    pub fn new(system: &'static System) -> Self {
        Self {
            system,
            output: Output::new(system.machine),
            typed_ahead: Deque::new(),
        }
    }

    /// Whether Ctrl-C was typed since the command began. What else was typed is
    /// kept for the next line; beyond 256 bytes it is dropped.
    pub fn is_interrupted(&mut self) -> bool {
        self.listen(Duration::ZERO, &[CTRL_C])
    }

    /// Waits so long for Ctrl-C or `q`, which ends what goes on without an end;
    /// whether one of them was typed.
    pub fn is_ended_within(&mut self, time: Duration) -> bool {
        self.listen(time, &[CTRL_C, b'q'])
    }

    /// Sleeps; `false` if Ctrl-C ended it.
    pub fn sleep_until(&mut self, until: Instant) -> bool {
        loop {
            let left = until.duration_since(self.system.executive.now());
            if left.is_zero() {
                return true;
            }
            if self.listen(left, &[CTRL_C]) {
                return false;
            }
        }
    }

    /// Takes the next input there is within the time; whether it has one of the keys
    /// that end a command.
    fn listen(&mut self, timeout: Duration, ends: &[u8]) -> bool {
        let mut buffer = [0; 64];
        let event = self.system.machine.read_console(&mut buffer, Some(timeout));
        let ConsoleEvent::Input(count) = event else {
            return false;
        };
        let input = buffer.get(..count).unwrap_or_default();
        if input.iter().any(|byte| ends.contains(byte)) {
            self.typed_ahead.clear();
            return true;
        }
        for &byte in input {
            let _ = self.typed_ahead.push_back(byte);
        }
        false
    }

    /// Runs one finished line.
    pub fn run(&mut self, line: &Line<'_>) {
        let machine = self.system.machine;
        machine.set_line_editing(false);
        match line {
            Line::Command(command) => self.run_command(command),
            Line::TooLong => {
                let _ = writeln!(
                    self.output,
                    "error: line too long (at most {MAXIMUM_LINE} characters)"
                );
            }
        }
        machine.set_line_editing(true);
    }

    fn run_command(&mut self, raw: &RawCommand<'_>) {
        let Some(command) = COMMANDS.iter().find(|command| command.name == raw.name()) else {
            let _ = writeln!(
                self.output,
                "error: unknown command `{}`; `help` lists them",
                raw.name().escape_debug()
            );
            return;
        };
        let mut arguments = Arguments::new(&raw.args());
        if let Err(error) = (command.run)(self, &mut arguments) {
            self.report(command, &error);
        }
    }

    fn report(&mut self, command: &Command, error: &CommandError) {
        let _ = writeln!(self.output, "error: {error}");
        if error.is_usage() {
            let _ = writeln!(self.output, "usage: {}", command.usage);
        }
    }
}

/// The console, ready to run: everything it needs is allocated.
pub struct Console {
    session: Session,
    editor: LineEditor,
}

impl Console {
    /// A console on the system's machine.
    pub fn new(system: &'static System) -> Self {
        Self {
            session: Session::new(system),
            editor: LineEditor::new(system.machine),
        }
    }

    /// Shows the prompt, then reads and runs lines for ever; the body of the
    /// console's thread.
    pub fn run(mut self) -> ! {
        let machine = self.session.system.machine;
        // In this order: a log record that comes in between is written over the
        // prompt, which is then drawn again.
        machine.set_line_editing(true);
        self.editor.redraw();
        let mut buffer = [0; 64];
        loop {
            while let Some(byte) = self.session.typed_ahead.pop_front() {
                self.editor.take(byte, &mut |line| self.session.run(&line));
            }
            match machine.read_console(&mut buffer, None) {
                ConsoleEvent::Input(count) => {
                    for &byte in buffer.iter().take(count) {
                        self.editor.take(byte, &mut |line| self.session.run(&line));
                    }
                }
                ConsoleEvent::Disturbed => self.editor.redraw(),
                ConsoleEvent::TimedOut => {}
            }
        }
    }
}

/// Runs the self test of that name, or all that run by default for `all`, and
/// prints what `selftest` prints.
pub fn run_self_tests(system: &'static System, name: &str) -> Verdict {
    let mut session = Session::new(system);
    let wanted = (name != "all").then_some(name);
    match commands::run_self_tests(&mut session, wanted) {
        Ok(0) => Verdict::Pass,
        Ok(_) => Verdict::Fail,
        Err(error) => {
            let _ = writeln!(session.output, "error: {error}");
            Verdict::Fail
        }
    }
}
