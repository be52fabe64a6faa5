//! Filters on top of each other, put in and taken out while packets are on their way.

use super::{add, number_in, numbered, remove, told};
use crate::balance;
use crate::quiet::Level;
use crate::wire::boot;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::PATIENCE;
use tests::machine::{Machine, Options};
use tests::meanwhile::meanwhile;
use tests::peer::Peer;
use tests::report::{Counters, Table};

/// Datagrams on their way at a time.
const ON_THEIR_WAY: usize = 8;

/// Sends numbered datagrams until it is done, some of them on their way at a time, and checks that each comes back once and in its turn.
/// Counts those that have.
#[track_caller]
fn stream(peer: &Peer, done: &AtomicBool, answered: &AtomicU64) {
    let mut expected = VecDeque::new();
    let mut next = 0;
    while !done.load(Ordering::Relaxed) || !expected.is_empty() {
        while !done.load(Ordering::Relaxed) && expected.len() < ON_THEIR_WAY {
            peer.send(&numbered(next));
            expected.push_back(next);
            next += 1;
        }
        let message = peer.receive(Instant::now() + PATIENCE);
        let Some(message) = message else {
            panic!("lost: {expected:?} of {next}")
        };
        if let Some(number) = number_in(&message) {
            let wanted = expected.pop_front();
            assert_eq!(Some(number), wanted, "doubled or out of order, of {next}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A machine through which a stream runs.
struct Streaming<'a> {
    machine: &'a mut Machine,
    answered: &'a AtomicU64,
}

impl Streaming<'_> {
    /// Waits until what is on its way has come through, and as much again.
    #[track_caller]
    fn flows(&self) {
        let wanted = self.answered.load(Ordering::Relaxed) + 2 * ON_THEIR_WAY as u64;
        let deadline = Instant::now() + PATIENCE;
        while self.answered.load(Ordering::Relaxed) < wanted {
            assert!(Instant::now() < deadline, "the stream has come to a halt");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    #[track_caller]
    fn add(&mut self, kind: &str) -> String {
        let name = add(self.machine, kind);
        self.flows();
        name
    }

    #[track_caller]
    fn remove(&mut self, name: &str) {
        remove(self.machine, name);
        self.flows();
    }
}

/// Runs a stream while something is done with the machine, and checks that nothing is left behind.
#[track_caller]
fn undisturbed(mut machine: Machine, peer: Peer, disturb: impl FnOnce(&mut Streaming<'_>)) {
    let level = Level::of(&mut machine.console);
    let before = Counters::read(&mut machine.console);
    let answered = AtomicU64::new(0);
    let count = &answered;
    meanwhile(
        move |done| stream(&peer, done, count),
        || {
            disturb(&mut Streaming {
                machine: &mut machine,
                answered: count,
            });
        },
    );
    level.comes_back(&mut machine.console);
    let grown = balance::holds(&mut machine.console, &before);
    let answers = grown.get("task.echo.answers");
    assert_eq!(answers, answered.into_inner(), "{grown:?}");
    machine.power_off();
}

#[test]
fn seed_58_filters_come_and_go_and_no_packet_is_lost_doubled_or_late() {
    const ROUNDS: usize = 20;
    let (machine, peer) = boot();
    undisturbed(machine, peer, |streaming| {
        for _ in 0..ROUNDS {
            for kind in ["capture", "netem", "firewall"] {
                let name = streaming.add(kind);
                streaming.remove(&name);
            }
        }
    });
}

#[test]
fn seed_58_a_stack_of_filters_is_built_and_taken_down_in_any_order() {
    const ROUNDS: usize = 8;
    let (machine, peer) = boot();
    undisturbed(machine, peer, |streaming| {
        for round in 0..ROUNDS {
            let mut names: Vec<_> = ["capture", "firewall", "netem", "capture"]
                .iter()
                .map(|kind| streaming.add(kind))
                .collect();
            // From the top, from the bottom, and the middle first.
            match round % 3 {
                0 => names.reverse(),
                1 => {}
                _ => names.rotate_left(2),
            }
            for name in &names {
                streaming.remove(name);
            }
        }
    });
}

#[test]
fn the_configuration_stacks_filters_at_the_start() {
    let mut machine = Options::new()
        .wire()
        .append("Ne2000.Filters=capture,netem,firewall")
        .boot();
    let peer = Peer::new(machine.take_wire());
    peer.ping();
    let filters = Table::read(&mut machine.console, "filter list");
    for (name, below) in [
        ("capture1", "Ne2000"),
        ("netem1", "capture1"),
        ("firewall1", "netem1"),
    ] {
        assert_eq!(
            filters.find("NAME", name, "ABOVE"),
            Some(below),
            "{filters:?}"
        );
        assert_eq!(
            filters.find("NAME", name, "STATE"),
            Some("running"),
            "{filters:?}"
        );
    }
    let stack = machine.console.command("ndis");
    assert!(
        stack.contains(&"Ne2000 < capture1 < netem1 < firewall1".to_owned()),
        "{stack:#?}"
    );
    undisturbed(machine, peer, |streaming| {
        for name in ["netem1", "capture1", "firewall1"] {
            streaming.remove(name);
        }
    });
}

#[test]
fn a_card_that_is_reset_keeps_its_filters() {
    let (mut machine, peer) = boot();
    let name = add(&mut machine, "firewall");
    told(
        &mut machine.console,
        &format!("filter rules {name} add drop in udp dport 7"),
    );
    told(&mut machine.console, "nic reset");
    assert!(!super::is_echoed(&peer));
    peer.ping();
    remove(&mut machine, &name);
    assert!(super::is_echoed(&peer));
    machine.power_off();
}

#[test]
fn what_is_wrong_about_a_filter_is_told() {
    let (mut machine, peer) = boot();
    for command in [
        "filter add",
        "filter add nothing",
        "filter add capture above nothing",
        "filter remove",
        "filter remove nothing",
        "filter remove capture1",
        "filter set netem1",
        "filter set netem1 loss=101%",
        "filter rules firewall1 add allow everything",
        "capture filter port",
    ] {
        let lines = machine.console.command(command);
        assert!(
            lines
                .first()
                .is_some_and(|line| line.starts_with("error: ")),
            "`{command}`: {lines:#?}"
        );
    }
    // There are two of each kind; a third is refused.
    let names = [add(&mut machine, "netem"), add(&mut machine, "netem")];
    let third = machine.console.command("filter add netem");
    assert!(
        third.iter().any(|line| line.starts_with("error: ")),
        "{third:#?}"
    );
    for name in &names {
        remove(&mut machine, name);
    }
    peer.ping();
    machine.power_off();
}
