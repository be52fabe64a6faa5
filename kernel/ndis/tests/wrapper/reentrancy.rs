//! Sending from handlers, and from several threads.

use ndis::{Limits, NdisStatus, PacketFilter};

use crate::support::miniport::{Answer, Deferred};
use crate::support::{bound, frame, frame_to, lock, run, run_with};

#[test]
fn a_protocol_may_send_from_its_receive_handler() {
    run(|world| {
        let (card, _, observer, _) = bound(&world);
        observer.script(|script| script.reply = true);
        card.receive([frame(100), frame(101)]);
        world.interrupt(9);
        assert_eq!(
            world.log.take(),
            [
                "card disable",
                "card handle_interrupt",
                "tcpip receive 14 46 100",
                "tcpip replied PENDING",
                "tcpip receive 14 46 101",
                "tcpip replied PENDING",
                "tcpip receive_complete",
                "card enable",
                "card send 114 Success",
                "tcpip send_complete SUCCESS",
                "card send 115 Success",
                "tcpip send_complete SUCCESS"
            ]
        );
        assert_eq!(card.sizes(), [114, 115]);
    });
}

#[test]
fn a_completion_that_sends_again_does_not_recurse() {
    run(|world| {
        let (card, _, observer, seat) = bound(&world);
        observer.script(|script| script.send_again = 1000);
        card.answer_sends([Answer::Pending]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        world.interrupt(9);
        world.sleep(1);
        assert_eq!(card.sent_count(), 1000);
        assert_eq!(world.log.take_with("sent again PENDING").len(), 999);
    });
}

#[test]
fn an_endless_sender_leaves_the_processor_to_others() {
    run(|world| {
        let (card, _, observer, seat) = bound(&world);
        observer.script(|script| script.send_again = usize::MAX);
        card.answer_sends([Answer::Pending]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        world.interrupt(9);
        // This thread goes on although the protocol never stops.
        world.executive().yield_now();
        assert!(card.sent_count() > 64);
        observer.script(|script| script.send_again = 0);
        world.sleep(1);
        world.log.take();
    });
}

#[test]
fn a_virtual_adapter_without_hardware_indicates_what_it_is_sent() {
    run(|world| {
        let card = world.card("card");
        card.script(|script| {
            script.interrupt = None;
            script.echo = true;
        });
        let miniport = world.register(&card);
        let internal = ndis::Resources::internal();
        let adapter = world
            .ndis
            .add_device(miniport, "loopback", internal)
            .expect("room");
        world
            .ndis
            .start_device(&adapter)
            .expect("it starts without resources");
        let (_, seat) = world.bound("tcpip");
        let echo = world.packet(&frame(100));
        assert_eq!(seat.send(echo), NdisStatus::SUCCESS);
        assert_eq!(
            world.log.take(),
            [
                "card send 114 Success",
                "tcpip receive 14 100 100",
                "tcpip receive_complete"
            ]
        );
        // A foreign frame is not for this binding.
        assert_eq!(
            seat.send(world.packet(&frame_to([4; 6], 100))),
            NdisStatus::SUCCESS
        );
        assert!(world.log.take_with("receive").is_empty());
    });
}

#[test]
fn a_protocol_that_answers_every_frame_of_a_virtual_adapter_does_not_recurse() {
    run(|world| {
        let card = world.card("card");
        card.script(|script| {
            script.interrupt = None;
            script.echo = true;
        });
        world.start("loopback", &card);
        let (observer, seat) = world.bound("tcpip");
        seat.set_filter(PacketFilter::PROMISCUOUS);
        observer.script(|script| script.reply = true);
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
        world.executive().yield_now();
        assert!(card.sent_count() > 64, "each frame sends the next one");
        observer.script(|script| script.reply = false);
        world.sleep(1);
        world.log.take();
    });
}

#[test]
fn sends_requests_and_frames_survive_preemption_anywhere() {
    for seed in 1..40 {
        let limits = Limits {
            send_queue_length: 64,
            ..Limits::default()
        };
        run_with(seed, limits, |world| {
            let (card, adapter, _, seat) = bound(&world);
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let thread = world.executive().spawn(
                        "sender",
                        executive::Priority::NORMAL,
                        0,
                        move || {
                            for length in 100..110 {
                                let status = seat.send_frame(length);
                                assert!(status.is_success(), "{status}");
                            }
                        },
                    );
                    thread.expect("there is room for threads")
                })
                .collect();
            for _ in 0..10 {
                card.answer_sends([Answer::Resources, Answer::Pending, Answer::Success]);
                card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
                card.defer(Deferred::ResourcesAvailable);
                card.receive([frame(100)]);
                world.interrupt(9);
            }
            for thread in threads {
                assert!(thread.join(None).is_success());
            }
            card.script(|script| script.sends.clear());
            card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
            card.defer(Deferred::ResourcesAvailable);
            world.interrupt(9);
            assert_eq!(card.sent_count(), 30);
            let counters = adapter.counters();
            assert_eq!((counters.sends, counters.sends_done), (30, 30));
            assert_eq!(counters.frames_received, 10);
            assert_eq!(seat.close(), NdisStatus::SUCCESS, "no operation is left");
            world.log.take();
        });
    }
}

#[test]
fn a_send_does_not_overtake_what_a_used_up_budget_left_in_the_queue() {
    let limits = Limits {
        send_queue_length: 2000,
        ..Limits::default()
    };
    run_with(0, limits, |world| {
        let (card, adapter, _, seat) = bound(&world);
        let pool = ndis::PacketPool::new(1501, 1501);
        let packet = |length| {
            let mut packet = pool.allocate(0).expect("the pool is large enough");
            assert!(packet.append_slice(&frame(length)));
            packet
        };
        let raised = world.executive().raise_irql(executive::Irql::Dispatch);
        card.answer_sends([Answer::Resources]);
        let packets: Vec<_> = (0..1500).map(|_| packet(46)).collect();
        let accepted = world.ndis.send_packets(&seat.handle(), packets.into_iter());
        assert_eq!((accepted, card.sent_count()), (1500, 0));
        card.defer(Deferred::ResourcesAvailable);
        world.bus.service_line(9);
        world.ndis.reconfigure(&adapter);
        assert!(card.sent_count() < 1500, "the rest is left to a DPC");
        assert_eq!(seat.send(packet(100)), NdisStatus::PENDING);
        drop(raised);
        world.sleep(1);
        let sizes: Vec<_> = lock(&card.sent).iter().map(Vec::len).collect();
        assert_eq!(sizes.len(), 1501);
        assert_eq!(sizes.iter().position(|&size| size == 114), Some(1500));
        world.log.take();
    });
}
