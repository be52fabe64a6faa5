//! The netem filter, as a host on the wire sees it.

use super::{PORT, add, echoes, numbered, remove, told};
use crate::quiet::Level;
use crate::wire::boot;
use std::time::{Duration, Instant};
use tests::PATIENCE;
use tests::machine::Machine;
use tests::peer::{self, GATEWAY, Peer, hardware_of};
use tests::report::Counters;
use tests::services::ECHO;

/// Longer than the longest delay that a test sets.
const QUIET: Duration = Duration::from_millis(800);

struct Shaped {
    machine: Machine,
    peer: Peer,
    level: Level,
    name: String,
}

impl Shaped {
    #[track_caller]
    fn begin(settings: &str) -> Self {
        let (mut machine, peer) = boot();
        let level = Level::of(&mut machine.console);
        let name = add(&mut machine, "netem");
        told(
            &mut machine.console,
            &format!("filter set {name} {settings}"),
        );
        Self {
            machine,
            peer,
            level,
            name,
        }
    }

    /// Sends so many numbered datagrams, some at a time, and gives the numbers that come back, in their order.
    #[track_caller]
    fn exchange(&self, count: u32) -> Vec<u32> {
        const AT_A_TIME: usize = 8;
        let mut numbers = Vec::new();
        let all: Vec<_> = (0..count).collect();
        for some in all.chunks(AT_A_TIME) {
            for number in some {
                self.peer.send(&numbered(*number));
            }
            let end = numbers.len() + some.len();
            // No longer than necessary, if nothing is lost.
            let deadline = Instant::now() + Duration::from_millis(150);
            while numbers.len() < end {
                match self.peer.receive(deadline) {
                    Some(message) => numbers.extend(super::number_in(&message)),
                    None => break,
                }
            }
        }
        numbers.extend(echoes(&self.peer, QUIET));
        numbers
    }

    /// Takes the filter out: all is as before.
    #[track_caller]
    fn end(mut self) {
        remove(&mut self.machine, &self.name);
        let numbers = self.exchange(20);
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
        self.level.comes_back(&mut self.machine.console);
        self.machine.power_off();
    }
}

#[test]
fn loss_of_a_fifth_in_each_direction() {
    const COUNT: u32 = 500;
    let mut shaped = Shaped::begin("loss=20% seed=42");
    let numbers = shaped.exchange(COUNT);
    let counters = Counters::read_layer(&mut shaped.machine.console, "netem");
    let counter = |name: &str| counters.get(&format!("netem.{}.{name}", shaped.name));
    let lost = counter("lost_in") + counter("lost_out");
    assert_eq!(
        lost + numbers.len() as u64,
        u64::from(COUNT),
        "{counters:?}"
    );
    // 0.8 x 0.8 of 500 come back; five standard deviations are 54.
    assert!(
        (266..=374).contains(&numbers.len()),
        "{} of {COUNT}",
        numbers.len()
    );
    assert!(numbers.is_sorted(), "order: {numbers:?}");
    shaped.end();
}

#[test]
fn the_same_seed_loses_the_same_packets() {
    let lost = || {
        let shaped = Shaped::begin("in.loss=30% seed=7");
        let numbers = shaped.exchange(60);
        shaped.end();
        numbers
    };
    let numbers = lost();
    assert!(numbers.len() < 60, "{numbers:?}");
    assert_eq!(numbers, lost());
}

#[test]
fn duplicates_of_what_is_sent() {
    let shaped = Shaped::begin("out.duplicate=100%");
    let numbers = shaped.exchange(20);
    let twice: Vec<_> = (0..20).flat_map(|number| [number; 2]).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, twice, "{numbers:?}");
    shaped.end();
}

#[test]
fn delay_of_both_directions_adds_up_and_keeps_the_order() {
    let shaped = Shaped::begin("delay=60ms");
    let begun = Instant::now();
    for number in 0..8 {
        shaped.peer.send(&numbered(number));
    }
    let first = shaped.peer.receive(begun + PATIENCE).expect("an echo");
    let taken = begun.elapsed();
    assert_eq!(super::number_in(&first), Some(0));
    assert!(taken >= Duration::from_millis(120), "{taken:?}");
    assert_eq!(echoes(&shaped.peer, QUIET), (1..8).collect::<Vec<_>>());
    shaped.end();
}

#[test]
fn reordered_packets_overtake_and_none_is_lost() {
    const COUNT: u32 = 100;
    let shaped = Shaped::begin("out.delay=30ms out.reorder=25% seed=3");
    let mut numbers = Vec::new();
    for some in (0..COUNT).collect::<Vec<_>>().chunks(10) {
        for number in some {
            shaped.peer.send(&numbered(*number));
        }
        while numbers.len() <= some[some.len() - 1] as usize {
            let message = shaped
                .peer
                .receive(Instant::now() + PATIENCE)
                .expect("an echo");
            numbers.extend(super::number_in(&message));
        }
    }
    assert!(!numbers.is_sorted(), "nothing overtook: {numbers:?}");
    numbers.sort_unstable();
    assert_eq!(numbers, (0..COUNT).collect::<Vec<_>>());
    shaped.end();
}

#[test]
fn corrupted_packets_do_not_pass_their_checksums() {
    let shaped = Shaped::begin("out.corrupt=100% seed=5");
    let mut broken = 0;
    for number in 0..50 {
        shaped.peer.send(&numbered(number));
        let deadline = Instant::now() + PATIENCE;
        let frame = shaped.peer.wire().receive(deadline).expect("a frame");
        let is_whole = frame.starts_with(&hardware_of(GATEWAY))
            && super::number_in(&peer::read(&frame)) == Some(number);
        broken += usize::from(!is_whole);
    }
    assert_eq!(broken, 50);
    shaped.end();
}

#[test]
fn a_rate_spreads_a_burst_over_time() {
    const COUNT: u32 = 12;
    const SIZE: usize = 1000;
    // 12 frames of 1042 bytes at 50,000 bytes a second take 250 ms.
    let shaped = Shaped::begin("out.rate=50K");
    let begun = Instant::now();
    for number in 0..COUNT {
        let payload = number.to_be_bytes().repeat(SIZE / 4);
        shaped
            .peer
            .send(&peer::udp((GATEWAY, PORT), ECHO, &payload));
    }
    let mut came = 0;
    while came < COUNT {
        let message = shaped.peer.receive(begun + PATIENCE).expect("an echo");
        assert_eq!(super::number_in(&message), Some(came));
        came += 1;
    }
    let taken = begun.elapsed();
    assert!(taken >= Duration::from_millis(150), "{taken:?}");
    shaped.end();
}

#[test]
fn packets_that_are_held_when_the_filter_is_taken_out_are_not_lost() {
    const COUNT: u32 = 8;
    let mut shaped = Shaped::begin("out.delay=10s");
    for number in 0..COUNT {
        shaped.peer.send(&numbered(number));
    }
    assert_eq!(echoes(&shaped.peer, QUIET), []);
    remove(&mut shaped.machine, &shaped.name);
    assert_eq!(echoes(&shaped.peer, QUIET), (0..COUNT).collect::<Vec<_>>());
    shaped.level.comes_back(&mut shaped.machine.console);
    shaped.machine.power_off();
}
