use super::Record;
use crate::simulation::Simulation;
use crate::{Duration, Event, EventKind, Instant, NtStatus, Priority};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;
use std::vec::Vec;

/// Three threads that take turns as the seed wants.
fn interleaving(seed: u64) -> Vec<(u8, u64)> {
    let machine = Simulation::new(seed);
    let executive = machine.executive();
    let record = Record::new();
    for thread in 0..3 {
        let order = record.clone();
        executive
            .spawn("test", Priority::NORMAL, 0, move || {
                for _ in 0..10 {
                    order.add((thread, executive.now().as_micros()));
                    drop(executive.raise_irql(crate::Irql::Dispatch));
                }
            })
            .expect("room");
    }
    machine.run(|| ());
    record.take()
}

#[test]
fn a_seed_repeats_its_interleaving_and_others_differ() {
    let first = interleaving(1);
    assert_eq!(first.len(), 30);
    for _ in 0..3 {
        assert_eq!(interleaving(1), first);
    }
    assert!((2..10).any(|seed| interleaving(seed) != first));
}

#[test]
fn a_result_comes_back_and_threads_go_on_in_the_next_run() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let event = Event::new(executive, EventKind::Synchronization, false).expect("room");
    let event: &'static Event = alloc::boxed::Box::leak(event.into());
    let thread = executive.spawn("long", Priority::NORMAL, 0, move || {
        let _ = executive.wait(event, None);
    });
    let thread = thread.expect("room");
    assert_eq!(machine.run(|| 7), 7);
    let joined = machine.run(move || {
        event.set();
        thread.join(None)
    });
    assert_eq!(joined, NtStatus::SUCCESS);
}

#[test]
fn interrupts_come_in_the_order_of_their_times() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    for millis in [5, 2, 9, 2] {
        let order = record.clone();
        machine.interrupt_at(Instant::from_millis(millis), move || {
            order.add((millis, machine.now()));
        });
    }
    machine.run(move || executive.sleep(Duration::from_millis(6)));
    let expected = [2, 2, 5].map(|millis| (millis, Instant::from_millis(millis)));
    assert_eq!(record.take(), expected);
}

#[test]
fn a_panic_in_any_thread_is_a_panic_of_run() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let end = catch_unwind(AssertUnwindSafe(|| {
        machine.run(move || {
            let held = Event::new(executive, EventKind::Notification, false);
            executive
                .spawn("bad", Priority::LOW, 0, move || {
                    let _held = held;
                    let _raised = executive.raise_irql(crate::Irql::Dispatch);
                    panic!("as intended");
                })
                .expect("room");
            executive.sleep(Duration::from_secs(1));
        });
    }));
    let payload = end.expect_err("the thread has panicked");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"as intended"));
}

#[test]
fn a_deadlock_names_the_threads() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let end = catch_unwind(AssertUnwindSafe(|| {
        machine.run(move || {
            let event = Event::new(executive, EventKind::Notification, false);
            event.map(|event| executive.wait(&event, None))
        })
    }));
    let payload = end.expect_err("nobody signals the event");
    let message = payload.downcast_ref::<String>().expect("a message");
    assert!(
        message.contains("deadlock") && message.contains("run: Waiting"),
        "{message}"
    );
}
