use super::Record;
use crate::simulation::Simulation;
use crate::{Dpc, Irql, SpinLock, level};

#[test]
fn the_guard_restores_the_level_and_what_became_due_runs_then() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let seen = record.clone();
    let dpc = Dpc::new(executive, "test", move || seen.add(executive.irql())).expect("room");
    let seen = record.clone();
    machine.run(move || {
        assert_eq!(executive.irql(), Irql::Passive);
        let outer = executive.raise_irql(Irql::Dispatch);
        {
            let inner = executive.raise_irql(Irql::Device);
            assert_eq!(inner.previous(), Irql::Dispatch);
            assert!(dpc.queue());
        }
        assert_eq!(executive.irql(), Irql::Dispatch);
        assert!(seen.take().is_empty(), "not at Dispatch");
        drop(outer);
        assert_eq!(seen.take(), [Irql::Dispatch]);
        assert_eq!(executive.irql(), Irql::Passive);
    });
}

#[test]
fn a_lock_raises_to_its_level() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        let at_dispatch: SpinLock<u32> = SpinLock::new(executive, 1);
        let at_device: SpinLock<u32, level::Device> = SpinLock::new(executive, 2);
        let mut first = at_dispatch.lock();
        assert_eq!(executive.irql(), Irql::Dispatch);
        let second = at_device.lock();
        assert_eq!(executive.irql(), Irql::Device);
        *first += *second;
        drop(second);
        assert_eq!(executive.irql(), Irql::Dispatch);
        drop(first);
        assert_eq!(executive.irql(), Irql::Passive);
        assert_eq!(*at_dispatch.lock(), 3);
    });
}

#[test]
fn an_interrupt_waits_until_a_device_lock_is_released() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let seen = record.clone();
    machine.run(move || {
        let lock: SpinLock<(), level::Device> = SpinLock::new(executive, ());
        let guard = lock.lock();
        let interrupt = seen.clone();
        machine.interrupt_at(machine.now(), move || interrupt.add("interrupt"));
        seen.add("locked");
        drop(guard);
        seen.add("released");
    });
    assert_eq!(record.take(), ["locked", "interrupt", "released"]);
}

#[test]
#[should_panic(expected = "is taken recursively")]
fn taking_a_lock_twice_is_a_bug_check() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        let lock: SpinLock<()> = SpinLock::new(executive, ());
        let _first = lock.lock();
        let _second = lock.lock();
    });
}

#[test]
#[should_panic(expected = "cannot be raised to Dispatch")]
fn taking_a_lock_above_its_level_is_a_bug_check() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        let lock: SpinLock<()> = SpinLock::new(executive, ());
        let _raised = executive.raise_irql(Irql::Device);
        let _guard = lock.lock();
    });
}

#[test]
fn a_lock_taken_at_its_level_leaves_the_level_alone() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        let lock: SpinLock<u32> = SpinLock::new(executive, 1);
        let raised = executive.raise_irql(Irql::Dispatch);
        *lock.lock_at_level() += 1;
        assert_eq!(executive.irql(), Irql::Dispatch);
        assert_eq!(*lock.lock(), 2);
        drop(raised);
    });
}

#[test]
#[should_panic(expected = "is taken at Passive as if raised")]
fn taking_a_lock_at_its_level_below_that_is_a_bug_check() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        let lock: SpinLock<()> = SpinLock::new(executive, ());
        let _guard = lock.lock_at_level();
    });
}
