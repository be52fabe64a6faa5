//! Frames up and down.

use ndis::{NdisStatus, PacketFilter};
use ne2000::model::Configuration;

use crate::world::{frame, lock, with_card};

const PEER: [u8; 6] = [0x02, 0, 0, 0, 0, 9];

#[test]
fn seed_20_frames_of_every_size_reach_the_protocol_by_transfer() {
    for configuration in [Configuration::QEMU, Configuration::NE2000] {
        with_card(configuration, |mut world, model| {
            let adapter = world.start();
            world.bind();
            let own = adapter.hardware_address().0;
            for length in (60..=1514).step_by(7) {
                let sent = frame(own, length, length as u32);
                model.inject(&sent);
                world.sleep(1);
                assert_eq!(world.observer.take_frames(), [sent], "length {length}");
            }
        });
    }
}

#[test]
fn seed_17_and_18_all_frames_of_a_burst_are_indicated_in_order_and_the_batch_is_ended() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        let own = adapter.hardware_address().0;
        let burst: Vec<_> = (0..100).map(|seed| frame(own, 60, seed)).collect();
        world.burst(&model, &burst);
        world.sleep(1);
        assert_eq!(world.observer.take_frames(), burst);
        let batches = *lock(&world.observer.batches);
        let passes = 100_usize.div_ceil(ne2000::service::RECEIVE_BUDGET) + 1;
        assert!((1..=passes).contains(&batches), "{batches} batches");
    });
}

#[test]
fn nothing_is_received_before_a_filter_is_set() {
    with_card(Configuration::NE2000, |mut world, model| {
        let adapter = world.start();
        let own = adapter.hardware_address().0;
        model.inject(&frame(own, 60, 1));
        assert!(!model.interrupt_line());
        assert_eq!(model.fate().stored, 0);
        let binding = world.bind();
        world.set_filter(&binding, PacketFilter::empty());
        model.inject(&frame(own, 60, 1));
        assert_eq!(model.fate().stored, 0);
    });
}

#[test]
fn frames_are_sent_whole_and_padded() {
    with_card(Configuration::QEMU, |mut world, model| {
        world.start();
        let binding = world.bind();
        for length in [14, 42, 60, 61, 333, 1514] {
            let mut sent = frame(PEER, length, 3);
            assert_eq!(world.send(&binding, &sent), NdisStatus::SUCCESS);
            sent.resize(length.max(60), 0);
            assert_eq!(model.take_sent(), [sent], "length {length}");
        }
        assert!(!world.send(&binding, &frame(PEER, 1515, 1)).is_success());
        assert!(model.take_violations().is_empty());
    });
}

#[test]
fn seed_32_sends_queue_while_both_slots_are_in_use() {
    let configuration = Configuration {
        transmit_accesses: None,
        ..Configuration::NE2000
    };
    with_card(configuration, |mut world, model| {
        world.start();
        let binding = world.bind();
        let frames: Vec<_> = (0..8)
            .map(|seed| frame(PEER, 100 + seed as usize, seed))
            .collect();
        let answers: Vec<_> = frames
            .iter()
            .map(|frame| world.send(&binding, frame))
            .collect();
        assert_eq!(
            answers[..2],
            [NdisStatus::SUCCESS; 2],
            "both are on the card"
        );
        assert_eq!(answers[2..], [NdisStatus::PENDING; 6], "these wait");
        assert_eq!(lock(&world.observer.sent).len(), 0);
        for _ in 0..8 {
            model.end_transmission();
            world.sleep(1);
        }
        assert_eq!(model.take_sent(), frames);
        assert_eq!(*lock(&world.observer.sent), [NdisStatus::SUCCESS; 6]);
        assert!(model.take_violations().is_empty());
    });
}

#[test]
fn traffic_both_ways_under_a_slow_card_is_complete() {
    with_card(Configuration::NE2000, |mut world, model| {
        let adapter = world.start();
        let binding = world.bind();
        let own = adapter.hardware_address().0;
        let (mut sent, mut expected) = (Vec::new(), Vec::new());
        for round in 0..60 {
            let up = frame(own, 60 + 20 * round as usize, round);
            let down = frame(PEER, 1514 - 20 * round as usize, round);
            model.inject(&up);
            assert!(world.send(&binding, &down).is_success());
            expected.push(up);
            sent.push(down);
            world.sleep(1);
            model.end_transmission();
            world.sleep(1);
        }
        assert_eq!(world.observer.take_frames(), expected);
        assert_eq!(model.take_sent(), sent);
        assert!(model.take_violations().is_empty());
    });
}
