//! What passes through a stack of filters.

use filters::FilterKind;
use filters::capture::{Capture, Dump, Resolution};
use filters::expression::Expression;
use ndis::{NdisStatus, PacketFilter, PacketPool, Resources};

use crate::support::card::{ADDRESS, Answer, Deferred, PEER, frame, frame_out};
use crate::support::protocol::register;
use crate::support::{World, lock, run, run_with};

/// All filters: two of each kind.
pub(crate) const KINDS: [FilterKind; 6] = [
    FilterKind::Capture,
    FilterKind::Netem,
    FilterKind::Firewall,
    FilterKind::Capture,
    FilterKind::Netem,
    FilterKind::Firewall,
];

fn numbers(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[test]
fn seed_58_frames_pass_any_number_of_filters_in_both_directions() {
    for count in 0..=KINDS.len() {
        run(0, move |world| {
            for kind in &KINDS[..count] {
                world.add(*kind);
            }
            assert_eq!(world.stack().len(), count + 1);
            world.receive(0..20);
            assert_eq!(world.tcpip.take_received(), numbers(20));
            // However many filters there are, the frames of one interrupt are one batch.
            assert_eq!(*lock(&world.tcpip.batches), 1);
            for number in 0..20 {
                assert_eq!(world.tcpip.send(number), NdisStatus::SUCCESS);
            }
            assert_eq!(world.card.take_sent(), numbers(20));
            assert_eq!(world.tcpip.take_sent(), numbers(20));
            let wanted = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
            assert_eq!(*lock(&world.card.packet_filter), wanted.bits());
        });
    }
}

#[test]
fn seed_18_frames_of_every_length_pass_unchanged() {
    run(0, |world| {
        world.add_all(&KINDS);
        let lengths = [18, 59, 60, 61, 64, 1513, 1514];
        for (number, length) in lengths.into_iter().enumerate() {
            // The protocol compares the bytes.
            lock(&world.card.ring).push_back(frame(number as u32, length));
            world.tcpip.send_frame(&frame_out(number as u32, length));
        }
        world.interrupt();
        assert_eq!(world.tcpip.take_received(), numbers(7));
        let sent = std::mem::take(&mut *lock(&world.card.sent));
        let expected = (0_u32..)
            .zip(lengths)
            .map(|(n, length)| frame_out(n, length));
        assert_eq!(sent, expected.collect::<Vec<_>>());
    });
}

#[test]
fn a_packet_is_passed_without_a_copy() {
    run(0, |world| {
        for kind in KINDS {
            world.add(kind);
        }
        let mut packet = world.pool.allocate(0).expect("there is one");
        assert!(packet.append_slice(&frame_out(1, 1514)));
        let from = packet.data().as_ptr().addr();
        let status = world.ndis.send(&world.tcpip.handle(), packet);
        assert_eq!(status, NdisStatus::SUCCESS);
        assert_eq!(*lock(&world.card.sent_from), [from]);

        // Received as a packet, it is shared all the way up.
        world
            .card
            .defer(Deferred::IndicatePacket(world.pool, frame(2, 1514)));
        let buffers = world.pool.usage().buffers;
        world.interrupt();
        assert_eq!(world.tcpip.take_received(), [2]);
        assert_eq!(world.pool.usage().buffers.peak, buffers.peak);
        // From the card's memory it is copied once, by the lowest filter.
        lock(&world.tcpip.received_from).clear();
        world.receive([3]);
        assert_eq!(lock(&world.tcpip.received_from).len(), 1);
        assert_eq!(world.pool.usage().buffers.peak, buffers.peak);
        let shared: Vec<u64> = world
            .filters
            .list()
            .map(|filter| filter.counters.shared)
            .collect();
        // capture1 at the bottom took a packet once; all the others twice.
        assert_eq!(shared.iter().sum::<u64>(), 11);
    });
}

#[test]
fn a_send_is_completed_once_however_the_card_answers() {
    run(0, |world| {
        world.add_all(&KINDS);
        world.card.answer([
            Answer::Pending,
            Answer::Failure,
            Answer::Resources,
            Answer::Pending,
        ]);
        // The filters own what they have passed on.
        assert_eq!(world.tcpip.send(0), NdisStatus::SUCCESS);
        // A refusal is told.
        assert_eq!(world.tcpip.send(1), NdisStatus::FAILURE);
        assert_eq!(world.tcpip.send(2), NdisStatus::SUCCESS);
        assert_eq!(world.tcpip.send(3), NdisStatus::SUCCESS);
        world.card.defer(Deferred::CompleteSends);
        world.interrupt();
        world.card.defer(Deferred::CompleteSends);
        world.interrupt();
        assert_eq!(world.card.take_sent(), [0, 2, 3]);
        let ended = world.tcpip.take_ended();
        assert_eq!(ended.len(), 4);
        assert_eq!(ended[1], (1, NdisStatus::FAILURE));
        let bottom = world.filters.list().next().expect("there is one");
        assert_eq!((bottom.name, bottom.counters.sends_failed), ("capture1", 1));
    });
}

#[test]
fn filters_stand_on_the_loopback_adapter_too() {
    let configure = |registry: &crate::support::Registry| {
        registry.set("tcpip", "Bind", "card0");
        registry.set("local", "Bind", "Loopback");
    };
    run_with(0, PacketPool::new(96, 96), configure, |world| {
        let (table, length) = loopback::characteristics();
        let miniport = world.ndis.register_miniport("loopback", &table, length, ());
        let miniport = miniport.expect("the table is good");
        let adapter = world
            .ndis
            .add_device(miniport, "Loopback", Resources::internal());
        let adapter = adapter.expect("there is room");
        world.ndis.start_device(&adapter).expect("it starts");
        let local = register(world.ndis, world.pool, "local");
        for kind in KINDS {
            assert!(world.filters.add(kind, &adapter.top()).is_ok());
        }
        for number in 0..10 {
            let mut frame = frame(number, 1400);
            frame[..12].fill(0);
            assert!(local.send_frame(&frame).is_success());
        }
        world.settle();
        assert_eq!(local.take_received(), numbers(10));
        assert_eq!(local.take_sent(), numbers(10));
        let state = world
            .filters
            .with_capture("capture1", |capture| capture.state());
        let counters = state.expect("it is there").counters;
        assert_eq!((counters.passed_out, counters.passed_in), (10, 10));
    });
}

#[test]
fn there_may_be_more_filters_than_a_packet_can_pass_bindings() {
    let configure = |registry: &crate::support::Registry| {
        registry.set("Filters", "Capture", "8");
    };
    run_with(0, PacketPool::new(96, 96), configure, |world| {
        for _ in 0..8 {
            world.add(FilterKind::Capture);
        }
        world.add(FilterKind::Netem);
        world.card.answer([Answer::Success, Answer::Pending]);
        assert_eq!(world.tcpip.send(0), NdisStatus::SUCCESS);
        assert_eq!(world.tcpip.send(1), NdisStatus::SUCCESS);
        world.card.defer(Deferred::CompleteSends);
        world.interrupt();
        assert_eq!(world.card.take_sent(), [0, 1]);
        assert_eq!(world.tcpip.take_sent(), [0, 1]);
    });
}

#[test]
fn own_packets_come_back_once_however_many_filters_there_are() {
    for count in [0, 1, 6] {
        run(0, move |world| {
            for kind in &KINDS[..count] {
                world.add(*kind);
            }
            // To every station: to this one too.
            let mut broadcast = frame(0, 200);
            broadcast[..6].fill(0xFF);
            assert!(world.tcpip.send_frame(&broadcast).is_success());
            world.settle();
            assert_eq!(world.tcpip.take_received(), [0]);
            assert_eq!(world.card.take_sent(), [0]);
            // To the adapter itself: not on the wire.
            assert!(world.tcpip.send_frame(&frame(1, 200)).is_success());
            world.settle();
            assert_eq!(world.tcpip.take_received(), [1]);
            assert!(world.card.take_sent().is_empty());
            // To another station: only there.
            assert!(world.tcpip.send(2).is_success());
            world.settle();
            assert!(world.tcpip.take_received().is_empty());
            assert_eq!(world.card.take_sent(), [2]);
            assert_eq!(world.tcpip.take_sent(), numbers(3));
        });
    }
}

#[test]
fn a_full_queue_of_the_card_is_told_to_the_sender() {
    run(0, |world| {
        world.add(FilterKind::Capture);
        world.card.answer([Answer::Resources]);
        let fill = (0..200).find(|&number| !world.tcpip.send(number).is_success());
        // 96 packets are fewer than the queue's 256.
        assert_eq!(fill, Some(96));
        world.card.defer(Deferred::ResourcesAvailable);
        world.interrupt();
        assert_eq!(world.card.take_sent(), numbers(96));
        world.tcpip.take_ended();
    });
}

#[test]
fn a_protocol_that_answers_in_receive_calls_no_handler_twice() {
    for seed in 0..10 {
        run(seed, |world| {
            world.add_all(&KINDS);
            *lock(&world.tcpip.replies_from) = Some(100);
            world.receive(0..10);
            world.settle();
            assert_eq!(world.tcpip.take_received(), numbers(10));
            assert_eq!(world.card.take_sent(), (100..110).collect::<Vec<_>>());
            assert_eq!(world.tcpip.take_sent().len(), 10);
            // Only the top one is at work while the protocol takes a frame.
            let waited = world.filters.list().map(|filter| filter.counters.waited);
            assert_eq!(waited.sum::<u64>(), 10);
        });
    }
}

#[test]
fn frames_without_a_packet_are_counted_and_lost_nowhere_else() {
    run_with(
        0,
        PacketPool::new(8, 8),
        |_| {},
        |world| {
            world.add(FilterKind::Capture);
            world.receive(0..10);
            let received = world.tcpip.take_received();
            let filter = world.filters.list().next().expect("there is one");
            let dropped = filter.counters.dropped_no_packet;
            // Eight packets wait for the end of the batch.
            assert_eq!(dropped, 2);
            assert_eq!(received, numbers(8));
            world.receive(0..4);
            assert_eq!(world.tcpip.take_received(), numbers(4));
        },
    );
}

#[test]
fn seed_20_transfers_that_pend_or_fail_are_taken_care_of() {
    run(0, |world| {
        world.add(FilterKind::Capture);
        world.add(FilterKind::Firewall);
        lock(&world.card.script).pend_transfers = true;
        world.receive(0..3);
        assert!(world.tcpip.take_received().is_empty());
        world.card.defer(Deferred::CompleteTransfers);
        world.interrupt();
        assert_eq!(world.tcpip.take_received(), numbers(3));
        lock(&world.card.script).fail_transfers = true;
        world.receive(3..5);
        world.card.defer(Deferred::CompleteTransfers);
        world.interrupt();
        assert!(world.tcpip.take_received().is_empty());
        let filter = world.filters.list().next().expect("there is one");
        assert_eq!(filter.counters.dropped_transfer_failed, 2);
    });
}

#[test]
fn a_frame_longer_than_a_buffer_is_counted() {
    run(0, |world| {
        world.add(FilterKind::Capture);
        lock(&world.card.ring).extend([frame(0, 2100), frame(1, 200)]);
        world.interrupt();
        assert_eq!(world.tcpip.take_received(), [1]);
        let filter = world.filters.list().next().expect("there is one");
        assert_eq!(filter.counters.dropped_too_long, 1);
    });
}

/// The file of a capture, as another reader reads it.
fn dump(world: &World, name: &str) -> Vec<Vec<u8>> {
    let mut file = Vec::new();
    let mut buffer = [0; 1600];
    let new = |capture: &mut Capture| {
        Dump::new(capture, Resolution::Microseconds, executive::Duration::ZERO)
    };
    let mut dump = world.filters.with_capture(name, new).expect("it is there");
    loop {
        let read = |capture: &mut Capture| dump.read(capture, &mut buffer);
        let length = world.filters.with_capture(name, read).expect("it is there");
        if length == 0 {
            break;
        }
        file.extend_from_slice(&buffer[..length]);
    }
    let mut reader = pcap_file::pcap::PcapReader::new(&file[..]).expect("it is a file");
    core::iter::from_fn(|| {
        Some(
            reader
                .next_packet()?
                .expect("it is whole")
                .data
                .into_owned(),
        )
    })
    .collect()
}

#[test]
fn a_capture_has_what_passed_in_order_and_shows_it_live() {
    run(0, |world| {
        let name = world.add(FilterKind::Capture);
        let words = Expression::parse("ether src 02:00:00:00:00:01").expect("they are right");
        let live = |capture: &mut Capture| capture.start_live(words);
        world.filters.with_capture(name, live).expect("it is there");
        world.receive([1]);
        world.tcpip.send(2);
        world.receive([3]);
        world.tcpip.send(4);
        assert_eq!(
            dump(&world, name),
            [
                frame(1, 200),
                frame_out(2, 200),
                frame(3, 200),
                frame_out(4, 200)
            ]
        );
        // A look at the simulated clock takes a microsecond.
        for time in ["0.00100", "0.00200"] {
            let next = world.filters.with_capture(name, Capture::next_live);
            let shown = next
                .expect("it is there")
                .expect("it is queued")
                .to_string();
            let [us, peer] = [ADDRESS, PEER].map(|bytes| ndis::HardwareAddress(bytes).to_string());
            let summary = format!("{us} > {peer}, ethertype Unknown (0x88b5), length 200");
            assert!(shown.ends_with(&format!("Out {summary}")), "{shown}");
            assert!(shown.starts_with(time), "{shown}");
        }
        let next = world.filters.with_capture(name, Capture::next_live);
        assert_eq!(next, Ok(None));
        let mut counters = Vec::new();
        let told = world
            .filters
            .counters(name, &mut |name, value| counters.push((name, value)));
        assert_eq!(told, Ok(()));
        assert_eq!(
            counters[..3],
            [("passed_out", 2), ("passed_in", 2), ("stored", 4)]
        );
    });
}
