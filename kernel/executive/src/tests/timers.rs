use super::Record;
use crate::simulation::Simulation;
use crate::{Duration, Instant, Irql, Limits, NtStatus, Timer};

#[test]
fn a_timer_fires_once_at_dispatch_at_its_time() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let fired = record.clone();
    let timer = Timer::new(executive, "test", move || {
        fired.add((executive.now(), executive.irql()));
    })
    .expect("room");
    machine.run(move || {
        assert!(!timer.set(Duration::from_millis(20)));
        assert!(timer.set(Duration::from_millis(10)), "it was armed");
        executive.sleep(Duration::from_secs(1));
        assert!(!timer.cancel(), "it has fired");
    });
    assert_eq!(record.take(), [(Instant::from_millis(10), Irql::Dispatch)]);
}

#[test]
fn a_cancelled_timer_does_not_fire() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let fired = record.clone();
    let timer = Timer::new(executive, "test", move || fired.add(())).expect("room");
    machine.run(move || {
        timer.set_at(Instant::from_secs(1));
        assert_eq!(executive.next_timer(), Some(Instant::from_secs(1)));
        assert!(timer.cancel() && !timer.cancel());
        assert_eq!(executive.next_timer(), None);
        executive.sleep(Duration::from_secs(2));
    });
    assert!(record.take().is_empty());
}

#[test]
fn a_periodic_timer_keeps_its_rhythm_and_skips_what_it_missed() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let fired = record.clone();
    let timer = Timer::new(executive, "test", move || {
        fired.add(executive.now().as_millis());
    })
    .expect("room");
    machine.run(move || {
        timer.set_periodic(Duration::from_millis(5), Duration::from_millis(10));
        executive.sleep(Duration::from_millis(30));
        let raised = executive.raise_irql(Irql::Dispatch);
        machine.advance(Duration::from_millis(42));
        drop(raised);
        executive.sleep(Duration::from_millis(8));
        timer.cancel();
    });
    assert_eq!(record.take(), [5, 15, 25, 72, 75]);
    // Five times the timer, twice the sleep: what was missed costs nothing.
    assert_eq!(executive.counters().timers_expired, 7);
}

#[test]
fn many_sleepers_wake_in_the_order_of_their_times() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    for delay in [7, 3, 9, 1, 5, 3] {
        let woken = record.clone();
        executive
            .spawn("sleeper", crate::Priority::NORMAL, 0, move || {
                executive.sleep(Duration::from_millis(delay));
                woken.add((delay, executive.now().as_millis()));
            })
            .expect("room");
    }
    machine.run(move || executive.sleep(Duration::from_millis(20)));
    assert_eq!(
        record.take(),
        [(1, 1), (3, 3), (3, 3), (5, 5), (7, 7), (9, 9)]
    );
}

#[test]
fn a_full_table_of_timers_is_a_status() {
    let machine = Simulation::with_limits(
        0,
        &Limits {
            timers: 1,
            ..Limits::default()
        },
    );
    let new = || Timer::new(machine.executive(), "test", || ()).map(|_| ());
    assert_eq!(new(), Ok(()));
    assert_eq!(new(), Err(NtStatus::INSUFFICIENT_RESOURCES));
}

#[test]
fn a_stall_takes_its_time_at_any_level() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        let _raised = executive.raise_irql(Irql::Device);
        let start = executive.now();
        executive.stall(Duration::from_micros(50));
        assert!(executive.now() - start >= Duration::from_micros(50));
    });
}

#[test]
fn tick_time_is_the_time_of_the_last_clock_tick() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        assert_eq!(executive.tick_time(), Instant::ZERO);
        executive.sleep(Duration::from_millis(10));
        assert_eq!(executive.tick_time(), Instant::from_millis(10));
        executive.stall(Duration::from_millis(5));
        assert_eq!(executive.now(), Instant::from_millis(15));
        assert_eq!(executive.tick_time(), Instant::from_millis(10));
    });
}
