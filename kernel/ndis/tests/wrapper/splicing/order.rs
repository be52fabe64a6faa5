//! Nothing overtakes anything.

use ndis::simulation::Way;
use ndis::{NdisStatus, ResetOutcome};

use super::Stacks;
use crate::support::miniport::{Answer, Deferred};
use crate::support::{frame, run};

#[test]
fn seed_58_what_a_filter_holds_leaves_before_what_comes_after_it() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let [filter, ..] = stacks.filters;
        stacks.pile([0]);
        filter.set_way(Way::Hold);
        for length in 60..63 {
            assert_eq!(stacks.seat.send_frame(length), NdisStatus::PENDING);
        }
        stacks.card.receive([frame(70), frame(71)]);
        world.interrupt(9);
        assert_eq!((stacks.sent(), stacks.received()), (vec![], vec![]));
        world.log.take();
        filter.remove().expect("it is in the stack");
        assert_eq!(stacks.seat.send_frame(63), NdisStatus::SUCCESS);
        stacks.card.receive([frame(72)]);
        world.interrupt(9);
        assert_eq!(stacks.sent(), [60, 61, 62, 63]);
        assert_eq!(stacks.received(), [70, 71, 72]);
        assert_eq!(world.log.take_with("send_complete SUCCESS").len(), 3);
    });
}

#[test]
fn seed_58_what_protocols_send_while_a_filter_is_flushed_goes_behind_what_it_held() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let [filter, ..] = stacks.filters;
        stacks.pile([0]);
        filter.set_way(Way::Hold);
        assert_eq!(stacks.seat.send_frame(60), NdisStatus::PENDING);
        stacks.card.receive([frame(70), frame(71)]);
        world.interrupt(9);
        // From Receive (a reply as long as the frame) and from SendComplete (100 bytes).
        stacks.observer.script(|script| {
            script.reply = true;
            script.send_again = 2;
        });
        filter.remove().expect("it is in the stack");
        assert_eq!(stacks.sent(), [60, 70, 71, 100]);
        assert_eq!(stacks.received(), [70, 71]);
    });
}

#[test]
fn seed_58_the_queues_of_both_adapters_stay_in_order() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let [filter, ..] = stacks.filters;
        stacks.pile([0]);
        // The card takes none; more is held than its queue of 8 has room for beside those.
        stacks
            .card
            .answer_sends([Answer::Pending, Answer::Resources]);
        for length in 60..65 {
            assert_eq!(stacks.seat.send_frame(length), NdisStatus::PENDING);
        }
        filter.set_way(Way::Hold);
        for length in 65..68 {
            assert_eq!(stacks.seat.send_frame(length), NdisStatus::PENDING);
        }
        let (bus, card) = (world.bus, stacks.card.clone());
        let at = world.machine.now() + executive::Duration::from_secs(1);
        world.machine.interrupt_at(at, move || {
            card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
            bus.service_line(9);
        });
        filter.remove().expect("it is in the stack");
        assert_eq!(stacks.seat.send_frame(68), NdisStatus::SUCCESS);
        assert_eq!(stacks.sent(), [60, 61, 62, 63, 64, 65, 66, 67, 68]);
        assert_eq!(world.log.take_with("send_complete SUCCESS").len(), 8);
    });
}

#[test]
fn seed_58_a_packet_that_waits_above_is_completed_from_below() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile([0]);
        stacks
            .card
            .script(|script| script.reset = ResetOutcome::Pending);
        assert_eq!(world.ndis.reset(&stacks.seat.handle()), NdisStatus::PENDING);
        for length in 60..62 {
            assert_eq!(stacks.seat.send_frame(length), NdisStatus::PENDING);
        }
        stacks.filters[0].remove().expect("it is in the stack");
        stacks.card.answer_sends([Answer::Pending, Answer::Pending]);
        stacks
            .card
            .defer(Deferred::CompleteReset(NdisStatus::SUCCESS, false));
        world.interrupt(9);
        assert_eq!(stacks.sent(), [60, 61]);
        world.log.take();
        stacks
            .card
            .defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
        world.interrupt(9);
        assert_eq!(world.log.take_with("send_complete SUCCESS").len(), 2);
        assert_eq!(stacks.adapter.counters().sends_completed_unknown, 0);
    });
}

#[test]
fn seed_58_a_stack_is_halted_from_the_top_with_what_it_holds_passed_on() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..3);
        for filter in stacks.filters {
            filter.set_way(Way::Hold);
        }
        for length in 60..63 {
            assert_eq!(stacks.seat.send_frame(length), NdisStatus::PENDING);
        }
        world.log.take();
        world.ndis.stop_device(&stacks.adapter).expect("it runs");
        assert_eq!(stacks.sent(), [60, 61, 62]);
        assert_eq!(world.log.take_with("send_complete").len(), 3);
    });
}
