//! Timers, closing with operations pending, halt and starting again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use executive::{Duration, Priority};
use ndis::{AdapterState, NdisStatus, Oid, PacketFilter, RequestOutcome};

use crate::support::miniport::{self, Answer, Deferred};
use crate::support::protocol::{self, Observer};
use crate::support::{bound, frame, run};

#[test]
fn the_drivers_timer_fires_once_and_can_be_taken_back() {
    run(|world| {
        let card = world.card("card");
        card.script(|script| script.timer = true);
        let adapter = world.start("card0", &card);
        card.defer(Deferred::SetTimer(Duration::from_millis(10)));
        world.interrupt(9);
        assert!(world.log.take_with("timer").is_empty());
        world.sleep(1);
        assert_eq!(world.log.take_with("timer"), ["card timer"]);
        world.sleep(1);
        assert!(world.log.take_with("timer").is_empty());
        card.defer(Deferred::SetTimer(Duration::from_millis(10)));
        world.interrupt(9);
        // It does not fire in the adapter's next life.
        world.ndis.stop_device(&adapter).expect("it runs");
        world.ndis.start_device(&adapter).expect("it starts again");
        world.sleep(1);
        assert!(world.log.take_with("timer").is_empty());
    });
}

#[test]
fn closing_waits_for_pending_sends_and_requests() {
    run(|world| {
        let (card, _, _, seat) = bound(&world);
        card.answer_sends([Answer::Pending, Answer::Resources]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        assert_eq!(seat.send_frame(101), NdisStatus::PENDING);
        card.answer_requests([RequestOutcome::Pending]);
        let asked = world
            .ndis
            .query_information(&seat.handle(), Oid(1), &mut [0; 4]);
        assert_eq!(asked, Err(NdisStatus::PENDING));
        assert_eq!(seat.close(), NdisStatus::PENDING);
        assert_eq!(seat.close(), NdisStatus::CLOSING);
        assert_eq!(seat.send_frame(102), NdisStatus::CLOSING);
        assert!(world.log.take_with("close_complete").is_empty());
        card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        world.interrupt(9);
        assert!(
            world.log.take_with("close_complete").is_empty(),
            "the request is pending"
        );
        card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![]));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("tcpip"),
            [
                "tcpip request_complete 0x00000001 SUCCESS []",
                "tcpip close_complete SUCCESS"
            ]
        );
        assert_eq!(card.sent_count(), 2);
        assert_eq!(seat.closed.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn stopping_unbinds_then_waits_for_operations_then_halts() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        card.answer_sends([Answer::Pending]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        let bus = world.bus;
        card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        let at = world.machine.now() + Duration::from_millis(500);
        world.machine.interrupt_at(at, move || {
            bus.service_line(9);
        });
        world.log.take();
        assert_eq!(world.ndis.stop_device(&adapter), Ok(()));
        assert_eq!(
            world.log.take(),
            [
                "tcpip unbind card0",
                // The filter of the card without this binding.
                "card set GEN_CURRENT_PACKET_FILTER [00, 00, 00, 00]",
                "card set IEEE_802_3_MULTICAST_LIST []",
                "tcpip close PENDING",
                "card disable",
                "card handle_interrupt",
                "tcpip send_complete SUCCESS",
                "tcpip close_complete SUCCESS",
                "card enable",
                "card halt"
            ]
        );
        assert_eq!(adapter.state(), AdapterState::Halted);
        assert_eq!(
            card.adapters.load(Ordering::SeqCst),
            0,
            "the context is dropped"
        );
        assert!(world.bus.lines().is_empty());
        assert_eq!(seat.send_frame(100), NdisStatus::CLOSING);
    });
}

#[test]
fn a_binding_the_protocol_does_not_close_is_closed_for_it() {
    run(|world| {
        let (_, adapter, observer, _) = bound(&world);
        observer.script(|script| script.close = false);
        assert_eq!(world.ndis.stop_device(&adapter), Ok(()));
        assert_eq!(world.ndis.binding_reports().count(), 0);
        assert_eq!(world.log.take_with("unbind"), ["tcpip unbind card0"]);
    });
}

#[test]
fn a_send_that_the_driver_never_completes_is_given_up_at_halt() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start_table("card0", &card, &miniport::table_that_never_hangs());
        let (_, seat) = world.bound("tcpip");
        card.answer_sends([Answer::Pending]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        assert_eq!(world.ndis.stop_device(&adapter), Ok(()));
        assert_eq!(
            world.log.take_with("complete"),
            ["tcpip close_complete SUCCESS"]
        );
        assert_eq!(adapter.counters().sends_aborted, 1);
        assert_eq!(world.report().bindings, 0);
    });
}

/// The protocol of the tests wants its handlers called at Dispatch; Halt is called at Passive.
#[test]
fn seed_20_a_transfer_completed_at_halt_is_told_at_dispatch() {
    run(|world| {
        let (card, adapter, observer, _) = bound(&world);
        observer.script(|script| script.take = true);
        card.script(|script| script.pend_transfers = true);
        card.receive([frame(1500)]);
        assert!(world.interrupt(9));
        assert_eq!(world.log.take_with("pending").len(), 1);
        card.defer(Deferred::CompleteTransfers);
        assert_eq!(world.ndis.stop_device(&adapter), Ok(()));
        assert_eq!(
            world.log.take_with("complete"),
            [
                "tcpip transfer_complete Ok(1500)",
                "tcpip close_complete SUCCESS"
            ]
        );
    });
}

#[test]
fn queued_sends_and_requests_are_aborted_at_halt() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start_table("card0", &card, &miniport::table_that_never_hangs());
        let (_, seat) = world.bound("tcpip");
        card.answer_sends([Answer::Resources; 100]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        card.answer_requests([RequestOutcome::Pending]);
        for _ in 0..2 {
            let asked = world
                .ndis
                .query_information(&seat.handle(), Oid(1), &mut [0; 4]);
            assert_eq!(asked, Err(NdisStatus::PENDING));
        }
        assert_eq!(world.ndis.stop_device(&adapter), Ok(()));
        let events = world.log.take_with("complete");
        assert_eq!(
            events,
            [
                "tcpip send_complete REQUEST_ABORTED",
                "tcpip request_complete 0x00000001 REQUEST_ABORTED []",
                "tcpip request_complete 0x00000001 REQUEST_ABORTED []",
                "tcpip close_complete SUCCESS"
            ]
        );
        let counters = adapter.counters();
        assert_eq!((counters.sends_aborted, counters.requests_aborted), (1, 2));
    });
}

#[test]
fn an_adapter_starts_again_and_is_bound_again() {
    run(|world| {
        let (card, adapter, observer, old) = bound(&world);
        for round in 0..50 {
            let handle = observer.seat().handle();
            world.ndis.stop_device(&adapter).expect("it runs");
            world.ndis.start_device(&adapter).expect("it starts again");
            assert_ne!(observer.seat().handle(), handle, "round {round}");
            // The filter of the slot's earlier use is gone.
            world.log.take();
            card.receive([frame(46)]);
            world.interrupt(9);
            assert!(world.log.take_with("receive 14").is_empty());
            observer.seat().set_filter(PacketFilter::DIRECTED);
            world.log.take();
            card.receive([frame(46)]);
            world.interrupt(9);
            assert_eq!(world.log.take_with("receive 14").len(), 1);
            assert_eq!(observer.seat().send_frame(100), NdisStatus::SUCCESS);
            // A handle of an earlier life does nothing, though its slot is in use again.
            assert_eq!(old.send_frame(100), NdisStatus::CLOSING);
            assert_eq!(old.close(), NdisStatus::ADAPTER_NOT_OPEN);
        }
        assert_eq!(card.adapters.load(Ordering::SeqCst), 1);
        assert_eq!(world.ndis.binding_reports().count(), 1);
    });
}

#[test]
fn a_protocol_is_deregistered_with_its_bindings_closed() {
    run(|world| {
        world.start("card0", &world.card("card"));
        let observer = Observer::new("tcpip", world.log.clone(), world.pool);
        let handle = world.protocol_table(&observer, &protocol::table());
        world.log.take();
        assert_eq!(world.ndis.deregister_protocol(&handle), Ok(()));
        assert!(observer.unloaded.load(Ordering::SeqCst));
        let events = world.log.take_with("tcpip");
        assert_eq!(
            events,
            [
                "tcpip unbind card0",
                "tcpip close PENDING",
                "tcpip close_complete SUCCESS"
            ]
        );
        assert_eq!(
            world.ndis.deregister_protocol(&handle),
            Err(NdisStatus::FAILURE)
        );
        let second = world.card("second");
        second.script(|script| script.interrupt = None);
        world.start("card1", &second);
        assert!(world.log.take_with(" bind ").is_empty());
        // The name is free again.
        world.protocol("tcpip");
        assert_eq!(world.log.take_with(" bind ").len(), 2);
    });
}

#[test]
fn deregistering_does_not_unload_while_operations_are_pending() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start_table("card0", &card, &miniport::table_that_never_hangs());
        let observer = Observer::new("tcpip", world.log.clone(), world.pool);
        let handle = world.protocol_table(&observer, &protocol::table());
        card.answer_sends([Answer::Pending]);
        assert_eq!(observer.seat().send_frame(100), NdisStatus::PENDING);
        assert_eq!(
            world.ndis.deregister_protocol(&handle),
            Err(NdisStatus::CLOSING)
        );
        assert!(!observer.unloaded.load(Ordering::SeqCst));
        world.ndis.stop_device(&adapter).expect("it runs");
    });
}

#[test]
fn shutdown_only_quiets_the_hardware() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        world.ndis.shutdown();
        assert_eq!(world.log.take(), ["card shutdown"]);
        assert_eq!(card.adapters.load(Ordering::SeqCst), 1);
        assert_eq!(seat.send_frame(100), NdisStatus::ADAPTER_NOT_READY);
        assert_eq!(adapter.counters().sends_refused_not_running, 1);
        assert_eq!(world.bus.lines(), [9]);
        assert!(world.interrupt(9));
        assert_eq!(world.log.take(), ["card disable"]);
    });
}

#[test]
fn reconfiguring_tells_the_driver_and_the_protocols() {
    run(|world| {
        let (_, adapter, ..) = bound(&world);
        world.ndis.reconfigure(&adapter);
        assert_eq!(
            world.log.take(),
            ["card reconfigure", "tcpip pnp Reconfigure card0"]
        );
    });
}

#[test]
fn starting_and_registering_at_the_same_time_binds_once() {
    for seed in 0..30 {
        crate::support::run_with(seed, ndis::Limits::default(), move |world| {
            let cards = ["one", "two"].map(|name| world.card(name));
            let starters = ["card0", "card1"]
                .into_iter()
                .zip(cards)
                .map(|(section, card)| {
                    card.script(|script| script.interrupt = None);
                    let world = world.clone();
                    move || {
                        world.start(section, &card);
                    }
                });
            let bodies: Vec<_> = starters.collect();
            let executive = world.executive();
            let mut threads: Vec<_> = bodies
                .into_iter()
                .map(|body| {
                    executive
                        .spawn("start", Priority::NORMAL, 0, body)
                        .expect("room")
                })
                .collect();
            for name in ["first", "second"] {
                let world = world.clone();
                let body = move || {
                    world.protocol(name);
                };
                threads.push(
                    executive
                        .spawn(name, Priority::NORMAL, 0, body)
                        .expect("room"),
                );
            }
            for thread in threads {
                assert!(thread.join(None).is_success());
            }
            let pairs = world.bindings();
            let expected = [
                ("first", "card0"),
                ("first", "card1"),
                ("second", "card0"),
                ("second", "card1"),
            ];
            assert_eq!(pairs, expected, "seed {seed}");
        });
    }
}

#[test]
fn an_adapter_started_while_a_protocol_binds_is_bound_once() {
    run(|world| {
        let start = |section| {
            let card = world.card(section);
            card.script(|script| script.interrupt = None);
            world.start(section, &card);
        };
        let wait = |milliseconds| {
            world.executive().sleep(Duration::from_millis(milliseconds));
        };
        // Each binding takes ten milliseconds, and so does hearing that they are complete.
        let table = ndis::ProtocolCharacteristics {
            bind_adapter: Some(|observer: &Arc<Observer>, protocol, adapter| {
                protocol.ndis().executive().sleep(Duration::from_millis(10));
                observer.open(*protocol, *adapter)
            }),
            pnp_event: Some(|observer: &Arc<Observer>, _, _| {
                observer
                    .seat()
                    .ndis
                    .executive()
                    .sleep(Duration::from_millis(10));
                NdisStatus::SUCCESS
            }),
            ..protocol::table()
        };
        start("card0");
        let registering = {
            let executive = world.executive();
            let world = world.clone();
            let register = move || {
                let observer = Observer::new("slow", world.log.clone(), world.pool);
                world.protocol_table(&observer, &table);
            };
            let thread = executive.spawn("register", Priority::HIGH, 0, register);
            thread.expect("there is room for threads")
        };
        // The protocol has been bound to the first adapter and is not in the list yet.
        wait(15);
        start("card1");
        // Now it is busy with the second one, and this thread binds it to the third.
        wait(10);
        start("card2");
        assert!(registering.join(None).is_success());
        let mut adapters: Vec<_> = world
            .ndis
            .binding_reports()
            .map(|report| report.adapter)
            .collect();
        adapters.sort_unstable();
        assert_eq!(adapters, ["card0", "card1", "card2"]);
    });
}
