//! The card's memory: filled to the last page, written over, and given frames of every length, while the guest does not look.

use crate::balance;
use crate::quiet::Level;
use std::time::{Duration, Instant};
use tests::PATIENCE;
use tests::machine::{Machine, Options};
use tests::monitor::Monitor;
use tests::peer::{self, GATEWAY, GUEST_HARDWARE, Peer};
use tests::report::{Counters, Growth};
use tests::services::{DISCARD, ECHO};

const PORT: u16 = 4000;
/// The card's line, on the first interrupt controller.
const LINE: u8 = 5;
/// The first controller's interrupt mask.
const MASK_PORT: u16 = 0x21;

/// Payloads of UDP whose frames take one page of the card's memory, and six, the most.
const ONE_PAGE: usize = 18;
const SIX_PAGES: usize = 1472;
const MOST_PAGES: usize = 6;

/// Datagrams that are echoed after everything else.
const ECHOES: u64 = 200;

struct Bench {
    machine: Machine,
    peer: Peer,
    monitor: Monitor,
    level: Level,
    before: Counters,
}

impl Bench {
    fn boot() -> Self {
        let options = Options::new().irq(LINE).wire().monitored();
        let mut machine = options.boot();
        let peer = Peer::new(machine.take_wire());
        peer.ping();
        let monitor = machine.monitor();
        let level = Level::of(&mut machine.console);
        let before = Counters::read(&mut machine.console);
        Self {
            machine,
            peer,
            monitor,
            level,
            before,
        }
    }

    /// How many pages the card can still fill.
    fn free_pages(&mut self) -> usize {
        let lines = self.machine.console.command("nic");
        let ring = lines.iter().find(|line| line.starts_with("ring "));
        let ring = ring.unwrap_or_else(|| panic!("no line about the ring: {lines:#?}"));
        let page = |word| {
            let text =
                tests::report::word_after(ring, word).and_then(|text| text.strip_prefix("0x"));
            let page = text.and_then(|text| usize::from_str_radix(text, 16).ok());
            page.unwrap_or_else(|| panic!("no {word} in {ring}"))
        };
        let size = page("stop") - page("start");
        size - (page("current") + size - page("boundary")) % size
    }

    /// Lets these frames come while the card's interrupt is masked, so that nobody takes them from the ring.
    fn fill(&mut self, frames: &[Vec<u8>]) {
        // Each question to the monitor is one turn of QEMU's main loop, which takes a frame in each.
        const TURNS: usize = 3;
        let mask = self.monitor.read_port(MASK_PORT);
        self.monitor.write_port(MASK_PORT, mask | 1 << LINE);
        for frame in frames {
            self.peer.send(frame);
            for _ in 0..TURNS {
                self.monitor.read_port(MASK_PORT);
            }
        }
        self.monitor.write_port(MASK_PORT, mask);
    }

    /// Checks that the guest works as before and gives what has been counted.
    fn goes_on(mut self) -> Growth {
        answers(&self.peer);
        for number in 0..ECHOES as u8 {
            self.peer
                .send(&peer::udp((GATEWAY, PORT), ECHO, &[number; 700]));
            self.peer.receive_until("echo", |message| {
                matches!(message, peer::Message::Udp { payload, .. } if *payload == [number; 700])
            });
        }
        self.level.comes_back(&mut self.machine.console);
        let grown = balance::holds(&mut self.machine.console, &self.before);
        self.machine.power_off();
        grown
    }
}

fn discard(payload: usize) -> Vec<u8> {
    peer::udp((GATEWAY, PORT), DISCARD, &vec![0x77; payload])
}

/// Frames that fill so many pages exactly; the last one finds just room enough for QEMU to take it.
fn filling(pages: usize) -> Vec<Vec<u8>> {
    let mut frames = vec![discard(ONE_PAGE); pages % MOST_PAGES];
    frames.resize(pages % MOST_PAGES + pages / MOST_PAGES, discard(SIX_PAGES));
    frames
}

#[test]
fn a_ring_filled_to_its_last_page_loses_nothing() {
    let mut bench = Bench::boot();
    let frames = filling(bench.free_pages());
    bench.fill(&frames);
    let grown = bench.goes_on();
    let taken = grown.get("udp.delivered") - ECHOES;
    assert_eq!(taken, frames.len() as u64, "{grown:?}");
    assert_eq!(grown.sum("ne2000.*.ring_laps"), 0, "{grown:?}");
}

#[test]
fn frames_written_over_the_oldest_are_counted_and_survived() {
    let mut bench = Bench::boot();
    let mut frames = filling(bench.free_pages());
    // The card's pointers have met, which it takes for an empty ring.
    frames.extend(vec![discard(ONE_PAGE); 3]);
    bench.fill(&frames);
    let grown = bench.goes_on();
    assert_eq!(grown.sum("ne2000.*.ring_laps"), 1, "{grown:?}");
    let taken = grown.get("udp.delivered") - ECHOES;
    assert!(taken < frames.len() as u64, "{taken} of {}", frames.len());
}

#[test]
fn the_ring_written_over_again_and_again_is_survived() {
    const ROUNDS: usize = 10;
    let mut bench = Bench::boot();
    for round in 0..ROUNDS {
        let mut frames = filling(bench.free_pages());
        frames.extend(vec![discard(ONE_PAGE); 1 + round]);
        frames.extend(vec![discard(SIX_PAGES); round]);
        bench.fill(&frames);
        answers(&bench.peer);
    }
    let grown = bench.goes_on();
    let noticed = ["ring_full_turns", "ring_laps", "resynchronisations"]
        .map(|counter| grown.sum(&format!("ne2000.*.{counter}")));
    assert!(noticed.iter().sum::<u64>() >= ROUNDS as u64, "{grown:?}");
}

#[test]
fn frames_of_every_length_up_to_4000_bytes_are_survived() {
    let bench = Bench::boot();
    for length in (1..=64).chain(1500..=1536).chain((1600..4000).step_by(100)) {
        let mut frame = discard(SIX_PAGES);
        frame.resize(length, 0x77);
        bench.peer.send(&frame);
        // A frame that is too long for Ethernet may cost those behind it.
        answers(&bench.peer);
    }
    bench.goes_on();
}

/// Waits until one of several pings is answered: one that comes while the ring is lapped is lost with it.
#[track_caller]
fn answers(peer: &Peer) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "no answer");
        peer.send(&peer::echo_request(GATEWAY, 5, 5, b"still there?"));
        let soon = Instant::now() + Duration::from_millis(200);
        while let Some(message) = peer.receive(soon) {
            if matches!(message, peer::Message::EchoReply { identifier: 5, .. }) {
                return;
            }
        }
    }
}

#[test]
fn a_frame_that_ends_in_its_header_is_not_taken_for_more() {
    let bench = Bench::boot();
    // What QEMU still has in its buffer from the frame before would make a whole one of it.
    let whole = discard(ONE_PAGE);
    for length in 6..14 {
        bench.peer.send(&whole);
        bench.peer.send(&whole[..length]);
        bench.peer.ping();
    }
    assert!(whole.starts_with(&GUEST_HARDWARE));
    let grown = bench.goes_on();
    assert_eq!(grown.get("task.discard.datagrams"), 8, "{grown:?}");
}
