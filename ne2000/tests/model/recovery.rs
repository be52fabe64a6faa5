//! The overwrite warning.

use executive::time::Duration;
use ne2000::card::{Health, State};
use ne2000::model::{Configuration, Faults};
use ne2000::service::{STOP_TIME, Service};
use ne2000::transmit::SendRefusal;

use crate::support::Running;

fn manual() -> Configuration {
    Configuration {
        transmit_accesses: None,
        ..Configuration::NE2000
    }
}

/// Fills the ring until the chip gives up.
fn overflow(running: &Running) -> Vec<Vec<u8>> {
    let mut stored = Vec::new();
    for seed in 0.. {
        let frame = running.frame(1514, seed);
        running.model.inject(&frame);
        if running.model.fate().missed > 0 {
            return stored;
        }
        stored.push(frame);
    }
    stored
}

#[test]
fn overwrite_warning_is_recovered_from_in_the_order_of_the_datasheet() {
    let mut running = Running::new(manual());
    let half = running.card.interrupt_half();
    half.enable();
    let stored = overflow(&running);
    running.model.inject(&running.frame(60, 99));
    half.disable();
    let ended = running.service();
    assert_eq!(ended, Service::WaitUntil(running.now + STOP_TIME));
    assert!(matches!(running.card.state(), State::Recovering { .. }));
    assert_eq!(running.send(&[1; 60]), Err(SendRefusal::Busy));
    half.enable();
    assert!(
        !running.model.interrupt_line(),
        "unmasking does no harm meanwhile"
    );
    half.disable();

    running.now += STOP_TIME - Duration::from_micros(1);
    assert!(matches!(running.service(), Service::WaitUntil(_)));
    running.now += Duration::from_micros(1);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.take_frames(), stored);
    assert_eq!(running.card.counters().overwrite_recoveries, 1);
    assert_eq!(running.card.counters().overwrite_resends, 0);

    let next = running.frame(800, 100);
    running.model.inject(&next);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.take_frames(), [next]);
    running.card.update_counters();
    assert_eq!(running.card.counters().tally_missed, 2);
    assert_eq!(running.model.take_violations(), []);
}

#[test]
fn transmission_cut_off_by_the_recovery_is_repeated() {
    let mut running = Running::new(manual());
    running.model.set_faults(Faults {
        stop_cuts_transmission: true,
        ..Faults::default()
    });
    let frame = running.frame(100, 1);
    running.send(&frame).expect("sent");
    overflow(&running);
    assert!(matches!(running.service(), Service::WaitUntil(_)));
    running.now += STOP_TIME;
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.card.counters().overwrite_resends, 1);
    assert_eq!(running.model.take_sent(), Vec::<Vec<u8>>::new());
    running.model.end_transmission();
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.model.take_sent(), [frame]);
    // Told at the end of the recovery, too.
    assert_eq!(running.events.slots_freed, 2);
}

#[test]
fn transmission_that_ended_during_the_recovery_is_not_repeated() {
    let mut running = Running::new(manual());
    let frame = running.frame(100, 1);
    running.send(&frame).expect("sent");
    overflow(&running);
    assert!(matches!(running.service(), Service::WaitUntil(_)));
    running.now += STOP_TIME;
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.card.counters().overwrite_resends, 0);
    assert_eq!(running.model.take_sent(), [frame]);
    assert_eq!(running.events.slots_freed, 2);
    assert!(running.card.can_send());
}

#[test]
fn reset_during_the_recovery_brings_the_card_back() {
    let mut running = Running::new(manual());
    overflow(&running);
    assert!(matches!(running.service(), Service::WaitUntil(_)));
    assert!(running.card.reset());
    running.take_frames();
    let next = running.frame(800, 100);
    running.model.inject(&next);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.take_frames(), [next]);
}

#[test]
fn nothing_is_sent_by_a_recovery_without_a_transmission() {
    let mut running = Running::new(manual());
    running.send(&running.frame(100, 1)).expect("sent");
    running.model.end_transmission();
    running.service();
    running.model.take_sent();
    overflow(&running);
    assert!(matches!(running.service(), Service::WaitUntil(_)));
    running.now += STOP_TIME;
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.card.counters().overwrite_resends, 0);
    running.model.end_transmission();
    assert_eq!(running.model.take_sent(), Vec::<Vec<u8>>::new());
}

#[test]
fn recovery_that_is_never_continued_ends_in_a_reset() {
    let mut running = Running::new(manual());
    overflow(&running);
    assert!(matches!(running.service(), Service::WaitUntil(_)));
    assert_eq!(running.card.check(running.now), Health::Good);
    running.now += Duration::from_millis(500);
    assert_eq!(running.card.check(running.now), Health::NeedsReset);
}

#[test]
fn second_slot_leaves_after_a_recovery() {
    let mut running = Running::new(manual());
    running.model.set_faults(Faults {
        stop_cuts_transmission: true,
        ..Faults::default()
    });
    let frames = [running.frame(100, 1), running.frame(200, 2)];
    for frame in &frames {
        running.send(frame).expect("sent");
    }
    overflow(&running);
    assert!(matches!(running.service(), Service::WaitUntil(_)));
    running.now += STOP_TIME;
    assert_eq!(running.service(), Service::Done);
    for _ in 0..2 {
        running.model.end_transmission();
        assert_eq!(running.service(), Service::Done);
    }
    assert_eq!(running.model.take_sent(), frames);
    assert_eq!(running.model.take_violations(), []);
}
