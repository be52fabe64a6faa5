//! The bare card against the whole stack, in one boot: the guest's `bench` command moves frames by a loop over the card's registers alone,
//! then the same number through every layer.

use crate::figures::{Sorted, real};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tests::console::Console;
use tests::machine::{Machine, Options};
use tests::peer::{self, GATEWAY, GUEST_HARDWARE, Peer};
use tests::report::number_after;
use tests::wire::Wire;

const RUNS: usize = 5;
const PORT: u16 = 5001;
const PATIENCE: Duration = Duration::from_secs(60);
/// Headers of Ethernet, IPv4 and UDP, in bytes.
const HEADERS: usize = 14 + 20 + 8;
/// An EtherType for experiments (IEEE 802, "local experimental").
const EXPERIMENTAL: [u8; 2] = [0x88, 0xb5];

/// Frames of one size, and how many of them a run moves.
const LOADS: [(usize, usize); 2] = [(60, 40_000), (1514, 20_000)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Send,
    Receive,
}

impl Direction {
    fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }
}

pub(crate) fn measure() {
    println!(
        "frames of the bare card and of UDP through the stack, in one boot: medians of {RUNS} runs"
    );
    for (name, options) in [("ISA", Options::new()), ("PCI", Options::new().pci())] {
        let mut machine = options.wire().unrecorded().boot();
        let peer = Peer::new(machine.take_wire());
        peer.ping();
        for direction in [Direction::Receive, Direction::Send] {
            for (size, count) in LOADS {
                compare(name, &mut machine, &peer, direction, size, count);
            }
        }
        machine.power_off();
    }
}

fn compare(
    name: &str,
    machine: &mut Machine,
    peer: &Peer,
    direction: Direction,
    size: usize,
    count: usize,
) {
    let (mut bare, mut stack) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        bare.push(rate(
            machine,
            peer,
            direction,
            &card_command(direction, size, count),
            &card_frame(size),
        ));
        stack.push(rate(
            machine,
            peer,
            direction,
            &udp_command(direction, size, count),
            &udp_frame(size),
        ));
    }
    let (bare, stack) = (Sorted::new(bare), Sorted::new(stack));
    println!(
        "  {name} {:<8}{size:>5} B  card {}  udp {}  ratio {:.2}",
        direction.word(),
        shown(&bare, size),
        shown(&stack, size),
        stack.median() / bare.median()
    );
}

fn shown(rate: &Sorted, size: usize) -> String {
    let megabytes = rate.median() * real(size as u64) / 1e6;
    format!(
        "{:>8.0} ({:.0}-{:.0}) frames/s {megabytes:6.1} MB/s",
        rate.median(),
        rate.least(),
        rate.greatest()
    )
}

fn card_command(direction: Direction, size: usize, count: usize) -> String {
    format!("bench card {} {size} {count}", direction.word())
}

fn udp_command(direction: Direction, size: usize, count: usize) -> String {
    let payload = size - HEADERS;
    match direction {
        Direction::Send => format!("bench udp send {GATEWAY}:{PORT} {payload} {count}"),
        Direction::Receive => format!("bench udp receive {PORT} {payload} {count}"),
    }
}

fn card_frame(size: usize) -> Vec<u8> {
    let mut frame = [GUEST_HARDWARE, peer::hardware_of(GATEWAY)].concat();
    frame.extend(EXPERIMENTAL);
    frame.resize(size, 0x55);
    frame
}

fn udp_frame(size: usize) -> Vec<u8> {
    peer::udp((GATEWAY, PORT), PORT, &vec![0x55; size - HEADERS])
}

/// Runs a `bench` command, with the other end of the wire busy meanwhile, and gives the frames per second.
fn rate(
    machine: &mut Machine,
    peer: &Peer,
    direction: Direction,
    command: &str,
    frame: &[u8],
) -> f64 {
    machine.console.type_line(command);
    if direction == Direction::Receive {
        machine.console.expect("ready");
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let wire = peer.wire().share();
        let done = &done;
        scope.spawn(move || match direction {
            Direction::Send => drain(&wire, done),
            Direction::Receive => flood(&wire, frame, done),
        });
        let _stop = Stop(done);
        result(&mut machine.console, command)
    })
}

/// Ends the other thread, also when this one fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn result(console: &mut Console, command: &str) -> f64 {
    let line = console.expect_within(": size ", PATIENCE);
    console.wait_for_prompt();
    let (frames, time) = (number_after(&line, "frames"), number_after(&line, "time"));
    let (Some(frames), Some(micros)) = (frames, time) else {
        panic!("`{command}` prints {line}")
    };
    real(frames) * 1e6 / real(micros)
}

fn drain(wire: &Wire, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        wire.receive(std::time::Instant::now() + Duration::from_millis(1));
    }
}

fn flood(wire: &Wire, frame: &[u8], done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) && wire.try_send(frame).is_ok() {}
}
