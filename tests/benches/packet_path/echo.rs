//! Round trips of the echo task's datagrams.

use crate::figures::Sorted;
use crate::tap::{self, Tap};
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use tests::PATIENCE;
use tests::machine::Options;
use tests::peer::{self, GATEWAY, Peer};
use tests::services::{ECHO, Protocol};

const RUNS: usize = 5;
const ROUND_TRIPS: usize = 2_000;
/// Round trips before the first that counts: caches, and QEMU's translation.
const WARM_UP: usize = 200;
const PAYLOADS: [usize; 2] = [64, 1400];

pub(crate) fn measure() {
    println!(
        "UDP echo round trip, us: median / 99 of 100; each the median of {RUNS} runs of {ROUND_TRIPS}"
    );
    over_the_wire(Options::new(), "datagram netdev, ISA");
    over_the_wire(Options::new().pci(), "datagram netdev, PCI");
    over_user_networking(Options::new(), "user networking, ISA");
    over_user_networking(Options::new().pci(), "user networking, PCI");
    over_a_tap();
}

/// Prints a line for each payload; `exchange` makes one round trip.
fn report(name: &str, mut exchange: impl FnMut(usize)) {
    for payload in PAYLOADS {
        (0..WARM_UP).for_each(|_| exchange(payload));
        let runs: Vec<_> = (0..RUNS).map(|_| run(payload, &mut exchange)).collect();
        let median = Sorted::new(runs.iter().map(Sorted::median).collect());
        let tail = Sorted::new(runs.iter().map(|run| run.percentile(99)).collect());
        println!(
            "  {name:<22} {payload:>5} B {:6.1} / {:6.1}   (medians {:.1}-{:.1})",
            median.median(),
            tail.median(),
            median.least(),
            median.greatest()
        );
    }
}

fn run(payload: usize, exchange: &mut impl FnMut(usize)) -> Sorted {
    let times = (0..ROUND_TRIPS).map(|_| {
        let start = Instant::now();
        exchange(payload);
        start.elapsed()
    });
    Sorted::of_durations(times, Duration::from_micros(1))
}

fn over_the_wire(options: Options, name: &str) {
    let mut machine = options.wire().unrecorded().boot();
    let peer = Peer::new(machine.take_wire());
    // Both sides know each other's hardware address afterwards.
    peer.ping();
    let frames = PAYLOADS.map(|length| {
        (
            length,
            peer::udp((GATEWAY, 4000), ECHO, &vec![0x55; length]),
        )
    });
    report(name, |payload| {
        let frame = frames
            .iter()
            .find(|(length, _)| *length == payload)
            .map(|(_, frame)| frame.as_slice());
        peer.send(frame.unwrap_or_default());
        let deadline = Instant::now() + PATIENCE;
        // The echo is as long as what it answers; anything else is the guest's own talk.
        while peer.wire().receive(deadline).expect("an echo").len() < payload {}
    });
    machine.power_off();
}

fn over_a_socket(name: &str, socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    report(name, |payload| {
        socket.send(&vec![0x55; payload]).expect("a datagram");
        socket.recv(&mut buffer).expect("an echo");
    });
}

fn over_user_networking(options: Options, name: &str) {
    let machine = options.forward(Protocol::Udp, ECHO).unrecorded().boot();
    over_a_socket(name, &machine.forward(Protocol::Udp, ECHO).udp());
    machine.power_off();
}

fn over_a_tap() {
    let tap = match Tap::new() {
        Ok(tap) => tap,
        Err(reason) => {
            println!("  tap: skipped, {reason}");
            return;
        }
    };
    for (name, options) in [
        ("tap, ISA", Options::new()),
        ("tap, PCI", Options::new().pci()),
    ] {
        let machine = tap.attach(options).unrecorded().boot();
        over_a_socket(name, &tap::connect(ECHO));
        machine.power_off();
    }
}
