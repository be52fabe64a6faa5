//! The guest's serial console: sends what a person would type and reads what is printed, with a deadline on every wait.
//!
//! A prompt is drawn only while a line is being edited, so the output of a command is what lies between the line with the prompt and the
//! command, and the next bare prompt. Records of the log may come at any time: they start with `[` and are kept apart.

use crate::PATIENCE;
use crate::screen::{CURSOR_ANSWER, Screen};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The shell's prompt.
pub const PROMPT: &str = "net> ";
/// The most that a wait for output lasts before the deadline is looked at again.
const GLANCE: Duration = Duration::from_millis(50);
/// How many lines a message about a failure shows.
const SHOWN_LINES: usize = 40;

/// The console of a running machine.
#[derive(Debug)]
pub struct Console {
    stream: UnixStream,
    /// What the guest prints. A thread of its own takes it from QEMU: the socket holds a few hundred bytes of it only, and then the guest
    /// would have to wait.
    output: Receiver<Vec<u8>>,
    /// Whether that thread is not to read on.
    unread: Arc<AtomicBool>,
    screen: Screen,
    /// Lines before this one have been dealt with.
    seen: usize,
    closed: bool,
}

impl Console {
    /// Waits for QEMU to connect. `ended` tells why it will not, once that is known.
    ///
    /// # Panics
    /// When QEMU ends or does not connect in time.
    #[track_caller]
    pub fn accept(
        listener: &UnixListener,
        patience: Duration,
        mut ended: impl FnMut() -> Option<String>,
    ) -> Self {
        listener.set_nonblocking(true).expect("a listening socket");
        let deadline = Instant::now() + patience;
        loop {
            match listener.accept() {
                Ok((stream, _)) => return Self::new(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("the console's socket: {error}"),
            }
            if let Some(reason) = ended() {
                panic!("{reason}");
            }
            assert!(Instant::now() < deadline, "QEMU does not open the console");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn new(stream: UnixStream) -> Self {
        stream.set_nonblocking(false).expect("a connected socket");
        let source = stream.try_clone().expect("a file descriptor");
        let (sender, output) = channel();
        let unread = Arc::default();
        let is_unread = Arc::clone(&unread);
        thread::spawn(move || forward(source, &sender, &is_unread));
        Self {
            stream,
            output,
            unread,
            screen: Screen::new(),
            seen: 0,
            closed: false,
        }
    }

    /// Types these bytes.
    ///
    /// # Panics
    /// When QEMU is gone.
    #[track_caller]
    pub fn send(&mut self, text: impl AsRef<[u8]>) {
        if let Err(error) = self.stream.write_all(text.as_ref()) {
            panic!(
                "the console does not take input: {error}\n{}",
                self.recent()
            );
        }
    }

    /// Leaves what the guest prints unread, but for the first of it, until the value is dropped.
    #[must_use = "what is printed is read again when this is dropped"]
    pub fn leave_unread(&self) -> Unread {
        self.unread.store(true, Ordering::Relaxed);
        Unread(Arc::clone(&self.unread))
    }

    /// Waits for the prompt with nothing behind it.
    ///
    /// # Panics
    /// When it does not come in time.
    #[track_caller]
    pub fn wait_for_prompt(&mut self) {
        self.wait_until(PATIENCE, "the prompt", |screen, _| {
            (screen.current() == PROMPT).then_some(())
        });
        self.seen = self.screen.complete();
    }

    /// Runs a command and gives the lines it printed, without records of the log.
    ///
    /// # Panics
    /// When the prompt does not come back in time.
    #[track_caller]
    pub fn command(&mut self, command: &str) -> Vec<String> {
        self.command_within(command, PATIENCE)
    }

    /// [`Console::command`] with another deadline.
    ///
    /// # Panics
    /// When the prompt does not come back in time.
    #[track_caller]
    pub fn command_within(&mut self, command: &str, patience: Duration) -> Vec<String> {
        self.type_line(command);
        self.output(command, patience)
    }

    /// Types a command and Enter, without waiting for its output; see [`Console::output`].
    ///
    /// # Panics
    /// When there is no prompt to type at.
    #[track_caller]
    pub fn type_line(&mut self, command: &str) {
        self.wait_for_prompt();
        self.send(format!("{command}\r"));
    }

    /// Waits for the end of a command that has been typed and gives the lines it printed, without records of the log.
    ///
    /// # Panics
    /// When the prompt does not come back in time.
    #[track_caller]
    pub fn output(&mut self, command: &str, patience: Duration) -> Vec<String> {
        let echoed = format!("{PROMPT}{command}");
        let what = format!("the end of `{command}`");
        let (first, last) = self.wait_until(patience, &what, |screen, seen| {
            let last = screen.complete();
            let echo = (seen..last).find(|&index| screen.line(index) == echoed)?;
            (screen.current() == PROMPT).then_some((echo + 1, last))
        });
        self.seen = last;
        (first..last)
            .map(|index| self.screen.line(index))
            .filter(|line| !is_record(line))
            .collect()
    }

    /// Waits for a complete line that contains the text, among those that have not been dealt with, and gives it.
    ///
    /// # Panics
    /// When it does not come in time.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        self.expect_within(text, PATIENCE)
    }

    /// [`Console::expect`] with another deadline.
    ///
    /// # Panics
    /// When it does not come in time.
    #[track_caller]
    pub fn expect_within(&mut self, text: &str, patience: Duration) -> String {
        let what = format!("a line with `{text}`");
        let found = self.wait_until(patience, &what, |screen, seen| {
            (seen..screen.complete()).find(|&index| screen.line(index).contains(text))
        });
        self.seen = found + 1;
        self.screen.line(found)
    }

    /// [`Console::expect_within`] for a line that need not come.
    pub fn look_for(&mut self, text: &str, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        loop {
            let mut unseen = self.seen..self.screen.complete();
            if let Some(found) = unseen.find(|&index| self.screen.line(index).contains(text)) {
                self.seen = found + 1;
                return Some(self.screen.line(found));
            }
            if self.closed || Instant::now() >= deadline {
                return None;
            }
            self.read_some();
        }
    }

    /// All complete lines so far.
    pub fn lines(&self) -> Vec<String> {
        (0..self.screen.complete())
            .map(|index| self.screen.line(index))
            .collect()
    }

    /// The records of the log so far.
    pub fn records(&self) -> Vec<String> {
        self.lines()
            .into_iter()
            .filter(|line| is_record(line))
            .collect()
    }

    /// Reads until QEMU closes the console.
    pub fn drain_until(&mut self, deadline: Instant) {
        while !self.closed && Instant::now() < deadline {
            self.read_some();
        }
    }

    #[track_caller]
    fn wait_until<T>(
        &mut self,
        patience: Duration,
        what: &str,
        mut found: impl FnMut(&Screen, usize) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(result) = found(&self.screen, self.seen) {
                return result;
            }
            assert!(!self.closed, "QEMU ended before {what}\n{}", self.recent());
            assert!(
                Instant::now() < deadline,
                "no sign of {what} in {patience:?}\n{}",
                self.recent()
            );
            self.read_some();
        }
    }

    /// Draws what has come, and waits a moment for it.
    fn read_some(&mut self) {
        match self.output.recv_timeout(GLANCE) {
            Ok(bytes) => self.screen.draw(&bytes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.closed = true,
        }
        for _ in 0..self.screen.take_questions() {
            // A guest that is gone needs no answer; the next read tells.
            let _ = self.stream.write_all(CURSOR_ANSWER);
        }
    }

    fn recent(&self) -> String {
        let end = self.screen.complete();
        let lines: Vec<_> = (end.saturating_sub(SHOWN_LINES)..=end)
            .map(|index| format!("  | {}", self.screen.line(index)))
            .collect();
        lines.join("\n")
    }
}

/// While it lives nobody reads what the guest prints; see [`Console::leave_unread`].
#[derive(Debug)]
pub struct Unread(Arc<AtomicBool>);

impl Drop for Unread {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Passes on what comes from QEMU until it closes the console, or nobody wants it any more.
fn forward(mut source: UnixStream, sender: &Sender<Vec<u8>>, is_unread: &AtomicBool) {
    let mut bytes = [0; 16384];
    while let Ok(length) = source.read(&mut bytes) {
        while is_unread.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
        }
        if length == 0 || sender.send(bytes[..length].to_vec()).is_err() {
            return;
        }
    }
}

/// Whether a line is a record of the log: `[    0.012345] INFO  ndis: text`.
pub fn is_record(line: &str) -> bool {
    line.starts_with('[')
}
