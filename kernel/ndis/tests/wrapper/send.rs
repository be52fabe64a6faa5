//! Sending and its completion: seed item 32.

use ndis::{MiniportCharacteristics, NdisStatus, PacketFilter, ProtocolCharacteristics};

use crate::support::miniport::{self, Answer, Deferred};
use crate::support::protocol::Observer;
use crate::support::{bound, bound_to, frame, lock, run};

#[test]
fn seed_32_sends_are_queued_while_the_card_is_out_of_resources() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        card.answer_sends([Answer::Success, Answer::Resources]);
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        assert_eq!(seat.send_frame(101), NdisStatus::PENDING);
        // Those behind it do not overtake it, and do not disturb the driver.
        assert_eq!(seat.send_frame(102), NdisStatus::PENDING);
        assert_eq!(
            world.log.take(),
            ["card send 114 Success", "card send 115 Resources"]
        );
        assert_eq!(adapter.counters().sends_out_of_resources, 1);
        assert_eq!(world.report().queued_sends, 2);
        card.defer(Deferred::ResourcesAvailable);
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("send"),
            [
                "card send 115 Success",
                "tcpip send_complete SUCCESS",
                "card send 116 Success",
                "tcpip send_complete SUCCESS"
            ]
        );
        assert_eq!(card.sizes(), [114, 115, 116]);
        let counters = adapter.counters();
        assert_eq!(
            (counters.sends, counters.sends_done, counters.sends_queued),
            (3, 3, 1)
        );
        assert_eq!(counters.bytes_sent, 114 + 115 + 116);
    });
}

#[test]
fn seed_32_out_of_resources_again_keeps_the_order() {
    run(|world| {
        let (card, _, _, seat) = bound(&world);
        card.answer_sends([Answer::Resources]);
        for length in 100..106 {
            assert_eq!(seat.send_frame(length), NdisStatus::PENDING);
        }
        for _ in 0..6 {
            // Room for one frame at a time.
            card.answer_sends([Answer::Success, Answer::Resources]);
            card.defer(Deferred::ResourcesAvailable);
            world.interrupt(9);
            card.script(|script| script.sends.clear());
        }
        assert_eq!(card.sizes(), [114, 115, 116, 117, 118, 119]);
    });
}

#[test]
fn seed_32_a_send_that_completes_makes_room() {
    run(|world| {
        let (card, _, _, seat) = bound(&world);
        card.answer_sends([Answer::Pending, Answer::Resources]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        assert_eq!(seat.send_frame(101), NdisStatus::PENDING);
        card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        world.interrupt(9);
        assert_eq!(card.sizes(), [114, 115]);
        assert_eq!(world.log.take_with("send_complete").len(), 2);
    });
}

#[test]
fn seed_32_the_queue_is_bounded() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        card.answer_sends([Answer::Resources]);
        // The limit of the tests is eight packets.
        for _ in 0..8 {
            assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        }
        assert_eq!(seat.send_frame(100), NdisStatus::RESOURCES);
        assert_eq!(adapter.counters().sends_refused_queue_full, 1);
        card.defer(Deferred::ResourcesAvailable);
        world.interrupt(9);
        assert_eq!(card.sent_count(), 8);
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        assert_eq!(world.log.take_with("send_complete").len(), 8);
    });
}

#[test]
fn seed_32_a_driver_that_forgets_to_say_it_has_room_is_asked_again() {
    run(|world| {
        let (card, _, _, seat) = bound(&world);
        card.answer_sends([Answer::Resources]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        world.sleep(3);
        assert_eq!(card.sent_count(), 1);
    });
}

#[test]
fn a_pending_send_is_completed_once_with_its_packet() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        for status in [NdisStatus::SUCCESS, NdisStatus::FAILURE] {
            card.answer_sends([Answer::Pending]);
            assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
            assert!(world.log.take_with("send_complete").is_empty());
            card.defer(Deferred::CompleteSends(status));
            world.interrupt(9);
            assert_eq!(
                world.log.take_with("tcpip"),
                [format!("tcpip send_complete {status}")]
            );
            world.interrupt(9);
            assert!(world.log.take_with("tcpip").is_empty());
        }
        let counters = adapter.counters();
        assert_eq!((counters.sends_done, counters.sends_failed), (1, 1));
        assert_eq!(counters.sends_pending, 2);
        let binding = world.binding();
        assert_eq!(
            (binding.sends, binding.sends_done, binding.sends_failed),
            (2, 1, 1)
        );
    });
}

#[test]
fn a_failed_send_is_a_status_without_completion() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        card.answer_sends([Answer::Failure(NdisStatus::DEVICE_FAILED)]);
        assert_eq!(seat.send_frame(100), NdisStatus::DEVICE_FAILED);
        assert!(world.log.take_with("tcpip").is_empty());
        assert_eq!(adapter.counters().sends_failed, 1);
    });
}

#[test]
fn frames_of_an_impossible_size_are_refused() {
    run(|world| {
        let (card, _, _, seat) = bound(&world);
        for length in 0..14 {
            assert_eq!(
                seat.send(world.packet(&frame(46)[..length])),
                NdisStatus::INVALID_PACKET
            );
        }
        assert_eq!(
            seat.send(world.packet(&frame(1501))),
            NdisStatus::INVALID_PACKET
        );
        assert_eq!(seat.send(world.packet(&frame(1500))), NdisStatus::SUCCESS);
        assert_eq!(seat.send(world.packet(&frame(0))), NdisStatus::SUCCESS);
        assert_eq!(card.sizes(), [1514, 14]);
        let binding = world.binding();
        assert_eq!((binding.sends, binding.sends_invalid), (17, 15));
    });
}

#[test]
fn version_4_sends_several_frames_in_one_call() {
    run(|world| {
        let (card, adapter, _, seat) = bound_to(&world, &miniport::table_4());
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        assert_eq!(
            world.log.take(),
            ["card send_packets 1", "card send 114 Success"]
        );
        let packets: Vec<_> = (101..105).map(|length| seat.frame(length)).collect();
        assert_eq!(
            world.ndis.send_packets(&seat.handle(), packets.into_iter()),
            4
        );
        let events = world.log.take();
        assert_eq!(events[0], "card send_packets 4");
        assert_eq!(
            events
                .iter()
                .filter(|event| event.contains("send_complete SUCCESS"))
                .count(),
            4
        );
        assert_eq!(card.sizes(), [114, 115, 116, 117, 118]);
        // Out of resources in the middle of a batch.
        card.answer_sends([Answer::Success, Answer::Resources]);
        let packets: Vec<_> = (0..3).map(|length| seat.frame(length)).collect();
        assert_eq!(
            world.ndis.send_packets(&seat.handle(), packets.into_iter()),
            3
        );
        assert_eq!(world.log.take_with("send_complete").len(), 1);
        card.defer(Deferred::ResourcesAvailable);
        world.interrupt(9);
        assert_eq!(card.sizes()[5..], [14, 15, 16]);
        assert_eq!(adapter.counters().sends_done, 8);
    });
}

#[test]
fn a_version_4_miniport_with_both_handlers_gets_single_frames_by_send() {
    run(|world| {
        let table = MiniportCharacteristics {
            send: miniport::table().send,
            ..miniport::table_4()
        };
        let (_, _, _, seat) = bound_to(&world, &table);
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        assert_eq!(world.log.take(), ["card send 114 Success"]);
        let packets: Vec<_> = (0..2).map(|_| seat.frame(100)).collect();
        world.ndis.send_packets(&seat.handle(), packets.into_iter());
        assert_eq!(world.log.take_with("send_packets"), ["card send_packets 2"]);
    });
}

#[test]
fn send_packets_accepts_what_the_queue_takes() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        card.answer_sends([Answer::Resources]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        let packets: Vec<_> = (0..10).map(|length| seat.frame(length)).collect();
        assert_eq!(
            world.ndis.send_packets(&seat.handle(), packets.into_iter()),
            10
        );
        // Three found the queue full; every packet is completed.
        let events = world.log.take_with("send_complete");
        assert_eq!(events, ["tcpip send_complete RESOURCES"; 3]);
        assert_eq!(adapter.counters().sends_refused_queue_full, 3);
        card.defer(Deferred::ResourcesAvailable);
        world.interrupt(9);
        let events = world.log.take_with("send_complete");
        assert_eq!(events, ["tcpip send_complete SUCCESS"; 8]);
        assert_eq!(card.sizes(), [114, 14, 15, 16, 17, 18, 19, 20]);
        world.ndis.stop_device(&adapter).expect("it runs");
        let packets = [world.packet(&frame(46))];
        assert_eq!(
            world.ndis.send_packets(&seat.handle(), packets.into_iter()),
            0
        );
    });
}

#[test]
fn a_connection_oriented_miniport_sends_and_answers_by_its_own_handlers() {
    run(|world| {
        let several = miniport::table_4();
        let table = MiniportCharacteristics {
            major_ndis_version: 5,
            send_packets: None,
            co_send_packets: several.send_packets,
            query_information: None,
            set_information: None,
            co_request: Some(|adapter, context, is_set, oid, buffer| {
                let table = miniport::table();
                let (query, set) = (table.query_information, table.set_information);
                if is_set {
                    set.expect("it is there")(adapter, context, oid, buffer)
                } else {
                    query.expect("it is there")(adapter, context, oid, buffer)
                }
            }),
            ..several
        };
        let (card, adapter, _, seat) = bound_to(&world, &table);
        assert_eq!(adapter.hardware_address().0, miniport::ADDRESS);
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        assert_eq!(card.sent_count(), 1);
    });
}

#[test]
fn a_completion_of_a_packet_that_is_not_being_sent_is_counted() {
    run(|world| {
        let card = world.card("card");
        let table = MiniportCharacteristics {
            send: Some(|_, context, packet| {
                // Given back twice: a second packet over the same bytes stands for the second.
                let again = packet.share().expect("there is a descriptor");
                context.send_complete(packet, NdisStatus::SUCCESS);
                context.send_complete(again, NdisStatus::SUCCESS);
                ndis::SendOutcome::Pending
            }),
            ..miniport::table()
        };
        let adapter = world.start_table("card0", &card, &table);
        let (_, seat) = world.bound("tcpip");
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        assert_eq!(world.log.take_with("send_complete").len(), 1);
        assert_eq!(adapter.counters().sends_completed_unknown, 1);
        assert_eq!(world.report().pending_sends, 0);
        assert_eq!(seat.close(), NdisStatus::SUCCESS);
    });
}

#[test]
fn a_packet_completed_by_another_adapter_is_counted_there() {
    static KEPT: std::sync::Mutex<Vec<ndis::Packet>> = std::sync::Mutex::new(Vec::new());
    run(|world| {
        let table = MiniportCharacteristics {
            send: Some(|_, _, packet| {
                lock(&KEPT).push(packet);
                ndis::SendOutcome::Pending
            }),
            handle_interrupt: Some(|_, context| {
                for packet in lock(&KEPT).drain(..) {
                    context.send_complete(packet, NdisStatus::SUCCESS);
                }
                ndis::HandleInterrupt::Done
            }),
            ..miniport::table()
        };
        let adapter = world.start_table("card0", &world.card("card"), &table);
        let (_, seat) = world.bound("tcpip");
        let other = world.card("other");
        other.script(|script| script.interrupt = Some((5, false, false)));
        let thief = world.start_table("card1", &other, &table);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        world.interrupt(5);
        assert!(world.log.take_with("send_complete").is_empty());
        assert_eq!(thief.counters().sends_completed_unknown, 1);
        // The adapter it was taken from still halts.
        world.ndis.stop_device(&adapter).expect("it runs");
        assert_eq!(adapter.counters().sends_aborted, 1);
    });
}

#[test]
fn a_protocol_without_handlers_harms_nobody() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        let silent = Observer::new("silent", world.log.clone(), world.pool);
        let handle = world.protocol_table(&silent, &ProtocolCharacteristics::new(5, 0));
        silent.open(handle, adapter);
        silent.seat().set_filter(PacketFilter::PROMISCUOUS);
        card.answer_sends([Answer::Pending]);
        assert_eq!(silent.seat().send_frame(100), NdisStatus::PENDING);
        card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        card.defer(Deferred::Status(NdisStatus::MEDIA_CONNECT));
        card.receive([frame(46)]);
        world.interrupt(9);
        assert_eq!(adapter.counters().dropped_filtered, 1);
        world.ndis.stop_device(&adapter).expect("it runs");
    });
}
