use super::Record;
use crate::simulation::Simulation;
use crate::work_item::state::{CallState, Requested};
use crate::{Dpc, Duration, Event, EventKind, Instant, Irql, Limits, NtStatus, WorkItem};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_call_is_due_once_however_often_it_is_requested() {
    let call = CallState::new();
    assert_eq!(call.request(), Requested::Enqueue);
    assert_eq!(call.request(), Requested::Already);
    call.begin();
    assert_eq!(call.request(), Requested::Repeat);
    assert_eq!(call.request(), Requested::Already);
    assert!(call.end());
    assert_eq!(call.request(), Requested::Already);
    call.begin();
    assert!(!call.end());
    assert_eq!(call.request(), Requested::Enqueue);
}

#[test]
fn seed_56_device_interrupt_over_dpc_over_thread() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let seen = record.clone();
    let work = WorkItem::new(executive, "work", move || seen.add(executive.irql())).expect("room");
    let seen = record.clone();
    let dpc = Dpc::new(executive, "dpc", move || {
        seen.add(executive.irql());
        work.queue();
    })
    .expect("room");
    let seen = record.clone();
    machine.interrupt_at(Instant::from_millis(3), move || {
        seen.add(executive.irql());
        dpc.queue();
    });
    executive.start_workers(1).expect("room");
    machine.run(move || executive.sleep(Duration::from_millis(5)));
    assert_eq!(record.take(), [Irql::Device, Irql::Dispatch, Irql::Passive]);
}

#[test]
fn work_queued_before_there_are_workers_runs_when_they_start() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let work = WorkItem::new(executive, "early", || ()).expect("room");
    machine.run(move || {
        assert!(work.queue() && !work.queue());
        assert_eq!(work.runs(), 0);
        executive.start_workers(1).expect("room");
        assert_eq!(work.runs(), 1);
    });
}

#[test]
fn a_request_while_it_runs_makes_it_run_again_and_never_beside_itself() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let go = Event::new(executive, EventKind::Synchronization, false).expect("room");
    let go: &'static Event = alloc::boxed::Box::leak(go.into());
    let inside = Arc::new(AtomicU32::new(0));
    let entered = Arc::clone(&inside);
    let work = WorkItem::new(executive, "slow", move || {
        assert_eq!(entered.fetch_add(1, Ordering::Relaxed), 0);
        let _ = executive.wait(go, None);
        entered.fetch_sub(1, Ordering::Relaxed);
    })
    .expect("room");
    executive.start_workers(3).expect("room");
    machine.run(move || {
        assert!(work.queue());
        assert!(work.queue(), "it runs, so this is another request");
        assert!(!work.queue(), "that is known");
        assert_eq!(work.runs(), 1);
        go.set();
        assert_eq!(work.runs(), 2);
        go.set();
        assert!(work.queue());
        go.set();
        assert_eq!(work.runs(), 3);
    });
}

#[test]
fn several_workers_take_what_was_queued_at_one_go() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let items = ["one", "two", "three"].map(|name| {
        let done = record.clone();
        WorkItem::new(executive, name, move || {
            executive.sleep(Duration::from_secs(1));
            done.add((name, executive.now().as_secs()));
        })
        .expect("room")
    });
    executive.start_workers(3).expect("room");
    machine.run(move || {
        {
            let _raised = executive.raise_irql(Irql::Dispatch);
            assert!(items.iter().all(|item| item.queue()));
        }
        executive.sleep(Duration::from_secs(5));
    });
    assert_eq!(record.take(), [("one", 1), ("two", 1), ("three", 1)]);
}

#[test]
fn no_request_is_lost_whatever_the_interleaving() {
    for seed in 1..=60 {
        let machine = Simulation::new(seed);
        let executive = machine.executive();
        let requested = Arc::new(AtomicU32::new(0));
        let handled = Arc::new(AtomicU32::new(0));
        let (asked, done) = (Arc::clone(&requested), Arc::clone(&handled));
        let work = WorkItem::new(executive, "test", move || {
            let seen = asked.load(Ordering::Relaxed);
            drop(executive.raise_irql(Irql::Dispatch));
            done.store(seen, Ordering::Relaxed);
        })
        .expect("room");
        executive.start_workers(2).expect("room");
        machine.run(move || {
            for _ in 0..50 {
                requested.fetch_add(1, Ordering::Relaxed);
                work.queue();
                drop(executive.raise_irql(Irql::Dispatch));
            }
        });
        assert_eq!(handled.load(Ordering::Relaxed), 50, "seed {seed}");
    }
}

#[test]
fn work_without_end_leaves_time_to_threads_below() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let own = Arc::new(spin::Once::<&'static WorkItem>::new());
    let inner = Arc::clone(&own);
    let work = WorkItem::new(executive, "without end", move || {
        machine.advance(Duration::from_micros(500));
        if executive.now() < Instant::from_millis(200) {
            inner.get().map(|work| work.queue());
        }
    })
    .expect("room");
    own.call_once(|| work);
    executive.start_workers(1).expect("room");
    for tick in 1..200 {
        machine.interrupt_at(Instant::from_millis(tick), move || executive.clock_tick());
    }
    let micros = machine.run(move || {
        work.queue();
        let mut micros = 0;
        while executive.now() < Instant::from_millis(190) {
            machine.advance(Duration::from_micros(10));
            micros += 10;
        }
        micros
    });
    assert!(
        (10_000..40_000).contains(&micros),
        "the thread had {micros} us of 190 ms"
    );
}

#[test]
fn a_full_table_of_work_items_is_a_status() {
    let machine = Simulation::with_limits(
        0,
        &Limits {
            work_items: 1,
            ..Limits::default()
        },
    );
    let new = || WorkItem::new(machine.executive(), "test", || ()).map(|_| ());
    assert_eq!(new(), Ok(()));
    assert_eq!(new(), Err(NtStatus::INSUFFICIENT_RESOURCES));
}
