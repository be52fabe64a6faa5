//! What a frame costs: accesses to the card, the unit of time in an emulator.
//! The numbers are exact, so that none is added unseen.

use executive::time::Instant;
use ne2000::bus::DataWidth;
use ne2000::measure::{self, Direction, Order};
use ne2000::model::{Accesses, Configuration};
use ne2000::service::{RECEIVE_BUDGET, Service};

use crate::support::Running;

/// Accesses of the passes of the deferred half that take `count` frames.
fn received(configuration: Configuration, length: usize, count: u32) -> Accesses {
    let mut running = Running::new(configuration);
    for seed in 0..count {
        running.model.inject(&running.frame(length, seed));
    }
    running.model.take_accesses();
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.events.frames.len(), count as usize);
    running.model.take_accesses()
}

/// Accesses of one drain of `count` frames.
fn drained(configuration: Configuration, length: usize, count: u32) -> Accesses {
    let mut running = Running::new(configuration);
    for seed in 0..count {
        running.model.inject(&running.frame(length, seed));
    }
    running.model.take_accesses();
    let mut budget = count as usize;
    running.card.drain(&mut budget, |frame| {
        crate::support::whole(frame).expect("whole");
    });
    assert_eq!(budget, 0);
    running.model.take_accesses()
}

/// Accesses of `count` sends, one before them left out.
fn sent(configuration: Configuration, length: usize, count: u64) -> Accesses {
    let mut running = Running::new(configuration);
    let frame = running.frame(length, 1);
    running.send(&frame).expect("sent");
    running.model.take_accesses();
    for _ in 0..count {
        running.send(&frame).expect("sent");
    }
    running.model.take_accesses()
}

#[test]
fn single_frame_on_qemus_card() {
    let short = received(Configuration::QEMU, 60, 1);
    assert_eq!((short.reads, short.writes, short.blocks), (4, 11, 3));
    let long = received(Configuration::QEMU, 1514, 1);
    assert_eq!((long.reads, long.writes, long.blocks), (3, 7, 4));
    // What was sent before makes no difference.
    let mut running = Running::new(Configuration::QEMU);
    running.send(&running.frame(60, 1)).expect("sent");
    running.model.inject(&running.frame(1514, 2));
    running.model.take_accesses();
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.model.take_accesses(), long);
}

#[test]
fn frame_among_many_on_qemus_card() {
    // Two for the address and one for the data, and every eighth a look at the
    // guard, every twenty-ninth a move of it.
    let short = drained(Configuration::QEMU, 60, 60);
    assert_eq!(short.total(), 3 * 60 + 26);
    // The last two bytes are an access of their own.
    let long = drained(Configuration::QEMU, 1514, 18);
    assert_eq!(long.total(), 5 * 18 + 48);
}

#[test]
fn frame_to_send_on_qemus_card() {
    // Address, count, data, command; no wait, no status.
    let short = sent(Configuration::QEMU, 60, 100);
    assert_eq!((short.reads, short.writes, short.blocks), (0, 400, 100));
    // The last two bytes are an access of their own.
    let long = sent(Configuration::QEMU, 1514, 100);
    assert_eq!((long.reads, long.writes, long.blocks), (0, 400, 200));
}

#[test]
fn frame_on_the_datasheets_card() {
    let short = drained(Configuration::NE2000, 60, 32);
    assert_eq!(short.total(), 32 * 7 + 7);
    let long = drained(Configuration::NE2000, 1514, 8);
    assert_eq!(long.total(), 8 * 14 + 11);
}

#[test]
fn driver_needs_no_more_accesses_than_the_bare_loop() {
    for (length, count) in [(60, 60), (1514, 18)] {
        let mut running = Running::new(Configuration::QEMU);
        for seed in 0..count {
            running.model.inject(&running.frame(length, seed));
        }
        running.model.take_accesses();
        let order = Order {
            direction: Direction::Receive,
            size: length as u16,
            count,
        };
        let measured = measure::measure(&mut running.card, order, || Instant::ZERO);
        assert_eq!(measured.frames, count);
        let bare = running.model.take_accesses();
        let driver = received(Configuration::QEMU, length, count);
        // Each pass reads the interrupt status and may acknowledge PRX, and the
        // last one reads it once more.
        let passes = u64::from(count).div_ceil(RECEIVE_BUDGET as u64);
        let (driver, bare) = (driver.total(), bare.total());
        assert!(driver <= bare + 2 * passes + 1, "{driver}, {bare} bare");
    }
}

#[test]
fn sending_asks_no_clock_where_a_transmission_ends_at_once() {
    let mut running = Running::new(Configuration::QEMU);
    let frame = running.frame(60, 1);
    let no_clock = || panic!("the clock was asked");
    assert_eq!(running.card.send([&*frame], frame.len(), no_clock), Ok(()));
}

#[test]
fn wide_data_port_moves_more_bytes_with_an_access() {
    for (width, bytes) in [
        (DataWidth::Byte, 1),
        (DataWidth::Word, 2),
        (DataWidth::DoubleWord, 4),
    ] {
        let configuration = Configuration {
            widest: width,
            ..Configuration::QEMU
        };
        let running = Running::new(configuration);
        assert_eq!(running.card.identity().width.bytes(), bytes);
        let accesses = received(configuration, 1514, 1);
        // Ring header and frame, rounded up to whole accesses, and the guard.
        let frame = 1518_u64.next_multiple_of(bytes as u64);
        assert_eq!(accesses.block_bytes, frame + 4, "{width:?}");
    }
}

#[test]
fn single_frame_and_frame_to_send_on_the_datasheets_card() {
    let short = received(Configuration::NE2000, 60, 1);
    assert_eq!((short.reads, short.writes, short.blocks), (3, 9, 1));
    let manual = Configuration {
        transmit_accesses: None,
        ..Configuration::NE2000
    };
    let mut running = Running::new(manual);
    let frame = running.frame(60, 1);
    for _ in 0..4 {
        running.model.take_accesses();
        running.send(&frame).expect("sent");
        running.model.end_transmission();
        assert_eq!(running.service(), Service::Done);
    }
    // Its end included: status, acknowledge, TSR, status.
    let sent = running.model.take_accesses();
    assert_eq!((sent.reads, sent.writes, sent.blocks), (4, 8, 1));
}
