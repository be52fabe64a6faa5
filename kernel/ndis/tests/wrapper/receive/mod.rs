//! Receiving: seed items 18, 19 and 21.

mod payload;

use crate::support::miniport::{ADDRESS, Card, Deferred};
use crate::support::protocol::{self, Observer};
use crate::support::{World, bound, frame, frame_to, run};
use ndis::counters::AdapterCounters;
use ndis::protocol::ProtocolCharacteristics;
use ndis::{AdapterHandle, NdisStatus, Oid, PacketFilter};

const BROADCAST: [u8; 6] = [0xFF; 6];
const GROUP: [u8; 6] = [0x01, 0, 0x5E, 0, 0, 1];
const OTHER_GROUP: [u8; 6] = [0x01, 0, 0x5E, 0, 0, 2];
const FOREIGN: [u8; 6] = [2, 0, 0, 0, 0, 0x55];

/// Has the card receive frames; returns what the counters of the adapter grew by.
fn receive(
    world: &World,
    card: &Card,
    adapter: AdapterHandle,
    frames: Vec<Vec<u8>>,
) -> AdapterCounters {
    let before = adapter.counters();
    card.receive(frames);
    assert!(world.interrupt(9));
    let after = adapter.counters();
    AdapterCounters {
        frames_received: after.frames_received - before.frames_received,
        dropped_short_header: after.dropped_short_header - before.dropped_short_header,
        dropped_no_binding: after.dropped_no_binding - before.dropped_no_binding,
        dropped_filtered: after.dropped_filtered - before.dropped_filtered,
        dropped_not_accepted: after.dropped_not_accepted - before.dropped_not_accepted,
        ..AdapterCounters::default()
    }
}

#[test]
fn seed_18_each_frame_is_indicated_to_every_binding() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        for name in ["first", "second", "third"] {
            world.bound(name);
        }
        let grown = receive(&world, &card, adapter, vec![frame(100), frame(46)]);
        assert_eq!(
            world.log.take_with("receive"),
            [
                "first receive 14 46 100",
                "second receive 14 46 100",
                "third receive 14 46 100",
                "first receive 14 46 46",
                "second receive 14 46 46",
                "third receive 14 46 46",
                "first receive_complete",
                "second receive_complete",
                "third receive_complete"
            ]
        );
        assert_eq!(
            grown,
            AdapterCounters {
                frames_received: 2,
                ..grown
            }
        );
        assert_eq!(adapter.counters().bytes_received, 114 + 60);
        assert!(
            world
                .ndis
                .binding_reports()
                .all(|report| report.counters.frames_accepted == 2)
        );
    });
}

#[test]
fn seed_18_nothing_is_received_until_a_filter_is_set() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        let grown = receive(&world, &card, adapter, vec![frame(46)]);
        assert_eq!((grown.dropped_no_binding, grown.dropped_filtered), (1, 0));
        world.protocol("tcpip");
        let grown = receive(
            &world,
            &card,
            adapter,
            vec![frame(46), frame_to(BROADCAST, 46)],
        );
        assert_eq!((grown.dropped_no_binding, grown.dropped_filtered), (0, 2));
        assert_eq!(world.binding().frames_filtered, 2);
        assert!(world.log.take_with("tcpip receive").is_empty());
    });
}

#[test]
fn seed_18_each_binding_has_a_packet_filter_of_its_own() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        let list = Oid::IEEE_802_3_MULTICAST_LIST;
        world
            .ndis
            .set_information(&seat.handle(), list, &GROUP)
            .expect("the card takes it");
        let destinations = [ADDRESS, BROADCAST, GROUP, OTHER_GROUP, FOREIGN];
        let frames = || {
            destinations
                .map(|destination| frame_to(destination, 46))
                .to_vec()
        };
        for (filter, taken) in [
            (PacketFilter::empty(), [0, 0, 0, 0, 0]),
            (PacketFilter::DIRECTED, [1, 0, 0, 0, 0]),
            (PacketFilter::BROADCAST, [0, 1, 0, 0, 0]),
            (PacketFilter::MULTICAST, [0, 0, 1, 0, 0]),
            (PacketFilter::ALL_MULTICAST, [0, 0, 1, 1, 0]),
            (
                PacketFilter::DIRECTED | PacketFilter::MULTICAST,
                [1, 0, 1, 0, 0],
            ),
            (PacketFilter::PROMISCUOUS, [1, 1, 1, 1, 1]),
        ] {
            seat.set_filter(filter);
            for (frame, expected) in frames().into_iter().zip(taken) {
                let before = world.binding();
                receive(&world, &card, adapter, vec![frame]);
                let after = world.binding();
                let indicated = after.frames_indicated - before.frames_indicated;
                let filtered = after.frames_filtered - before.frames_filtered;
                assert_eq!(
                    (indicated, filtered),
                    (expected, 1 - expected),
                    "{filter:?}"
                );
            }
        }
        // A second binding that wants everything changes nothing for the first.
        seat.set_filter(PacketFilter::DIRECTED);
        let (_, sniffer) = world.bound("sniffer");
        sniffer.set_filter(PacketFilter::PROMISCUOUS);
        world.log.take();
        receive(&world, &card, adapter, frames());
        assert_eq!(world.log.take_with("tcpip receive 14").len(), 1);
        receive(&world, &card, adapter, frames());
        assert_eq!(world.log.take_with("sniffer receive 14").len(), 5);
    });
}

#[test]
fn seed_19_not_accepted_is_counted_by_binding_and_adapter() {
    run(|world| {
        let (card, adapter, observer, _) = bound(&world);
        for (answer, dropped) in [
            (NdisStatus::SUCCESS, 0),
            (NdisStatus::NOT_ACCEPTED, 1),
            (NdisStatus::NOT_RECOGNIZED, 1),
            (NdisStatus::RESOURCES, 0),
            (NdisStatus::FAILURE, 0),
        ] {
            observer.script(|script| script.receive = answer);
            let grown = receive(&world, &card, adapter, vec![frame(46)]);
            assert_eq!(grown.dropped_not_accepted, dropped, "{answer}");
        }
        let counters = world.binding();
        assert_eq!(counters.frames_indicated, 5);
        assert_eq!(counters.frames_accepted, 1);
        assert_eq!(counters.frames_not_accepted, 2);
        assert_eq!(counters.frames_out_of_resources, 1);
        assert_eq!(counters.frames_failed, 1);
        // One binding that takes the frame is enough.
        observer.script(|script| script.receive = NdisStatus::NOT_ACCEPTED);
        world.bound("second");
        let grown = receive(&world, &card, adapter, vec![frame(46)]);
        assert_eq!(grown.dropped_not_accepted, 0);
    });
}

#[test]
fn seed_19_a_protocol_without_a_receive_handler_is_indicated_nothing() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        let deaf = Observer::new("deaf", world.log.clone(), world.pool);
        let table = ProtocolCharacteristics::<protocol::Fake> {
            receive: None,
            ..protocol::table()
        };
        world.protocol_table(&deaf, &table);
        deaf.seat().set_filter(PacketFilter::DIRECTED);
        world.log.take();
        let grown = receive(&world, &card, adapter, vec![frame(46), frame(100)]);
        assert_eq!((grown.frames_received, grown.dropped_filtered), (2, 2));
        assert_eq!(world.binding().frames_indicated, 0);
        assert!(world.log.take_with("deaf").is_empty());
        world.bound("tcpip");
        let grown = receive(&world, &card, adapter, vec![frame(46)]);
        assert_eq!(grown.dropped_filtered, 0);
    });
}

#[test]
fn seed_21_the_frames_of_a_batch_are_counted_before_the_protocols_are_told() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        let observer = Observer::new("tcpip", world.log.clone(), world.pool);
        let table = ProtocolCharacteristics::<protocol::Fake> {
            receive_complete: Some(|seat| seat.observer.run_hook()),
            ..protocol::table()
        };
        world.protocol_table(&observer, &table);
        observer.seat().set_filter(PacketFilter::DIRECTED);
        let (ndis, log) = (world.ndis, world.log.clone());
        observer.set_hook(move || {
            let adapter = adapter.counters();
            let frames = (adapter.frames_received, adapter.bytes_received);
            let binding = ndis.binding_reports().next().expect("it is open").counters;
            let taken = (binding.frames_indicated, binding.frames_accepted);
            let batches = adapter.receive_batches;
            log.write(format!("counted {frames:?} {taken:?} {batches}"));
        });
        receive(&world, &card, adapter, vec![frame(46), frame(100)]);
        receive(&world, &card, adapter, vec![frame(46)]);
        observer.clear_hook();
        assert_eq!(
            world.log.take_with("counted"),
            ["counted (2, 174) (2, 2) 1", "counted (3, 234) (3, 3) 2"]
        );
    });
}

#[test]
fn seed_19_a_header_too_short_is_dropped_and_counted() {
    run(|world| {
        let (card, adapter, ..) = bound(&world);
        let frames = (0..14).map(|length| frame(46)[..length].to_vec()).collect();
        let grown = receive(&world, &card, adapter, frames);
        assert_eq!(
            (grown.frames_received, grown.dropped_short_header),
            (14, 14)
        );
        assert!(world.log.take_with("tcpip").is_empty());
    });
}

#[test]
fn seed_21_receive_complete_follows_the_batch_once() {
    run(|world| {
        let (card, adapter, ..) = bound(&world);
        receive(&world, &card, adapter, (0..4).map(|_| frame(46)).collect());
        let events = world.log.take_with("tcpip");
        assert_eq!(events.len(), 5);
        assert_eq!(events[4], "tcpip receive_complete");
        // A batch without a frame for the binding has none.
        receive(&world, &card, adapter, vec![frame_to(FOREIGN, 46)]);
        assert!(world.log.take_with("tcpip").is_empty());
        // The driver may say it itself; then it is not said again.
        card.defer(Deferred::IndicatePacket(frame(46)));
        card.defer(Deferred::ReceiveComplete);
        world.interrupt(9);
        let events = world.log.take_with("tcpip");
        assert_eq!(events, ["tcpip receive 14 46 46", "tcpip receive_complete"]);
    });
}

#[test]
fn a_protocol_may_close_its_binding_while_frames_are_indicated() {
    run(|world| {
        let (card, _, observer, _) = bound(&world);
        world.bound("second");
        observer.script(|script| script.close_in_receive = true);
        card.receive((0..2).map(|_| frame(46)));
        world.interrupt(9);
        let events = world.log.take_with("tcpip");
        assert_eq!(
            events,
            [
                "tcpip receive 14 46 46",
                "tcpip close PENDING",
                // The binding list of a batch does not change; the end of the batch closes it.
                "tcpip receive 14 46 46",
                "tcpip close CLOSING",
                "tcpip receive_complete",
                "tcpip close_complete SUCCESS"
            ]
        );
        card.receive([frame(46)]);
        world.interrupt(9);
        assert!(world.log.take_with("tcpip").is_empty());
        assert_eq!(world.ndis.binding_reports().count(), 1);
    });
}

#[test]
fn status_indications_go_to_every_binding_and_are_noted() {
    run(|world| {
        let (card, adapter, ..) = bound(&world);
        card.defer(Deferred::Status(NdisStatus::MEDIA_DISCONNECT));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("tcpip"),
            ["tcpip status MEDIA_DISCONNECT", "tcpip status_complete"]
        );
        let connected = || Some(world.report().is_media_connected);
        assert_eq!(connected(), Some(false));
        card.defer(Deferred::Status(NdisStatus::MEDIA_CONNECT));
        world.interrupt(9);
        assert_eq!(connected(), Some(true));
        assert_eq!(adapter.counters().status_indications, 2);
    });
}
