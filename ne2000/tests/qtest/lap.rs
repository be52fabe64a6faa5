//! What QEMU's card does when its ring is full.

use crate::qemu::Qemu;
use crate::session::{ADDRESS, Session, frame};

const DEVICE: &str = "ne2k_isa,iobase=0x300,irq=9,mac=52:54:00:12:34:56,netdev=n0";

/// Fills the ring to the last page that may be written: the pages but the
/// reserved one, with frames of one page first and of six after them.
fn fill(session: &mut Session) -> Vec<Vec<u8>> {
    let ring = session.card.receiver().ring();
    let pages = usize::from(ring.pages()) - 1;
    let mut frames: Vec<_> = (0..pages % 6)
        .map(|seed| frame(ADDRESS, 60, seed as u32))
        .collect();
    frames.extend((0..pages / 6).map(|seed| frame(ADDRESS, 1514, 100 + seed as u32)));
    session.inject(&frames);
    let boundary = session.card.receiver().boundary();
    session.wait_for_current_page(boundary);
    frames
}

#[test]
fn full_ring_is_not_taken_for_an_empty_one() {
    let mut session = Session::start(Qemu::start(&[DEVICE], false), 0x300);
    let frames = fill(&mut session);
    assert_eq!(session.receive(frames.len()), frames);
}

#[test]
fn lap_is_survived_and_counted() {
    let mut session = Session::start(Qemu::start(&[DEVICE], false), 0x300);
    for round in 1..=3 {
        let lost = fill(&mut session);
        let boundary = session.card.receiver().boundary();
        let since: Vec<_> = (0..3).map(|seed| frame(ADDRESS, 60, 1000 + seed)).collect();
        session.inject(&since);
        let ring = session.card.receiver().ring();
        session.wait_for_current_page(ring.after(boundary, 3));
        assert_eq!(session.receive(since.len()), since, "round {round}");
        assert_eq!(
            session.card.counters().ring_laps,
            round,
            "{} lost",
            lost.len()
        );
        // Traffic goes on.
        let next: Vec<_> = (0..4).map(|seed| frame(ADDRESS, 1514, seed)).collect();
        session.inject(&next);
        assert_eq!(session.receive(next.len()), next);
    }
}

/// A ring of 58 pages, as a driver with one transmit slot has on a 16 KiB card.
fn ring_of_58_pages() -> Session {
    let limits = ne2000::identify::Limits {
        memory_stop: 0x40 + 12 + 58,
        ..ne2000::identify::Limits::NONE
    };
    let session = Session::start_limited(Qemu::start(&[DEVICE], false), 0x300, limits);
    assert_eq!(session.card.receiver().ring().pages(), 58);
    session
}

#[test]
fn three_short_nine_long_three_short_frames_lap_a_ring_of_58_pages() {
    let mut session = ring_of_58_pages();
    let mut frames: Vec<_> = (0..3).map(|seed| frame(ADDRESS, 60, seed)).collect();
    frames.extend((0..9).map(|seed| frame(ADDRESS, 1514, 10 + seed)));
    session.inject(&frames);
    let boundary = session.card.receiver().boundary();
    session.wait_for_current_page(boundary);
    // Full, and taken for empty: the twelve frames are lost with the next one.
    let since: Vec<_> = (0..3).map(|seed| frame(ADDRESS, 60, 100 + seed)).collect();
    session.inject(&since);
    let ring = session.card.receiver().ring();
    session.wait_for_current_page(ring.after(boundary, 3));
    assert_eq!(session.receive(since.len()), since);
    assert_eq!(session.card.counters().ring_laps, 1);
    assert_eq!(session.card.counters().resynchronisations, 0);
    let next: Vec<_> = (0..8)
        .map(|seed| frame(ADDRESS, 1514, 200 + seed))
        .collect();
    session.inject(&next);
    assert_eq!(session.receive(next.len()), next);
}

#[test]
fn flood_while_the_ring_is_drained_delivers_only_whole_frames_in_order() {
    let mut session = ring_of_58_pages();
    let mut state = 12_345_u32;
    let frames: Vec<_> = (0..1500)
        .map(|seed| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let length = match state >> 28 {
                0..6 => 60,
                6..12 => 1514,
                _ => 60 + (state >> 16) as usize % 1455,
            };
            frame(ADDRESS, length, seed)
        })
        .collect();
    let mut received = Vec::new();
    for frames in frames.chunks(30) {
        session.inject(frames);
        // Each access to the card lets QEMU take in more of them.
        for _ in 0..3 {
            session.serve();
        }
        received.append(&mut session.received.0);
    }
    let last = frame(ADDRESS, 60, 99_999);
    session.inject(std::slice::from_ref(&last));
    let deadline = std::time::Instant::now() + crate::qemu::DEADLINE;
    while received.last() != Some(&last) {
        assert!(std::time::Instant::now() < deadline, "wedged");
        session.serve();
        received.append(&mut session.received.0);
    }
    let counters = *session.card.counters();
    received.pop();
    let mut rest = frames.iter();
    for frame in &received {
        assert!(
            rest.any(|other| other == frame),
            "a frame of {} bytes is damaged, doubled or out of order: {counters:?}",
            frame.len()
        );
    }
    assert!(received.len() > 300, "{} of 1500", received.len());
    assert!(counters.ring_laps > 0, "{counters:?}");
    assert_eq!(counters.resynchronisations, 0, "{counters:?}");
}

#[test]
fn frames_longer_than_ethernet_allows_do_not_wedge_the_card() {
    let mut session = Session::start(Qemu::start(&[DEVICE], false), 0x300);
    for length in [1515, 1518, 1519, 2000, 4000] {
        session.inject(&[frame(ADDRESS, length, 1)]);
        let next = frame(ADDRESS, 60, 2);
        session.inject(std::slice::from_ref(&next));
        let deadline = std::time::Instant::now() + crate::qemu::DEADLINE;
        while session.received.0.last() != Some(&next) {
            assert!(
                std::time::Instant::now() < deadline,
                "wedged by {length} bytes"
            );
            session.serve();
            session.inject(std::slice::from_ref(&next));
        }
        // Those that were sent once too often.
        while session.card.current_page() != session.card.receiver().next() {
            session.serve();
        }
        session.received.0.clear();
    }
}
