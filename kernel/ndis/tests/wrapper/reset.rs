//! Reset and check for hang.

use ndis::{MiniportCharacteristics, NdisStatus, Oid, Request, RequestOutcome, ResetOutcome};

use crate::support::miniport::{self, Answer, Deferred};
use crate::support::{bound, run};

#[test]
fn a_reset_is_told_before_and_after() {
    run(|world| {
        let (_, adapter, _, seat) = bound(&world);
        assert_eq!(world.ndis.reset(&seat.handle()), NdisStatus::PENDING);
        assert_eq!(
            world.log.take(),
            [
                "tcpip status RESET_START",
                "tcpip status_complete",
                "card reset",
                "tcpip status RESET_END",
                "tcpip status_complete",
                "tcpip reset_complete SUCCESS"
            ]
        );
        assert_eq!(adapter.counters().resets, 1);
    });
}

#[test]
fn an_addressing_reset_sets_filter_list_and_lookahead_again() {
    run(|world| {
        let (card, _, _, seat) = bound(&world);
        let list = [1, 0, 0x5E, 0, 0, 1];
        for (oid, bytes) in [
            (Oid::IEEE_802_3_MULTICAST_LIST, &list[..]),
            (Oid::GEN_CURRENT_LOOKAHEAD, &[64, 0, 0, 0]),
        ] {
            world
                .ndis
                .set_information(&seat.handle(), oid, bytes)
                .expect("the card takes it");
        }
        card.script(|script| {
            script.reset = ResetOutcome::Done {
                addressing_reset: true,
            }
        });
        world.log.take();
        assert_eq!(world.ndis.reset(&seat.handle()), NdisStatus::PENDING);
        assert_eq!(
            world.log.take_with("card"),
            [
                "card reset",
                "card set GEN_CURRENT_PACKET_FILTER [09, 00, 00, 00]",
                "card set IEEE_802_3_MULTICAST_LIST [01, 00, 5e, 00, 00, 01]",
                "card set GEN_CURRENT_LOOKAHEAD [40, 00, 00, 00]"
            ]
        );
    });
}

#[test]
fn sends_and_requests_wait_for_a_pending_reset() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        card.script(|script| script.reset = ResetOutcome::Pending);
        assert_eq!(world.ndis.reset(&seat.handle()), NdisStatus::PENDING);
        assert_eq!(
            world.ndis.reset(&seat.handle()),
            NdisStatus::RESET_IN_PROGRESS
        );
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        let oid = Oid::GEN_VENDOR_DESCRIPTION;
        let asked = world
            .ndis
            .query_information(&seat.handle(), oid, &mut [0; 16]);
        assert_eq!(asked, Err(NdisStatus::PENDING));
        assert_eq!(card.sent_count(), 0);
        world.log.take();
        card.defer(Deferred::CompleteReset(NdisStatus::SUCCESS, false));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("complete"),
            [
                "tcpip status_complete",
                "tcpip reset_complete SUCCESS",
                "tcpip request_complete GEN_VENDOR_DESCRIPTION SUCCESS [63, 61, 72, 64]",
                "tcpip send_complete SUCCESS"
            ]
        );
        // One that nobody asked for changes nothing.
        card.defer(Deferred::CompleteReset(NdisStatus::SUCCESS, true));
        world.interrupt(9);
        assert!(world.log.take_with("reset_complete").is_empty());
        assert_eq!(adapter.counters().resets, 1);
    });
}

#[test]
fn a_reset_that_never_ends_is_given_up() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        card.script(|script| script.reset = ResetOutcome::Pending);
        assert_eq!(world.ndis.reset(&seat.handle()), NdisStatus::PENDING);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        world.sleep(7);
        assert_eq!(
            world.log.take_with("reset_complete"),
            ["tcpip reset_complete FAILURE"]
        );
        assert_eq!(card.sent_count(), 1);
        assert_eq!(adapter.counters().resets_failed, 1);
    });
}

#[test]
fn a_reset_that_fails_is_counted_and_told() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        let failure = ResetOutcome::Failure(NdisStatus::DEVICE_FAILED);
        card.script(|script| script.reset = failure);
        assert_eq!(world.ndis.reset(&seat.handle()), NdisStatus::PENDING);
        assert_eq!(
            world.log.take_with("reset_complete"),
            ["tcpip reset_complete DEVICE_FAILED"]
        );
        assert_eq!(adapter.counters().resets_failed, 1);
        assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
    });
}

#[test]
fn a_reset_aborts_what_was_pending() {
    run(|world| {
        let (card, _, _, seat) = bound(&world);
        card.answer_sends([Answer::Pending]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        card.answer_requests([RequestOutcome::Pending]);
        let asked = world
            .ndis
            .query_information(&seat.handle(), Oid(1), &mut [0; 4]);
        assert_eq!(asked, Err(NdisStatus::PENDING));
        assert_eq!(world.ndis.reset(&seat.handle()), NdisStatus::PENDING);
        assert_eq!(
            world.log.take_with("REQUEST_ABORTED"),
            [
                "tcpip request_complete 0x00000001 REQUEST_ABORTED []",
                "tcpip send_complete REQUEST_ABORTED"
            ]
        );
        assert_eq!(seat.close(), NdisStatus::SUCCESS);
    });
}

#[test]
fn check_for_hang_is_called_every_two_seconds_and_resets_a_card_that_hangs() {
    run(|world| {
        let card = world.card("card");
        let table = MiniportCharacteristics {
            check_for_hang: Some(|_, context| {
                assert_eq!(context.adapter_name(), "card0");
                context.now() > executive::Instant::from_secs(5)
            }),
            ..miniport::table()
        };
        let adapter = world.start_table("card0", &card, &table);
        // A pending send is the driver's business then.
        let (_, seat) = world.bound("tcpip");
        card.answer_sends([Answer::Pending]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        world.sleep(5);
        assert_eq!(adapter.counters().resets_hung, 0);
        world.sleep(2);
        assert_eq!(adapter.counters().resets_hung, 1);
        world.ndis.stop_device(&adapter).expect("it runs");
    });
}

#[test]
fn without_check_for_hang_a_send_pending_for_four_seconds_resets() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        world.sleep(20);
        assert_eq!(adapter.counters().resets, 0, "nothing is pending");
        card.answer_sends([Answer::Pending]);
        assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
        world.sleep(3);
        assert_eq!(adapter.counters().resets_hung, 0);
        world.sleep(4);
        assert_eq!(adapter.counters().resets_hung, 1);
        assert_eq!(
            world.log.take_with("send_complete"),
            ["tcpip send_complete REQUEST_ABORTED"]
        );
        world.sleep(20);
        assert_eq!(adapter.counters().resets_hung, 1);
    });
}

#[test]
fn without_check_for_hang_sends_that_go_on_reset_nothing() {
    run(|world| {
        let (card, adapter, _, seat) = bound(&world);
        for _ in 0..8 {
            card.answer_sends([Answer::Pending, Answer::Pending]);
            for _ in 0..2 {
                assert_eq!(seat.send_frame(100), NdisStatus::PENDING);
            }
            // Slow, but not hung.
            world.sleep(3);
            card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
            world.interrupt(9);
        }
        assert_eq!(adapter.counters().resets_hung, 0);
        // A request that takes too long does.
        card.answer_requests([RequestOutcome::Pending]);
        let mut request = Request::query(Oid(1));
        let status = world.ndis.request(&seat.handle(), &mut request);
        assert_eq!(status, NdisStatus::PENDING);
        world.sleep(7);
        assert_eq!(adapter.counters().resets_hung, 1);
        assert_eq!(
            world.log.take_with("request_complete"),
            ["tcpip request_complete 0x00000001 REQUEST_ABORTED []"]
        );
    });
}
