//! Looping back several packets, packets that wait, and through filters; what is bounded and
//! counted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndis::{
    MiniportCharacteristics, NdisStatus, PacketFilter, PacketFlags, ProtocolCharacteristics,
    SendOutcome,
};

use super::{BROADCAST, FOREIGN, bound, decline_own, receivers, send_to, started};
use crate::intermediate::install;
use crate::support::miniport::{self, ADDRESS, Answer, Deferred};
use crate::support::protocol::{self, Observer, Seat};
use crate::support::{frame, frame_to, lock, run};

#[test]
fn several_packets_are_looped_back_one_by_one() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        let packets = [FOREIGN, ADDRESS, BROADCAST, FOREIGN]
            .map(|destination| world.packet(&frame_to(destination, 100)));
        let sent = world
            .ndis
            .send_packets(&first.handle(), packets.into_iter());
        assert_eq!(sent, 4);
        let events = world.log.take();
        let count = |part: &str| events.iter().filter(|event| event.contains(part)).count();
        assert_eq!(count("first send_complete SUCCESS"), 4);
        assert_eq!(count("first receive 14"), 2);
        assert_eq!(count("second receive 14"), 2);
        assert_eq!(card.sent_count(), 3);
        let destinations: Vec<_> = lock(&card.sent).iter().map(|sent| sent[5]).collect();
        assert_eq!(destinations, [0x55, 0xFF, 0x55]);
        assert_eq!(adapter.counters().loopbacks, 2);
    });
}

#[test]
fn a_packet_that_waits_for_the_card_is_looped_back_once_and_at_once() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        card.answer_sends([Answer::Resources]);
        for _ in 0..2 {
            assert_eq!(send_to(&world, first, BROADCAST), NdisStatus::PENDING);
            assert_eq!(receivers(&world), ["first", "second"], "at once");
        }
        card.defer(Deferred::ResourcesAvailable);
        world.interrupt(9);
        assert!(receivers(&world).is_empty());
        assert_eq!((card.sent_count(), adapter.counters().loopbacks), (2, 2));
        // One that is refused is not.
        card.answer_sends([Answer::Resources]);
        for _ in 0..8 {
            assert_eq!(first.send_frame(100), NdisStatus::PENDING);
        }
        assert_eq!(send_to(&world, first, BROADCAST), NdisStatus::RESOURCES);
        assert_eq!(send_to(&world, first, ADDRESS), NdisStatus::RESOURCES);
        assert!(receivers(&world).is_empty());
        card.defer(Deferred::ResourcesAvailable);
        world.interrupt(9);
    });
}

#[test]
fn without_a_packet_for_the_copy_the_loss_is_counted() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        let directed = world.packet(&frame_to(ADDRESS, 46));
        let broadcast = world.packet(&frame_to(BROADCAST, 46));
        let kept: Vec<_> = std::iter::from_fn(|| world.pool.allocate(0)).collect();
        assert_eq!(first.send(directed), NdisStatus::RESOURCES);
        let taken = world.pool.allocate(0);
        assert_eq!(first.send(broadcast), NdisStatus::SUCCESS);
        drop((kept, taken));
        assert!(receivers(&world).is_empty());
        assert_eq!(card.sent_count(), 1);
        let counters = adapter.counters();
        assert_eq!((counters.loopbacks, counters.loopbacks_no_packet), (2, 2));
        assert_eq!(counters.loopback_frames, 0);
    });
}

/// How many own frames the handler below has sent.
static SENT_BACK: AtomicUsize = AtomicUsize::new(0);

#[test]
fn what_a_handler_sends_is_looped_back_after_it_and_bounded() {
    run(|world| {
        let (card, adapter) = started(&world);
        let observer = Observer::new("first", world.log.clone(), world.pool);
        let table = ProtocolCharacteristics {
            receive: Some(|seat: &Seat, _, _, _, payload| {
                seat.observer.log.write(format!("begin {payload}"));
                if payload == 46 {
                    for _ in 0..10 {
                        let mut packet = seat.observer.pool.allocate(0).expect("room");
                        assert!(packet.append_slice(&frame(100)));
                        let is_sent = seat.send(packet) == NdisStatus::SUCCESS;
                        SENT_BACK.fetch_add(usize::from(is_sent), Ordering::SeqCst);
                    }
                }
                seat.observer.log.write("end");
                NdisStatus::SUCCESS
            }),
            ..protocol::table()
        };
        world.protocol_table(&observer, &table);
        observer.seat().set_filter(PacketFilter::DIRECTED);
        card.receive([frame(46)]);
        world.log.take();
        world.interrupt(9);
        let events = world.log.take();
        let nested = events
            .windows(2)
            .any(|pair| pair[0].starts_with("begin") && pair[1].starts_with("begin"));
        assert!(!nested, "a handler is not called within a handler");
        // The queue has room for eight in these tests.
        assert_eq!(SENT_BACK.load(Ordering::SeqCst), 8);
        assert_eq!(
            events.iter().filter(|event| *event == "begin 100").count(),
            8
        );
        let counters = adapter.counters();
        assert_eq!((counters.loopbacks, counters.loopbacks_queue_full), (10, 2));
    });
}

#[test]
fn a_protocol_that_answers_every_looped_frame_leaves_the_processor_to_others() {
    run(|world| {
        let (_, adapter) = started(&world);
        let (observer, seat) = world.bound("first");
        seat.set_filter(PacketFilter::PROMISCUOUS);
        observer.script(|script| script.reply = true);
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        world.executive().yield_now();
        assert!(adapter.counters().loopback_frames > 16);
        observer.script(|script| script.reply = false);
        world.sleep(1);
        world.log.take();
    });
}

/// The flags of the packets that the miniport below got.
static FLAGS: Mutex<Vec<PacketFlags>> = Mutex::new(Vec::new());

#[test]
fn a_looped_packet_that_is_sent_on_is_like_any_other_below() {
    run(|world| {
        let table = MiniportCharacteristics {
            send: Some(|_, _, packet| {
                lock(&FLAGS).push(packet.info().flags);
                SendOutcome::Success
            }),
            ..miniport::table()
        };
        let card = world.card("card");
        card.script(|script| script.mac_options = Some(super::NO_LOOPBACK));
        world.start_table("card0", &card, &table);
        let observer = Observer::new("first", world.log.clone(), world.pool);
        let table = ProtocolCharacteristics {
            receive_packet: Some(|seat: &Seat, packet| {
                let mut copy = packet.share().expect("there is a descriptor");
                assert_eq!(copy.info().flags, PacketFlags::IS_LOOPBACK_PACKET);
                copy.info_mut().flags |= PacketFlags::DONT_LOOPBACK;
                assert!(seat.send(copy).is_success());
                NdisStatus::SUCCESS
            }),
            ..protocol::table()
        };
        world.protocol_table(&observer, &table);
        observer.seat().set_filter(PacketFilter::DIRECTED);
        let status = send_to(&world, observer.seat(), ADDRESS);
        assert_eq!(status, NdisStatus::SUCCESS);
        assert_eq!(*lock(&FLAGS), [PacketFlags::DONT_LOOPBACK]);
        world.log.take();
    });
}

#[test]
fn looped_frames_do_not_count_as_received_by_the_card() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        card.receive((0..6).map(|_| frame(46)));
        world.interrupt(9);
        card.receive([frame(46)]);
        world.interrupt(9);
        for destination in [ADDRESS, BROADCAST, BROADCAST] {
            assert_eq!(send_to(&world, first, destination), NdisStatus::SUCCESS);
        }
        let report = world.report();
        assert_eq!(report.frames_per_interrupt_in_hundredths(), Some(350));
        assert_eq!(adapter.counters().frames_received, 7);
        assert_eq!(adapter.counters().bytes_received, 7 * 60);
        assert_eq!(adapter.counters().loopback_frames, 3);
    });
}

#[test]
fn what_waits_to_be_looped_back_is_dropped_at_halt() {
    run(|world| {
        let (_, adapter) = started(&world);
        let (observer, seat) = world.bound("first");
        seat.set_filter(PacketFilter::PROMISCUOUS);
        observer.script(|script| script.reply = true);
        let raised = world.executive().raise_irql(executive::Irql::Dispatch);
        // The handlers' budget is used up with a frame waiting; the rest is left to a DPC.
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        assert_ne!(world.pool.usage().packets.used, 0);
        drop(raised);
        world.ndis.stop_device(&adapter).expect("it runs");
        assert_eq!(world.pool.usage().packets.used, 0);
    });
}

#[test]
fn seed_58_through_filters_a_frame_is_looped_back_once_and_at_the_top() {
    run(|world| {
        let (card, _) = started(&world);
        install(&world, "filter1", "card0");
        install(&world, "filter2", "filter1");
        world.registry.set("first", "Bind", "filter2");
        let (_, seat) = world.bound("first");
        assert_eq!(seat.adapter.name(), "filter2");
        assert_eq!(send_to(&world, seat, BROADCAST), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["first"]);
        assert_eq!(card.sent_count(), 1);
        assert_eq!(send_to(&world, seat, ADDRESS), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["first"]);
        assert_eq!(card.sent_count(), 1);
        let loopbacks = |name| {
            let adapter = world.ndis.adapter(name).expect("it is there");
            let counters = adapter.counters();
            (counters.loopbacks, counters.frames_received)
        };
        assert_eq!(loopbacks("filter2"), (2, 0));
        assert_eq!(loopbacks("filter1"), (0, 0));
        assert_eq!(loopbacks("card0"), (0, 0));
        // What the protocol declines does not come back from below either.
        decline_own(seat);
        assert_eq!(send_to(&world, seat, BROADCAST), NdisStatus::SUCCESS);
        assert!(receivers(&world).is_empty());
        assert_eq!(card.sent_count(), 2);
        // The frames of the medium are counted by every adapter they pass.
        card.receive([frame(46), frame(46)]);
        world.interrupt(9);
        for name in ["card0", "filter1", "filter2"] {
            assert_eq!(loopbacks(name).1, 2);
        }
        let reports: Vec<_> = world.ndis.adapter_reports().collect();
        let ratio = |index: usize| reports[index].frames_per_interrupt_in_hundredths();
        assert_eq!([ratio(0), ratio(1), ratio(2)], [Some(200), None, None]);
    });
}
