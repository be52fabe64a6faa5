use super::Record;
use crate::simulation::Simulation;
use crate::{Dpc, Duration, Event, EventKind, Instant, Irql, Priority};

#[test]
fn an_interrupt_preempts_a_thread_below_dispatch() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    machine.run(move || {
        let event = Event::new(executive, EventKind::Synchronization, false).expect("room");
        let event: &'static Event = alloc::boxed::Box::leak(event.into());
        let dpc = Dpc::new(executive, "wake", move || {
            event.set();
        });
        let dpc = dpc.expect("room");
        let woken = order.clone();
        executive
            .spawn("high", Priority::HIGH, 0, move || {
                for _ in 0..2 {
                    let _ = executive.wait(event, None);
                    woken.add("high");
                }
            })
            .expect("room");
        let interrupt = move || {
            dpc.queue();
        };
        machine.interrupt_at(machine.now(), interrupt);
        order.add("after the first");
        {
            let _raised = executive.raise_irql(Irql::Dispatch);
            machine.interrupt_at(machine.now(), interrupt);
            order.add("at dispatch");
        }
        order.add("after the second");
    });
    let expected = [
        "high",
        "after the first",
        "at dispatch",
        "high",
        "after the second",
    ];
    assert_eq!(record.take(), expected);
}

#[test]
fn the_idle_thread_wakes_for_an_interrupt() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let event = Event::new(executive, EventKind::Synchronization, false).expect("room");
    let event: &'static Event = alloc::boxed::Box::leak(event.into());
    let dpc = Dpc::new(executive, "wake", move || {
        event.set();
    });
    let dpc = dpc.expect("room");
    for second in 1..=3 {
        machine.interrupt_at(Instant::from_secs(second), move || {
            dpc.queue();
        });
    }
    let end = machine.run(move || {
        for _ in 0..3 {
            let _ = executive.wait(event, None);
        }
        executive.now()
    });
    assert_eq!(end, Instant::from_secs(3));
    let counters = executive.counters();
    assert_eq!((counters.interrupts, counters.dpcs_run), (3, 3));
}

#[test]
fn interrupts_during_a_dpc_do_not_start_another_pass() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    let second = Dpc::new(executive, "second", move || order.add("second")).expect("room");
    let order = record.clone();
    let first = Dpc::new(executive, "first", move || {
        order.add("first begins");
        machine.interrupt_at(machine.now(), move || {
            second.queue();
        });
        order.add("first ends");
    })
    .expect("room");
    machine.run(move || first.queue());
    assert_eq!(record.take(), ["first begins", "first ends", "second"]);
}

#[test]
fn clock_ticks_expire_timeouts_of_a_busy_machine() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    machine.run(move || {
        let woken = order.clone();
        executive
            .spawn("high", Priority::HIGH, 0, move || {
                executive.sleep(Duration::from_millis(1));
                woken.add(executive.now().as_micros());
            })
            .expect("room");
        machine.advance(Duration::from_millis(5));
        order.add(executive.now().as_micros());
    });
    assert_eq!(record.take(), [1000, 5000]);
}
