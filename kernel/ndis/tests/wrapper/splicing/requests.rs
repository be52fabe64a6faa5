//! Requests and resets under way while filters come and go.

use executive::Duration;
use ndis::{NdisStatus, Oid, PacketFilter, Request, RequestOutcome, ResetOutcome};

use super::{Stacks, filter_of};
use crate::support::miniport::Deferred;
use crate::support::{World, frame, run};

const FILTER: Oid = Oid::GEN_CURRENT_PACKET_FILTER;

/// Sets the packet filter, which may take its time.
fn set_filter(world: &World, stacks: &Stacks, filter: PacketFilter) -> NdisStatus {
    let mut request = Request::set(FILTER, &filter.bits().to_le_bytes()).expect("it is short");
    world.ndis.request(&stacks.seat.handle(), &mut request)
}

#[test]
fn seed_58_queued_requests_move_with_their_binding() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let ask = |oid| {
            let mut request = Request::query(oid);
            world.ndis.request(&stacks.seat.handle(), &mut request)
        };
        stacks.card.answer_requests([RequestOutcome::Pending]);
        assert_eq!(ask(Oid(1)), NdisStatus::PENDING, "the card has it");
        let wider = PacketFilter::DIRECTED | PacketFilter::ALL_MULTICAST;
        assert_eq!(
            set_filter(&world, &stacks, wider),
            NdisStatus::PENDING,
            "it is queued"
        );
        stacks.pile([0]);
        assert_eq!(ask(Oid(2)), NdisStatus::PENDING, "it is queued behind that");
        world.log.take();
        stacks
            .card
            .defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![7]));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("tcpip"),
            [
                "tcpip request_complete 0x00000001 SUCCESS [07]",
                "tcpip request_complete GEN_CURRENT_PACKET_FILTER SUCCESS [05, 00, 00, 00]",
                "tcpip request_complete 0x00000002 NOT_SUPPORTED []",
            ]
        );
        for adapter in [stacks.adapter, stacks.filters[0].adapter()] {
            assert_eq!(filter_of(&world, adapter), wider);
        }

        // And back: pending in the filter and in the card, and queued in the filter.
        stacks.card.answer_requests([RequestOutcome::Pending]);
        assert_eq!(ask(Oid(1)), NdisStatus::PENDING);
        assert_eq!(
            set_filter(&world, &stacks, PacketFilter::DIRECTED),
            NdisStatus::PENDING
        );
        let (bus, card) = (world.bus, stacks.card.clone());
        world.machine.interrupt_at(
            world.machine.now() + Duration::from_millis(500),
            move || {
                card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![8]));
                bus.service_line(9);
            },
        );
        stacks.filters[0].remove().expect("it is in the stack");
        assert_eq!(
            world.log.take_with("tcpip"),
            [
                "tcpip request_complete 0x00000001 SUCCESS [08]",
                "tcpip request_complete GEN_CURRENT_PACKET_FILTER SUCCESS [01, 00, 00, 00]",
            ]
        );
        assert_eq!(filter_of(&world, stacks.adapter), PacketFilter::DIRECTED);
    });
}

#[test]
fn a_setting_that_fails_below_after_the_move_is_taken_back_above() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.card.answer_requests([RequestOutcome::Pending]);
        let wider = PacketFilter::DIRECTED | PacketFilter::PROMISCUOUS;
        assert_eq!(set_filter(&world, &stacks, wider), NdisStatus::PENDING);
        stacks.pile([0]);
        stacks
            .card
            .defer(Deferred::CompleteSet(NdisStatus::FAILURE));
        world.interrupt(9);
        let before = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
        for adapter in [stacks.adapter, stacks.filters[0].adapter()] {
            assert_eq!(filter_of(&world, adapter), before);
        }
    });
}

#[test]
fn a_request_pending_below_does_not_keep_a_filter_from_starting() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.card.answer_requests([RequestOutcome::Pending]);
        let mut request = Request::query(Oid(1));
        let asked = world.ndis.request(&stacks.seat.handle(), &mut request);
        assert_eq!(asked, NdisStatus::PENDING);
        stacks.pile([0]);
        let upper = stacks.filters[0].adapter();
        assert_eq!(upper.hardware_address(), stacks.adapter.hardware_address());
        assert_eq!(
            upper.maximum_frame_size(),
            stacks.adapter.maximum_frame_size()
        );
        stacks
            .card
            .defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![7]));
        world.interrupt(9);
        assert_eq!(upper.counters().requests_completed_unknown, 0);
        stacks.card.receive([frame(70)]);
        world.interrupt(9);
        assert_eq!(stacks.received(), [70]);
    });
}

#[test]
fn seed_58_a_reset_is_told_once_through_filters_that_come_and_go() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let ends = [
            "tcpip status RESET_END",
            "tcpip status_complete",
            "tcpip reset_complete SUCCESS",
        ];
        let told = |world: &World| {
            let mut log = world.log.take();
            log.retain(|event| {
                event.starts_with("tcpip ") && event.contains("RESET")
                    || event.contains("reset_complete")
            });
            log
        };
        stacks
            .card
            .script(|script| script.reset = ResetOutcome::Pending);
        let finish = |world: &World| {
            stacks
                .card
                .defer(Deferred::CompleteReset(NdisStatus::SUCCESS, true));
            world.interrupt(9);
        };
        // Begun before the filter came.
        assert_eq!(world.ndis.reset(&stacks.seat.handle()), NdisStatus::PENDING);
        assert_eq!(told(&world), ["tcpip status RESET_START"]);
        stacks.pile([0]);
        assert_eq!(stacks.seat.send_frame(60), NdisStatus::PENDING, "it waits");
        finish(&world);
        assert_eq!(told(&world), [ends[0], ends[2]]);
        assert_eq!(stacks.sent(), [60]);
        // From above, through the filter; and from below.
        for begin in [0, 1] {
            let status = match begin {
                0 => world.ndis.reset(&stacks.seat.handle()),
                _ => world.ndis.reset_adapter(&stacks.adapter),
            };
            assert_eq!(status, NdisStatus::PENDING);
            assert_eq!(told(&world), ["tcpip status RESET_START"]);
            finish(&world);
            assert_eq!(told(&world), [ends[0], ends[2]]);
        }
        // The filter goes while the reset is under way, and a packet waits in its queue.
        assert_eq!(world.ndis.reset(&stacks.seat.handle()), NdisStatus::PENDING);
        assert_eq!(stacks.seat.send_frame(61), NdisStatus::PENDING);
        stacks.filters[0].remove().expect("it is in the stack");
        assert_eq!(told(&world), ["tcpip status RESET_START"]);
        finish(&world);
        assert_eq!(told(&world), [ends[0], ends[2]]);
        assert_eq!(stacks.sent(), [60, 61]);
        let wanted = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
        assert_eq!(
            filter_of(&world, stacks.adapter),
            wanted,
            "it was set again"
        );
    });
}

#[test]
fn a_setting_given_up_in_a_reset_is_made_again() {
    run(|world| {
        let stacks = Stacks::new(&world);
        // The card loses its filter; setting it again is pending when the next reset comes, in which
        // it loses nothing.
        stacks.card.script(|script| {
            script.requests.push_back(RequestOutcome::Pending);
            script.reset = ResetOutcome::Done {
                addressing_reset: true,
            };
        });
        assert_eq!(
            world.ndis.reset_adapter(&stacks.adapter),
            NdisStatus::PENDING
        );
        stacks.card.script(|script| {
            script.reset = ResetOutcome::Done {
                addressing_reset: false,
            };
        });
        assert_eq!(
            world.ndis.reset_adapter(&stacks.adapter),
            NdisStatus::PENDING
        );
        let wanted = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
        assert_eq!(filter_of(&world, stacks.adapter), wanted);
    });
}

#[test]
fn a_packet_filter_that_the_card_may_have_or_not_is_set_again() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.card.answer_requests([RequestOutcome::Pending]);
        let status = set_filter(&world, &stacks, PacketFilter::PROMISCUOUS);
        assert_eq!(status, NdisStatus::PENDING);
        world.log.take();
        let reset = world.ndis.reset_adapter(&stacks.adapter);
        assert_eq!(reset, NdisStatus::PENDING);
        let log = world.log.take();
        let aborted = "tcpip request_complete GEN_CURRENT_PACKET_FILTER REQUEST_ABORTED";
        assert!(
            log.iter().any(|event| event.starts_with(aborted)),
            "{log:?}"
        );
        // The one before the request, which the wrapper would else take for the card's still.
        let again = "card set GEN_CURRENT_PACKET_FILTER [09, 00, 00, 00]";
        assert!(log.iter().any(|event| event == again), "{log:?}");
    });
}

#[test]
fn a_request_pending_through_a_filter_is_given_up_by_the_reset_of_the_card_alone() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..2);
        stacks.card.answer_requests([RequestOutcome::Pending]);
        let mut request = Request::query(Oid(1));
        let asked = world.ndis.request(&stacks.seat.handle(), &mut request);
        assert_eq!(asked, NdisStatus::PENDING);
        world.log.take();
        let reset = world.ndis.reset(&stacks.seat.handle());
        assert_eq!(reset, NdisStatus::PENDING);
        assert_eq!(
            world.log.take_with("tcpip request_complete"),
            ["tcpip request_complete 0x00000001 REQUEST_ABORTED []"]
        );
        for filter in stacks.filters {
            let counters = filter.adapter().counters();
            assert_eq!(counters.requests_completed_unknown, 0);
            assert_eq!(counters.requests_aborted, 0);
        }
        assert_eq!(stacks.adapter.counters().requests_aborted, 1);
    });
}
