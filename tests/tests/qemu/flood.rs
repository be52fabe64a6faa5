//! More frames than the guest can take, for half a minute: the console stays quick and every task gets its turn.

use crate::balance;
use crate::quiet::Level;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::attendant::Attendant;
use tests::hostile::Hostile;
use tests::machine::{Machine, Options};
use tests::meanwhile::meanwhile;
use tests::peer::{self, GATEWAY};
use tests::report::{Counters, Growth, Table, number_after};
use tests::services::DISCARD;
use tests::starvation::own_wait;
use tests::wire::Wire;

/// How long a flood lasts that could keep the processor busy with interrupts alone, and how long any other.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(10);
/// The console answers within this time.
const SOON: Duration = Duration::from_millis(100);
/// Between two questions to the console.
const PAUSE: Duration = Duration::from_millis(50);
/// What one interrupt is good for at least: far less than it is, far more than one.
const FRAMES_PER_INTERRUPT: u64 = 4;
/// Payload of the shortest and the longest frame.
const SHORTEST: usize = 18;
const LONGEST: usize = 1472;

#[test]
fn a_flood_of_the_shortest_frames() {
    survives(LONG, &[discard(SHORTEST)]);
}

#[test]
fn a_flood_of_the_longest_frames() {
    survives(SHORT, &[discard(LONGEST)]);
}

#[test]
fn a_flood_of_hostile_frames() {
    let mut hostile = Hostile::new(7);
    let mut frames = vec![discard(SHORTEST); 100];
    frames.extend((0..5_000).map(|_| hostile.frame()));
    survives(SHORT, &frames);
}

fn discard(payload: usize) -> Vec<u8> {
    peer::udp((GATEWAY, 4000), DISCARD, &vec![0x55; payload])
}

/// What the console took for its answers.
#[derive(Debug, Default)]
struct Answers {
    count: usize,
    slowest: Duration,
    /// Too late, but no later than the host kept the machine waiting.
    unknown: usize,
    late: Vec<(Duration, Duration)>,
}

/// Floods the guest with these frames in turn, looks after its console and tasks meanwhile, and checks that nothing of it is left afterwards.
#[track_caller]
fn survives(lasts: Duration, frames: &[Vec<u8>]) {
    let mut machine = Options::new().wire().unrecorded().alone().boot();
    let attendant = Attendant::new(machine.take_wire(), |_| false);
    attendant.ping();
    let level = Level::of(&mut machine.console);
    let before = Counters::read(&mut machine.console);
    let sent = AtomicU64::new(0);
    let wire = attendant.wire().share();
    let answers = meanwhile(
        |done| flood(&wire, frames, &sent, done),
        || look_after(&mut machine, lasts),
    );
    attendant.ping_until_answered();
    level.comes_back(&mut machine.console);
    let shown = Counters::read_layer(&mut machine.console, "ndis")
        .get("ndis.Ne2000.frames_per_interrupt_hundredths");
    assert!(shown >= 100 * FRAMES_PER_INTERRUPT, "shown: {shown} / 100");
    let grown = balance::holds(&mut machine.console, &before);
    let sent = sent.into_inner();
    println!("{sent} frames sent, {answers:?}");
    assert!(
        answers.late.is_empty(),
        "the console took too long (time, of which the host's): {answers:#?}"
    );
    many_frames_per_interrupt(&grown);
    machine.power_off();
}

fn flood(wire: &Wire, frames: &[Vec<u8>], sent: &AtomicU64, done: &AtomicBool) {
    for frame in frames.iter().cycle() {
        if done.load(Ordering::Relaxed) || wire.try_send(frame).is_err() {
            return;
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// Asks the console again and again, and checks that a task of normal priority gets on between the questions, and the card, too.
fn look_after(machine: &mut Machine, lasts: Duration) -> Answers {
    let mut answers = Answers::default();
    let command = format!("bench task {}", lasts.as_secs() + 10);
    machine.console.command(&command);
    let started = Instant::now();
    let mut last = progress(machine);
    let mut looked = Instant::now();
    while started.elapsed() < lasts {
        ask(machine, &mut answers);
        if looked.elapsed() >= Duration::from_secs(1) {
            let now = progress(machine);
            assert!(
                now.iter().zip(&last).all(|(now, last)| now > last),
                "no progress in {:?}: {last:?} {now:?}",
                looked.elapsed()
            );
            last = now;
            looked = Instant::now();
        }
        std::thread::sleep(PAUSE);
    }
    answers
}

/// One question, whose answer takes no time of its own.
fn ask(machine: &mut Machine, answers: &mut Answers) {
    let starvation = machine.starvation();
    machine.console.wait_for_prompt();
    let waited = starvation.waited() + own_wait();
    let asked = Instant::now();
    machine.console.command("uptime");
    let taken = asked.elapsed();
    let starved = (starvation.waited() + own_wait()).saturating_sub(waited);
    answers.count += 1;
    answers.slowest = answers.slowest.max(taken);
    if taken > SOON + starved {
        answers.late.push((taken, starved));
    } else if taken > SOON {
        answers.unknown += 1;
    }
}

/// Rounds of a task that only counts, at normal priority; datagrams of the discard task and its processor time; frames that the card
/// delivered.
#[track_caller]
fn progress(machine: &mut Machine) -> [u64; 4] {
    let console = &mut machine.console;
    let counting = console.command("bench task");
    let rounds = counting
        .iter()
        .find_map(|line| number_after(line, "rounds"));
    let rounds = rounds.unwrap_or_else(|| panic!("no rounds: {counting:#?}"));
    let datagrams = Counters::read_layer(console, "task").get("task.discard.datagrams");
    let frames = Counters::read_layer(console, "ne2000").since(&Counters::default());
    let threads = Table::read(console, "threads");
    let time = threads
        .find("NAME", "discard", "CPU-US")
        .and_then(|time| time.parse().ok());
    [
        rounds,
        datagrams,
        frames.sum("ne2000.*.frames_received"),
        time.expect("the discard task"),
    ]
}

#[track_caller]
fn many_frames_per_interrupt(grown: &Growth) {
    let (frames, interrupts) = (
        grown.sum("ndis.*.frames_received"),
        grown.sum("ndis.*.interrupts"),
    );
    assert!(
        frames >= FRAMES_PER_INTERRUPT * interrupts,
        "{frames} frames with {interrupts} interrupts: {grown:?}"
    );
}
