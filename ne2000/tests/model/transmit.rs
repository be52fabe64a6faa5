//! Sending.

use executive::time::Duration;
use ne2000::bus::DataWidth;
use ne2000::card::Health;
use ne2000::model::{Configuration, Faults, Transmission};
use ne2000::registers::InterruptStatus;
use ne2000::service::Service;
use ne2000::transmit::{SendRefusal, TRANSMIT_TIMEOUT};

use crate::support::Running;

const PEER: [u8; 6] = [0x02, 0, 0, 0, 0, 9];

fn manual() -> Configuration {
    Configuration {
        transmit_accesses: None,
        ..Configuration::NE2000
    }
}

#[test]
fn frame_of_every_size_leaves_unchanged_in_any_segments() {
    for widest in [DataWidth::Byte, DataWidth::Word, DataWidth::DoubleWord] {
        let mut running = Running::new(Configuration {
            widest,
            ..Configuration::QEMU
        });
        for length in 60..=1514_usize {
            let frame = crate::support::frame(PEER, length, length as u32);
            let (first, rest) = frame.split_at(length % 59 + 1);
            let (second, third) = rest.split_at(rest.len().min(length % 7));
            let segments = [first, second, &[], third];
            assert_eq!(running.card.send(segments, length, || running.now), Ok(()));
            assert_eq!(
                running.model.take_sent(),
                [frame],
                "length {length} {widest:?}"
            );
        }
        assert_eq!(running.model.take_violations(), []);
        assert_eq!(running.card.counters().transmissions_completed, 1455);
    }
}

#[test]
fn short_frames_are_padded_with_zeros_never_with_stale_bytes() {
    for widest in [DataWidth::Byte, DataWidth::Word, DataWidth::DoubleWord] {
        let mut running = Running::new(Configuration {
            widest,
            ..Configuration::QEMU
        });
        for length in 14..60 {
            // What was there before is not zero.
            running.send(&[0xEE; 1514]).expect("sent");
            running.model.take_sent();
            let frame = vec![0xDD; length];
            // Nor with those of an access gathered from two segments.
            let (first, second) = frame.split_at(length % 8);
            let sent = running.card.send([first, second], length, || running.now);
            assert_eq!(sent, Ok(()));
            let mut expected = frame;
            expected.resize(60, 0);
            assert_eq!(running.model.take_sent(), [expected], "length {length}");
        }
    }
}

#[test]
fn lengths_that_no_frame_has_are_refused() {
    let mut running = Running::new(Configuration::QEMU);
    for length in [0, 1, 13, 1515, 2000, 70_000] {
        assert_eq!(running.send(&vec![1; length]), Err(SendRefusal::BadLength));
    }
    assert_eq!(running.card.counters().transmit_bad_length, 6);
    assert_eq!(running.model.take_sent(), Vec::<Vec<u8>>::new());
    assert_eq!(running.model.take_violations(), []);
}

#[test]
fn segments_longer_than_announced_are_cut() {
    let mut running = Running::new(Configuration::QEMU);
    let frame = crate::support::frame(PEER, 100, 1);
    assert_eq!(
        running
            .card
            .send([&frame[..70], &frame[..]], 71, || running.now),
        Ok(())
    );
    let [sent] = <[Vec<u8>; 1]>::try_from(running.model.take_sent()).expect("one frame");
    assert_eq!(sent[..70], frame[..70]);
    assert_eq!(sent.len(), 71);
    assert_eq!(running.model.take_violations(), []);
}

#[test]
fn two_slots_take_turns() {
    let mut running = Running::new(manual());
    let frames: Vec<_> = (0..4)
        .map(|seed| running.frame(60 + seed as usize, seed))
        .collect();
    assert_eq!(running.send(&frames[0]), Ok(()));
    assert_eq!(
        running.send(&frames[1]),
        Ok(()),
        "the second slot fills meanwhile"
    );
    assert!(!running.card.can_send());
    assert_eq!(running.send(&frames[2]), Err(SendRefusal::Busy));
    assert_eq!(running.card.counters().transmit_slots_busy, 1);
    assert!(!running.model.interrupt_line());

    running.model.end_transmission();
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.events.slots_freed, 1);
    assert_eq!(running.model.take_sent(), frames[..1]);
    assert_eq!(running.send(&frames[2]), Ok(()));
    running.model.end_transmission();
    running.service();
    running.model.end_transmission();
    running.service();
    assert_eq!(
        running.model.take_sent(),
        [frames[1].clone(), frames[2].clone()]
    );
    assert_eq!(running.events.slots_freed, 3);
    assert_eq!(running.model.take_violations(), []);
}

#[test]
fn end_of_a_transmission_interrupts_only_while_one_is_under_way() {
    let mut running = Running::new(manual());
    let half = running.card.interrupt_half();
    half.enable();
    let transmit = InterruptStatus::PACKET_TRANSMITTED | InterruptStatus::TRANSMIT_ERROR;
    assert!(!half.in_force().intersects(transmit));
    running.send(&[1; 60]).expect("sent");
    assert!(half.in_force().contains(transmit));
    running.model.end_transmission();
    assert!(running.model.interrupt_line());
    half.disable();
    assert_eq!(running.service(), Service::Done);
    half.enable();
    assert!(!half.in_force().intersects(transmit));
    assert!(!running.model.interrupt_line());
}

#[test]
fn qemu_card_raises_no_interrupt_for_what_it_sends() {
    let mut running = Running::new(Configuration::QEMU);
    running.card.interrupt_half().enable();
    running.send(&[1; 60]).expect("sent");
    assert!(!running.model.interrupt_line());
    assert!(running.card.can_send());
}

#[test]
fn seed_16_transmit_error_frees_the_slot_and_is_counted_by_its_reason() {
    let mut running = Running::new(manual());
    let outcomes = [
        Transmission::ExcessiveCollisions,
        Transmission::CarrierLost,
        Transmission::FifoUnderrun,
        Transmission::LateCollision,
        Transmission::Sent(1),
        Transmission::Sent(5),
        Transmission::Sent(0),
    ];
    running.model.plan_transmissions(outcomes);
    for _ in outcomes {
        running.send(&[1; 60]).expect("a slot is free");
        running.model.end_transmission();
        assert_eq!(running.service(), Service::Done);
    }
    assert_eq!(running.events.slots_freed, outcomes.len());
    let counters = running.card.counters();
    assert_eq!(counters.transmit_excessive_collisions, 1);
    assert_eq!(counters.transmit_carrier_lost, 1);
    assert_eq!(counters.transmit_fifo_underrun, 1);
    assert_eq!(counters.transmit_late_collision, 1);
    assert_eq!(counters.transmit_one_collision, 1);
    assert_eq!(counters.transmit_more_collisions, 1);
    assert_eq!(counters.transmissions_completed, 3);
    assert_eq!(counters.transmit_error_interrupts, 4);
}

#[test]
fn transmit_error_of_a_chip_that_goes_on_does_not_free_the_slot() {
    let mut running = Running::new(manual());
    let frames = [running.frame(60, 1), running.frame(60, 2)];
    for frame in &frames {
        running.send(frame).expect("a slot is free");
    }
    running.model.raise(InterruptStatus::TRANSMIT_ERROR);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.events.slots_freed, 0);
    for _ in 0..2 {
        running.model.end_transmission();
        assert_eq!(running.service(), Service::Done);
    }
    assert_eq!(running.model.take_sent(), frames);
    assert_eq!(running.model.take_violations(), []);
}

#[test]
fn watchdog_resets_a_card_that_never_ends_a_transmission() {
    let mut running = Running::new(manual());
    running.model.plan_transmissions([Transmission::Hangs]);
    running.send(&[1; 60]).expect("sent");
    running.send(&[2; 60]).expect("sent");
    running.model.end_transmission();
    assert_eq!(running.card.check(running.now), Health::Good);
    running.now += TRANSMIT_TIMEOUT - Duration::from_micros(1);
    assert_eq!(running.card.check(running.now), Health::Good);
    running.now += Duration::from_micros(1);
    assert_eq!(running.card.check(running.now), Health::NeedsReset);
    assert_eq!(running.card.counters().transmit_timeouts, 1);
    assert!(running.card.reset());
    assert_eq!(running.card.counters().transmit_lost_in_reset, 2);
    let frame = running.frame(60, 3);
    running.send(&frame).expect("sent");
    running.model.end_transmission();
    assert_eq!(running.model.take_sent(), [frame]);
}

#[test]
fn remote_write_that_never_completes_is_bounded_and_asks_for_a_reset() {
    let mut running = Running::new(Configuration::NE2000);
    running.model.set_faults(Faults {
        no_write_completion: true,
        ..Faults::default()
    });
    assert_eq!(running.send(&[1; 60]), Err(SendRefusal::Stuck));
    assert_eq!(running.card.counters().remote_dma_timeouts, 1);
    assert_eq!(running.card.check(running.now), Health::NeedsReset);
    running.model.set_faults(Faults::default());
    assert!(running.card.reset());
    assert_eq!(running.send(&[1; 60]), Ok(()));
}

#[test]
fn read_before_write_for_the_first_dp8390_changes_nothing_else() {
    let mut running = Running::new(manual());
    running.card.set_read_before_write(true);
    for length in [60, 61, 1514] {
        let frame = running.frame(length, 1);
        running.send(&frame).expect("sent");
        running.model.end_transmission();
        assert_eq!(running.service(), Service::Done);
        assert_eq!(running.model.take_sent(), [frame]);
    }
    assert_eq!(running.model.take_violations(), []);
}

#[test]
fn slow_and_missing_completion_reports_are_lived_with() {
    let mut running = Running::new(Configuration::NE2000);
    running.model.set_faults(Faults {
        completion_delay: 500,
        no_read_completion: true,
        ..Faults::default()
    });
    let frame = running.frame(300, 1);
    running.model.inject(&frame);
    running.service();
    assert_eq!(running.take_frames(), std::slice::from_ref(&frame));
    assert_eq!(running.send(&frame), Ok(()));
    running.model.end_transmission();
    assert_eq!(running.model.take_sent(), [frame]);
}
