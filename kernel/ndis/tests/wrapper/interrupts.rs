//! Interrupts: seed items 14 and 15.

use crate::support::{bound, frame, run};
use ndis::IsrOutcome;

#[test]
fn seed_14_without_the_drivers_isr_the_card_is_disabled_and_the_deferred_half_queued() {
    run(|world| {
        let (card, adapter, ..) = bound(&world);
        card.script(|script| {
            script.isr = IsrOutcome {
                recognized: false,
                queue_handle_interrupt: false,
            };
        });
        assert!(world.interrupt(9), "recognised without asking");
        assert_eq!(
            world.log.take(),
            ["card disable", "card handle_interrupt", "card enable"]
        );
        assert_eq!(adapter.counters().interrupts, 1);
        assert_eq!(adapter.counters().deferred_calls, 1);
    });
}

#[test]
fn seed_14_the_drivers_isr_is_asked_when_it_wants_that() {
    for (recognized, queue_handle_interrupt) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        run(move |world| {
            let card = world.card("card");
            card.script(|script| {
                script.interrupt = Some((9, true, true));
                script.isr = IsrOutcome {
                    recognized,
                    queue_handle_interrupt,
                };
            });
            let adapter = world.start("card0", &card);
            world.log.take();
            assert_eq!(world.interrupt(9), recognized);
            let deferred: &[&str] = if queue_handle_interrupt {
                &["card isr", "card handle_interrupt", "card enable"]
            } else {
                &["card isr"]
            };
            assert_eq!(world.log.take(), deferred);
            let foreign = adapter.counters().interrupts_not_recognized;
            assert_eq!(foreign, u64::from(!recognized));
        });
    }
}

#[test]
fn seed_14_a_shared_line_asks_each_service_until_one_recognises_the_interrupt() {
    run(|world| {
        let cards = ["one", "two"].map(|name| world.card(name));
        for (section, card) in ["card0", "card1"].into_iter().zip(&cards) {
            card.script(|script| script.interrupt = Some((9, true, true)));
            world.start(section, card);
        }
        world.log.take();
        cards[0].script(|script| {
            script.isr = IsrOutcome {
                recognized: false,
                queue_handle_interrupt: false,
            };
        });
        assert!(world.interrupt(9));
        assert_eq!(
            world.log.take(),
            ["one isr", "two isr", "two handle_interrupt", "two enable"]
        );
        // Interrupts of others do not spoil the ratio.
        cards[1].receive([frame(46), frame(46)]);
        world.interrupt(9);
        let ratios = world
            .ndis
            .adapter_reports()
            .map(|report| report.frames_per_interrupt_in_hundredths());
        assert_eq!(ratios.collect::<Vec<_>>(), [None, Some(100)]);
    });
}

#[test]
fn seed_15_the_card_is_masked_until_handle_interrupt_is_done() {
    run(|world| {
        let (card, adapter, ..) = bound(&world);
        card.receive((0..3).map(|_| frame(46)));
        world.interrupt(9);
        let events = world.log.take();
        assert_eq!(events.first().map(String::as_str), Some("card disable"));
        assert_eq!(events[1], "card handle_interrupt");
        assert_eq!(events.last().map(String::as_str), Some("card enable"));
        assert_eq!(
            events
                .iter()
                .filter(|event| event.contains("receive 14"))
                .count(),
            3
        );
        assert_eq!(adapter.counters().frames_received, 3);
        let report = world.report();
        assert_eq!(report.frames_per_interrupt_in_hundredths(), Some(300));
    });
}

#[test]
fn seed_15_more_work_is_queued_again_without_unmasking_the_card() {
    run(|world| {
        let (card, adapter, ..) = bound(&world);
        card.script(|script| script.budget = 2);
        card.receive((0..5).map(|_| frame(46)));
        world.interrupt(9);
        // The executive may leave a DPC to its thread.
        world.executive().sleep(executive::Duration::from_millis(1));
        let events = world.log.take_with("card");
        assert_eq!(
            events,
            [
                "card disable",
                "card handle_interrupt",
                "card handle_interrupt",
                "card handle_interrupt",
                "card enable"
            ]
        );
        assert_eq!(adapter.counters().deferred_more_work, 2);
        assert_eq!(adapter.counters().receive_batches, 3);
    });
}

#[test]
fn a_driver_may_ask_for_its_deferred_half() {
    run(|world| {
        let card = world.card("card");
        let table = ndis::MiniportCharacteristics {
            check_for_hang: Some(|_, context| {
                context.queue_handle_interrupt();
                false
            }),
            ..crate::support::miniport::table()
        };
        let adapter = world.start_table("card0", &card, &table);
        world.log.take();
        world.sleep(3);
        assert_eq!(world.log.take(), ["card handle_interrupt", "card enable"]);
        assert_eq!(adapter.counters().interrupts, 0);
    });
}

#[test]
fn seed_15_an_interrupt_during_initialize_is_handled_once_the_adapter_runs() {
    run(|world| {
        let card = world.card("card");
        let bus = world.bus;
        let machine = world.machine;
        let table = ndis::MiniportCharacteristics {
            initialize: Some(|driver, context, media| {
                let made = crate::support::miniport::initialize(driver, context, media);
                // The card raises its line as soon as it is connected.
                context.stall(executive::Duration::from_millis(1));
                made
            }),
            ..crate::support::miniport::table()
        };
        let at = machine.now() + executive::Duration::from_micros(100);
        machine.interrupt_at(at, move || {
            assert!(bus.lines().contains(&9));
            bus.service_line(9);
        });
        world.start_table("card0", &card, &table);
        assert_eq!(
            world.log.take(),
            [
                "card initialize",
                "card disable",
                "card handle_interrupt",
                "card enable"
            ]
        );
    });
}

#[test]
fn an_interrupt_after_halt_touches_nothing() {
    run(|world| {
        let (card, adapter, ..) = bound(&world);
        world.ndis.stop_device(&adapter).expect("it runs");
        world.log.take();
        card.receive([frame(46)]);
        assert!(!world.interrupt(9));
        assert!(world.log.take().is_empty());
    });
}
