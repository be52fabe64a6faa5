//! QEMU's monitor: stops the machine, and writes and reads its ports from outside.

use crate::PATIENCE;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

const SOCKET: &str = "monitor";
const PROMPT: &[u8] = b"(qemu) ";

/// A connection to the monitor.
#[derive(Debug)]
pub struct Monitor {
    stream: UnixStream,
}

impl Monitor {
    /// The text of QEMU's `-monitor` for a machine whose files lie in `folder`.
    pub(crate) fn backend(folder: &Path) -> OsString {
        let mut backend = OsString::from("unix:");
        backend.push(folder.join(SOCKET));
        backend.push(",server=on,wait=off");
        backend
    }

    #[track_caller]
    pub(crate) fn connect(folder: &Path) -> Self {
        let stream = UnixStream::connect(folder.join(SOCKET)).expect("Options::monitored");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout on a socket");
        let mut monitor = Self { stream };
        monitor.answer();
        monitor
    }

    /// Gives a command and what it prints.
    ///
    /// # Panics
    /// When QEMU is gone.
    #[track_caller]
    pub fn command(&mut self, command: &str) -> String {
        let written = self.stream.write_all(format!("{command}\n").as_bytes());
        written.expect("QEMU's monitor");
        self.answer()
    }

    /// Stops the guest's processor. Frames wait meanwhile.
    #[track_caller]
    pub fn stop(&mut self) {
        self.command("stop");
    }

    /// Lets the guest go on.
    #[track_caller]
    pub fn go_on(&mut self) {
        self.command("cont");
    }

    /// Writes a byte to an I/O port, as the guest's processor would.
    #[track_caller]
    pub fn write_port(&mut self, port: u16, value: u8) {
        self.command(&format!("o/b {port:#x} {value:#x}"));
    }

    /// Reads a byte from an I/O port.
    ///
    /// # Panics
    /// When the answer is none.
    #[track_caller]
    pub fn read_port(&mut self, port: u16) -> u8 {
        let answer = self.command(&format!("i/b {port:#x}"));
        let value = answer
            .split("= 0x")
            .nth(1)
            .and_then(|text| u8::from_str_radix(text.trim(), 16).ok());
        value.unwrap_or_else(|| panic!("not a byte: {answer}"))
    }

    #[track_caller]
    fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        while !bytes.ends_with(PROMPT) {
            match self.stream.read(&mut part) {
                Ok(length) if length > 0 => bytes.extend_from_slice(&part[..length]),
                end => panic!(
                    "the monitor ends: {end:?}, {}",
                    String::from_utf8_lossy(&bytes)
                ),
            }
        }
        bytes.truncate(bytes.len() - PROMPT.len());
        let text = String::from_utf8_lossy(&bytes);
        // The command is echoed in the first line.
        let (_, printed) = text.split_once('\n').unwrap_or_default();
        printed.to_owned()
    }
}
