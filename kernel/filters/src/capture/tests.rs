use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use executive::{Duration, Instant};
use ndis::PacketPool;
use pcap_file::pcap::PcapReader;
use pcap_file::{DataLink, TsResolution};
use proptest::prelude::*;

use super::{Capture, Captured, Dump, EXCERPT_LENGTH, Reader, Resolution};
use crate::Direction;
use crate::expression::Expression;
use crate::intermediate::testing::Recorder;

fn recorder() -> Recorder {
    Recorder::new(PacketPool::new(16, 16))
}

/// An Ethernet frame with a type of no protocol and `length` bytes in all.
fn frame(seed: u8, length: usize) -> Vec<u8> {
    let mut frame = vec![seed; length.max(14)];
    (frame[12], frame[13]) = (0x88, 0xB5);
    frame
}

fn expression(words: &str) -> Expression {
    Expression::parse(words).expect(words)
}

/// The whole file, read in pieces of `size` bytes.
fn file(capture: &Capture, dump: &mut Dump, size: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut buffer = vec![0; size];
    loop {
        let length = dump.read(capture, &mut buffer);
        if length == 0 {
            return file;
        }
        file.extend_from_slice(&buffer[..length]);
    }
}

/// What another reader finds in a file: time in microseconds, length, bytes.
fn read_back(file: &[u8]) -> Vec<(u64, u32, Vec<u8>)> {
    let mut reader = PcapReader::new(file).expect("the file has a header");
    assert_eq!(reader.header().datalink, DataLink::ETHERNET);
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.expect("the record is whole");
        packets.push((
            packet.timestamp.as_micros() as u64,
            packet.orig_len,
            packet.data.to_vec(),
        ));
    }
    packets
}

#[test]
fn packets_pass_unchanged_in_both_directions() {
    let mut recorder = recorder();
    let mut capture = Capture::new(4096, 4096);
    for direction in [Direction::Out, Direction::In] {
        recorder.give(&mut capture, direction, &frame(1, 100));
        let passed = recorder.take();
        assert_eq!(passed.len(), 1);
        assert_eq!((passed[0].1, &passed[0].2), (direction, &frame(1, 100)));
    }
    let counters = capture.state().counters;
    assert_eq!(
        (counters.passed_out, counters.passed_in, counters.stored),
        (1, 1, 2)
    );
}

#[test]
fn the_newest_packets_overwrite_the_oldest_and_that_is_counted() {
    let mut recorder = recorder();
    let mut capture = Capture::new(1000, 100);
    for seed in 0..50 {
        recorder.give(&mut capture, Direction::In, &frame(seed, 100));
        recorder.take();
    }
    let state = capture.state();
    // Records of 116 bytes, up to the end of the memory and at its start.
    assert_eq!(state.packets, 8);
    assert_eq!(state.bytes, 8 * 116);
    assert_eq!(state.counters.overwritten, 42);
    let seeds: Vec<u8> = capture.packets().map(|packet| packet.bytes[0]).collect();
    assert_eq!(seeds, (42..50).collect::<Vec<u8>>());
    recorder.give(&mut capture, Direction::In, &frame(1, 1000));
    assert_eq!(capture.state().counters.dropped_too_long, 1);
}

#[test]
fn the_snap_length_cuts_what_is_stored_not_what_passes() {
    let mut recorder = recorder();
    let mut capture = Capture::new(4096, 100);
    capture.set_snap_length(40);
    recorder.give(&mut capture, Direction::Out, &frame(7, 1514));
    assert_eq!(recorder.take()[0].2.len(), 1514);
    let packet = capture.packets().next().expect("it is stored");
    assert_eq!((packet.length, packet.bytes), (1514, &frame(7, 1514)[..40]));
    assert_eq!(capture.state().counters.stored_cut, 1);
}

#[test]
fn the_store_stops_starts_filters_and_is_cleared() {
    let mut recorder = recorder();
    let mut capture = Capture::new(4096, 100);
    capture.stop();
    recorder.give(&mut capture, Direction::Out, &frame(1, 60));
    assert_eq!(capture.state().packets, 0);
    capture.start();
    capture.set_filter(expression("greater 100"));
    recorder.give(&mut capture, Direction::Out, &frame(1, 60));
    recorder.give(&mut capture, Direction::Out, &frame(1, 100));
    assert_eq!(
        (capture.state().packets, capture.state().counters.filtered),
        (1, 1)
    );
    capture.clear();
    assert_eq!(capture.packets().count(), 0);
    assert_eq!(recorder.take().len(), 3);
}

#[test]
fn another_reader_reads_the_dump_in_both_resolutions() {
    let mut recorder = recorder();
    let mut capture = Capture::new(64 * 1024, 100);
    let epoch = Duration::from_secs(1_700_000_000);
    let mut expected = Vec::new();
    for seed in 0..20 {
        recorder.run_until(
            &mut capture,
            Instant::from_micros(5_000_000 + u64::from(seed) * 3),
        );
        let frame = frame(seed, 14 + usize::from(seed) * 70);
        recorder.give(&mut capture, Direction::Out, &frame);
        recorder.take();
        let time = 1_700_000_005_000_000 + u64::from(seed) * 3;
        expected.push((time, frame.len() as u32, frame));
    }
    for (resolution, theirs) in [
        (Resolution::Microseconds, TsResolution::MicroSecond),
        (Resolution::Nanoseconds, TsResolution::NanoSecond),
    ] {
        for size in [1600, 4096, 1 << 20] {
            let mut dump = Dump::new(&capture, resolution, epoch);
            let file = file(&capture, &mut dump, size);
            assert_eq!(
                PcapReader::new(&file[..])
                    .expect("a file")
                    .header()
                    .ts_resolution,
                theirs
            );
            assert_eq!(read_back(&file), expected);
            assert_eq!(
                (dump.packets(), dump.lost(), dump.bytes()),
                (20, 0, file.len() as u64)
            );
        }
        // A record that does not fit the buffer is cut, and the file stays one.
        let mut dump = Dump::new(&capture, resolution, epoch);
        let cut = read_back(&file(&capture, &mut dump, 100));
        assert_eq!(cut.len(), 20);
        for (ours, whole) in cut.iter().zip(&expected) {
            assert_eq!((ours.0, ours.1), (whole.0, whole.1));
            assert_eq!(ours.2, whole.2[..whole.2.len().min(84)]);
        }
    }
    let mut dump = Dump::new(&capture, Resolution::Microseconds, epoch);
    assert_eq!(dump.read(&capture, &mut [0; Dump::LEAST_BUFFER - 1]), 0);
    assert_eq!(
        dump.read(&capture, &mut [0; Dump::LEAST_BUFFER]),
        Dump::LEAST_BUFFER
    );
}

#[test]
fn an_empty_capture_is_a_file_without_packets() {
    let capture = Capture::new(4096, 100);
    let mut dump = Dump::new(&capture, Resolution::Microseconds, Duration::ZERO);
    assert!(read_back(&file(&capture, &mut dump, 64)).is_empty());
}

#[test]
fn a_dump_ends_with_what_was_there_and_counts_what_was_overwritten_meanwhile() {
    let mut recorder = recorder();
    let mut capture = Capture::new(1000, 100);
    let give = |recorder: &mut Recorder, capture: &mut Capture, seed| {
        recorder.give(capture, Direction::In, &frame(seed, 100));
        recorder.take();
    };
    for seed in 0..8 {
        give(&mut recorder, &mut capture, seed);
    }
    let mut dump = Dump::new(&capture, Resolution::Microseconds, Duration::ZERO);
    let mut buffer = [0; 24 + 2 * 116];
    let length = dump.read(&capture, &mut buffer);
    let mut file = buffer[..length].to_vec();
    // Five more overwrite the two that have been given and three of those that have not.
    for seed in 8..13 {
        give(&mut recorder, &mut capture, seed);
    }
    file.extend(self::file(&capture, &mut dump, 300));
    let seeds: Vec<u8> = read_back(&file).iter().map(|packet| packet.2[0]).collect();
    assert_eq!(seeds, [0, 1, 5, 6, 7]);
    assert_eq!((dump.packets(), dump.lost()), (5, 3));
    // All of it overwritten.
    let mut dump = Dump::new(&capture, Resolution::Microseconds, Duration::ZERO);
    for seed in 0..20 {
        give(&mut recorder, &mut capture, seed);
    }
    assert!(read_back(&self::file(&capture, &mut dump, 300)).is_empty());
    assert_eq!((dump.packets(), dump.lost()), (0, 8));
}

#[test]
fn the_last_packets_are_read_one_by_one_while_others_come() {
    let mut recorder = recorder();
    let mut capture = Capture::new(1000, 100);
    for seed in 0..6 {
        recorder.give(&mut capture, Direction::In, &frame(seed, 100));
        recorder.take();
    }
    let mut reader = Reader::last(&capture, 3);
    let mut next = |capture: &Capture| reader.next(capture).map(|packet| packet.bytes()[0]);
    assert_eq!(next(&capture), Some(3));
    for seed in 6..13 {
        recorder.give(&mut capture, Direction::In, &frame(seed, 100));
        recorder.take();
    }
    assert_eq!((next(&capture), next(&capture)), (Some(5), None));
    assert_eq!(reader.lost(), 1);
    assert!(Reader::last(&capture, 100).next(&capture).is_some());
    assert!(Reader::last(&capture, 0).next(&capture).is_none());
}

#[test]
fn the_live_view_is_drained_in_order_and_counts_what_it_has_no_room_for() {
    let mut recorder = recorder();
    let mut capture = Capture::new(4096, 3 * (16 + EXCERPT_LENGTH));
    recorder.give(&mut capture, Direction::In, &frame(9, 300));
    assert!(capture.next_live().is_none());
    capture.start_live(expression("greater 100"));
    recorder.give(&mut capture, Direction::In, &frame(9, 60));
    for seed in 0..5 {
        recorder.give(&mut capture, Direction::Out, &frame(seed, 300));
    }
    for seed in 0..3 {
        let packet = capture.next_live().expect("it is queued");
        assert_eq!((packet.length, packet.direction), (300, Direction::Out));
        assert_eq!(packet.bytes(), &frame(seed, 300)[..EXCERPT_LENGTH]);
    }
    assert!(capture.next_live().is_none());
    let counters = capture.state().counters;
    assert_eq!(
        (counters.live, counters.live_dropped, counters.live_filtered),
        (3, 2, 1)
    );
    assert_eq!(counters.stored, 7);
    recorder.give(&mut capture, Direction::Out, &frame(1, 300));
    capture.stop_live();
    assert!(capture.next_live().is_none());
    assert_eq!(recorder.take().len(), 8);
}

#[test]
fn a_line_has_time_direction_and_summary() {
    let mut recorder = recorder();
    let mut capture = Capture::new(4096, 1000);
    capture.start_live(Expression::all());
    recorder.run_until(&mut capture, Instant::from_micros(12_000_345));
    recorder.give(&mut capture, Direction::Out, &frame(2, 60));
    let line = "12.000345 Out 02:02:02:02:02:02 > 02:02:02:02:02:02, ethertype Unknown (0x88b5), length 60";
    assert_eq!(capture.next_live().expect("it is queued").to_string(), line);
    assert_eq!(
        capture.packets().next().expect("it is stored").to_string(),
        line
    );
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Pop,
    Clear,
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..400_usize).prop_map(Step::Push),
        4 => Just(Step::Pop),
        1 => Just(Step::Clear),
        4 => Just(Step::Read),
    ]
}

proptest! {
    /// A reader that goes along sees every record once and in order, but those removed before.
    #[test]
    fn the_ring_behaves_like_a_queue(
        size in 0..1500_usize,
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let pool = PacketPool::new(2, 4);
        let mut ring = super::ring::Ring::new(size);
        let mut model: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut number = 0;
        let mut position = ring.start();
        for step in steps {
            match step {
                Step::Push(length) => {
                    let bytes = vec![number as u8; length];
                    let mut packet = pool.allocate(0).expect("there is one");
                    prop_assert!(packet.append_slice(&bytes));
                    let used: usize = model.iter().map(|(_, bytes)| bytes.len() + 16).sum();
                    let time = Instant::from_micros(number);
                    if ring.push(time, Direction::Out, &packet, 300) {
                        model.push((number, bytes[..length.min(300)].to_vec()));
                        number += 1;
                    } else {
                        // What is wasted at the end is shorter than the longest record.
                        prop_assert!(!model.is_empty() || length.min(300) + 16 > size);
                        prop_assert!(used + length.min(300) + 16 + 316 > size);
                    }
                }
                Step::Pop => {
                    prop_assert_eq!(ring.pop(), !model.is_empty());
                    model.drain(..1.min(model.len()));
                }
                Step::Clear => {
                    ring.clear();
                    model.clear();
                }
                Step::Read => {
                    let expected = model.iter().find(|(number, _)| *number >= position.number);
                    let read = ring.read(position);
                    prop_assert_eq!(
                        read.map(|(Captured { time, bytes, .. }, _)| (time.as_micros(), bytes.to_vec())),
                        expected.cloned()
                    );
                    if let Some((_, behind)) = read {
                        position = behind;
                    }
                }
            }
            prop_assert_eq!(ring.len(), model.len());
            prop_assert_eq!(ring.is_empty(), model.is_empty());
            let all: Vec<_> = ring
                .iter()
                .map(|record| (record.time.as_micros(), record.bytes.to_vec()))
                .collect();
            prop_assert_eq!(&all, &model);
        }
    }
}
