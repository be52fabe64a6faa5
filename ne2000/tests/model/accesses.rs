//! What a frame costs: accesses to the card, the unit of time in an emulator.

use ne2000::model::Configuration;
use ne2000::service::Service;

use crate::support::Running;

fn received(length: usize, count: u32) -> u64 {
    let mut running = Running::new(Configuration::QEMU);
    for seed in 0..count {
        running.model.inject(&running.frame(length, seed));
    }
    running.model.take_accesses();
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.events.frames.len(), count as usize);
    running.model.take_accesses().total()
}

fn sent(length: usize, count: u32) -> u64 {
    let mut running = Running::new(Configuration::QEMU);
    let frame = running.frame(length, 1);
    running.send(&frame).expect("sent");
    running.model.take_accesses();
    for _ in 0..count {
        running.send(&frame).expect("sent");
    }
    running.model.take_accesses().total()
}

#[test]
fn accesses_of_a_received_frame_stay_few() {
    let one = received(60, 1);
    assert!(one <= 30, "{one} for a single frame of 60 bytes");
    let one = received(1514, 1);
    assert!(one <= 38, "{one} for a single frame of 1514 bytes");
    let many = received(60, 60);
    assert!(many <= 60 * 9, "{many} for 60 frames of 60 bytes");
    let many = received(1514, 18);
    assert!(many <= 18 * 22, "{many} for 18 frames of 1514 bytes");
}

#[test]
fn accesses_of_a_sent_frame_stay_few() {
    let many = sent(60, 100);
    assert!(many <= 100 * 11, "{many} for 100 frames of 60 bytes");
    let many = sent(1514, 100);
    assert!(many <= 100 * 11, "{many} for 100 frames of 1514 bytes");
}
