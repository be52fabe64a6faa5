//! Where filters stand: on top, in between, and after a restart.

use ndis::{AdapterState, NdisStatus, Oid, PacketFilter};

use super::{NAMES, Stacks, bound_to, filter_of, stack};
use crate::support::protocol::Observer;
use crate::support::{frame, frame_to, run};

#[test]
fn seed_58_a_filter_takes_its_place_without_the_protocol_noticing() {
    run(|world| {
        let stacks = Stacks::new(&world);
        world.log.take();
        stacks.pile([0]);
        let [filter, ..] = stacks.filters;
        assert_eq!(
            world.log.take(),
            [""; 0],
            "neither card nor protocol is asked anything"
        );
        assert_eq!(stack(stacks.adapter), ["card0", "filter1"]);
        assert_eq!(stacks.adapter.top(), filter.adapter());
        assert_eq!(filter.adapter().below(), Some(stacks.adapter));
        assert_eq!(filter.adapter().state(), AdapterState::Running);
        assert_eq!(bound_to(&world, "tcpip"), ["filter1"]);
        assert_eq!(bound_to(&world, "filter"), ["card0"]);
        let reports: Vec<_> = world
            .ndis
            .adapter_reports()
            .map(|report| (report.name, report.above, report.covered_by))
            .collect();
        assert_eq!(
            reports,
            [
                ("filter1", Some("card0"), None),
                ("filter2", None, None),
                ("filter3", None, None),
                ("card0", None, Some("filter1")),
            ]
        );

        // The same handle goes on.
        assert_eq!(stacks.seat.send_frame(60), NdisStatus::SUCCESS);
        stacks.card.receive([frame(70)]);
        world.interrupt(9);
        assert_eq!((stacks.sent(), stacks.received()), (vec![60], vec![70]));
        assert_eq!(filter.adapter().counters().sends, 1);
        assert_eq!(filter.adapter().counters().frames_received, 1);

        world.log.take();
        filter.remove().expect("it is in the stack");
        assert_eq!(stack(stacks.adapter), ["card0"]);
        assert_eq!(filter.adapter().below(), None);
        assert_eq!(filter.adapter().state(), AdapterState::Halted);
        assert_eq!(bound_to(&world, "tcpip"), ["card0"]);
        assert_eq!(bound_to(&world, "filter"), [""; 0]);
        assert_eq!(stacks.seat.send_frame(61), NdisStatus::SUCCESS);
        stacks.card.receive([frame(71)]);
        world.interrupt(9);
        assert_eq!(
            (stacks.sent(), stacks.received()),
            (vec![60, 61], vec![70, 71])
        );
        assert_eq!(filter.adapter().counters().sends, 1);
    });
}

#[test]
fn seed_58_the_binding_below_takes_over_what_the_card_is_to_receive() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let (_, other) = world.bound("other");
        let group = [0x01, 0, 0x5E, 0, 0, 7];
        let wanted = PacketFilter::DIRECTED | PacketFilter::MULTICAST;
        other.set_filter(wanted);
        let set = |oid, bytes: &[u8]| world.ndis.set_information(&other.handle(), oid, bytes);
        set(Oid::IEEE_802_3_MULTICAST_LIST, &group).expect("there is room");
        set(Oid::GEN_CURRENT_LOOKAHEAD, &200_u32.to_le_bytes()).expect("the card does that");
        let union = wanted | PacketFilter::BROADCAST;
        let card = stacks.adapter;
        assert_eq!(filter_of(&world, card), union);

        world.log.take();
        stacks.pile([0, 1]);
        assert_eq!(
            world.log.take_with("set"),
            [""; 0],
            "the card goes on as it is"
        );
        assert_eq!(filter_of(&world, card), union);
        let lower = world
            .ndis
            .binding_reports()
            .filter(|binding| binding.protocol == "filter");
        let lower: Vec<_> = lower
            .map(|binding| (binding.packet_filter, binding.multicast_addresses))
            .collect();
        assert_eq!(lower, [(union, 1); 2]);
        stacks.card.receive([frame_to(group, 50)]);
        world.interrupt(9);
        assert_eq!(world.log.take_with("other receive 14").len(), 1);

        // A change goes through to the card, and stays when the filters are gone.
        other.set_filter(PacketFilter::DIRECTED);
        let narrower = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
        assert_eq!(filter_of(&world, card), narrower);
        stacks.filters[0].remove().expect("it is in the stack");
        stacks.filters[1].remove().expect("it is in the stack");
        assert_eq!(filter_of(&world, card), narrower);
    });
}

#[test]
fn what_a_filter_wanted_for_itself_goes_with_it() {
    run(|world| {
        let stacks = Stacks::new(&world);
        let [filter, ..] = stacks.filters;
        stacks.pile([0]);
        let lower = filter.lower().expect("it is open");
        let wider = PacketFilter::PROMISCUOUS | PacketFilter::DIRECTED;
        let set = world.ndis.set_information(
            &lower,
            Oid::GEN_CURRENT_PACKET_FILTER,
            &wider.bits().to_le_bytes(),
        );
        assert_eq!(set, Ok(()));
        assert_eq!(filter_of(&world, stacks.adapter), wider);
        // Whether the driver has closed its binding or not.
        let removed = world.ndis.remove_from_stack(&filter.adapter());
        assert_eq!(removed, Ok(()));
        let wanted = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
        assert_eq!(filter_of(&world, stacks.adapter), wanted);
        world.log.take();
        stacks.card.receive([frame(70)]);
        world.interrupt(9);
        assert_eq!(stacks.received(), [70], "and nothing is indicated to it");
        assert_eq!(world.ndis.close_adapter(&lower), NdisStatus::SUCCESS);
    });
}

#[test]
fn seed_58_a_filter_is_inserted_in_the_middle() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile([0]);
        stacks.insert(1, stacks.adapter);
        assert_eq!(stack(stacks.adapter), ["card0", "filter2", "filter1"]);
        stacks.insert(2, stacks.filters[1].adapter());
        assert_eq!(
            stack(stacks.adapter),
            ["card0", "filter2", "filter3", "filter1"]
        );
        assert_eq!(bound_to(&world, "tcpip"), ["filter1"]);
        stacks.seat.send_frame(60);
        stacks.card.receive([frame(70)]);
        world.interrupt(9);
        assert_eq!((stacks.sent(), stacks.received()), (vec![60], vec![70]));
        for filter in stacks.filters {
            let counters = filter.adapter().counters();
            assert_eq!((counters.sends, counters.frames_received), (1, 1));
        }
    });
}

#[test]
fn seed_58_filters_are_removed_in_any_order() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        run(move |world| {
            let stacks = Stacks::new(&world);
            stacks.pile(0..3);
            let mut left = vec!["card0", "filter1", "filter2", "filter3"];
            for (count, filter) in order.into_iter().enumerate() {
                stacks.filters[filter].remove().expect("it is in the stack");
                left.retain(|&name| name != NAMES[filter]);
                assert_eq!(stack(stacks.adapter), left);
                stacks.seat.send_frame(60 + count);
                stacks.card.receive([frame(70 + count)]);
                world.interrupt(9);
            }
            assert_eq!(stacks.sent(), [60, 61, 62]);
            assert_eq!(stacks.received(), [70, 71, 72]);
        });
    }
}

#[test]
fn seed_58_a_restart_of_the_card_brings_the_stack_up_again_in_order() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile([1, 0]);
        for round in 0..2 {
            world.log.take();
            world.ndis.stop_device(&stacks.adapter).expect("it runs");
            assert_eq!(world.ndis.binding_reports().count(), 0);
            for adapter in [
                stacks.adapter,
                stacks.filters[0].adapter(),
                stacks.filters[1].adapter(),
            ] {
                assert_eq!(adapter.state(), AdapterState::Halted);
            }
            assert_eq!(
                stack(stacks.adapter),
                ["card0", "filter2", "filter1"],
                "it is remembered"
            );
            assert_eq!(
                stacks.adapter.top(),
                stacks.adapter,
                "but does not cover anything"
            );
            let log = world.log.take();
            let place = |event: &str| log.iter().position(|other| other == event);
            assert!(
                place("tcpip unbind card0").expect("it was bound")
                    < place("card halt").expect("it ran")
            );

            world
                .ndis
                .start_device(&stacks.adapter)
                .expect("it starts again");
            assert_eq!(stack(stacks.adapter), ["card0", "filter2", "filter1"]);
            assert_eq!(bound_to(&world, "tcpip"), ["filter1"]);
            assert_eq!(
                world.log.take_with("bind"),
                ["tcpip bind card0"],
                "it is offered the card"
            );
            let seat = stacks.observer.seat();
            seat.set_filter(PacketFilter::DIRECTED);
            assert_eq!(filter_of(&world, stacks.adapter), PacketFilter::DIRECTED);
            seat.send_frame(60 + round);
            stacks.card.receive([frame(70 + round)]);
            world.interrupt(9);
        }
        assert_eq!(
            (stacks.sent(), stacks.received()),
            (vec![60, 61], vec![70, 71])
        );
    });
}

#[test]
fn a_filter_is_removed_from_a_stack_that_is_halted() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..3);
        world.ndis.stop_device(&stacks.adapter).expect("it runs");
        stacks.filters[1].remove().expect("it is remembered");
        world
            .ndis
            .start_device(&stacks.adapter)
            .expect("it starts again");
        assert_eq!(stack(stacks.adapter), ["card0", "filter1", "filter3"]);
        assert_eq!(stacks.filters[1].adapter().state(), AdapterState::Halted);
    });
}

#[test]
fn a_layer_that_is_not_started_again_is_left_out() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..2);
        world.ndis.stop_device(&stacks.adapter).expect("it runs");
        stacks.driver.deregister().expect("it is registered");
        world
            .ndis
            .start_device(&stacks.adapter)
            .expect("it starts again");
        assert_eq!(stack(stacks.adapter), ["card0"]);
        assert_eq!(bound_to(&world, "tcpip"), ["card0"]);
    });
}

#[test]
fn a_filter_halted_by_itself_starts_again_in_its_place() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..3);
        let middle = stacks.filters[1].adapter();
        world.ndis.stop_device(&middle).expect("it runs");
        assert_eq!(stacks.adapter.top(), stacks.filters[0].adapter());
        assert_eq!(bound_to(&world, "tcpip"), [""; 0]);
        world.ndis.start_device(&middle).expect("it starts again");
        assert_eq!(
            stack(stacks.adapter),
            ["card0", "filter1", "filter2", "filter3"]
        );
        assert_eq!(bound_to(&world, "tcpip"), ["filter3"]);
        stacks.observer.seat().send_frame(60);
        assert_eq!(stacks.sent(), [60]);
    });
}

#[test]
fn protocols_that_come_later_are_bound_to_the_top() {
    run(|world| {
        let stacks = Stacks::new(&world);
        stacks.pile(0..2);
        world.protocol("later");
        assert_eq!(bound_to(&world, "later"), ["filter2"]);
        assert_eq!(world.log.take_with("later bind"), ["later bind card0"]);
        // By the name of the card or of what stands on it, and bound already by either.
        for (name, list) in [
            ("by_card", "card0"),
            ("by_filter", "filter1,card0"),
            ("by_none", "filter3"),
        ] {
            world.registry.set(name, "Bind", list);
            world.protocol(name);
        }
        assert_eq!(bound_to(&world, "by_card"), ["filter2"]);
        assert_eq!(bound_to(&world, "by_filter"), ["filter2"]);
        assert_eq!(bound_to(&world, "by_none"), [""; 0]);
        // One that opens the card by itself, as protocols of version 3 do, does not get below.
        let observer = Observer::new("opener", world.log.clone(), world.pool);
        let table = ndis::ProtocolCharacteristics {
            major_ndis_version: 3,
            ..crate::support::protocol::table()
        };
        let protocol = world.protocol_table(&observer, &table);
        assert_eq!(observer.open(protocol, stacks.adapter), NdisStatus::SUCCESS);
        assert_eq!(bound_to(&world, "opener"), ["filter2"]);
    });
}
