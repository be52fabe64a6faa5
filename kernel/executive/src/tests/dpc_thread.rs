//! Who runs when between the DPC thread and others.

use crate::simulation::Simulation;
use crate::{Dpc, Duration, Event, EventKind, Limits, Priority};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use spin::Once;

/// A card that always has more, for a thread that takes it, beside `hogs` that
/// compute all the time. Answers how many DPCs ran for a thousand rounds.
fn dpcs_for_a_thousand_rounds(hogs: usize) -> u64 {
    const ROUNDS: u64 = 1000;
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let event = Event::new(executive, EventKind::Synchronization, false).expect("room");
    let event: &'static Event = Box::leak(Box::new(event));
    let own: Arc<Once<&'static Dpc>> = Arc::new(Once::new());
    let stop = Arc::new(AtomicBool::new(false));
    let (inner, stopped) = (Arc::clone(&own), Arc::clone(&stop));
    let dpc = Dpc::new(executive, "flood", move || {
        machine.advance(Duration::from_micros(10));
        event.set_boosting(2);
        if !stopped.load(Ordering::Relaxed) {
            inner.get().map(|dpc| dpc.queue());
        }
    });
    let dpc = *own.call_once(|| dpc.expect("room"));
    executive.start_workers(0).expect("room");
    let until = Arc::clone(&stop);
    for _ in 0..hogs {
        let stopped = Arc::clone(&stop);
        let compute = move || {
            while !stopped.load(Ordering::Relaxed) {
                machine.interrupt_at(machine.now(), move || executive.clock_tick());
                machine.advance(Duration::from_millis(1));
            }
        };
        executive
            .spawn("hog", Priority::NORMAL, 0, compute)
            .expect("room");
    }
    machine.run(move || {
        dpc.queue();
        for _ in 0..ROUNDS {
            let _ = executive.wait(event, None);
        }
        until.store(true, Ordering::Relaxed);
    });
    dpc.runs() - ROUNDS
}

#[test]
fn who_takes_what_a_deferred_dpc_brings_runs_before_the_next_dpc() {
    let passes = u64::from(Limits::default().dpc_pass_count);
    let untaken = dpcs_for_a_thousand_rounds(0);
    assert!(untaken <= passes + 1, "{untaken} DPCs too many");
}

#[test]
fn who_takes_what_a_deferred_dpc_brings_waits_for_no_thread_that_computes() {
    let passes = u64::from(Limits::default().dpc_pass_count);
    let untaken = dpcs_for_a_thousand_rounds(1);
    assert!(untaken <= passes + 1, "{untaken} DPCs too many");
}
