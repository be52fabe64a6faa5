//! Filters that are put in and taken out while traffic runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use executive::{Duration, Priority};
use filters::{FilterError, FilterKind};
use ndis::NdisStatus;

use crate::passing::KINDS;
use crate::support::card::{Answer, Deferred, frame};
use crate::support::{World, lock, run, run_with};

#[test]
fn filters_are_stacked_by_configuration_from_bottom_to_top() {
    let configure = |registry: &crate::support::Registry| {
        registry.set("card0", "Filters", "capture,netem,firewall,bogus,firewall");
        registry.set("Filters", "Firewall", "1");
        registry.set("netem1", "Settings", "delay=5ms");
        registry.set("capture1", "Filter", "greater,100");
    };
    let pool = ndis::PacketPool::new(64, 64);
    run_with(0, pool, configure, |world| {
        // There is one firewall, and nothing bogus.
        assert_eq!(world.stack(), ["card0", "capture1", "netem1", "firewall1"]);
        assert_eq!(world.tcpip.take_events(), ["bind card0"]);
        let start = world.machine.now();
        world.tcpip.send(1);
        while world.card.take_sent().is_empty() {
            world.settle();
        }
        assert!(world.machine.now() - start >= Duration::from_millis(5));
        let filter = world
            .filters
            .with_capture("capture1", |capture| capture.filter().to_string());
        assert_eq!(filter.as_deref(), Ok("greater 100"));
        let below: Vec<_> = world
            .filters
            .list()
            .map(|filter| (filter.name, filter.below, filter.is_running))
            .collect();
        assert_eq!(
            below,
            [
                ("capture1", Some("card0"), true),
                ("capture2", None, false),
                ("netem1", Some("capture1"), true),
                ("netem2", None, false),
                ("firewall1", Some("netem1"), true),
            ]
        );
    });
}

#[test]
fn what_cannot_be_done_is_told() {
    run(0, |world| {
        let filters = world.filters;
        assert_eq!(filters.remove("nobody"), Err(FilterError::NotFound));
        assert_eq!(filters.remove("capture1"), Err(FilterError::NotInUse));
        assert_eq!("bogus".parse::<FilterKind>(), Err(FilterError::UnknownKind));
        assert_eq!("Netem".parse(), Ok(FilterKind::Netem));
        world.add(FilterKind::Capture);
        world.add(FilterKind::Capture);
        let third = filters.add(FilterKind::Capture, &world.adapter);
        assert_eq!(third, Err(FilterError::AllInUse(FilterKind::Capture)));
        assert_eq!(filters.remove("CAPTURE1"), Ok(()));
        assert_eq!(
            filters.add(FilterKind::Capture, &world.adapter),
            Ok("capture1")
        );
        // Directly above the card, and so below the other one.
        assert_eq!(world.stack(), ["card0", "capture1", "capture2"]);
        assert_eq!(
            filters.with_netem("capture1", |_| ()),
            Err(FilterError::NotFound)
        );
        // One that is not started cannot be stood on, and that leaves the filter free.
        world.ndis.stop_device(&world.adapter).expect("it runs");
        let added = filters.add(FilterKind::Netem, &world.adapter);
        assert_eq!(added, Err(FilterError::Ndis(NdisStatus::ADAPTER_NOT_FOUND)));
        world.ndis.start_device(&world.adapter).expect("it starts");
        assert_eq!(filters.add(FilterKind::Netem, &world.adapter), Ok("netem1"));
    });
}

/// Sends numbered frames, and has the card receive as many, until `stop`.
fn traffic(world: World, stop: &Arc<AtomicBool>, done: &Arc<AtomicBool>) {
    let (stop, done) = (stop.clone(), done.clone());
    let thread = world
        .executive()
        .spawn("traffic", Priority::NORMAL, 0, move || {
            let mut number = 0;
            while !stop.load(Ordering::SeqCst) {
                lock(&world.card.ring).push_back(frame(number, 200));
                world.interrupt_after(Duration::from_micros(u64::from(number % 3) * 400));
                // Some pend in the card, and some wait until it has room.
                match number % 7 {
                    2 => world.card.answer([Answer::Pending]),
                    5 => world.card.answer([Answer::Resources]),
                    _ => {}
                }
                if number % 4 == 3 {
                    world.card.defer(Deferred::CompleteSends);
                    world.card.defer(Deferred::ResourcesAvailable);
                }
                let status = world.tcpip.send(number);
                assert!(status.is_success(), "{status}");
                number += 1;
                if number % 5 == 0 {
                    world.settle();
                }
            }
            // The card's queue empties, and what pends comes back.
            for _ in 0..10 {
                world.card.defer(Deferred::ResourcesAvailable);
                world.card.defer(Deferred::CompleteSends);
                world.interrupt();
            }
            let expected: Vec<u32> = (0..number).collect();
            assert_eq!(world.tcpip.take_received(), expected, "received");
            assert_eq!(world.card.take_sent(), expected, "sent");
            let mut completed = world.tcpip.take_sent();
            completed.sort_unstable();
            assert_eq!(completed, expected, "completed");
            done.store(true, Ordering::SeqCst);
        });
    thread.expect("there is room for a thread");
}

/// Runs traffic while `body` changes the stack.
fn with_traffic(seed: u64, body: impl Fn(&World) + Send + 'static) {
    run(seed, move |world| {
        let (stop, done) = (Arc::default(), Arc::<AtomicBool>::default());
        traffic(world, &stop, &done);
        body(&world);
        stop.store(true, Ordering::SeqCst);
        while !done.load(Ordering::SeqCst) {
            world.settle();
        }
        assert!(
            world
                .tcpip
                .take_events()
                .iter()
                .all(|event| event == "bind card0")
        );
    });
}

#[test]
fn filters_come_and_go_on_top_while_traffic_runs_and_nothing_is_lost_doubled_or_overtaken() {
    for seed in 0..40 {
        with_traffic(seed, |world| {
            for kind in KINDS {
                world.add(kind);
                world.settle();
            }
            for name in world.stack().iter().skip(1).rev() {
                world.filters.remove(name).expect("it is in use");
                world.settle();
            }
        });
    }
}

#[test]
fn filters_come_and_go_anywhere_in_the_stack_while_traffic_runs() {
    for seed in 0..40 {
        with_traffic(seed, move |world| {
            let mut random = seed;
            let mut next = |bound: usize| {
                // Knuth's MMIX generator.
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as usize % bound
            };
            for _ in 0..20 {
                let stack = world.stack();
                let place = next(stack.len());
                if place != 0 && next(2) == 0 {
                    world.filters.remove(stack[place]).expect("it is in use");
                } else {
                    let adapter = world.ndis.adapter(stack[place]).expect("it is there");
                    // There may be none left.
                    let _ = world.filters.add(KINDS[next(3)], &adapter);
                }
                world.settle();
            }
        });
    }
}

#[test]
fn what_a_netem_holds_is_passed_on_before_it_goes() {
    run(0, |world| {
        let name = world.add(FilterKind::Netem);
        let set = world
            .filters
            .with_netem(name, |netem| netem.set("delay=10s").is_ok());
        assert_eq!(set, Ok(true));
        for number in 0..10 {
            assert_eq!(world.tcpip.send(number), NdisStatus::SUCCESS);
        }
        world.receive(0..10);
        assert!(world.card.take_sent().is_empty());
        assert!(world.tcpip.take_received().is_empty());
        world.filters.remove(name).expect("it is in use");
        assert_eq!(world.card.take_sent(), (0..10).collect::<Vec<_>>());
        assert_eq!(world.tcpip.take_received(), (0..10).collect::<Vec<_>>());
        world.tcpip.send(10);
        assert_eq!(world.card.take_sent(), [10]);
        // The timer has nothing to do any more.
        world.executive().sleep(Duration::from_secs(20));
        assert!(world.card.take_sent().is_empty());
    });
}

#[test]
fn a_netem_delays_by_its_timer() {
    run(0, |world| {
        let name = world.add(FilterKind::Netem);
        let set = world
            .filters
            .with_netem(name, |netem| netem.set("out.delay=30ms").is_ok());
        assert_eq!(set, Ok(true));
        world.tcpip.send(0);
        world.executive().sleep(Duration::from_millis(20));
        world.tcpip.send(1);
        assert!(world.card.take_sent().is_empty());
        world.executive().sleep(Duration::from_millis(12));
        assert_eq!(world.card.take_sent(), [0]);
        world.executive().sleep(Duration::from_millis(20));
        assert_eq!(world.card.take_sent(), [1]);
    });
}

#[test]
fn a_stack_is_halted_and_started_with_its_card() {
    run(0, |world| {
        for kind in &KINDS[..4] {
            world.add(*kind);
        }
        let stack = world.stack();
        let held = world
            .filters
            .with_netem("netem1", |netem| netem.set("delay=10s").is_ok());
        assert_eq!(held, Ok(true));
        world.tcpip.take_events();
        for round in 0..3 {
            world.tcpip.send(round);
            world.ndis.stop_device(&world.adapter).expect("it runs");
            // What was held went out first.
            assert_eq!(world.card.take_sent(), [round]);
            assert_eq!(world.ndis.binding_reports().count(), 0);
            assert!(world.filters.list().all(|filter| !filter.is_running));
            let in_use = world.filters.list().filter(|filter| filter.below.is_some());
            assert_eq!(in_use.count(), 4);
            world.ndis.start_device(&world.adapter).expect("it starts");
            assert_eq!(world.stack(), stack);
            assert_eq!(world.tcpip.take_events(), ["unbind", "bind card0"]);
        }
        let off = world
            .filters
            .with_netem("netem1", |netem| netem.set("off").is_ok());
        assert_eq!(off, Ok(true));
        world.receive(0..5);
        world.tcpip.send(9);
        assert_eq!(world.tcpip.take_received(), (0..5).collect::<Vec<_>>());
        assert_eq!(world.card.take_sent(), [9]);
        // One that is halted can be taken out.
        world.ndis.stop_device(&world.adapter).expect("it runs");
        assert_eq!(world.filters.remove("netem1"), Ok(()));
        world.ndis.start_device(&world.adapter).expect("it starts");
        assert_eq!(
            world.stack(),
            ["card0", "capture1", "firewall1", "capture2"]
        );
        world.tcpip.send(10);
        assert_eq!(world.card.take_sent(), [10]);
        assert_eq!(
            world.filters.add(FilterKind::Netem, &world.adapter.top()),
            Ok("netem1")
        );
    });
}
