//! What QEMU's card does when its ring is full.

use ne2000::model::Configuration;
use ne2000::service::Service;

use crate::support::Running;

/// Fills the ring to the page before BNRY: the frames that QEMU then takes for
/// room lap it.
fn fill_exactly(running: &Running) -> Vec<Vec<u8>> {
    let pages = usize::from(running.card.receiver().ring().pages()) - 1;
    let mut frames = Vec::new();
    for seed in 0..pages % 6 {
        frames.push(running.frame(60, seed as u32));
    }
    for seed in 0..pages / 6 {
        frames.push(running.frame(1514, 100 + seed as u32));
    }
    for frame in &frames {
        running.model.inject(frame);
    }
    assert_eq!(running.model.fate().missed, 0);
    frames
}

#[test]
fn ring_filled_to_the_last_page_loses_nothing() {
    let mut running = Running::new(Configuration::QEMU);
    let frames = fill_exactly(&running);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.take_frames(), frames);
    assert_eq!(running.card.counters().ring_laps, 0);
}

#[test]
fn lap_by_one_page_loses_nothing() {
    let mut running = Running::new(Configuration::QEMU);
    let mut frames = fill_exactly(&running);
    let last = running.frame(60, 999);
    running.model.inject(&last);
    frames.push(last);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.take_frames(), frames);
    assert_eq!(running.card.counters().ring_full_turns, 1);
    assert_eq!(running.card.counters().ring_laps, 0);
}

#[test]
fn lap_is_counted_and_the_frames_since_are_kept() {
    for later in [
        vec![60, 60],
        vec![60, 60, 60],
        vec![1514, 60],
        vec![700; 9],
        vec![200; 30],
    ] {
        let mut running = Running::new(Configuration::QEMU);
        fill_exactly(&running);
        let since: Vec<_> = later
            .iter()
            .enumerate()
            .map(|(seed, length)| running.frame(*length, 1000 + seed as u32))
            .collect();
        for frame in &since {
            running.model.inject(frame);
        }
        assert_eq!(running.service(), Service::Done);
        assert_eq!(running.take_frames(), since);
        assert_eq!(running.card.counters().ring_laps, 1);
        // Traffic goes on.
        let next = running.frame(1000, 5);
        running.model.inject(&next);
        assert_eq!(running.service(), Service::Done);
        assert_eq!(running.take_frames(), [next]);
        assert_eq!(running.model.take_violations(), []);
    }
}

#[test]
fn frame_longer_than_ethernet_allows_is_survived() {
    for length in [1519, 2000, 4000, 9000, 20_000, 60_000] {
        let mut running = Running::new(Configuration::QEMU);
        running.model.inject(&running.frame(100, 1));
        running.model.inject(&running.frame(length, 2));
        let ended = running.service();
        if ended == Service::NeedsReset {
            assert!(running.card.reset());
        }
        running.take_frames();
        let next = running.frame(1000, 3);
        running.model.inject(&next);
        assert_eq!(running.service(), Service::Done, "length {length}");
        assert_eq!(running.take_frames(), [next]);
    }
}
