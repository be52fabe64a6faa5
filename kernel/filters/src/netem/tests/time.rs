//! Delay, jitter, reordering, rate and the limit, under a clock of the test's.

use std::vec::Vec;

use executive::{Duration, Instant};
use ndis::PacketPool;

use super::{Bench, numbered};
use crate::Direction;
use crate::intermediate::{PacketHandler, Path};
use crate::netem::MAXIMUM_HELD;

#[test]
fn a_delay_without_jitter_keeps_the_order() {
    let mut bench = Bench::new("delay=10ms");
    for number in 0..50 {
        bench.run_until(u64::from(number) * 100);
        bench.send(&numbered(number));
    }
    bench.run_until(100_000);
    let expected: Vec<_> = (0..50).map(|n| (u64::from(n) * 100 + 10_000, n)).collect();
    assert_eq!(bench.numbers(), expected);
    assert_eq!(bench.counters().delayed, 50);
    bench.assert_accounted();
}

#[test]
fn packets_due_at_the_same_time_keep_their_order() {
    let mut bench = Bench::new("delay=1ms");
    bench.send_numbered(0..100);
    bench.run_until(1_000);
    let numbers = bench.numbers();
    assert!(numbers.into_iter().eq((0..100).map(|n| (1_000, n))));
}

#[test]
fn jitter_stays_within_its_bounds_and_fills_them() {
    let mut bench = Bench::new("delay=10ms jitter=2ms seed=8");
    let mut delays = Vec::new();
    for number in 0..2_000 {
        let sent = u64::from(number) * 20_000;
        bench.run_until(sent);
        bench.send(&numbered(number));
        bench.run_until(sent + 19_999);
        delays.extend(bench.numbers().into_iter().map(|(when, _)| when - sent));
    }
    assert_eq!(delays.len(), 2_000);
    assert!(delays.iter().all(|delay| (8_000..=12_000).contains(delay)));
    assert!(delays.iter().any(|&delay| delay < 8_100));
    assert!(delays.iter().any(|&delay| delay > 11_900));
    let mean = delays.iter().sum::<u64>() / 2_000;
    assert!((9_900..=10_100).contains(&mean), "{mean}");
}

#[test]
fn jitter_longer_than_the_delay_never_goes_below_zero() {
    let mut bench = Bench::new("delay=1ms jitter=5ms seed=8");
    bench.send_numbered(0..100);
    let at_once = bench.numbers().len();
    assert!((20..60).contains(&at_once), "{at_once}");
    bench.run_until(6_000);
    assert_eq!(bench.numbers().len(), 100 - at_once);
}

#[test]
fn jitter_lets_packets_overtake() {
    let mut bench = Bench::new("delay=10ms jitter=5ms seed=1");
    bench.send_numbered(0..100);
    bench.run_until(20_000);
    let numbers = bench.numbers();
    assert_eq!(numbers.len(), 100);
    assert!(numbers.is_sorted_by_key(|&(when, _)| when));
    assert!(!numbers.is_sorted_by_key(|&(_, number)| number));
}

#[test]
fn a_reordered_packet_goes_at_once() {
    let mut bench = Bench::new("delay=10ms reorder=25% seed=4 limit=256");
    bench.send_numbered(0..200);
    let early = bench.numbers();
    assert_eq!(early.len() as u64, bench.counters().reordered);
    assert!((30..70).contains(&early.len()), "{}", early.len());
    bench.run_until(10_000);
    let late = bench.numbers();
    assert_eq!(early.len() + late.len(), 200);
    assert!(late.iter().all(|&(when, _)| when == 10_000));
    let overtaken = early.last().expect("an early one").1 > late.first().expect("a late one").1;
    assert!(overtaken);
    bench.assert_accounted();
}

#[test]
fn a_rate_is_kept_to_the_byte() {
    // 10 frames of 1,000 bytes at 1,000,000 bytes a second: one each millisecond.
    let mut bench = Bench::new("rate=1M");
    for _ in 0..10 {
        bench.send(&[7; 1000]);
    }
    bench.run_until(20_000);
    let times: Vec<u64> = bench.numbers().into_iter().map(|(when, _)| when).collect();
    assert!(times.into_iter().eq((1..=10).map(|frame| frame * 1_000)));
    // At 7 bytes a microsecond less one a second, the last byte of 100 frames leaves in time.
    let mut bench = Bench::new("rate=6999999");
    for _ in 0..100 {
        bench.send(&[7; 1514]);
    }
    bench.run_until(1_000_000);
    let last = bench.numbers().last().expect("a frame").0;
    assert_eq!(last, (151_400_u64 * 1_000_000).div_ceil(6_999_999));
}

#[test]
fn a_rate_above_what_comes_delays_by_the_serialization_only() {
    let mut bench = Bench::new("rate=1M");
    for frame in 0..20 {
        bench.run_until(frame * 2_000);
        bench.send(&[0; 500]);
        bench.run_until(frame * 2_000 + 500);
        assert_eq!(bench.numbers(), [(frame * 2_000 + 500, 0)]);
    }
}

#[test]
fn delay_and_waiting_for_the_line_overlap() {
    // As in sch_netem: the line begins with a packet once its delay is over, not before.
    let mut bench = Bench::new("rate=60K delay=10ms");
    bench.send_numbered(0..3);
    bench.run_until(100_000);
    assert_eq!(bench.numbers(), [(11_000, 0), (12_000, 1), (13_000, 2)]);
}

#[test]
fn a_rate_keeps_the_order_in_spite_of_jitter() {
    let mut bench = Bench::new("rate=60K delay=10ms jitter=5ms");
    bench.send_numbered(0..100);
    bench.run_until(1_000_000);
    let numbers = bench.numbers();
    assert!(numbers.into_iter().map(|(_, number)| number).eq(0..100));
}

#[test]
fn directions_have_a_line_each() {
    let mut bench = Bench::new("rate=60K");
    bench.give(Direction::Out, &numbered(1));
    bench.give(Direction::In, &numbered(2));
    bench.run_until(1_000);
    assert_eq!(bench.numbers(), [(1_000, 1), (1_000, 2)]);
}

#[test]
fn the_limit_bounds_what_is_held_in_each_direction() {
    let mut bench = Bench::new("delay=1ms limit=10");
    bench.send_numbered(0..25);
    bench.give(Direction::In, &numbered(99));
    assert_eq!(bench.netem.held(Direction::Out), 10);
    assert_eq!(bench.netem.held(Direction::In), 1);
    assert_eq!(bench.counters().over_limit, 15);
    bench.assert_accounted();
    bench.run_until(1_000);
    let numbers: Vec<u32> = bench.numbers().into_iter().map(|(_, n)| n).collect();
    assert!(numbers.into_iter().eq((0..10).chain([99])));
}

#[test]
fn what_is_over_the_limit_takes_no_time_on_the_line() {
    let mut bench = Bench::new("rate=60K limit=2");
    bench.send_numbered(0..100);
    bench.run_until(2_000);
    assert_eq!(bench.numbers(), [(1_000, 0), (2_000, 1)]);
    bench.send(&numbered(100));
    bench.run_until(3_000);
    assert_eq!(bench.numbers(), [(3_000, 100)]);
}

#[test]
fn as_much_as_ever_can_be_held_is_held() {
    let mut bench = Bench::new("delay=1ms limit=256");
    for number in 0..300 {
        bench.give(Direction::Out, &numbered(number));
        bench.give(Direction::In, &numbered(number));
    }
    assert_eq!(bench.netem.held(Direction::Out), MAXIMUM_HELD);
    assert_eq!(bench.netem.held(Direction::In), MAXIMUM_HELD);
    bench.run_until(1_000);
    assert_eq!(bench.numbers().len(), 2 * MAXIMUM_HELD);
    bench.assert_accounted();
}

#[test]
fn a_quarter_of_the_pool_is_left_to_others() {
    let mut bench = Bench::with_pool("delay=1ms limit=256", PacketPool::new(16, 64));
    bench.send_numbered(0..20);
    // One more than three quarters: the packet that comes has been taken from the pool too.
    assert_eq!(bench.netem.held(Direction::Out), 12);
    assert_eq!(bench.counters().pool_short, 8);
    bench.assert_accounted();
    bench.run_until(1_000);
    assert_eq!(bench.numbers().len(), 12);
    // The same of the buffers, of which a large packet has several.
    let mut bench = Bench::with_pool("delay=1ms limit=256", PacketPool::new(64, 16));
    for _ in 0..5 {
        bench.send(&[0; 3 * ndis::packet::BUFFER_SIZE]);
    }
    assert_eq!(bench.netem.held(Direction::Out), 4);
    assert_eq!(bench.counters().pool_short, 1);
}

#[test]
fn what_is_not_held_passes_however_short_the_pool_is() {
    let pool = PacketPool::new(4, 4);
    let _others: Vec<_> = (0..3).filter_map(|_| pool.allocate(0)).collect();
    let mut bench = Bench::with_pool("corrupt=100%", pool);
    bench.send_numbered(0..1);
    assert_eq!(bench.counters().passed, 1);
}

#[test]
fn held_packets_keep_their_time_when_settings_change() {
    let mut bench = Bench::new("delay=10ms");
    bench.send(&numbered(0));
    bench.set("delay=2ms loss=100%");
    bench.send(&numbered(1));
    bench.set("loss=0%");
    bench.send(&numbered(2));
    bench.set("off");
    bench.send(&numbered(3));
    bench.run_until(50_000);
    assert_eq!(bench.numbers(), [(0, 3), (2_000, 2), (10_000, 0)]);
    bench.assert_accounted();
}

#[test]
fn flush_passes_everything_held_in_due_order() {
    let mut bench = Bench::new("out.delay=5ms in.delay=3ms");
    bench.give(Direction::Out, &numbered(0));
    bench.give(Direction::In, &numbered(1));
    bench.set("out.delay=1ms");
    bench.give(Direction::Out, &numbered(2));
    bench.recorder.flush(&mut bench.netem);
    assert_eq!(bench.numbers(), [(0, 2), (0, 1), (0, 0)]);
    assert!(bench.netem.held.is_empty());
    bench.assert_accounted();
}

#[test]
fn a_timer_from_before_a_flush_is_not_waited_for() {
    let mut bench = Bench::new("delay=10ms");
    bench.send(&numbered(0));
    bench.recorder.flush(&mut bench.netem);
    bench.recorder.cancel_timer();
    bench.set("delay=20ms");
    bench.send(&numbered(1));
    bench.run_until(20_000);
    assert_eq!(bench.numbers(), [(0, 0), (20_000, 1)]);
}

#[test]
fn a_later_tick_passes_everything_due_in_order() {
    let mut bench = Bench::new("delay=100us");
    for number in 0..10 {
        bench.recorder.advance(Duration::from_micros(30));
        bench.netem.send(
            bench.recorder.packet(&numbered(number)),
            &mut Path::new(&mut bench.recorder),
        );
    }
    // The tick comes late: those that were due went on with the packets that came.
    assert_eq!(bench.numbers().len(), 6);
    bench.recorder.advance(Duration::from_millis(1));
    bench.netem.timer(&mut Path::new(&mut bench.recorder));
    let rest: Vec<u32> = bench.numbers().into_iter().map(|(_, n)| n).collect();
    assert_eq!(rest, [6, 7, 8, 9]);
}

#[test]
fn after_off_a_packet_still_waits_for_those_that_are_due() {
    let mut bench = Bench::new("delay=1ms");
    bench.send(&numbered(0));
    bench.recorder.advance(Duration::from_millis(2));
    bench.set("off");
    bench.send(&numbered(1));
    assert_eq!(bench.numbers(), [(2_000, 0), (2_000, 1)]);
}

#[test]
fn a_timer_that_comes_early_is_set_again() {
    let mut bench = Bench::new("delay=5ms");
    bench.send(&numbered(0));
    bench.recorder.advance(Duration::from_millis(2));
    bench.recorder.cancel_timer();
    bench.netem.timer(&mut Path::new(&mut bench.recorder));
    assert_eq!(bench.numbers(), []);
    let due = bench.start + Duration::from_millis(5);
    assert_eq!(bench.recorder.due(), Some(due));
}

#[test]
fn a_cancelled_timer_does_not_hold_packets_back() {
    let mut bench = Bench::new("delay=5ms");
    bench.send(&numbered(0));
    bench.recorder.cancel_timer();
    bench.recorder.advance(Duration::from_millis(6));
    bench.send(&numbered(1));
    assert_eq!(bench.numbers(), [(6_000, 0)]);
    bench.run_until(11_000);
    assert_eq!(bench.numbers(), [(11_000, 1)]);
}

#[test]
fn the_timer_is_set_for_the_earliest() {
    let mut bench = Bench::new("delay=10ms");
    bench.send(&numbered(0));
    bench.set("delay=20ms");
    bench.send(&numbered(1));
    let at = |millis| Some(Instant::from_secs(1) + Duration::from_millis(millis));
    assert_eq!(bench.recorder.due(), at(10));
    bench.set("delay=5ms");
    bench.send(&numbered(2));
    assert_eq!(bench.recorder.due(), at(5));
}

#[test]
fn off_costs_no_clock_and_no_timer() {
    let mut bench = Bench::new("off");
    bench.send_numbered(0..3);
    assert_eq!(bench.numbers(), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(bench.recorder.due(), None);
}
