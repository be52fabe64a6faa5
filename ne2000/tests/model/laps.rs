//! What QEMU's card does when its ring is full.

use ne2000::card::Card;
use ne2000::identify::Limits;
use ne2000::model::{CardModel, Configuration};
use ne2000::receive::ReceivedFrame;
use ne2000::service::{CardEvents, Service};

use crate::support::{Running, frame, whole};

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
fn lap_by_one_page_in_the_middle_of_a_portion_loses_nothing() {
    for (portion, access) in (1..4).flat_map(|portion| (0..16).map(move |at| (portion, at))) {
        let mut running = Running::new(Configuration::QEMU);
        // All but the last seven pages, which come while the first are taken.
        let lengths = [60].into_iter().chain([1514; 19]).chain([60]);
        let frames: Vec<_> = (0..)
            .zip(lengths)
            .map(|(seed, length)| running.frame(length, seed))
            .collect();
        for (index, frame) in frames.iter().enumerate() {
            if index < 19 {
                running.model.inject(frame);
            } else {
                running.model.inject_after(access, frame.clone());
            }
        }
        let mut received = Vec::new();
        for _ in 0..60 {
            let mut budget = portion;
            running
                .card
                .drain(&mut budget, |frame| received.extend(whole(frame)));
        }
        assert_eq!(received, frames, "{portion} at a time, access {access}");
        assert_eq!(running.card.counters().resynchronisations, 0);
        assert_eq!(running.card.counters().ring_laps, 0);
    }
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

#[test]
fn three_short_nine_long_three_short_frames_lap_a_ring_of_58_pages() {
    // What is left of 16 KiB beside one transmit slot; here two slots and more
    // memory make the same.
    let limits = Limits {
        memory_stop: 0x40 + 12 + 58,
        ..Limits::NONE
    };
    let model = CardModel::new(Configuration::QEMU);
    let mut card = Card::probe(model.clone(), limits).expect("a card");
    assert_eq!(card.receiver().ring().pages(), 58);
    card.set_filter(directed());
    card.start();
    let own = Configuration::QEMU.address;
    let lengths = [60, 60, 60].into_iter().chain([1514; 9]).chain([60; 3]);
    let frames: Vec<_> = (0_u32..)
        .zip(lengths)
        .map(|(seed, length)| frame(own, length, seed))
        .collect();
    for (index, frame) in frames.iter().enumerate() {
        model.inject(frame);
        if index == 11 {
            assert_eq!(card.current_page(), card.receiver().boundary(), "full");
        }
    }
    assert_eq!(model.fate().missed, 0, "the card has dropped none");
    let mut received = Vec::new();
    card.drain(&mut 64, |frame| received.extend(whole(frame)));
    assert_eq!(received, frames[12..], "the twelve before are overwritten");
    assert_eq!(card.counters().ring_laps, 1);
    let next = frame(own, 1514, 99);
    model.inject(&next);
    received.clear();
    card.drain(&mut 64, |frame| received.extend(whole(frame)));
    assert_eq!(received, [next]);
}

fn directed() -> ne2000::filter::ReceiveFilter {
    ne2000::filter::ReceiveFilter {
        directed: true,
        ..Default::default()
    }
}

/// Laps the ring while the first frame is read.
struct Lapping {
    model: CardModel,
    frames: Vec<Vec<u8>>,
    received: Vec<Vec<u8>>,
    refused: usize,
}

impl CardEvents<CardModel> for Lapping {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, CardModel>) {
        for frame in self.frames.drain(..) {
            self.model.inject(&frame);
        }
        match whole(frame) {
            Some(frame) => self.received.push(frame),
            None => self.refused += 1,
        }
    }

    fn transmit_slot_free(&mut self) {}
}

#[test]
fn frame_that_is_overwritten_while_it_is_read_is_not_delivered() {
    let mut running = Running::new(Configuration::QEMU);
    // 1 + 19 * 6 pages are all but the reserved one.
    let first = running.frame(1514, 0);
    running.model.inject(&first);
    let mut frames = vec![running.frame(60, 1)];
    frames.extend((2..20).map(|seed| running.frame(1514, seed)));
    let since: Vec<_> = (20..24).map(|seed| running.frame(1514, seed)).collect();
    frames.extend(since.iter().cloned());
    let mut events = Lapping {
        model: running.model.clone(),
        frames,
        received: Vec::new(),
        refused: 0,
    };
    while running.card.service(running.now, &mut events) == Service::MoreWork {}
    assert_eq!(events.refused, 1);
    assert_eq!(events.received, since);
    let counters = running.card.counters();
    assert_eq!((counters.frames_overwritten, counters.ring_laps), (1, 1));
    assert_eq!(running.model.take_violations(), []);
}

#[test]
fn lap_at_any_access_delivers_nothing_damaged_and_is_counted() {
    let mut laps = 0;
    for before in [vec![60; 3], vec![1514], vec![60, 1514, 60], vec![700; 5]] {
        for access in 0..60 {
            let mut running = Running::new(Configuration::QEMU);
            running.model.record_stored();
            for (seed, length) in (0..).zip(&before) {
                running.model.inject(&running.frame(*length, seed));
            }
            // Enough to fill the ring exactly, whatever is free, and to go on.
            let pages: usize = before
                .iter()
                .map(|length| (length + 8_usize).div_ceil(256))
                .sum();
            let free = 115 - pages;
            let lengths = vec![60; free % 6]
                .into_iter()
                .chain(vec![1514; free / 6 + 7]);
            for (seed, length) in (100..).zip(lengths) {
                running
                    .model
                    .inject_after(access, running.frame(length, seed));
            }
            assert_eq!(running.service(), Service::Done, "access {access}");
            // Accesses, in case they were too few.
            for _ in 0..20 {
                running.card.update_counters();
            }
            assert_eq!(running.service(), Service::Done, "access {access}");
            let stored = running.model.take_stored();
            let mut rest = stored.iter();
            let received = running.take_frames();
            let lost = stored.len() - received.len();
            for frame in received {
                assert!(rest.any(|other| *other == frame), "access {access}");
            }
            let counters = *running.card.counters();
            // Between the last look at the guard and the new boundary, a lap
            // shows as a broken chain.
            let counted =
                counters.ring_laps + counters.ring_full_turns + counters.resynchronisations;
            assert!(lost == 0 || counted > 0, "{lost} lost at access {access}");
            laps += running.model.fate().laps;
            let next = running.frame(1514, 999);
            running.model.inject(&next);
            assert_eq!(running.service(), Service::Done);
            assert_eq!(running.take_frames(), [next]);
        }
    }
    assert!(laps > 100, "{laps} laps at 60 accesses of 4 rounds");
}

#[test]
fn two_exact_laps_are_survived_and_counted() {
    for more in 0..4 {
        let mut running = Running::new(Configuration::QEMU);
        running.model.record_stored();
        fill_exactly(&running);
        // Twice the whole ring: the card stands at the boundary again.
        for round in 0..2 {
            for seed in 0..2 {
                running
                    .model
                    .inject(&running.frame(60, 1000 * round + seed));
            }
            for seed in 0..19 {
                running
                    .model
                    .inject(&running.frame(1514, 1000 * round + 10 + seed));
            }
        }
        assert_eq!(running.model.fate().missed, 0);
        for seed in 0..more {
            running.model.inject(&running.frame(60, 5000 + seed));
        }
        assert_eq!(running.service(), Service::Done);
        let stored = running.model.take_stored();
        let mut rest = stored.iter();
        for frame in running.take_frames() {
            assert!(rest.any(|other| *other == frame), "in order and unchanged");
        }
        let counters = *running.card.counters();
        assert_eq!(counters.ring_laps + counters.ring_full_turns, 1, "{more}");
        let next = running.frame(1000, 9999);
        running.model.inject(&next);
        assert_eq!(running.service(), Service::Done);
        assert_eq!(running.take_frames(), [next]);
    }
}

#[test]
fn flood_of_full_size_frames_never_laps_a_ring_that_was_drained() {
    for short in 0..24 {
        let mut running = Running::new(Configuration::QEMU);
        for seed in 0..short {
            running.model.inject(&running.frame(60, seed));
            assert_eq!(running.service(), Service::Done);
        }
        running.take_frames();
        let mut expected = Vec::new();
        for round in 0..8 {
            for seed in 0..40 {
                let frame = running.frame(1514, 1000 * (round + 1) + seed);
                running.model.inject(&frame);
                expected.push(frame);
            }
            assert_eq!(running.service(), Service::Done);
        }
        assert_eq!(running.model.fate().laps, 0, "after {short} short frames");
        let mut rest = expected.iter();
        let received = running.take_frames();
        assert!(received.len() > 8 * 17);
        for frame in received {
            assert!(rest.any(|other| *other == frame));
        }
    }
}
