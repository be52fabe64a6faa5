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

#[test]
fn three_short_nine_long_three_short_frames_lap_the_classic_ring() {
    // The 58 pages of a 16 KiB card with one transmit slot, where the sequence
    // is known from: here the ring is that of 16 KiB with two slots, 52 pages.
    let qemu = Qemu::start(&[DEVICE], false);
    let limits = ne2000::identify::Limits {
        memory_stop: 0x80,
        ..ne2000::identify::Limits::NONE
    };
    let mut session = Session::start_limited(qemu, 0x300, limits);
    assert_eq!(session.card.identity().memory_size(), 16 * 1024);
    let mut frames: Vec<_> = (0..3).map(|seed| frame(ADDRESS, 60, seed)).collect();
    frames.extend((0..8).map(|seed| frame(ADDRESS, 1514, 10 + seed)));
    session.inject(&frames);
    let boundary = session.card.receiver().boundary();
    session.wait_for_current_page(boundary);
    let since: Vec<_> = (0..3).map(|seed| frame(ADDRESS, 60, 100 + seed)).collect();
    session.inject(&since);
    let ring = session.card.receiver().ring();
    session.wait_for_current_page(ring.after(boundary, 3));
    assert_eq!(session.receive(since.len()), since);
    assert_eq!(session.card.counters().ring_laps, 1);
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
