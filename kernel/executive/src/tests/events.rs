use super::Record;
use crate::simulation::Simulation;
use crate::{Duration, Event, EventKind, Instant, Irql, Limits, NtStatus, Priority};
use alloc::sync::Arc;

#[test]
fn a_notification_event_stays_signalled_and_releases_every_waiter() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine
        .run(move || {
            let event = Arc::new(Event::new(executive, EventKind::Notification, false)?);
            let threads = [0; 3].map(|_| {
                let event = Arc::clone(&event);
                executive.spawn("waiter", Priority::HIGH, 0, move || {
                    assert_eq!(executive.wait(&event, None), NtStatus::SUCCESS);
                })
            });
            assert!(!event.set());
            for thread in threads {
                assert_eq!(thread?.join(Some(Duration::ZERO)), NtStatus::SUCCESS);
            }
            assert!(event.is_set() && event.set());
            assert_eq!(executive.wait(&event, None), NtStatus::SUCCESS);
            assert!(event.clear() && !event.is_set() && !event.clear());
            Ok::<_, NtStatus>(())
        })
        .expect("the machine has room");
}

#[test]
fn a_synchronization_event_releases_one_waiter_first_in_first_out() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let released = Record::new();
    let record = released.clone();
    machine
        .run(move || {
            let event = Arc::new(Event::new(executive, EventKind::Synchronization, false)?);
            for number in 0..3 {
                let (event, record) = (Arc::clone(&event), record.clone());
                executive.spawn("waiter", Priority::HIGH, 0, move || {
                    assert_eq!(executive.wait(&event, None), NtStatus::SUCCESS);
                    record.add(number);
                })?;
            }
            for number in 0..3 {
                assert!(!event.set());
                assert_eq!(record.take(), [number]);
            }
            assert!(!event.set() && event.set());
            assert_eq!(executive.wait(&event, None), NtStatus::SUCCESS);
            assert_eq!(
                executive.wait(&event, Some(Duration::ZERO)),
                NtStatus::TIMEOUT
            );
            Ok::<_, NtStatus>(())
        })
        .expect("the machine has room");
}

#[test]
fn a_wait_ends_by_its_timeout_at_the_time_and_not_before() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine
        .run(move || {
            let event = Event::new(executive, EventKind::Synchronization, false)?;
            let start = executive.now();
            let timeout = Duration::from_millis(250);
            assert_eq!(executive.wait(&event, Some(timeout)), NtStatus::TIMEOUT);
            assert_eq!(executive.now() - start, timeout);
            // The place in the list is gone: the next signal is not lost.
            assert!(!event.set() && event.is_set());
            Ok::<_, NtStatus>(())
        })
        .expect("the machine has room");
    assert_eq!(executive.counters().waits_timed_out, 1);
}

#[test]
fn a_wait_that_ends_by_its_event_leaves_no_timeout_behind() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine
        .run(move || {
            let event = Arc::new(Event::new(executive, EventKind::Synchronization, false)?);
            let shared = Arc::clone(&event);
            executive.spawn("setter", Priority::LOW, 0, move || {
                shared.set();
            })?;
            let limit = Some(Duration::from_secs(1));
            assert_eq!(executive.wait(&event, limit), NtStatus::SUCCESS);
            assert_eq!(executive.next_timer(), None);
            let start = executive.now();
            executive.sleep(Duration::from_secs(5));
            assert_eq!(executive.now() - start, Duration::from_secs(5));
            Ok::<_, NtStatus>(())
        })
        .expect("the machine has room");
}

#[test]
fn waiting_for_any_answers_the_first_signalled_and_leaves_no_trace_on_the_others() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine
        .run(move || {
            let events = Arc::new([
                Event::new(executive, EventKind::Synchronization, false)?,
                Event::new(executive, EventKind::Synchronization, false)?,
                Event::new(executive, EventKind::Notification, false)?,
            ]);
            let shared = Arc::clone(&events);
            let waiter = executive.spawn("waiter", Priority::HIGH, 0, move || {
                let [first, second, third] = &*shared;
                let all = [first, second, third];
                assert_eq!(executive.wait_any(&all, None), Ok(1));
                let limit = Some(Duration::from_secs(1));
                assert_eq!(executive.wait_any(&all, limit), Err(NtStatus::TIMEOUT));
                assert_eq!(executive.wait_any(&all, None), Ok(2));
            })?;
            let [first, second, third] = &*events;
            second.set();
            assert!(!second.is_set(), "the waiter has taken it");
            executive.sleep(Duration::from_secs(2));
            third.set();
            assert_eq!(waiter.join(Some(Duration::ZERO)), NtStatus::SUCCESS);
            assert!(
                !first.set() && first.is_set(),
                "nobody waits for it any more"
            );
            assert_eq!(executive.wait_any(&[second, third, first], None), Ok(1));
            assert!(first.is_set(), "only the first that is signalled is taken");
            Ok::<_, NtStatus>(())
        })
        .expect("the machine has room");
}

#[test]
fn waiting_for_none_or_too_many_is_an_error() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let event = Event::new(executive, EventKind::Notification, true).expect("there is room");
    let wait = |count| executive.wait_any(&alloc::vec![&event; count], Some(Duration::ZERO));
    assert_eq!(wait(0), Err(NtStatus::INVALID_PARAMETER));
    assert_eq!(wait(crate::MAXIMUM_WAIT_OBJECTS), Ok(0));
    assert_eq!(
        wait(crate::MAXIMUM_WAIT_OBJECTS + 1),
        Err(NtStatus::INVALID_PARAMETER)
    );
}

#[test]
fn a_full_table_of_events_is_a_status_and_dropping_makes_room() {
    let limits = Limits {
        events: 2,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(0, &limits);
    let new = || Event::new(machine.executive(), EventKind::Notification, false);
    let first = new().expect("there is room for two");
    let second = new().expect("there is room for two");
    assert_eq!(new().map(drop), Err(NtStatus::INSUFFICIENT_RESOURCES));
    second.set();
    drop(second);
    let third = new().expect("the second is gone");
    assert!(!third.is_set(), "a new event has its own state");
    drop((first, third));
}

#[test]
fn at_dispatch_a_wait_is_possible_only_without_waiting() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine
        .run(move || {
            let event = Event::new(executive, EventKind::Synchronization, true)?;
            let _raised = executive.raise_irql(Irql::Dispatch);
            let now = Some(Duration::ZERO);
            assert_eq!(executive.wait(&event, now), NtStatus::SUCCESS);
            assert_eq!(executive.wait(&event, now), NtStatus::TIMEOUT);
            Ok::<_, NtStatus>(())
        })
        .expect("the machine has room");
}

#[test]
#[should_panic(expected = "waits at Dispatch")]
fn waiting_at_dispatch_is_a_bug_check() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    machine.run(move || {
        let event = Event::new(executive, EventKind::Notification, false).expect("room");
        let _raised = executive.raise_irql(Irql::Dispatch);
        let _ = executive.wait(&event, Some(Duration::from_secs(1)));
    });
}

#[test]
#[should_panic(expected = "Event::set called at Device")]
fn signalling_from_an_interrupt_is_a_bug_check() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let event = Event::new(executive, EventKind::Notification, false).expect("there is room");
    machine.interrupt_at(Instant::from_micros(5), move || {
        event.set();
    });
    machine.run(move || executive.sleep(Duration::from_secs(1)));
}

#[test]
fn no_wake_up_is_lost_whatever_the_interleaving() {
    for seed in 1..=60 {
        let machine = Simulation::new(seed);
        let executive = machine.executive();
        let rounds = machine.run(move || {
            let event = || Event::new(executive, EventKind::Synchronization, false);
            let pair = Arc::new((event()?, event()?));
            let shared = Arc::clone(&pair);
            let partner = executive.spawn("partner", Priority::NORMAL, 0, move || {
                for _ in 0..20 {
                    let _ = executive.wait(&shared.0, None);
                    shared.1.set();
                }
            })?;
            for _ in 0..20 {
                pair.0.set();
                let _ = executive.wait(&pair.1, None);
            }
            assert_eq!(partner.join(None), NtStatus::SUCCESS);
            Ok::<_, NtStatus>(20)
        });
        assert_eq!(rounds, Ok(20), "seed {seed}");
    }
}
