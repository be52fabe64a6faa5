//! A host that never lets the guest wait: a thread of its own takes each frame at once.
//!
//! QEMU's datagram backend waits in a busy loop for a socket that is full, and then the whole machine is slow. So whoever sends much to the
//! guest has to take what it says meanwhile.

use crate::PATIENCE;
use crate::peer::{self, GATEWAY, GUEST_HARDWARE, Message, Peer};
use crate::wire::Wire;
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The identifier of the pings of this host.
const IDENTIFIER: u16 = 0x6174;
/// How long the thread waits for a frame before it looks whether it shall end.
const GLANCE: Duration = Duration::from_millis(20);
/// How many frames that nobody should send are kept for the message about them.
const KEPT: usize = 4;

/// A host on the wire whose incoming frames a thread takes, which also answers questions for hardware addresses.
#[derive(Debug)]
pub struct Attendant {
    wire: Wire,
    pings: Cell<u64>,
    answers: Receiver<u16>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    done: AtomicBool,
    frames: AtomicU64,
    strange: Mutex<Vec<String>>,
}

impl Attendant {
    /// Plugs the host in. No question for the addresses that are `is_silent` is answered.
    pub fn new(wire: Wire, is_silent: fn(Ipv4Addr) -> bool) -> Self {
        let shared = Arc::<Shared>::default();
        let (sender, answers) = channel();
        let thread = {
            let host = Peer::new(wire.share()).silent_for(is_silent);
            let shared = shared.clone();
            thread::spawn(move || attend(&host, &shared, &sender))
        };
        Self {
            wire,
            pings: Cell::new(0),
            answers,
            shared,
            thread: Some(thread),
        }
    }

    /// The cable, for sending.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Sends a ping and waits for its answer. All that was sent before has been through the guest's stack then.
    ///
    /// # Panics
    /// When the guest does not answer.
    #[track_caller]
    pub fn ping(&self) {
        assert!(
            self.try_ping(PATIENCE),
            "no answer to a ping in {PATIENCE:?}"
        );
    }

    /// Sends one ping and says whether it was answered in time.
    ///
    /// # Panics
    /// When QEMU is gone.
    #[track_caller]
    pub fn try_ping(&self, patience: Duration) -> bool {
        self.pings.set(self.pings.get() + 1);
        let sequence = self.pings.get() as u16;
        let ping = peer::echo_request(GATEWAY, IDENTIFIER, sequence, b"are you there?");
        self.wire.send(&ping);
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(answered) if answered == sequence => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    /// Pings until one is answered: the guest may lose some of them.
    ///
    /// # Panics
    /// When none is answered in time.
    #[track_caller]
    pub fn ping_until_answered(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.try_ping(Duration::from_millis(200)) {
            assert!(Instant::now() < deadline, "no ping is answered");
        }
    }

    /// How many pings were sent.
    pub fn pings(&self) -> u64 {
        self.pings.get()
    }

    /// How many frames the guest sent.
    pub fn frames(&self) -> u64 {
        self.shared.frames.load(Ordering::Relaxed)
    }

    /// Frames that no guest may send, the first few of them.
    pub fn strange(&self) -> Vec<String> {
        let strange = self.shared.strange.lock();
        strange.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that failed has said so.
            let _ = thread.join();
        }
    }
}

fn attend(host: &Peer, shared: &Shared, answers: &Sender<u16>) {
    while !shared.done.load(Ordering::Relaxed) {
        let Some(frame) = host.wire().receive(Instant::now() + GLANCE) else {
            continue;
        };
        shared.frames.fetch_add(1, Ordering::Relaxed);
        if let Some(reason) = strangeness(&frame) {
            let strange = shared.strange.lock();
            let mut strange = strange.unwrap_or_else(PoisonError::into_inner);
            if strange.len() < KEPT {
                strange.push(format!("{reason}: {frame:02x?}"));
            }
        }
        if !needs_reading(&frame) {
            continue;
        }
        let message = peer::read(&frame);
        if let Message::EchoReply {
            identifier: IDENTIFIER,
            sequence,
            ..
        } = message
        {
            // Nobody waits any more: fine.
            let _ = answers.send(sequence);
        } else {
            host.answer_for_hardware_address(&message);
        }
    }
}

/// What is wrong with a frame whoever it is for: a card that is not padded, or that shows another sender, or a protocol nobody has.
fn strangeness(frame: &[u8]) -> Option<&'static str> {
    if frame.len() < 60 || frame.len() > 1514 {
        return Some("a length that Ethernet does not have");
    }
    if frame[6..12] != GUEST_HARDWARE {
        return Some("another sender");
    }
    match frame[12..14] {
        [0x08, 0x00 | 0x06] => None,
        _ => Some("neither ARP nor IPv4"),
    }
}

/// Only ARP and ICMP are looked into: the rest may come by the thousand.
fn needs_reading(frame: &[u8]) -> bool {
    const PROTOCOL: usize = 14 + 9;
    const ICMP: u8 = 1;
    frame.get(12..14) == Some(&[0x08, 0x06]) || frame.get(PROTOCOL) == Some(&ICMP)
}
