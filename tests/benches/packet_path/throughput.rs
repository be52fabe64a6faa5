//! The bare card against the whole stack, in one boot: the guest's `bench` command moves frames by a loop over the card's registers alone,
//! then the same number through every layer.
//!
//! The card has no flow control: frames that come faster than they are taken are lost, and cost QEMU time all the same. So what can be
//! received is looked for by offering more and more frames a second; the best rate at which they were taken counts.

use crate::figures::{Sorted, real};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tests::console::Console;
use tests::machine::{Machine, Options};
use tests::meanwhile::meanwhile;
use tests::peer::{self, GATEWAY, GUEST_HARDWARE, Peer};
use tests::report::number_after;
use tests::wire::Wire;

const RUNS: usize = 7;
const PORT: u16 = 5001;
const PATIENCE: Duration = Duration::from_secs(50);
/// Headers of Ethernet, IPv4 and UDP, in bytes.
const HEADERS: usize = 14 + 20 + 8;
/// An EtherType for experiments (IEEE 802, "local experimental").
const EXPERIMENTAL: [u8; 2] = [0x88, 0xb5];

/// Sizes of frames, and how many of them a run sends.
const LOADS: [(usize, u32); 2] = [(60, 40_000), (1514, 20_000)];

/// The first rate that is offered, in frames a second; each of the others is a quarter more.
const LEAST_OFFERED: u32 = 16_000;
const RATES: u32 = 12;
/// A run that receives takes a fifth of a second if all goes well.
const RUNS_PER_SECOND: u32 = 5;
/// Frames sent in one go.
const BURST: u32 = 8;

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
        let wire = machine.take_wire();
        let far_end = Peer::new(wire.share());
        // Whatever the guest sends has to be taken at all times: once the socket is full, QEMU's backend waits for it in a busy loop.
        meanwhile(
            move |done| take_all(&far_end, done),
            || measure_card(name, &mut machine, &wire),
        );
        machine.power_off();
    }
}

fn measure_card(name: &str, machine: &mut Machine, wire: &Wire) {
    for direction in [Direction::Receive, Direction::Send] {
        for (size, count) in LOADS {
            compare(name, machine, wire, direction, size, count);
        }
    }
}

fn compare(
    name: &str,
    machine: &mut Machine,
    wire: &Wire,
    direction: Direction,
    size: usize,
    count: u32,
) {
    let (mut bare, mut stack) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        match direction {
            Direction::Send => {
                bare.push(send(machine, &card_command(direction, size, count)));
                stack.push(send(machine, &udp_command(direction, size, count)));
            }
            Direction::Receive => {
                bare.push(best_receive(machine, wire, &card_frame(size), |count| {
                    card_command(direction, size, count)
                }));
                stack.push(best_receive(machine, wire, &udp_frame(size), |count| {
                    udp_command(direction, size, count)
                }));
            }
        }
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

fn card_command(direction: Direction, size: usize, count: u32) -> String {
    format!("bench card {} {size} {count}", direction.word())
}

fn udp_command(direction: Direction, size: usize, count: u32) -> String {
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

/// The frames per second of a `bench` command that sends.
fn send(machine: &mut Machine, command: &str) -> f64 {
    machine.console.type_line(command);
    result(&mut machine.console, command)
}

/// The most frames per second that a `bench` command takes, whatever is offered.
fn best_receive(
    machine: &mut Machine,
    wire: &Wire,
    frame: &[u8],
    command: impl Fn(u32) -> String,
) -> f64 {
    let mut best: f64 = 0.0;
    let mut offered = LEAST_OFFERED;
    for _ in 0..RATES {
        let taken = receive(
            machine,
            wire,
            frame,
            offered,
            &command(offered / RUNS_PER_SECOND),
        );
        best = best.max(taken);
        if taken < f64::from(offered) / 2.0 {
            break;
        }
        offered += offered / 4;
    }
    best
}

/// The frames per second that it takes when so many are offered.
fn receive(machine: &mut Machine, wire: &Wire, frame: &[u8], offered: u32, command: &str) -> f64 {
    machine.console.type_line(command);
    machine.console.expect("ready");
    meanwhile(
        |done| offer(wire, frame, offered, done),
        || result(&mut machine.console, command),
    )
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

/// Takes every frame, and answers questions for hardware addresses.
fn take_all(far_end: &Peer, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        far_end.take_one(Instant::now() + Duration::from_millis(1));
    }
}

/// Sends so many frames a second, in short bursts.
fn offer(wire: &Wire, frame: &[u8], offered: u32, done: &AtomicBool) {
    let pause = Duration::from_secs(1) * BURST / offered;
    let mut next = Instant::now();
    while !done.load(Ordering::Relaxed) {
        if (0..BURST).any(|_| wire.try_send(frame).is_err()) {
            return;
        }
        next += pause;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
