//! Loss, duplication and corruption with fixed seeds.

use std::collections::BTreeSet;
use std::vec::Vec;

use executive::Instant;
use ndis::{PacketFlags, PacketPool};

use super::{Bench, numbered};
use crate::Direction;
use crate::intermediate::{PacketHandler, Path};
use crate::netem::flip_a_bit;
use crate::netem::random::Random;

/// Runs 10,000 numbered frames through netem.
fn ten_thousand(settings: &str) -> (Bench, Vec<u32>) {
    let mut bench = Bench::new(settings);
    let mut numbers = Vec::new();
    for number in 0..10_000 {
        bench.send(&numbered(number));
        numbers.extend(bench.numbers().into_iter().map(|(_, number)| number));
    }
    bench.assert_accounted();
    (bench, numbers)
}

/// Within four standard deviations of what `probability` gives for 10,000 tries.
fn assert_probable(count: u64, probability: f64) {
    let expected = 10_000.0 * probability;
    let deviation = (10_000.0 * probability * (1.0 - probability)).sqrt();
    #[expect(clippy::cast_precision_loss, reason = "counts up to 10,000")]
    let off = (count as f64 - expected).abs();
    assert!(off <= 4.0 * deviation, "{count} instead of {expected}");
    assert!(count != 0);
}

#[test]
fn ten_percent_of_ten_thousand_are_lost() {
    for seed in 0..5 {
        let (bench, numbers) = ten_thousand(&std::format!("loss=10% seed={seed}"));
        assert_probable(bench.counters().lost, 0.1);
        assert_eq!(numbers.len() as u64, 10_000 - bench.counters().lost);
        assert!(numbers.is_sorted());
    }
}

#[test]
fn five_percent_of_ten_thousand_come_twice() {
    let (bench, numbers) = ten_thousand("duplicate=5% seed=3");
    let distinct: BTreeSet<_> = numbers.iter().collect();
    assert_eq!(distinct.len(), 10_000);
    assert_probable(bench.counters().duplicated, 0.05);
    assert_eq!(numbers.len() as u64, 10_000 + bench.counters().duplicated);
}

#[test]
fn a_copy_is_not_duplicated_again_but_may_be_lost() {
    let (bench, numbers) = ten_thousand("duplicate=100% seed=3");
    assert_eq!(numbers.len(), 20_000);
    assert_eq!(bench.counters().duplicated, 10_000);
    let (bench, numbers) = ten_thousand("duplicate=100% loss=10% seed=3");
    // One chosen for both passes once, else the copy is lost in one of ten cases.
    let passed = 10_000.0 * (0.1 + 0.9 * 1.9);
    #[expect(clippy::cast_precision_loss, reason = "counts up to 20,000")]
    let off = (numbers.len() as f64 - passed).abs();
    assert!(off < 200.0, "{} of {passed}", numbers.len());
    assert_eq!(bench.counters().passed, numbers.len() as u64);
}

#[test]
fn loss_and_duplication_of_the_same_packet_pass_it_once() {
    let (bench, numbers) = ten_thousand("duplicate=100% loss=100%");
    assert!(numbers.into_iter().eq(0..10_000));
    assert_eq!(bench.counters().lost, 10_000);
    assert_eq!(bench.counters().duplicated, 10_000);
}

#[test]
fn everything_is_lost_at_one_hundred_percent_and_nothing_at_zero() {
    let (_, numbers) = ten_thousand("loss=100%");
    assert_eq!(numbers, []);
    let (bench, numbers) = ten_thousand("loss=0%");
    assert!(numbers.into_iter().eq(0..10_000));
    assert_eq!(bench.counters().passed, 10_000);
}

#[test]
fn one_bit_of_a_corrupted_packet_is_flipped() {
    let mut bench = Bench::new("corrupt=3% seed=11");
    let frame: Vec<u8> = (0..250).collect();
    let mut positions = BTreeSet::new();
    for _ in 0..10_000 {
        bench.send(&frame);
        for came in bench.frames() {
            assert_eq!(came.len(), frame.len());
            let flipped: Vec<(usize, u8)> = came
                .iter()
                .zip(&frame)
                .enumerate()
                .filter(|(_, (came, sent))| came != sent)
                .map(|(position, (came, sent))| (position, came ^ sent))
                .collect();
            if let [(position, bits)] = flipped[..] {
                assert_eq!(bits.count_ones(), 1);
                positions.insert((position, bits));
            } else {
                assert_eq!(flipped, []);
            }
        }
    }
    assert_probable(bench.counters().corrupted, 0.03);
    // 300 flips of 2,000 bits hardly ever hit a bit twice.
    assert!(positions.len() as u64 > bench.counters().corrupted * 8 / 10);
}

#[test]
fn shared_bytes_are_never_corrupted() {
    let mut bench = Bench::new("corrupt=100% seed=1");
    for length in [1, 60, 1514, 5000] {
        let frame: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let packet = bench.recorder.packet(&frame);
        let shared = packet.share().expect("a packet");
        let path = &mut Path::new(&mut bench.recorder);
        bench.netem.receive(packet, path);
        let kept: Vec<u8> = shared.segments().flatten().copied().collect();
        assert_eq!(kept, frame);
        let came = bench.frames().pop().expect("a frame");
        let differ = came.iter().zip(&frame).filter(|(came, sent)| came != sent);
        assert_eq!((came.len(), differ.count()), (frame.len(), 1));
    }
}

#[test]
fn a_corrupted_copy_is_marked_like_the_packet() {
    let pool = PacketPool::new(3, 3);
    let mut packet = pool.allocate(0).expect("a packet");
    assert!(packet.append_slice(&[0; 60]));
    packet.info_mut().flags = PacketFlags::IS_LOOPBACK_PACKET;
    packet.info_mut().timestamp = Instant::from_secs(9);
    let shared = packet.share().expect("a packet");
    assert!(flip_a_bit(&mut packet, &mut Random::new(1, 0), pool));
    assert!(packet.segments().ne(shared.segments()));
    assert_eq!(packet.info().flags, shared.info().flags);
    assert_eq!(packet.info().timestamp, shared.info().timestamp);
}

#[test]
fn every_buffer_of_a_chain_can_be_corrupted() {
    let mut bench = Bench::new("corrupt=100% seed=2");
    let frame = [0; 5000];
    let mut hit = [false; 3];
    for _ in 0..100 {
        bench.send(&frame);
        let came = bench.frames().pop().expect("a frame");
        let position = came
            .iter()
            .position(|&byte| byte != 0)
            .expect("a flipped bit");
        hit[position / 2048] = true;
    }
    assert_eq!(hit, [true; 3]);
}

#[test]
fn a_copy_that_cannot_be_had_is_counted() {
    let pool = PacketPool::new(1, 1);
    let mut bench = Bench::with_pool("duplicate=100%", pool);
    bench.send(&numbered(1));
    assert_eq!(bench.frames().len(), 1);
    assert_eq!(bench.counters().no_packet, 1);
    assert_eq!(bench.counters().duplicated, 0);

    let pool = PacketPool::new(2, 1);
    let mut bench = Bench::with_pool("corrupt=100%", pool);
    let packet = bench.recorder.packet(&numbered(1));
    let shared = packet.share().expect("a packet");
    bench
        .netem
        .send(packet, &mut Path::new(&mut bench.recorder));
    assert_eq!(bench.frames(), [numbered(1)]);
    assert_eq!(bench.counters().no_packet, 1);
    assert_eq!(bench.counters().corrupted, 0);
    drop(shared);
    bench.assert_accounted();
}

#[test]
fn an_empty_packet_is_nothing_to_corrupt() {
    let mut bench = Bench::new("corrupt=100%");
    bench.send(&[]);
    assert_eq!(bench.frames(), [[0; 0]]);
    assert_eq!(bench.counters().corrupted, 0);
}

#[test]
fn the_same_seed_gives_the_same_result() {
    let all = "loss=20% duplicate=20% corrupt=20% reorder=20% delay=1ms jitter=1ms";
    let run = |seed: u32| {
        let mut bench = Bench::new(&std::format!("{all} seed={seed}"));
        for number in 0..200 {
            bench.send(&numbered(number));
            bench.run_until(u64::from(number) * 100);
        }
        bench.run_until(1_000_000);
        bench.recorder.take()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_seed_given_again_begins_anew() {
    let mut bench = Bench::new("loss=50% seed=5");
    let mut run = |settings: &str| {
        bench.set(settings);
        bench.send_numbered(0..200);
        bench.numbers()
    };
    let first = run("loss=50%");
    assert_ne!(run("loss=50%"), first);
    assert_eq!(run("seed=5"), first);
    assert_eq!(run("off loss=50% seed=5"), first);
    let of_no_seed = run("off loss=50%");
    assert_eq!(run("loss=50% seed=0"), of_no_seed);
}

#[test]
fn what_goes_one_way_does_not_change_what_happens_the_other_way() {
    let run = |inbound: usize| {
        let mut bench = Bench::new("loss=50% seed=5");
        for number in 0..200 {
            bench.send(&numbered(number));
            for _ in 0..inbound {
                bench.give(Direction::In, &[1; 60]);
            }
        }
        let taken = bench.recorder.take();
        let down = taken.into_iter().filter(|taken| taken.1 == Direction::Out);
        down.map(|(_, _, bytes)| bytes).collect::<Vec<_>>()
    };
    assert_eq!(run(0), run(3));
}

#[test]
fn each_direction_has_a_sequence_of_its_own() {
    let mut bench = Bench::new("loss=50% seed=5");
    let mut numbers_of = |direction| {
        for number in 0..100 {
            bench.give(direction, &numbered(number));
        }
        let numbers = bench.numbers();
        numbers.into_iter().map(|(_, number)| number).collect()
    };
    let outbound: Vec<u32> = numbers_of(Direction::Out);
    let inbound: Vec<u32> = numbers_of(Direction::In);
    assert_ne!(outbound, inbound);
}

#[test]
fn each_direction_has_its_own_settings() {
    let mut bench = Bench::new("out.loss=100%");
    bench.give(Direction::Out, &[1; 60]);
    bench.give(Direction::In, &[2; 60]);
    let taken = bench.recorder.take();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].1, &taken[0].2[..]), (Direction::In, &[2; 60][..]));
    assert_eq!(bench.netem.direction_counters(Direction::In).lost, 0);
    let mut told = Vec::new();
    bench
        .netem
        .counters(&mut |name, value| told.push((name, value)));
    assert!(told.contains(&("lost_out", 1)) && told.contains(&("passed_in", 1)));
}
