//! What is refused, and who may ask.

use std::sync::{Arc, Mutex};

use ndis::simulation::FilterDriver;
use ndis::{AdapterState, NdisStatus, PacketFilter, ProtocolCharacteristics};

use super::{Stacks, bound_to, stack};
use crate::support::protocol::{self, Observer};
use crate::support::{frame, lock, run};

#[test]
fn an_intermediate_adapter_does_not_run_outside_a_stack() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let [filter, ..] = stacks.filters;
        let started = world.ndis.start_device(&filter.adapter());
        assert_eq!(started, Err(NdisStatus::NOT_SUPPORTED));
        assert_eq!(filter.adapter().state(), AdapterState::Added);
        assert_eq!(filter.remove(), Err(NdisStatus::ADAPTER_NOT_FOUND));
        assert_eq!(
            stacks.driver.insert(filter, &filter.adapter()),
            Err(NdisStatus::ADAPTER_NOT_FOUND),
            "nor can it be opened"
        );
    });
}

#[test]
fn what_does_not_fit_together_is_not_inserted() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let [first, second, _] = stacks.filters;
        stacks.pile([0]);
        let lower = first.lower().expect("it is open");
        // The binding of a protocol, of another driver, one that is closed.
        let insert = |lower| world.ndis.insert_above(&second.adapter(), &lower);
        assert_eq!(insert(stacks.seat.handle()), Err(NdisStatus::NOT_SUPPORTED));
        let other = FilterDriver::register(world.ndis, "other", world.pool);
        let other = other
            .expect("the tables are good")
            .add("other1")
            .expect("there is room");
        let inserted = world.ndis.insert_above(&other.adapter(), &lower);
        assert_eq!(inserted, Err(NdisStatus::NOT_SUPPORTED));
        // One that runs, and one below itself.
        let again = world.ndis.insert_above(&first.adapter(), &lower);
        assert_eq!(again, Err(NdisStatus::ADAPTER_NOT_READY));
        first.remove().expect("it is in the stack");
        assert_eq!(insert(lower), Err(NdisStatus::ADAPTER_NOT_OPEN));
        assert_eq!(stack(stacks.adapter), ["card0"]);
        assert_eq!(bound_to(&world, "tcpip"), ["card0"]);
        assert_eq!(second.adapter().state(), AdapterState::Added);
    });
}

#[test]
fn the_card_has_to_run() {
    run(|world| {
        let stacks = Stacks::new(&world);
        world.ndis.stop_device(&stacks.adapter).expect("it runs");
        let inserted = stacks.driver.insert(stacks.filters[0], &stacks.adapter);
        assert_eq!(inserted, Err(NdisStatus::ADAPTER_NOT_FOUND));
    });
}

#[test]
fn splicing_from_a_handler_at_dispatch_is_refused_and_harms_nothing() {
    run(|world| {
        let stacks = Arc::new(Stacks::new(&world));
        stacks.pile([0]);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (inner, answers) = (stacks.clone(), seen.clone());
        let table = ProtocolCharacteristics::<protocol::Fake> {
            receive: Some(|seat, _, _, _, _| {
                seat.observer.run_hook();
                NdisStatus::SUCCESS
            }),
            ..protocol::table()
        };
        let observer = Observer::new("splicer", world.log.clone(), world.pool);
        observer.set_hook(move || {
            let [first, second, _] = inner.filters;
            lock(&answers).push(inner.driver.insert(second, &inner.adapter.top()));
            lock(&answers).push(first.remove());
        });
        world.protocol_table(&observer, &table);
        observer.seat().set_filter(PacketFilter::DIRECTED);
        stacks.card.receive([frame(70), frame(71)]);
        world.interrupt(9);
        assert_eq!(*lock(&seen), [Err(NdisStatus::FAILURE); 4]);
        assert_eq!(stack(stacks.adapter), ["card0", "filter1"]);
        assert_eq!(stacks.received(), [70, 71]);
        assert_eq!(
            bound_to(&world, "filter"),
            ["card0"],
            "what was opened is closed"
        );
        observer.clear_hook();
    });
}

#[test]
fn seed_58_a_handler_at_passive_may_splice() {
    run(|world| {
        let stacks = Arc::new(Stacks::new(&world));
        let inner = stacks.clone();
        let table = ProtocolCharacteristics::<protocol::Fake> {
            bind_adapter: Some(|observer, protocol, adapter| {
                // Before and after opening it.
                observer.run_hook();
                let status = observer.open(*protocol, *adapter);
                observer.run_hook();
                status
            }),
            pnp_event: Some(|observer, _, _| {
                observer.run_hook();
                NdisStatus::SUCCESS
            }),
            ..protocol::table()
        };
        let observer = Observer::new("splicer", world.log.clone(), world.pool);
        let calls = Mutex::new(0);
        observer.set_hook(move || {
            let mut calls = lock(&calls);
            match *calls {
                0 => inner.pile([0]),
                1 => inner.pile([1]),
                _ => inner.filters[0].remove().expect("it is in the stack"),
            }
            *calls += 1;
        });
        // The last call is for BindsComplete.
        world.protocol_table(&observer, &table);
        assert_eq!(stack(stacks.adapter), ["card0", "filter2"]);
        assert_eq!(bound_to(&world, "splicer"), ["filter2"]);
        assert_eq!(bound_to(&world, "tcpip"), ["filter2"]);
        observer.clear_hook();
    });
}

#[test]
fn deregistering_the_driver_takes_it_out_of_every_stack() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..3);
        stacks.driver.deregister().expect("nothing is pending");
        assert_eq!(stack(stacks.adapter), ["card0"]);
        assert_eq!(bound_to(&world, "tcpip"), ["card0"]);
        assert_eq!(bound_to(&world, "filter"), [""; 0]);
        stacks.seat.send_frame(60);
        assert_eq!(stacks.sent(), [60]);
    });
}
