//! Random scripts of packets, settings, time and flushes.

use executive::Duration;
use ndis::PacketPool;
use proptest::prelude::*;

use super::{Bench, numbered};
use crate::Direction;

#[derive(Clone, Debug)]
enum Step {
    Give(Direction, usize),
    Set(&'static str),
    /// Moves the clock, with the timer.
    Run(u64),
    /// Moves the clock; the timer is late.
    Advance(u64),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    const SETTINGS: [&str; 10] = [
        "off",
        "loss=30% duplicate=30%",
        "corrupt=50%",
        "delay=2ms jitter=3ms",
        "out.rate=100K in.rate=3M",
        "rate=none delay=0 reorder=0%",
        "delay=1ms reorder=40%",
        "limit=3",
        "limit=256",
        "seed=7",
    ];
    let direction = prop::sample::select(&[Direction::Out, Direction::In][..]);
    prop_oneof![
        6 => (direction, 0..200_usize).prop_map(|(way, length)| Step::Give(way, length)),
        2 => prop::sample::select(&SETTINGS[..]).prop_map(Step::Set),
        2 => (0..4_000_u64).prop_map(Step::Run),
        1 => (0..4_000_u64).prop_map(Step::Advance),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    #[test]
    fn every_packet_is_accounted_for_whatever_happens(
        steps in prop::collection::vec(step(), 0..120),
        packets in 2..64_usize,
    ) {
        let pool = PacketPool::new(packets, packets);
        let mut bench = Bench::with_pool("off", pool);
        let mut passed = 0;
        for step in steps {
            match step {
                Step::Give(direction, length) => {
                    // One that the pool still has.
                    if pool.usage().packets.used < pool.usage().packets.size
                        && pool.usage().buffers.used < pool.usage().buffers.size
                    {
                        bench.give(direction, &[1; 200][..length]);
                    }
                }
                Step::Set(settings) => {
                    // Reordering without delay is refused.
                    let _ = bench.netem.set(settings);
                }
                Step::Run(micros) => {
                    let until = bench.recorder.now() + Duration::from_micros(micros);
                    bench.recorder.run_until(&mut bench.netem, until);
                    // Nothing is held that is due.
                    prop_assert!(bench.netem.held.next_due().is_none_or(|due| due > until));
                }
                Step::Advance(micros) => bench.recorder.advance(Duration::from_micros(micros)),
                Step::Flush => {
                    bench.recorder.flush(&mut bench.netem);
                    prop_assert!(bench.netem.held.is_empty());
                }
            }
            let taken = bench.recorder.take();
            prop_assert!(taken.is_sorted_by_key(|(when, ..)| *when));
            passed += taken.len() as u64;
            bench.assert_accounted();
        }
        bench.recorder.flush(&mut bench.netem);
        passed += bench.recorder.take().len() as u64;
        let counted = [Direction::Out, Direction::In]
            .map(|direction| bench.netem.direction_counters(direction).passed);
        prop_assert_eq!(counted[0] + counted[1], passed);
        prop_assert_eq!(pool.usage().packets.used, 0);
        prop_assert_eq!(pool.usage().buffers.used, 0);
    }

    /// Neither delay nor rate alone changes the order of what goes one way.
    #[test]
    fn delay_and_rate_without_jitter_keep_the_order(
        settings in prop::sample::select(
            &["delay=3ms", "rate=50K", "delay=2ms rate=50K", "delay=1ms loss=20%"][..]
        ),
        pauses in prop::collection::vec((0..3_000_u64, any::<bool>()), 1..60),
    ) {
        let mut bench = Bench::new(settings);
        let mut numbers = std::vec::Vec::new();
        for (number, (pause, late)) in (0..).zip(pauses) {
            if late {
                bench.recorder.advance(Duration::from_micros(pause));
            } else {
                let until = bench.recorder.now() + Duration::from_micros(pause);
                bench.recorder.run_until(&mut bench.netem, until);
            }
            bench.send(&numbered(number));
            numbers.extend(bench.numbers().into_iter().map(|(_, number)| number));
        }
        bench.recorder.flush(&mut bench.netem);
        numbers.extend(bench.numbers().into_iter().map(|(_, number)| number));
        prop_assert!(numbers.is_sorted());
    }
}
