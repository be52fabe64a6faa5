//! Looping back to this machine what it sends and its own bindings want.

mod queue;

use std::sync::Arc;

use ndis::{
    AdapterHandle, NdisStatus, Oid, PROTOCOL_OPTION_NO_LOOPBACK, PacketFilter, PacketFlags,
    ProtocolCharacteristics, RequestOutcome,
};

use crate::support::miniport::{ADDRESS, Card, Deferred};
use crate::support::protocol::{self, Observer, Seat};
use crate::support::{World, frame, frame_to, run};

const BROADCAST: [u8; 6] = [0xFF; 6];
const GROUP: [u8; 6] = [0x01, 0, 0x5E, 0, 0, 1];
const OTHER_GROUP: [u8; 6] = [0x01, 0, 0x5E, 0, 0, 2];
const FOREIGN: [u8; 6] = [2, 0, 0, 0, 0, 0x55];

/// NDIS_MAC_OPTION_NO_LOOPBACK: the wrapper has to do it.
const NO_LOOPBACK: u32 = 8;

fn started(world: &World) -> (Arc<Card>, AdapterHandle) {
    let card = world.card("card");
    card.script(|script| script.mac_options = Some(NO_LOOPBACK));
    let adapter = world.start("card0", &card);
    (card, adapter)
}

/// A card that loops nothing back, and two protocols bound to it.
fn bound(world: &World) -> (Arc<Card>, AdapterHandle, &'static Seat, &'static Seat) {
    let (card, adapter) = started(world);
    let (_, first) = world.bound("first");
    let (_, second) = world.bound("second");
    (card, adapter, first, second)
}

fn send_to(world: &World, seat: &Seat, destination: [u8; 6]) -> NdisStatus {
    seat.send(world.packet(&frame_to(destination, 100)))
}

fn set(seat: &Seat, oid: Oid, bytes: &[u8]) {
    seat.ndis
        .set_information(&seat.handle(), oid, bytes)
        .expect("it can be set");
}

fn decline_own(seat: &Seat) {
    let options = PROTOCOL_OPTION_NO_LOOPBACK.to_le_bytes();
    set(seat, Oid::GEN_PROTOCOL_OPTIONS, &options);
}

/// Who received a frame, in order.
fn receivers(world: &World) -> Vec<String> {
    let events = world.log.take_with(" receive 14");
    let name = |event: &String| event.split(' ').next().map(str::to_owned);
    events.iter().filter_map(name).collect()
}

#[test]
fn a_frame_to_the_own_address_is_looped_back_and_not_put_on_the_wire() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        assert_eq!(send_to(&world, first, ADDRESS), NdisStatus::SUCCESS);
        assert_eq!(
            world.log.take(),
            [
                "first receive 14 100 100",
                "second receive 14 100 100",
                "first receive_complete",
                "second receive_complete"
            ]
        );
        assert_eq!(card.sent_count(), 0);
        let counters = adapter.counters();
        assert_eq!((counters.loopbacks, counters.loopbacks_only), (1, 1));
        assert_eq!((counters.sends, counters.sends_done), (1, 0));
        assert_eq!(counters.loopback_frames, 1);
        assert_eq!(
            first.close(),
            NdisStatus::SUCCESS,
            "no operation is left over"
        );
    });
}

#[test]
fn a_broadcast_is_sent_and_looped_back() {
    run(|world| {
        let (card, adapter, first, second) = bound(&world);
        assert_eq!(send_to(&world, first, BROADCAST), NdisStatus::SUCCESS);
        assert_eq!(
            world.log.take(),
            [
                "card send 114 Success",
                "first receive 14 100 100",
                "second receive 14 100 100",
                "first receive_complete",
                "second receive_complete"
            ]
        );
        assert_eq!(card.sent_count(), 1);
        let counters = adapter.counters();
        assert_eq!((counters.loopbacks, counters.loopbacks_only), (1, 0));
        assert_eq!(counters.sends_done, 1);
        // Only those whose filter takes it.
        second.set_filter(PacketFilter::DIRECTED);
        world.log.take();
        assert_eq!(send_to(&world, first, BROADCAST), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["first"]);
    });
}

#[test]
fn a_multicast_is_looped_back_to_those_that_listen_to_the_group() {
    run(|world| {
        let (card, adapter, first, second) = bound(&world);
        second.set_filter(PacketFilter::DIRECTED | PacketFilter::MULTICAST);
        set(second, Oid::IEEE_802_3_MULTICAST_LIST, &GROUP);
        world.log.take();
        assert_eq!(send_to(&world, first, GROUP), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["second"]);
        assert_eq!(send_to(&world, first, OTHER_GROUP), NdisStatus::SUCCESS);
        assert!(receivers(&world).is_empty());
        assert_eq!(adapter.counters().loopbacks, 1, "the other was not copied");
        first.set_filter(PacketFilter::ALL_MULTICAST);
        world.log.take();
        assert_eq!(send_to(&world, second, OTHER_GROUP), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["first"]);
        assert_eq!(card.sent_count(), 3, "each goes on the wire");
    });
}

#[test]
fn a_promiscuous_binding_gets_every_frame_sent() {
    run(|world| {
        let (card, _, first, second) = bound(&world);
        second.set_filter(PacketFilter::PROMISCUOUS);
        world.log.take();
        assert_eq!(send_to(&world, first, FOREIGN), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["second"]);
        assert_eq!(send_to(&world, second, FOREIGN), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["second"], "its own too");
        assert_eq!(card.sent_count(), 2);
    });
}

#[test]
fn all_local_takes_what_is_sent_and_nothing_else() {
    run(|world| {
        let (card, _, first, second) = bound(&world);
        second.set_filter(PacketFilter::ALL_LOCAL);
        let report = world.report();
        assert_eq!(
            report.packet_filter,
            PacketFilter::DIRECTED | PacketFilter::BROADCAST,
            "the card has no part in it"
        );
        world.log.take();
        for destination in [FOREIGN, GROUP] {
            assert_eq!(send_to(&world, first, destination), NdisStatus::SUCCESS);
            assert_eq!(receivers(&world), ["second"]);
        }
        assert_eq!(card.sent_count(), 2);
        card.receive([frame(46), frame_to(BROADCAST, 46), frame_to(FOREIGN, 46)]);
        world.interrupt(9);
        assert_eq!(receivers(&world), ["first", "first"]);
    });
}

#[test]
fn a_packet_that_says_so_is_not_looped_back() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        for destination in [ADDRESS, BROADCAST] {
            let mut packet = world.packet(&frame_to(destination, 100));
            packet.info_mut().flags = PacketFlags::DONT_LOOPBACK;
            assert_eq!(first.send(packet), NdisStatus::SUCCESS);
        }
        assert!(receivers(&world).is_empty());
        assert_eq!(card.sent_count(), 2);
        assert_eq!(adapter.counters().loopbacks, 0);
    });
}

#[test]
fn a_binding_may_decline_what_it_sends_itself() {
    run(|world| {
        let (card, adapter) = started(&world);
        let (observer, first) = world.bound("first");
        decline_own(first);
        for destination in [ADDRESS, BROADCAST] {
            assert_eq!(send_to(&world, first, destination), NdisStatus::SUCCESS);
        }
        assert_eq!(card.sent_count(), 2, "nobody else is there");
        assert_eq!(adapter.counters().loopbacks, 0);
        // The others get it all the same, and it gets theirs.
        let (_, second) = world.bound("second");
        for destination in [ADDRESS, BROADCAST] {
            world.log.take();
            assert_eq!(send_to(&world, first, destination), NdisStatus::SUCCESS);
            assert_eq!(receivers(&world), ["second"]);
            assert_eq!(send_to(&world, second, destination), NdisStatus::SUCCESS);
            assert_eq!(receivers(&world), ["first", "second"]);
        }
        assert_eq!(card.sent_count(), 4, "the two broadcasts");
        // When the other is gone again, so is the loopback.
        assert_eq!(second.close(), NdisStatus::SUCCESS);
        let before = adapter.counters().loopbacks;
        assert_eq!(send_to(&world, first, BROADCAST), NdisStatus::SUCCESS);
        assert_eq!(adapter.counters().loopbacks, before);
        assert!(receivers(&world).is_empty());
        // What it has declined does not outlive the binding.
        world.ndis.stop_device(&adapter).expect("it runs");
        world.ndis.start_device(&adapter).expect("it starts again");
        let again = observer.seat();
        again.set_filter(PacketFilter::BROADCAST);
        world.log.take();
        assert_eq!(send_to(&world, again, BROADCAST), NdisStatus::SUCCESS);
        assert!(receivers(&world).contains(&"first".to_owned()));
    });
}

#[test]
fn a_miniport_that_loops_back_itself_is_left_alone() {
    for options in [None, Some(0)] {
        run(move |world| {
            let card = world.card("card");
            card.script(|script| script.mac_options = options);
            world.start("card0", &card);
            let (_, seat) = world.bound("first");
            for destination in [ADDRESS, BROADCAST] {
                assert_eq!(send_to(&world, seat, destination), NdisStatus::SUCCESS);
            }
            assert!(receivers(&world).is_empty());
            assert_eq!(card.sent_count(), 2);
        });
    }
}

#[test]
fn nothing_is_looped_back_without_a_packet_filter() {
    run(|world| {
        let (card, adapter) = started(&world);
        let seat = world.protocol("first").seat();
        assert_eq!(send_to(&world, seat, BROADCAST), NdisStatus::SUCCESS);
        assert_eq!((card.sent_count(), adapter.counters().loopbacks), (1, 0));
    });
}

#[test]
fn a_looped_packet_is_marked_and_has_a_time_stamp() {
    run(|world| {
        let (card, _) = started(&world);
        let observer = Observer::new("first", world.log.clone(), world.pool);
        let table = ProtocolCharacteristics {
            receive_packet: Some(|seat: &Seat, packet| {
                let info = packet.info();
                let seen = (info.flags, info.timestamp.as_micros() != 0);
                seat.observer.log.write(format!("seen {seen:?}"));
                NdisStatus::SUCCESS
            }),
            ..protocol::table()
        };
        world.protocol_table(&observer, &table);
        let seat = observer.seat();
        seat.set_filter(PacketFilter::DIRECTED);
        world.sleep(1);
        world.log.take();
        assert_eq!(send_to(&world, seat, ADDRESS), NdisStatus::SUCCESS);
        let marked = "seen (PacketFlags(IS_LOOPBACK_PACKET), true)";
        assert_eq!(world.log.take_with("seen"), [marked]);
        // One from the medium is not, whoever sent it.
        card.defer(Deferred::IndicatePacket(frame(46)));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("seen"),
            ["seen (PacketFlags(0x0), true)"]
        );
    });
}

#[test]
fn a_filter_that_the_card_refuses_changes_nothing() {
    run(|world| {
        let (card, _) = started(&world);
        let (_, seat) = world.bound("first");
        let refuse = RequestOutcome::Failure(NdisStatus::FAILURE);
        card.script(|script| script.requests.push_back(refuse));
        let oid = Oid::GEN_CURRENT_PACKET_FILTER;
        let refused = world.ndis.set_information(&seat.handle(), oid, &[0; 4]);
        assert_eq!(refused, Err(NdisStatus::FAILURE));
        assert_eq!(send_to(&world, seat, BROADCAST), NdisStatus::SUCCESS);
        assert_eq!(receivers(&world), ["first"]);
    });
}
