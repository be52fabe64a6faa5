use super::Record;
use crate::dpc::CallQueue;
use crate::simulation::Simulation;
use crate::{Dpc, Duration, Instant, Irql, Limits, NtStatus, Priority};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use spin::Once;

#[test]
fn the_queue_is_first_in_first_out_and_holds_each_entry_once() {
    let queue = CallQueue::new(4);
    assert!(queue.is_empty());
    assert!(queue.insert(2) && queue.insert(0));
    assert!(!queue.insert(2));
    assert_eq!(queue.remove(), Some(2));
    assert!(queue.insert(3) && queue.insert(2));
    assert!(!queue.is_empty());
    let order: alloc::vec::Vec<u32> = core::iter::from_fn(|| queue.remove()).collect();
    assert_eq!(order, [0, 3, 2]);
    assert!(queue.is_empty());
    assert!(!queue.insert(4), "there is no such entry");
}

#[test]
fn dpcs_run_first_in_first_out_and_each_once() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let dpcs = ["one", "two", "three"].map(|name| {
        let order = record.clone();
        Dpc::new(executive, name, move || order.add(name)).expect("room")
    });
    machine.run(move || {
        let _raised = executive.raise_irql(Irql::Dispatch);
        let [one, two, three] = dpcs;
        assert!(two.queue() && three.queue() && one.queue());
        assert!(!two.queue());
    });
    assert_eq!(record.take(), ["two", "three", "one"]);
    let counters = executive.counters();
    assert_eq!((counters.dpcs_queued, counters.dpcs_already_queued), (3, 1));
    assert_eq!(counters.dpcs_run, 3);
    assert!(dpcs.iter().all(|dpc| dpc.runs() == 1));
    assert!(executive.dpcs().map(Dpc::name).eq(["one", "two", "three"]));
}

#[test]
fn a_dpc_queued_from_an_interrupt_runs_before_the_interrupted_thread_goes_on() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let order = record.clone();
    let dpc = Dpc::new(executive, "test", move || order.add(executive.irql())).expect("room");
    let order = record.clone();
    machine.run(move || {
        let inner = order.clone();
        machine.interrupt_at(machine.now(), move || {
            dpc.queue();
            inner.add(executive.irql());
        });
        order.add(executive.irql());
    });
    assert_eq!(record.take(), [Irql::Device, Irql::Dispatch, Irql::Passive]);
}

#[test]
fn a_dpc_that_is_queued_while_it_runs_runs_again() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let own: Arc<Once<&'static Dpc>> = Arc::new(Once::new());
    let runs = Arc::new(AtomicU32::new(0));
    let (inner, counted) = (Arc::clone(&own), Arc::clone(&runs));
    let dpc = Dpc::new(executive, "again", move || {
        if counted.fetch_add(1, Ordering::Relaxed) < 4 {
            assert!(inner.get().is_some_and(|dpc| dpc.queue()));
        }
    });
    let dpc = *own.call_once(|| dpc.expect("room"));
    machine.run(move || dpc.queue());
    assert_eq!(runs.load(Ordering::Relaxed), 5);
}

#[test]
fn a_full_table_of_dpcs_is_a_status() {
    let machine = Simulation::with_limits(
        0,
        &Limits {
            dpcs: 1,
            ..Limits::default()
        },
    );
    let new = || Dpc::new(machine.executive(), "test", || ());
    assert!(new().is_ok());
    for _ in 0..3 {
        assert_eq!(new().map(|_| ()), Err(NtStatus::INSUFFICIENT_RESOURCES));
    }
}

/// Floods the machine: the DPC queues itself for ever, as a card does that
/// always has another frame. Answers how far a thread came meanwhile.
fn flood(limits: &Limits, seed: u64, dpc_time: Duration) -> u32 {
    let machine = Simulation::with_limits(seed, limits);
    let executive = machine.executive();
    let own: Arc<Once<&'static Dpc>> = Arc::new(Once::new());
    let stop = Arc::new(AtomicBool::new(false));
    let (inner, stopped) = (Arc::clone(&own), Arc::clone(&stop));
    let dpc = Dpc::new(executive, "flood", move || {
        machine.advance(dpc_time);
        if !stopped.load(Ordering::Relaxed) {
            inner.get().map(|dpc| dpc.queue());
        }
    });
    let dpc = *own.call_once(|| dpc.expect("room"));
    executive.start_workers(1).expect("room");
    machine.run(move || {
        dpc.queue();
        let start = executive.now();
        let mut progress = 0;
        while executive.now() - start < Duration::from_millis(200) {
            machine.advance(Duration::from_micros(100));
            progress += 1;
            // The clock goes on ticking, so that the DPC thread has its turns.
            if progress % 10 == 0 {
                machine.interrupt_at(machine.now(), move || executive.clock_tick());
            }
        }
        stop.store(true, Ordering::Relaxed);
        progress
    })
}

#[test]
fn a_flood_of_dpcs_leaves_threads_their_turns() {
    let limits = Limits {
        quantum_ticks: 5,
        dpc_pass_count: 8,
        ..Limits::default()
    };
    let progress = flood(&limits, 0, Duration::from_micros(50));
    assert!(progress > 500, "the thread came to {progress} of 2000");
}

#[test]
fn interrupts_back_to_back_with_short_passes_leave_threads_half_of_the_time() {
    let limits = Limits {
        quantum_ticks: 5,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let executive = machine.executive();
    let own: Arc<Once<&'static Dpc>> = Arc::new(Once::new());
    let inner = Arc::clone(&own);
    // The card interrupts again one microsecond after it was served.
    let dpc = Dpc::new(executive, "card", move || {
        machine.advance(Duration::from_micros(100));
        let dpc = inner.get().copied();
        machine.interrupt_at(machine.now() + Duration::from_micros(1), move || {
            dpc.map(Dpc::queue);
        });
    });
    let dpc = *own.call_once(|| dpc.expect("room"));
    executive.start_workers(0).expect("room");
    for tick in 1..200 {
        machine.interrupt_at(Instant::from_millis(tick), move || executive.clock_tick());
    }
    let micros = machine.run(move || {
        dpc.queue();
        let mut micros = 0;
        while executive.now() < Instant::from_millis(199) {
            machine.advance(Duration::from_micros(1));
            micros += 1;
        }
        micros
    });
    assert!(
        (90_000..190_000).contains(&micros),
        "the thread had {micros} us of 200 ms"
    );
    assert!(
        executive.counters().dpcs_run_by_thread > 10,
        "{:?}",
        executive.counters()
    );
}

#[test]
fn long_dpcs_are_limited_by_their_time_not_only_by_their_number() {
    let limits = Limits {
        quantum_ticks: 5,
        dpc_pass_count: u32::MAX,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let executive = machine.executive();
    let dpcs = [0; 4].map(|_| {
        Dpc::new(executive, "long", move || {
            machine.advance(Duration::from_millis(2));
        })
        .expect("room")
    });
    executive.start_workers(0).expect("room");
    machine.run(move || {
        let raised = executive.raise_irql(Irql::Dispatch);
        for dpc in dpcs {
            dpc.queue();
        }
        drop(raised);
        // Three times two milliseconds exceed the share of five.
        assert!(dpcs.iter().map(|dpc| dpc.runs()).eq([1, 1, 1, 0]));
        executive.sleep(Duration::from_micros(1));
        assert!(dpcs.iter().all(|dpc| dpc.runs() == 1));
    });
    let counters = executive.counters();
    assert_eq!(
        (counters.dpc_passes_deferred, counters.dpcs_run_by_thread),
        (1, 1)
    );
    assert!(
        (8_000..8_100).contains(&counters.dpc_micros),
        "{counters:?}"
    );
}

#[test]
fn after_the_flood_passes_run_dpcs_again() {
    let limits = Limits {
        dpc_pass_count: 2,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let executive = machine.executive();
    let dpcs = [0; 5].map(|_| Dpc::new(executive, "one of many", || ()).expect("room"));
    executive.start_workers(0).expect("room");
    machine.run(move || {
        let raised = executive.raise_irql(Irql::Dispatch);
        for dpc in dpcs {
            dpc.queue();
        }
        drop(raised);
        executive.yield_now();
        executive.yield_now();
        let [first, ..] = dpcs;
        first.queue();
        assert_eq!(first.runs(), 2, "by a pass, before queue returns");
    });
    let counters = executive.counters();
    assert_eq!((counters.dpcs_run, counters.dpcs_run_by_thread), (6, 3));
}

#[test]
fn no_dpc_is_lost_whatever_the_interleaving() {
    for seed in 1..=60 {
        let limits = Limits {
            dpc_pass_count: 2,
            quantum_ticks: 1,
            ..Limits::default()
        };
        let machine = Simulation::with_limits(seed, &limits);
        let executive = machine.executive();
        let requested = Arc::new(AtomicU32::new(0));
        let handled = Arc::new(AtomicU32::new(0));
        let dpcs = [0; 4].map(|_| {
            let (requested, handled) = (Arc::clone(&requested), Arc::clone(&handled));
            Dpc::new(executive, "test", move || {
                handled.store(requested.load(Ordering::Relaxed), Ordering::Relaxed);
            })
            .expect("room")
        });
        executive.start_workers(0).expect("room");
        for number in 0..200 {
            let requested = Arc::clone(&requested);
            machine.interrupt_at(Instant::from_micros(number * 3), move || {
                requested.fetch_add(1, Ordering::Relaxed);
                for dpc in dpcs {
                    dpc.queue();
                }
            });
        }
        machine.run(move || {
            for _ in 0..100 {
                machine.advance(Duration::from_micros(5));
                executive.sleep(Duration::from_micros(2));
            }
        });
        assert_eq!(handled.load(Ordering::Relaxed), 200, "seed {seed}");
    }
}

#[test]
fn the_dpc_thread_has_the_priority_of_the_limits() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    executive.start_workers(2).expect("room");
    assert_eq!(
        executive.start_workers(1),
        Err(NtStatus::INVALID_DEVICE_STATE)
    );
    let threads: alloc::vec::Vec<_> = executive
        .threads()
        .skip(1)
        .map(|thread| (thread.name, thread.priority))
        .collect();
    let worker = ("worker", Some(Priority::HIGH));
    assert_eq!(threads, [("dpc", Some(Priority::NORMAL)), worker, worker]);
}
