//! The other end of the card's cable: one datagram of a Unix socket is one Ethernet frame without its frame check sequence.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const QEMU_END: &str = "wire-qemu";
const TEST_END: &str = "wire-test";
/// More than any frame.
const LARGEST: usize = 2048;

/// A datagram socket that QEMU's `dgram` backend sends to, and listens on at the other end.
#[derive(Debug)]
pub struct Wire {
    socket: UnixDatagram,
    card: PathBuf,
}

impl Wire {
    /// Binds the test's end of the cable of the card with this number, from 0; QEMU sends to it from the start.
    ///
    /// # Panics
    /// When the socket cannot be made.
    pub fn new(folder: &Path, number: usize) -> Self {
        let socket = UnixDatagram::bind(end(folder, TEST_END, number)).expect("the wire's socket");
        socket
            .set_write_timeout(Some(crate::PATIENCE))
            .expect("a timeout on a socket");
        Self {
            socket,
            card: end(folder, QEMU_END, number),
        }
    }

    /// The text of QEMU's network backend.
    pub fn backend(folder: &Path, number: usize) -> OsString {
        let mut backend = OsString::from("dgram,local.type=unix,local.path=");
        backend.push(end(folder, QEMU_END, number));
        backend.push(",remote.type=unix,remote.path=");
        backend.push(end(folder, TEST_END, number));
        backend
    }

    /// Sends a frame to the card.
    ///
    /// # Panics
    /// When QEMU is gone, or for an empty frame: QEMU takes an empty datagram for the end of the wire and reads no more.
    #[track_caller]
    pub fn send(&self, frame: &[u8]) {
        assert!(!frame.is_empty(), "an empty datagram ends the wire");
        if let Err(error) = self.socket.send_to(frame, &self.card) {
            panic!("no frame can be sent: {error}");
        }
    }

    /// Sends a frame from another thread, without regard to QEMU's end.
    ///
    /// # Errors
    /// When QEMU is gone.
    pub fn try_send(&self, frame: &[u8]) -> std::io::Result<()> {
        self.socket.send_to(frame, &self.card).map(|_| ())
    }

    /// The next frame from the card, or none before the deadline.
    ///
    /// # Panics
    /// When the socket fails.
    #[track_caller]
    pub fn receive(&self, deadline: Instant) -> Option<Vec<u8>> {
        let mut frame = [0; LARGEST];
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_micros(1));
        self.socket
            .set_read_timeout(Some(left))
            .expect("a timeout on a socket");
        match self.socket.recv(&mut frame) {
            Ok(length) => Some(frame[..length].to_vec()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                None
            }
            Err(error) => panic!("no frame can be received: {error}"),
        }
    }

    /// Takes a frame from the card that is there already.
    #[track_caller]
    pub fn receive_now(&self) -> Option<Vec<u8>> {
        self.receive(Instant::now())
    }

    /// Another handle on the same wire, for a second thread.
    ///
    /// # Panics
    /// When the process has no file descriptor left.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            socket: self.socket.try_clone().expect("a file descriptor"),
            card: self.card.clone(),
        }
    }
}

fn end(folder: &Path, name: &str, number: usize) -> PathBuf {
    folder.join(format!("{name}-{number}"))
}
