//! Operations under way while filters come and go.

use executive::Duration;
use ndis::NdisStatus;
use ndis::simulation::Way;

use super::{Stacks, bound_to, stack};
use crate::support::miniport::{Answer, Deferred};
use crate::support::{World, frame, lock, run};

fn completions(world: &World) -> Vec<String> {
    world.log.take_with("tcpip send_complete")
}

#[test]
fn seed_58_sends_pending_and_queued_below_are_completed_to_their_sender() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks
            .card
            .answer_sends([Answer::Pending, Answer::Resources]);
        assert_eq!(
            stacks.seat.send_frame(60),
            NdisStatus::PENDING,
            "the card has it"
        );
        assert_eq!(
            stacks.seat.send_frame(61),
            NdisStatus::PENDING,
            "it is queued"
        );
        stacks.pile(0..2);
        // What comes later goes through the filters, behind the others.
        assert_eq!(stacks.seat.send_frame(62), NdisStatus::PENDING);
        assert_eq!(stacks.sent(), [60]);
        world.log.take();
        stacks
            .card
            .defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        world.interrupt(9);
        assert_eq!(completions(&world), ["tcpip send_complete SUCCESS"; 3]);
        assert_eq!(stacks.sent(), [60, 61, 62]);
        let counters = stacks.adapter.counters();
        assert_eq!(
            (counters.sends_done, counters.sends_completed_unknown),
            (3, 0)
        );

        // The same while they are taken out.
        stacks
            .card
            .answer_sends([Answer::Pending, Answer::Resources]);
        assert_eq!(stacks.seat.send_frame(63), NdisStatus::PENDING);
        assert_eq!(stacks.seat.send_frame(64), NdisStatus::PENDING);
        let (bus, card) = (world.bus, stacks.card.clone());
        let at = world.machine.now() + Duration::from_millis(500);
        world.machine.interrupt_at(at, move || {
            card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
            bus.service_line(9);
        });
        stacks.filters[0].remove().expect("it is in the stack");
        assert!(
            world.machine.now() >= at,
            "it waits for what its driver has not completed"
        );
        assert_eq!(completions(&world), ["tcpip send_complete SUCCESS"; 2]);
        stacks.filters[1].remove().expect("it is in the stack");
        assert_eq!(stacks.sent(), [60, 61, 62, 63, 64]);
        for filter in stacks.filters {
            assert_eq!(filter.adapter().counters().sends_completed_unknown, 0);
        }
    });
}

#[test]
fn a_removal_waits_for_a_card_that_hangs_until_it_is_reset() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile([0]);
        stacks.card.answer_sends([Answer::Pending]);
        assert_eq!(stacks.seat.send_frame(60), NdisStatus::PENDING);
        stacks.filters[0].remove().expect("it is in the stack");
        assert_eq!(stack(stacks.adapter), ["card0"]);
        assert_eq!(completions(&world), ["tcpip send_complete REQUEST_ABORTED"]);
        assert_eq!(stacks.adapter.counters().resets_hung, 1);
        let report = world.report();
        assert_eq!((report.name, report.pending_sends), ("filter1", 0));
    });
}

#[test]
fn seed_58_a_transfer_pending_below_is_completed_to_its_protocol() {
    for filters in [0..0, 0..1, 0..3] {
        run(move |world| {
            let stacks = Stacks::new(&world);
            stacks.pile(filters.clone());
            stacks.card.script(|script| script.pend_transfers = true);
            stacks.card.receive([frame(100)]);
            world.interrupt(9);
            assert_eq!(stacks.received(), [0; 0]);
            // One more filter comes, or all go; the transfer is pending in the card all the time.
            if filters.is_empty() {
                stacks.pile([0]);
            }
            for filter in filters.clone() {
                stacks.filters[filter].remove().expect("it is in the stack");
            }
            stacks.card.defer(Deferred::CompleteTransfers);
            world.interrupt(9);
            assert_eq!(
                world.log.take_with("transfer_complete"),
                ["tcpip transfer_complete Ok(100)"]
            );
            assert_eq!(stacks.received(), [100]);
        });
    }
}

#[test]
fn seed_58_a_transfer_finds_its_way_when_the_stack_goes_from_the_top() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..3);
        stacks.card.script(|script| script.pend_transfers = true);
        stacks.card.receive([frame(100)]);
        world.interrupt(9);
        // The bindings between the filters cannot be closed until the transfer has passed them.
        for filter in stacks.filters.iter().rev() {
            filter.remove().expect("it is in the stack");
        }
        assert_eq!(bound_to(&world, "filter"), [""; 0]);
        stacks.card.defer(Deferred::CompleteTransfers);
        world.interrupt(9);
        assert_eq!(stacks.received(), [100]);
    });
}

#[test]
fn statuses_and_reconfigurations_go_through_the_stack() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..3);
        world.log.take();
        stacks
            .card
            .defer(Deferred::Status(NdisStatus::MEDIA_DISCONNECT));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("tcpip status"),
            ["tcpip status MEDIA_DISCONNECT", "tcpip status_complete"]
        );
        assert!(
            world
                .ndis
                .adapter_reports()
                .all(|report| !report.is_media_connected)
        );
        world.ndis.reconfigure(&stacks.adapter);
        assert_eq!(
            world.log.take_with("tcpip"),
            ["tcpip pnp Reconfigure card0"]
        );
    });
}

#[test]
fn seed_21_receive_complete_follows_the_batch_through_a_stack() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..3);
        stacks.observer.script(|script| script.take = false);
        for _ in 0..2 {
            world.log.take();
            stacks.card.receive([frame(70), frame(71), frame(72)]);
            world.interrupt(9);
            let mut log = world.log.take_with("tcpip");
            log.retain(|event| !event.contains("transfer"));
            assert_eq!(
                log,
                [
                    "tcpip receive 14 46 70",
                    "tcpip receive 14 46 71",
                    "tcpip receive 14 46 72",
                    "tcpip receive_complete"
                ]
            );
        }
        // A filter that lets frames go by itself ends their batch.
        stacks.filters[1].set_way(Way::Hold);
        stacks.card.receive([frame(70), frame(71)]);
        world.interrupt(9);
        assert_eq!(world.log.take_with("tcpip"), [""; 0]);
        stacks.filters[1].release();
        assert_eq!(world.log.take_with("receive_complete").len(), 1);
    });
}

#[test]
fn a_binding_closed_in_the_batch_is_not_told_that_it_is_over() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile([0]);
        stacks.observer.script(|script| {
            script.take = false;
            script.close_in_receive = true;
        });
        world.log.take();
        stacks.card.receive([frame(70)]);
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("tcpip"),
            [
                "tcpip receive 14 46 70",
                "tcpip close PENDING",
                "tcpip close_complete SUCCESS"
            ]
        );
    });
}

#[test]
fn a_protocol_binds_again_while_operations_of_the_old_binding_are_pending() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile([0]);
        stacks.card.answer_sends([Answer::Pending]);
        assert_eq!(stacks.seat.send_frame(60), NdisStatus::PENDING);
        assert_eq!(stacks.seat.close(), NdisStatus::PENDING);
        // The old binding is on its way out of a stack that changes.
        let (bus, card) = (world.bus, stacks.card.clone());
        world
            .machine
            .interrupt_at(world.machine.now() + Duration::from_secs(1), move || {
                card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
                bus.service_line(9);
            });
        world.log.take();
        stacks.filters[0].remove().expect("it is in the stack");
        world.sleep(2);
        assert_eq!(
            world.log.take_with("tcpip"),
            [
                "tcpip send_complete SUCCESS",
                "tcpip close_complete SUCCESS"
            ]
        );
        let (other, seat) = world.bound("other");
        other.script(|script| script.take = true);
        stacks.card.receive([frame(70)]);
        world.interrupt(9);
        assert_eq!(*lock(&other.received), [frame(70)[14..].to_vec()]);
        assert_eq!(seat.send_frame(61), NdisStatus::SUCCESS);
    });
}
