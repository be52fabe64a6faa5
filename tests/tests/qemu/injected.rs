//! A million frames that no host should send, into the running kernel: none brings it down, each is counted once, and nothing is left behind.

use crate::balance;
use crate::quiet::Level;
use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::time::{Duration, Instant};
use tests::attendant::Attendant;
use tests::hostile::Hostile;
use tests::machine::{Machine, Options};
use tests::peer::{BROADCAST, GATEWAY, GUEST_HARDWARE};
use tests::report::{Counters, Growth};
use tests::services::ECHO;

/// Environment variables: where the sequence starts, and how many frames.
const SEED: &str = "INJECTED_SEED";
const FRAMES: &str = "INJECTED_FRAMES";
const DEFAULT_SEED: u64 = 1;
const DEFAULT_FRAMES: usize = 1_000_000;

/// Pages of 256 bytes of the card's ring that are filled before the guest gets time to empty it. It has 116; QEMU drops frames once less than
/// the longest frame is free.
const PAGES_AT_A_TIME: usize = 96;
/// Frames that the stack's queue takes, with some room.
const FRAMES_AT_A_TIME: usize = 48;

fn number<T: FromStr<Err: Display>>(variable: &str, default: T) -> T {
    let Ok(text) = env::var(variable) else {
        return default;
    };
    text.parse()
        .unwrap_or_else(|error| panic!("{variable}={text}: {error}"))
}

struct Injection {
    machine: Machine,
    attendant: Attendant,
    level: Level,
    before: Counters,
}

impl Injection {
    fn begin() -> Self {
        let mut machine = Options::new().wire().unrecorded().boot();
        // Of the hosts that the guest asks for, every other one is there.
        let attendant = Attendant::new(machine.take_wire(), |host| host.octets()[3] % 2 == 1);
        attendant.ping();
        let level = Level::of(&mut machine.console);
        let before = Counters::read(&mut machine.console);
        Self {
            machine,
            attendant,
            level,
            before,
        }
    }

    /// By how much the counters have grown.
    fn since_begin(&mut self) -> Growth {
        Counters::read(&mut self.machine.console).since(&self.before)
    }

    /// Checks that the guest is as it was before, and that each frame is accounted for.
    fn end(mut self) {
        self.attendant.ping_until_answered();
        self.level.comes_back(&mut self.machine.console);
        balance::holds(&mut self.machine.console, &self.before);
        self.echoes();
        assert_eq!(self.attendant.strange(), [""; 0], "frames of the guest");
        self.machine.power_off();
    }

    /// The tasks still answer: by ping and by datagram.
    fn echoes(&mut self) {
        let before = Counters::read(&mut self.machine.console);
        for number in 0..100_u8 {
            let frame = tests::peer::udp((GATEWAY, 4000), ECHO, &[number; 100]);
            self.attendant.wire().send(&frame);
            self.attendant.ping();
        }
        Counters::grown_until(&mut self.machine.console, &before, |grown| {
            grown.get("task.echo.answers") == 100
        });
    }
}

#[test]
fn a_million_hostile_frames_are_survived_and_accounted_for() {
    let (seed, count) = (number(SEED, DEFAULT_SEED), number(FRAMES, DEFAULT_FRAMES));
    println!("{SEED}={seed} {FRAMES}={count}");
    let mut injection = Injection::begin();
    let mut hostile = Hostile::new(seed);
    let pings = injection.attendant.pings();
    let (mut pages, mut frames) = (0, 0);
    let (mut for_guest, mut uncertain) = (0, 0);
    for _ in 0..count {
        let frame = hostile.frame();
        pages += (frame.len() + 4).div_ceil(256);
        frames += 1;
        for_guest += u64::from(is_for_guest(&frame));
        uncertain += u64::from(is_uncertain(&frame));
        injection.attendant.wire().send(&frame);
        if pages >= PAGES_AT_A_TIME || frames == FRAMES_AT_A_TIME {
            injection.attendant.ping();
            (pages, frames) = (0, 0);
        }
    }
    injection.attendant.ping();
    for_guest += injection.attendant.pings() - pings;
    let grown = injection.since_begin();
    let received = grown.sum("ne2000.*.frames_received");
    assert!(
        (for_guest..=for_guest + uncertain).contains(&received),
        "{received} frames received, {for_guest} were for the guest and {uncertain} perhaps"
    );
    injection.end();
}

/// Whether the card takes the frame.
fn is_for_guest(frame: &[u8]) -> bool {
    frame.starts_with(&GUEST_HARDWARE) || frame.starts_with(&BROADCAST)
}

/// Whether it depends on more than the frame that the card takes it: on the list of groups, or, where a frame ends in the middle of its
/// destination, on the frame before it, whose bytes QEMU looks at.
fn is_uncertain(frame: &[u8]) -> bool {
    frame.len() < GUEST_HARDWARE.len() || (frame[0] & 1 != 0 && !frame.starts_with(&BROADCAST))
}

#[test]
fn hostile_frames_faster_than_the_card_are_lost_in_part_and_accounted_for() {
    let seed = number(SEED, DEFAULT_SEED).wrapping_add(1);
    println!("{SEED}={}", seed.wrapping_sub(1));
    let mut injection = Injection::begin();
    let mut hostile = Hostile::new(seed);
    let until = Instant::now() + Duration::from_secs(5);
    let mut sent = 0_u64;
    while Instant::now() < until {
        injection.attendant.wire().send(&hostile.frame());
        sent += 1;
    }
    injection.attendant.ping_until_answered();
    let received = injection.since_begin().sum("ne2000.*.frames_received");
    assert!(received < sent, "all {sent} frames were taken");
    injection.end();
}
