//! Draining the ring.

use ne2000::bus::DataWidth;
use ne2000::filter::{Multicast, ReceiveFilter, multicast_hash};
use ne2000::model::Configuration;
use ne2000::registers::ReceiveStatus;
use ne2000::service::{RECEIVE_BUDGET, Service};

use crate::support::{Running, frame};

const WIDTHS: [DataWidth; 3] = [DataWidth::Byte, DataWidth::Word, DataWidth::DoubleWord];

fn personalities() -> [Configuration; 2] {
    [Configuration::QEMU, Configuration::NE2000]
}

#[test]
fn seed_17_every_frame_in_the_ring_is_drained() {
    for configuration in personalities() {
        let mut running = Running::new(configuration);
        let sent: Vec<_> = (0..20)
            .map(|seed| running.frame(60 + 13 * seed as usize, seed))
            .collect();
        for frame in &sent {
            running.model.inject(frame);
        }
        assert_eq!(running.service(), Service::Done);
        assert_eq!(running.take_frames(), sent);
        assert!(!running.model.interrupt_line());
        assert_eq!(running.model.take_violations(), []);
    }
}

#[test]
fn frame_of_every_size_arrives_unchanged_around_the_ring() {
    for width in WIDTHS {
        for base in personalities() {
            let mut running = Running::new(Configuration {
                widest: width,
                ..base
            });
            for length in 60..=1514 {
                let frame = running.frame(length, length as u32);
                running.model.inject(&frame);
                assert_eq!(running.service(), Service::Done);
                assert_eq!(running.take_frames(), [frame], "length {length} {width:?}");
            }
            let counters = running.card.counters();
            assert_eq!(counters.frames_received, 1455);
            assert_eq!(counters.resynchronisations, 0);
            assert_eq!(counters.ring_laps + counters.ring_full_turns, 0);
            assert_eq!(running.model.take_violations(), []);
        }
    }
}

#[test]
fn seed_20_any_part_of_the_payload_can_be_read_in_any_order() {
    for width in WIDTHS {
        let mut running = Running::new(Configuration {
            widest: width,
            ..Configuration::QEMU
        });
        // Fill most of the ring, so that the frame wraps.
        for seed in 0..18 {
            running.model.inject(&running.frame(1514, seed));
        }
        running.service();
        let sent = running.frame(1514, 77);
        for _ in 0..2 {
            running.model.inject(&sent);
        }
        let mut budget = 2;
        running.card.drain(&mut budget, |frame| {
            for (offset, length) in [
                (0, 1500),
                (1499, 1),
                (1500, 4),
                (3000, 4),
                (45, 2),
                (46, 1),
                (47, 3),
                (13, 700),
                (301, 333),
                (1001, 499),
                (0, 0),
                (0, 46),
            ] {
                let mut buffer = vec![0; length];
                let read = frame.read_payload(offset, &mut buffer).expect("whole");
                let expected = sent.get(14 + offset..).unwrap_or_default();
                let expected = &expected[..expected.len().min(length)];
                assert_eq!(&buffer[..read], expected, "offset {offset} length {length}");
            }
        });
        assert_eq!(budget, 0);
        assert_eq!(running.model.take_violations(), []);
    }
}

#[test]
fn filter_keeps_own_broadcast_and_chosen_multicast_frames() {
    let group = [0x01, 0x00, 0x5E, 0x00, 0x00, 0x01];
    let other_group = [0x01, 0x00, 0x5E, 0x00, 0x00, 0x02];
    let stranger = [0x02, 9, 9, 9, 9, 9];
    for configuration in personalities() {
        let mut running = Running::new(configuration);
        let own = running.address();
        let mut received = |filter: ReceiveFilter| {
            running.card.set_filter(filter);
            let destinations = [own, [0xFF; 6], group, other_group, stranger];
            for destination in destinations {
                running.model.inject(&frame(destination, 60, 1));
            }
            running.service();
            let frames = running.take_frames();
            destinations
                .map(|destination| frames.iter().any(|frame| frame.starts_with(&destination)))
        };
        let directed = ReceiveFilter {
            directed: true,
            ..ReceiveFilter::default()
        };
        let list = Multicast::Hash(multicast_hash([&group]));
        assert_eq!(received(directed), [true, false, false, false, false]);
        assert_eq!(
            received(ReceiveFilter {
                broadcast: true,
                ..directed
            }),
            [true, true, false, false, false]
        );
        assert_eq!(
            received(ReceiveFilter {
                multicast: list,
                ..directed
            }),
            [true, false, true, false, false]
        );
        assert_eq!(
            received(ReceiveFilter {
                multicast: Multicast::All,
                ..directed
            }),
            [true, false, true, true, false]
        );
        assert_eq!(
            received(ReceiveFilter {
                promiscuous: true,
                ..directed
            }),
            [true; 5]
        );
        assert_eq!(running.model.take_violations(), []);
    }
}

#[test]
fn seed_11_changed_address_filters_on_a_real_card_and_on_qemus() {
    let changed = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];
    for configuration in personalities() {
        let mut running = Running::new(configuration);
        running.card.set_station_address(changed);
        assert!(running.card.reset());
        let old = running.frame(60, 1);
        let new = frame(changed, 60, 2);
        running.model.inject(&old);
        running.model.inject(&new);
        running.service();
        assert_eq!(
            running.take_frames(),
            std::slice::from_ref(&new),
            "{configuration:?}"
        );
        // A reset rebuilds QEMU's PROM.
        assert!(running.card.reset());
        running.model.inject(&new);
        running.service();
        assert_eq!(running.take_frames(), [new]);
    }
}

#[test]
fn flood_is_taken_in_portions() {
    let mut running = Running::new(Configuration::QEMU);
    for seed in 0..100 {
        running.model.inject(&running.frame(60, seed));
    }
    assert_eq!(
        running.card.service(running.now, &mut running.events),
        Service::MoreWork
    );
    assert_eq!(running.events.frames.len(), RECEIVE_BUDGET);
    assert_eq!(running.card.counters().service_passes_cut_short, 1);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.events.frames.len(), 100);
}

#[test]
fn frames_that_arrive_between_portions_are_not_forgotten() {
    for configuration in personalities() {
        let mut running = Running::new(configuration);
        let mut sent = Vec::new();
        for seed in 0..12 {
            let frame = running.frame(60, seed);
            running.model.inject(&frame);
            sent.push(frame);
        }
        // The first portion leaves some, whose number is known from then on.
        running.card.drain(&mut 4, |frame| {
            running.events.frames.extend(crate::support::whole(frame));
        });
        let late = running.frame(60, 99);
        running.model.inject(&late);
        sent.push(late);
        running.card.drain(&mut 32, |frame| {
            running.events.frames.extend(crate::support::whole(frame));
        });
        assert_eq!(running.take_frames(), sent);
    }
}

#[test]
fn every_wrong_field_of_a_header_is_survived_and_counted() {
    type Change = fn(&mut [u8; 4]);
    type Reason = fn(&ne2000::counters::CardCounters) -> u64;
    let cases: [(Change, Reason); 9] = [
        (
            |header| header[0] = 0x00,
            |counters| counters.header_bad_status,
        ),
        (
            |header| header[0] = 0xFF,
            |counters| counters.header_bad_status,
        ),
        (
            |header| header[1] = 0x00,
            |counters| counters.header_next_outside,
        ),
        (
            |header| header[1] = 0xFF,
            |counters| counters.header_next_outside,
        ),
        (
            |header| header[1] = 0x4B,
            |counters| counters.header_next_outside,
        ),
        (
            |header| header[1] = header[1].wrapping_add(7),
            |counters| counters.header_inconsistent,
        ),
        (
            |header| header[3] = 0xFF,
            |counters| counters.header_inconsistent,
        ),
        (
            |header| header[3] = 0x05,
            |counters| counters.header_inconsistent,
        ),
        (
            // One page more than the frame has: plausible, but beyond CURR.
            |header| header[1] = header[1].wrapping_add(1),
            |counters| counters.header_beyond_current,
        ),
    ];
    for configuration in personalities() {
        for (change, reason) in cases {
            let mut running = Running::new(configuration);
            running.model.corrupt_next_header(change);
            running.model.inject(&running.frame(100, 1));
            assert_eq!(running.service(), Service::Done);
            assert_eq!(running.take_frames(), Vec::<Vec<u8>>::new());
            assert_eq!(reason(running.card.counters()), 1);
            assert_eq!(running.card.counters().resynchronisations, 1);
            // Traffic goes on.
            let good = running.frame(100, 2);
            running.model.inject(&good);
            assert_eq!(running.service(), Service::Done);
            assert_eq!(running.take_frames(), [good]);
        }
    }
}

#[test]
fn frames_of_a_wrong_length_are_skipped_without_losing_the_next() {
    for (length, count) in [(60, 60_u16), (60, 4), (1514, 1530)] {
        let mut running = Running::new(Configuration::QEMU);
        let [low, high] = (count + 3).to_le_bytes();
        if length == 60 {
            running.model.corrupt_next_header(move |header| {
                header[2] = low;
                header[3] = high;
            });
            running.model.inject(&running.frame(length, 1));
        } else {
            running.model.inject(&running.frame(usize::from(count), 1));
        }
        let good = running.frame(200, 2);
        running.model.inject(&good);
        assert_eq!(running.service(), Service::Done);
        assert_eq!(running.take_frames(), [good]);
        assert_eq!(running.card.counters().receive_bad_length, 1);
        assert_eq!(running.card.counters().resynchronisations, 0);
    }
}

#[test]
fn vlan_tagged_frame_of_full_size_is_accepted() {
    let mut running = Running::new(Configuration::QEMU);
    let tagged = running.frame(1518, 1);
    running.model.inject(&tagged);
    running.service();
    assert_eq!(running.take_frames(), [tagged]);
}

#[test]
fn frames_with_reception_errors_are_counted_by_reason() {
    let mut running = Running::new(Configuration::NE2000);
    for (error, stored) in [(0x02, 0x02), (0x04, 0x04), (0x08, 0x08), (0x10, 0x10)] {
        running
            .model
            .corrupt_next_header(move |header| header[0] = stored);
        let _ = error;
        running.model.inject(&running.frame(60, 1));
    }
    let good = running.frame(60, 2);
    running.model.inject(&good);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.take_frames(), [good]);
    let counters = running.card.counters();
    assert_eq!(counters.receive_crc_errors, 1);
    assert_eq!(counters.receive_alignment_errors, 1);
    assert_eq!(counters.receive_fifo_overruns, 1);
    assert_eq!(counters.receive_marked_missed, 1);
}

#[test]
fn seed_16_receive_error_reads_the_tally_counters() {
    let mut running = Running::new(Configuration::NE2000);
    running
        .model
        .inject_with_errors(&running.frame(60, 1), ReceiveStatus::CRC_ERROR);
    running
        .model
        .inject_with_errors(&running.frame(60, 1), ReceiveStatus::FRAME_ALIGNMENT_ERROR);
    assert_eq!(running.service(), Service::Done);
    let counters = running.card.counters();
    assert_eq!(counters.receive_error_interrupts, 1);
    assert_eq!(counters.tally_crc_errors, 1);
    assert_eq!(counters.tally_alignment_errors, 1);
}

#[test]
fn recurring_bad_headers_end_in_a_reset() {
    let mut running = Running::new(Configuration::QEMU);
    for round in 0..3 {
        running.model.corrupt_next_header(|header| header[1] = 0);
        running.model.inject(&running.frame(60, round));
        let ended = running.service();
        let expected = if round < 2 {
            Service::Done
        } else {
            Service::NeedsReset
        };
        assert_eq!(ended, expected, "round {round}");
    }
    assert!(running.card.reset());
    let good = running.frame(60, 9);
    running.model.inject(&good);
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.take_frames(), [good]);
}

#[test]
fn current_page_out_of_range_ends_in_a_reset() {
    for page in [0x00, 0x3F, 0x4B, 0xC0, 0xFE] {
        let mut running = Running::new(Configuration::QEMU);
        running.model.inject(&running.frame(60, 1));
        running.model.set_current_page(page);
        assert_eq!(running.service(), Service::NeedsReset, "page {page:#x}");
        assert_eq!(running.card.counters().current_page_outside, 1);
        assert!(running.card.reset());
        let good = running.frame(60, 2);
        running.model.inject(&good);
        assert_eq!(running.service(), Service::Done);
        assert_eq!(running.take_frames(), [good]);
    }
}
