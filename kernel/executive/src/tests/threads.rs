use super::Record;
use crate::simulation::Simulation;
use crate::{
    Duration, Event, EventKind, Instant, Irql, Limits, NtStatus, Priority, ThreadId, ThreadState,
};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_thread_of_higher_priority_runs_at_once_and_one_of_lower_priority_later() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    machine.run(move || {
        for (priority, name) in [(Priority::LOW, "low"), (Priority::HIGH, "high")] {
            let order = order.clone();
            executive
                .spawn(name, priority, 0, move || order.add(name))
                .expect("room");
        }
        order.add("body");
    });
    assert_eq!(record.take(), ["high", "body", "low"]);
}

#[test]
fn a_woken_thread_of_higher_priority_preempts_before_set_returns() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    machine.run(move || {
        let event = Event::new(executive, EventKind::Synchronization, false).expect("room");
        let event: &'static Event = alloc::boxed::Box::leak(event.into());
        let inner = order.clone();
        executive
            .spawn("high", Priority::HIGH, 0, move || {
                let _ = executive.wait(event, None);
                inner.add("woken");
            })
            .expect("room");
        {
            let _raised = executive.raise_irql(Irql::Dispatch);
            event.set();
            order.add("still at dispatch");
        }
        order.add("below dispatch");
    });
    assert_eq!(
        record.take(),
        ["still at dispatch", "woken", "below dispatch"]
    );
    assert!(executive.counters().preemptions >= 1);
}

/// Starts a thread that adds its name to `record` when `event` has ended its
/// wait, and at each of the `ticks` after that.
fn waiter(
    machine: Simulation,
    event: &'static Event,
    priority: Priority,
    ticks: usize,
    record: &Record<&'static str>,
) {
    let executive = machine.executive();
    let order = record.clone();
    executive
        .spawn("woken", priority, 0, move || {
            let _ = executive.wait(event, None);
            order.add("woken");
            for _ in 0..ticks {
                machine.interrupt_at(machine.now(), move || executive.clock_tick());
                order.add("woken");
            }
        })
        .expect("room");
}

fn leaked_event(machine: Simulation) -> &'static Event {
    let event = Event::new(machine.executive(), EventKind::Synchronization, false);
    alloc::boxed::Box::leak(event.expect("room").into())
}

#[test]
fn a_thread_woken_with_an_increment_preempts_those_of_its_own_priority_for_one_turn() {
    let limits = Limits {
        quantum_ticks: 2,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let record = Record::new();
    let event = leaked_event(machine);
    waiter(machine, event, Priority::NORMAL, 3, &record);
    let order = record.clone();
    machine.run(move || {
        machine.executive().yield_now();
        event.set_boosting(1);
        order.add("setter");
    });
    let expected = ["woken", "woken", "setter", "woken", "woken"];
    assert_eq!(record.take(), expected);
}

#[test]
fn an_increment_does_not_outlast_the_next_wait_or_yield() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let event = leaked_event(machine);
    let inner = record.clone();
    executive
        .spawn("woken", Priority::NORMAL, 0, move || {
            let _ = executive.wait(event, None);
            executive.yield_now();
            inner.add("after a yield");
            let _ = executive.wait(event, None);
            inner.add("after a wait");
        })
        .expect("room");
    let order = record.clone();
    machine.run(move || {
        executive.yield_now();
        event.set_boosting(2);
        order.add("set with an increment");
        executive.yield_now();
        event.set();
        order.add("set without");
    });
    assert_eq!(
        record.take(),
        [
            "set with an increment",
            "after a yield",
            "set without",
            "after a wait"
        ]
    );
}

#[test]
fn an_increment_neither_changes_a_real_time_priority_nor_leads_to_one() {
    let number = |priority: Priority, increment| priority.boosted(increment).number();
    assert_eq!(number(Priority::NORMAL, 0), 8);
    assert_eq!(number(Priority::NORMAL, 2), 10);
    assert_eq!(number(Priority::HIGH, 2), 15);
    assert_eq!(number(Priority::HIGH, u8::MAX), 15);
    assert_eq!(number(Priority::REAL_TIME, 2), 16);
    assert_eq!(number(Priority::HIGHEST, u8::MAX), 31);
}

#[test]
fn threads_of_one_priority_take_turns_when_the_quantum_ends() {
    let limits = Limits {
        quantum_ticks: 2,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let executive = machine.executive();
    let record = Record::new();
    for name in ["one", "two"] {
        let order = record.clone();
        executive
            .spawn(name, Priority::NORMAL, 0, move || {
                for _ in 0..4 {
                    order.add(name);
                    machine.interrupt_at(machine.now(), move || executive.clock_tick());
                }
            })
            .expect("room");
    }
    machine.run(|| ());
    let expected = ["one", "one", "two", "two", "one", "one", "two", "two"];
    assert_eq!(record.take(), expected);
}

#[test]
fn a_preempted_thread_goes_on_before_others_of_its_priority() {
    let limits = Limits {
        quantum_ticks: 1000,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    executive
        .spawn("first", Priority::NORMAL, 0, move || {
            let inner = order.clone();
            executive
                .spawn("high", Priority::HIGH, 0, move || inner.add("high"))
                .expect("room");
            order.add("first");
        })
        .expect("room");
    let order = record.clone();
    executive
        .spawn("second", Priority::NORMAL, 0, move || order.add("second"))
        .expect("room");
    machine.run(|| ());
    assert_eq!(record.take(), ["high", "first", "second"]);
}

#[test]
fn yielding_goes_round_and_alone_changes_nothing() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    machine.run(move || {
        executive.yield_now();
        let inner = order.clone();
        executive
            .spawn("other", Priority::NORMAL, 0, move || inner.add("other"))
            .expect("room");
        order.add("body");
        executive.sleep(Duration::ZERO);
        order.add("body again");
    });
    assert_eq!(record.take(), ["body", "other", "body again"]);
}

#[test]
fn a_slot_is_reused_with_another_generation_and_join_knows_the_difference() {
    let limits = Limits {
        threads: 3,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let executive = machine.executive();
    machine
        .run(move || {
            let spawn = || executive.spawn("short", Priority::HIGH, 0, || ());
            let first = spawn()?;
            let second = spawn()?;
            assert_eq!(first.id().index(), second.id().index());
            assert_ne!(first.id().generation(), second.id().generation());
            assert_eq!(first.join(None), NtStatus::SUCCESS);
            let long = executive.spawn("long", Priority::HIGH, 0, move || {
                executive.sleep(Duration::from_secs(1));
            })?;
            assert_eq!(long.id().index(), first.id().index());
            assert_eq!(second.join(None), NtStatus::SUCCESS);
            assert_eq!(long.join(Some(Duration::from_millis(1))), NtStatus::TIMEOUT);
            assert_eq!(spawn().map(|_| ()), Err(NtStatus::INSUFFICIENT_RESOURCES));
            assert_eq!(long.join(None), NtStatus::SUCCESS);
            spawn().map(|_| ())
        })
        .expect("there is room for one thread beside the body");
}

#[test]
fn the_list_of_threads_tells_state_priority_time_and_switches() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let listed: Vec<_> = machine.run(move || {
        executive
            .spawn("sleeper", Priority::HIGH, 0, move || {
                machine.advance(Duration::from_millis(3));
                executive.sleep(Duration::from_secs(1));
            })
            .expect("room");
        machine.advance(Duration::from_millis(7));
        executive.threads().collect()
    });
    let [idle, body, sleeper] = &listed[..] else {
        panic!("three threads: {listed:?}");
    };
    assert_eq!(
        (idle.id, idle.name, idle.priority),
        (ThreadId::IDLE, "idle", None)
    );
    assert_eq!((body.name, body.state), ("run", ThreadState::Running));
    assert!(body.cpu_time >= Duration::from_millis(7), "{body:?}");
    assert_eq!((sleeper.state, sleeper.switches), (ThreadState::Waiting, 1));
    assert_eq!(sleeper.priority, Some(Priority::HIGH));
    assert!(sleeper.cpu_time >= Duration::from_millis(3), "{sleeper:?}");
    assert!(sleeper.cpu_time < Duration::from_millis(4), "{sleeper:?}");
}

#[test]
fn the_current_thread_is_known_in_threads_and_in_what_interrupts_them() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    assert_eq!(executive.current_thread(), ThreadId::IDLE);
    let record = Record::new();
    let seen = record.clone();
    machine.interrupt_at(Instant::ZERO, move || seen.add(executive.current_thread()));
    let seen = record.clone();
    machine.run(move || {
        seen.add(executive.current_thread());
        let inner = seen.clone();
        machine.interrupt_at(machine.now(), move || inner.add(executive.current_thread()));
    });
    let [idle, body, interrupted] = record.take()[..] else {
        panic!("three entries");
    };
    assert_eq!(idle, ThreadId::IDLE);
    assert_ne!(body, ThreadId::IDLE);
    assert_eq!(interrupted, body);
}

#[test]
fn a_static_body_can_be_started_again_and_again() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static BODY: fn() = || {
        RUNS.fetch_add(1, Ordering::Relaxed);
    };
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        for _ in 0..100 {
            executive
                .spawn_static("static", Priority::HIGH, 0, &BODY)
                .expect("room");
        }
    });
    assert_eq!(RUNS.load(Ordering::Relaxed), 100);
}

#[test]
#[should_panic(expected = "the end of a thread called at Dispatch")]
fn a_thread_that_ends_at_dispatch_is_a_bug_check() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || core::mem::forget(executive.raise_irql(Irql::Dispatch)));
}

#[test]
#[should_panic(expected = "waits at")]
fn the_idle_thread_cannot_wait() {
    let machine = Simulation::new(0);
    machine.run(|| ());
    machine.executive().sleep(Duration::from_secs(1));
}
