//! Starting and stopping: resources, several cards, interrupt probing.

use ndis::{NdisStatus, Oid, Resources};
use ne2000::model::{CardModel, Configuration, Faults};
use ne2000::report::{CardReport, OID_CARD};

use crate::world::{Slot, World, frame, lock, run};

fn slot(port: u16, line: u8) -> (CardModel, Slot) {
    slot_of(port, line, Configuration::QEMU)
}

fn slot_of(port: u16, line: u8, configuration: Configuration) -> (CardModel, Slot) {
    let model = CardModel::new(configuration);
    (model.clone(), Slot { port, line, model })
}

fn placement(world: &World, adapter: ndis::AdapterHandle) -> (u16, u8, bool) {
    let bytes = world.query(adapter, Oid(OID_CARD)).expect("a report");
    let report = CardReport::from_bytes(&bytes).expect("a whole report");
    let placement = report.placement;
    (
        placement.port,
        placement.interrupt,
        placement.interrupt_probed,
    )
}

#[test]
fn seed_11_resources_come_from_the_configuration_when_the_bus_gives_none() {
    let (_, first) = slot(0x340, 5);
    run(
        vec![first],
        &["Ne2000.Port=0x340", "Ne2000.Irq=5"],
        |mut world| {
            let adapter = world.start();
            assert_eq!(placement(&world, adapter), (0x340, 5, false));
            assert_eq!(world.bus.lines(), [5]);
            assert_eq!(adapter.hardware_address().0, Configuration::QEMU.address);
            assert_eq!(adapter.maximum_frame_size(), 1500);
        },
    );
}

#[test]
fn seed_11_resources_of_the_bus_come_before_the_configuration() {
    let (_, card) = slot(0xC000, 11);
    run(
        vec![card],
        &["Ne2000.Port=0x340", "Ne2000.Irq=5"],
        |mut world| {
            let started = world.start_all(&[("Ne2000", Resources::pci(0xC000, Some(11)))]);
            let adapter = started[0].expect("the adapter starts");
            assert_eq!(placement(&world, adapter), (0xC000, 11, false));
        },
    );
}

#[test]
fn seed_11_port_and_interrupt_line_are_found_by_probing() {
    for (port, line) in [(0x300, 9), (0x280, 3), (0x380, 10)] {
        let (_, card) = slot(port, line);
        run(vec![card], &[], move |mut world| {
            // A clock tick in the first probe makes it inconclusive.
            lock(&world.bus.noise).push(1);
            let adapter = world.start();
            assert_eq!(placement(&world, adapter), (port, line, true));
        });
    }
}

#[test]
fn seed_11_configured_address_is_used_only_if_it_is_six_bytes() {
    for (word, expected) in [
        (
            "Ne2000.NetworkAddress=02:11:22:33:44:55",
            Some([0x02, 0x11, 0x22, 0x33, 0x44, 0x55]),
        ),
        ("Ne2000.NetworkAddress=02:11:22:33:44", None),
        ("Ne2000.NetworkAddress=02:11:22:33:44:55:66", None),
    ] {
        // PAR filters on a real card, the PROM on QEMU's.
        for configuration in [Configuration::QEMU, Configuration::NE2000] {
            let expected = expected.unwrap_or(configuration.address);
            let (model, card) = slot_of(0x300, 9, configuration);
            run(vec![card], &[word], move |mut world| {
                let adapter = world.start();
                assert_eq!(adapter.hardware_address().0, expected);
                let permanent = world.query(adapter, Oid::IEEE_802_3_PERMANENT_ADDRESS);
                assert_eq!(permanent, Ok(configuration.address.to_vec()));
                let current = world.query(adapter, Oid::IEEE_802_3_CURRENT_ADDRESS);
                assert_eq!(current, Ok(expected.to_vec()));
                world.bind();
                let wanted = frame(expected, 100, 1);
                world.receives(&model, &wanted);
            });
        }
    }
}

#[test]
fn several_cards_are_an_adapter_each() {
    let (first, first_slot) = slot(0x300, 9);
    let (second, second_slot) = slot_of(
        0x320,
        5,
        Configuration {
            address: [2, 0, 0, 0, 0, 2],
            ..Configuration::NE2000
        },
    );
    let (third, third_slot) = slot_of(
        0xC000,
        11,
        Configuration {
            address: [2, 0, 0, 0, 0, 3],
            ..Configuration::QEMU
        },
    );
    run(
        vec![first_slot, second_slot, third_slot],
        &[],
        move |mut world| {
            let started = world.start_all(&[
                ("Ne2000", Resources::isa()),
                ("Ne2000-1", Resources::isa()),
                ("Ne2000-2", Resources::pci(0xC000, Some(11))),
                ("Ne2000-3", Resources::isa()),
            ]);
            let adapters: Vec<_> = started[..3]
                .iter()
                .map(|adapter| adapter.expect("started"))
                .collect();
            assert_eq!(started[3].err(), Some(NdisStatus::ADAPTER_NOT_FOUND));
            let ports: Vec<_> = adapters
                .iter()
                .map(|adapter| placement(&world, *adapter).0)
                .collect();
            assert_eq!(ports, [0x300, 0x320, 0xC000]);
            world.bind();
            for (binding, model) in [first, second, third].into_iter().enumerate() {
                let own = adapters[binding].hardware_address().0;
                let broadcast = frame([0xFF; 6], 200, binding as u32);
                model.inject(&frame(own, 60, 1));
                model.inject(&broadcast);
                world.sleep(1);
                // Only the newest binding has set a filter.
                let expected = if binding == 2 { 2 } else { 0 };
                assert_eq!(world.observer.take_frames().len(), expected);
            }
        },
    );
}

#[test]
fn two_cards_share_an_interrupt_line() {
    let (first, first_slot) = slot(0x300, 9);
    let (second, second_slot) = slot_of(
        0x320,
        9,
        Configuration {
            address: [2, 0, 0, 0, 0, 2],
            ..Configuration::NE2000
        },
    );
    let words = ["Ne2000.Irq=9", "Ne2000-1.Irq=9"];
    run(vec![first_slot, second_slot], &words, move |mut world| {
        let started =
            world.start_all(&[("Ne2000", Resources::isa()), ("Ne2000-1", Resources::isa())]);
        let adapters: Vec<_> = started
            .into_iter()
            .map(|adapter| adapter.expect("started"))
            .collect();
        assert_eq!(world.bus.lines(), [9, 9]);
        world.bind();
        for binding in world.observer.bindings() {
            world.set_filter(&binding, ndis::PacketFilter::DIRECTED);
        }
        for seed in 0..60 {
            let mut expected = Vec::new();
            for (index, (model, adapter)) in
                [&first, &second].into_iter().zip(&adapters).enumerate()
            {
                // Now one, now the other, now both.
                if seed % 3 != index {
                    let frame = frame(adapter.hardware_address().0, 60 + seed, seed as u32);
                    model.inject(&frame);
                    expected.push(frame);
                }
            }
            world.sleep(1);
            let mut received = world.observer.take_frames();
            received.sort();
            expected.sort();
            assert_eq!(received, expected, "round {seed}");
        }
    });
}

#[test]
fn card_that_cannot_be_used_is_an_error_that_leaves_nothing_behind() {
    let (model, card) = slot(0x300, 9);
    model.set_faults(Faults {
        absent: true,
        ..Faults::default()
    });
    run(vec![card], &[], move |mut world| {
        let started = world.start_all(&[("Ne2000", Resources::isa())]);
        assert_eq!(started[0].err(), Some(NdisStatus::ADAPTER_NOT_FOUND));
        assert_eq!(world.bus.lines(), []);
    });
    // A card whose interrupt never arrives.
    let (model, card) = slot(0x300, 9);
    model.set_faults(Faults {
        lost_edges: 100,
        ..Faults::default()
    });
    run(vec![card], &[], move |mut world| {
        let started = world.start_all(&[("Ne2000", Resources::isa())]);
        assert_eq!(started[0].err(), Some(NdisStatus::RESOURCE_CONFLICT));
        assert_eq!(world.bus.lines(), []);
    });
}

#[test]
fn halted_card_is_quiet_and_can_be_started_again() {
    let (model, card) = slot(0x300, 9);
    run(vec![card], &[], move |mut world| {
        let adapter = world.start();
        world.bind();
        world.ndis.stop_device(&adapter).expect("the adapter stops");
        assert_eq!(world.bus.lines(), []);
        model.inject(&frame(Configuration::QEMU.address, 60, 1));
        assert!(!model.interrupt_line());
        world
            .ndis
            .start_device(&adapter)
            .expect("the adapter starts again");
        let binding = world.observer.binding();
        world.set_filter(&binding, ndis::PacketFilter::DIRECTED);
        let wanted = frame(Configuration::QEMU.address, 60, 2);
        world.receives(&model, &wanted);
        world.ndis.shutdown();
        model.inject(&frame(Configuration::QEMU.address, 60, 3));
        assert!(!model.interrupt_line());
    });
}
