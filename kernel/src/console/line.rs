//! The line editor: `embedded-cli` with the keys it lacks, a refusal of lines
//! that do not fit, and no assumption that a terminal answers.

use alloc::sync::Arc;
use core::convert::Infallible;
use core::sync::atomic::{AtomicBool, Ordering};

use embedded_cli::cli::{Cli, CliBuilder, CliHandle};
use embedded_cli::command::RawCommand;
use embedded_io::{ErrorType, Write};

use crate::machine::Machine;

/// Characters that a line may have.
pub const MAXIMUM_LINE: usize = 128;
const HISTORY_BYTES: usize = 1024;
const PROMPT: &str = "net> ";

const CTRL_A: u8 = 0x01;
const CTRL_C: u8 = 0x03;
const CTRL_E: u8 = 0x05;
const BACKSPACE: u8 = 0x08;
const CTRL_L: u8 = 0x0C;
const CTRL_N: u8 = 0x0E;
const CTRL_P: u8 = 0x10;
const CTRL_U: u8 = 0x15;
const ESCAPE: u8 = 0x1B;
const DELETE: u8 = 0x7F;

const CURSOR_UP: &[u8] = b"\x1b[A";
const CURSOR_DOWN: &[u8] = b"\x1b[B";
const CURSOR_RIGHT: &[u8] = b"\x1b[C";
const CURSOR_LEFT: &[u8] = b"\x1b[D";

/// A line that the user has finished.
pub enum Line<'a> {
    /// Its first word and the words behind it.
    Command(RawCommand<'a>),
    /// It had more than [`MAXIMUM_LINE`] characters; nothing of it is run.
    TooLong,
}

/// Where the editor's echo goes.
struct Echo {
    machine: &'static dyn Machine,
    state: Arc<EchoState>,
}

#[derive(Default)]
struct EchoState {
    written: AtomicBool,
    muted: AtomicBool,
}

impl ErrorType for Echo {
    type Error = Infallible;
}

impl Write for Echo {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.state.written.store(true, Ordering::Relaxed);
        if !self.state.muted.load(Ordering::Relaxed) {
            self.machine.write_console(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

type Editor = Cli<Echo, Infallible, [u8; MAXIMUM_LINE], [u8; HISTORY_BYTES]>;

/// Edits one line at a time, with a history.
pub struct LineEditor {
    machine: &'static dyn Machine,
    editor: Editor,
    echo: Arc<EchoState>,
    sequence: Sequence,
    overflown: bool,
}

/// Where the input stands in an escape sequence, whose bytes are no text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    Outside,
    Escape,
    Control,
}

impl Sequence {
    fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (_, ESCAPE) => Self::Escape,
            (Self::Escape, b'[') => Self::Control,
            (Self::Control, byte) if !(0x40..=0x7E).contains(&byte) => Self::Control,
            _ => Self::Outside,
        }
    }
}

impl LineEditor {
    /// An editor that shows nothing before [`LineEditor::redraw`].
    pub fn new(machine: &'static dyn Machine) -> Self {
        let echo = Arc::new(EchoState::default());
        echo.muted.store(true, Ordering::Relaxed);
        let writer = Echo {
            machine,
            state: Arc::clone(&echo),
        };
        let built = CliBuilder::default()
            .writer(writer)
            .command_buffer([0; MAXIMUM_LINE])
            .history_buffer([0; HISTORY_BYTES])
            .prompt(PROMPT)
            .build();
        let editor = match built {
            Ok(editor) => editor,
            Err(never) => match never {},
        };
        echo.muted.store(false, Ordering::Relaxed);
        Self {
            machine,
            editor,
            echo,
            sequence: Sequence::Outside,
            overflown: false,
        }
    }

    /// Takes one byte of input. `run` is called with each line that it ends.
    /// Control characters without a meaning and bytes from 0x80 are ignored.
    pub fn take(&mut self, byte: u8, run: &mut dyn FnMut(Line<'_>)) {
        let before = self.sequence;
        self.sequence = before.next(byte);
        match byte {
            _ if before == Sequence::Control || self.sequence != Sequence::Outside => {
                self.pass(&[byte], run);
            }
            CTRL_A => self.repeat(CURSOR_LEFT, run),
            CTRL_E => self.repeat(CURSOR_RIGHT, run),
            CTRL_N => self.pass(CURSOR_DOWN, run),
            CTRL_P => self.pass(CURSOR_UP, run),
            CTRL_U => self.erase(run),
            CTRL_C => self.abandon(run),
            CTRL_L => {
                self.machine.write_console(b"\x1b[2J\x1b[H");
                self.redraw();
            }
            BACKSPACE | DELETE => self.pass(&[BACKSPACE], run),
            b' '..=b'~' => self.take_printable(byte, run),
            b'\r' | b'\n' => self.finish(byte, run),
            0x80.. => {}
            _ => self.pass(&[byte], run),
        }
    }

    /// Draws prompt and line again, after other output went over them.
    pub fn redraw(&mut self) {
        let Ok(()) = self.editor.write(|_| Ok(()));
    }

    /// A character is echoed when it is taken in; one that is not has found the
    /// line full.
    fn take_printable(&mut self, byte: u8, run: &mut dyn FnMut(Line<'_>)) {
        self.echo.written.store(false, Ordering::Relaxed);
        self.pass(&[byte], run);
        if !self.echo.written.load(Ordering::Relaxed) {
            self.overflown = true;
        }
    }

    fn finish(&mut self, byte: u8, run: &mut dyn FnMut(Line<'_>)) {
        if core::mem::take(&mut self.overflown) {
            let mut reported = false;
            self.pass(&[byte], &mut |_| {
                reported = true;
                run(Line::TooLong);
            });
            if !reported {
                run(Line::TooLong);
            }
        } else {
            self.pass(&[byte], run);
        }
    }

    fn pass(&mut self, bytes: &[u8], run: &mut dyn FnMut(Line<'_>)) {
        let mut processor =
            RawCommand::processor(|_: &mut CliHandle<'_, Echo, Infallible>, command| {
                run(Line::Command(command));
                Ok(())
            });
        for &byte in bytes {
            let Ok(()) = self
                .editor
                .process_byte::<RawCommand<'_>, _>(byte, &mut processor);
        }
    }

    fn repeat(&mut self, bytes: &[u8], run: &mut dyn FnMut(Line<'_>)) {
        for _ in 0..MAXIMUM_LINE {
            self.pass(bytes, run);
        }
    }

    fn erase(&mut self, run: &mut dyn FnMut(Line<'_>)) {
        self.repeat(CURSOR_RIGHT, run);
        self.repeat(&[BACKSPACE], run);
        self.overflown = false;
    }

    fn abandon(&mut self, run: &mut dyn FnMut(Line<'_>)) {
        self.echo.muted.store(true, Ordering::Relaxed);
        self.erase(run);
        self.echo.muted.store(false, Ordering::Relaxed);
        self.machine.write_console(b"^C\r\n");
        self.redraw();
    }
}
