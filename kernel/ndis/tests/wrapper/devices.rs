//! Devices: their entry points, names, resources and contexts: seed items 7, 8, 11 and 12.

use crate::support::{World, lock, run, run_with};
use executive::NtStatus;
use ndis::{
    AdapterState, BusType, DeviceRequest, IOCTL_NDIS_QUERY_GLOBAL_STATS, Limits, NdisStatus, Oid,
    Resources,
};

/// What Initialize saw of an adapter with these resources from the bus.
fn seen(world: &World, section: &'static str, resources: Resources) -> Vec<String> {
    let card = world.card("card");
    let miniport = world.register(&card);
    let adapter = world
        .ndis
        .add_device(miniport, section, resources)
        .expect("there is room");
    world.ndis.start_device(&adapter).expect("the card starts");
    world.ndis.stop_device(&adapter).expect("the card stops");
    std::mem::take(&mut *lock(&card.seen))
}

#[test]
fn seed_7_the_wrapper_owns_the_entry_points_of_the_device() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.add("card0", &card);
        let ndis = world.ndis;
        let dispatch = move |request: DeviceRequest<'_>| ndis.dispatch(&adapter, request);
        assert_eq!(dispatch(DeviceRequest::Create), (NtStatus::SUCCESS, 0));
        assert!(world.log.take().is_empty(), "the driver has no part in it");
        assert_eq!(dispatch(DeviceRequest::StartDevice), (NtStatus::SUCCESS, 0));
        assert_eq!(world.log.take(), ["card initialize"]);
        assert_eq!(
            dispatch(DeviceRequest::StartDevice).0,
            NtStatus::DEVICE_NOT_READY
        );

        let mut output = [0; 16];
        let code = IOCTL_NDIS_QUERY_GLOBAL_STATS;
        let input = Oid::GEN_VENDOR_DESCRIPTION.0.to_le_bytes();
        let request = DeviceRequest::DeviceControl {
            code,
            input: &input,
            output: &mut output,
        };
        assert_eq!(dispatch(request), (NtStatus::SUCCESS, 4));
        assert_eq!(&output[..4], b"card");
        let request = DeviceRequest::DeviceControl {
            code,
            input: &input[..3],
            output: &mut output,
        };
        assert_eq!(dispatch(request).0, NtStatus::BUFFER_TOO_SMALL);
        let request = DeviceRequest::DeviceControl {
            code,
            input: &input,
            output: &mut [],
        };
        assert_eq!(dispatch(request).0, NtStatus::BUFFER_TOO_SMALL);
        let request = DeviceRequest::DeviceControl {
            code: 1,
            input: &[],
            output: &mut output,
        };
        assert_eq!(dispatch(request).0, NtStatus::INVALID_DEVICE_REQUEST);

        assert_eq!(dispatch(DeviceRequest::Close), (NtStatus::SUCCESS, 0));
        assert_eq!(dispatch(DeviceRequest::StopDevice), (NtStatus::SUCCESS, 0));
        assert_eq!(world.log.take_with("halt"), ["card halt"]);
        assert_eq!(
            dispatch(DeviceRequest::StopDevice).0,
            NtStatus::DEVICE_NOT_READY
        );
        assert_eq!(dispatch(DeviceRequest::StartDevice).0, NtStatus::SUCCESS);
        assert_eq!(dispatch(DeviceRequest::Shutdown).0, NtStatus::SUCCESS);
        assert_eq!(world.log.take_with("shutdown"), ["card shutdown"]);
    });
}

#[test]
fn seed_8_the_adapter_object_is_named_from_configuration() {
    run(|world| {
        world
            .registry
            .set("Section1", "Export", "\\Device\\ne2000-0");
        let miniport = world.register(&world.card("card"));
        let add = |section| world.ndis.add_device(miniport, section, Resources::isa());
        let named = add("section1").expect("there is room");
        assert_eq!(named.name(), "ne2000-0");
        assert_eq!(named.state(), AdapterState::Added);
        assert_eq!(add("section2").expect("there is room").name(), "section2");
        assert_eq!(
            add("SECTION1").err(),
            Some(NdisStatus::FAILURE),
            "the name is taken"
        );
        assert_eq!(world.ndis.adapter("NE2000-0"), Some(named));
        let report = world.report();
        assert_eq!(
            (report.name, report.driver, report.version),
            ("ne2000-0", "fake", (3, 0))
        );
        assert_eq!(
            (report.bus, report.state),
            (BusType::Isa, AdapterState::Added)
        );
        assert!(
            world.log.take().is_empty(),
            "the driver is not called before the start"
        );
    });
}

#[test]
fn seed_11_resources_come_from_the_bus_else_from_configuration() {
    run(|world| {
        world.registry.set("isa0", "Port", "0x300");
        world.registry.set("isa0", "Irq", " 9 ");
        let none = Resources::isa();
        let configured = Resources {
            port: Some(0x300),
            interrupt: Some(9),
            ..none
        };
        assert_eq!(seen(&world, "isa0", none)[0], format!("{configured:?}"));
        assert_eq!(seen(&world, "isa1", none)[0], format!("{none:?}"));
        for key in ["pci0", "pci1"] {
            world.registry.set(key, "Port", "768");
            world.registry.set(key, "Irq", "9");
        }
        let assigned = Resources::pci(0xC000, Some(11));
        assert_eq!(seen(&world, "pci0", assigned)[0], format!("{assigned:?}"));
        let without_irq = Resources::pci(0xC000, None);
        let mixed = Resources {
            interrupt: Some(9),
            ..without_irq
        };
        assert_eq!(seen(&world, "pci1", without_irq)[0], format!("{mixed:?}"));
    });
}

#[test]
fn seed_11_values_out_of_range_count_as_none() {
    run(|world| {
        for (section, port, irq) in [
            ("a", "0x10000", "16"),
            ("b", "port", "-1"),
            ("c", "", "0x"),
            ("d", "99999999999", "256"),
        ] {
            world.registry.set(section, "Port", port);
            world.registry.set(section, "Irq", irq);
            assert_eq!(
                seen(&world, section, Resources::isa())[0],
                format!("{:?}", Resources::isa())
            );
        }
    });
}

#[test]
fn seed_11_a_configured_address_is_used_only_if_it_is_six_bytes() {
    let limits = Limits {
        miniports: 16,
        ..Limits::default()
    };
    run_with(0, limits, |world| {
        for (section, text, expected) in [
            ("a", "525400123456", "Some(52:54:00:12:34:56)"),
            ("b", "52:54:00:12:34:56", "Some(52:54:00:12:34:56)"),
            ("c", "52-54-00-AB-cd-EF", "Some(52:54:00:ab:cd:ef)"),
            ("d", "52540012345", "None"),
            ("e", "5254001234567", "None"),
            ("f", "52:54:00:12:34", "None"),
            ("g", "52:54:00:12:34:56:78", "None"),
            ("h", "5:254:00:12:34:56", "None"),
            ("i", "zz5400123456", "None"),
            ("j", "", "None"),
            ("k", "535400123456", "None"), // The group bit: no station's address.
        ] {
            world.registry.set(section, "NetworkAddress", text);
            let seen = seen(&world, section, Resources::isa());
            assert_eq!(seen[1], format!("address {expected}"), "{text}");
        }
        world.registry.set("l", "words", "some words");
        assert_eq!(
            seen(&world, "l", Resources::isa())[2],
            "words Some(\"some words\")"
        );
    });
}

#[test]
fn seed_11_a_line_that_cannot_be_had_fails_the_start() {
    run(|world| {
        world.start("card0", &world.card("card0"));
        let second = world.card("card1");
        second.script(|script| script.interrupt = Some((9, false, false)));
        let adapter = world.add("card1", &second);
        assert_eq!(
            world.ndis.start_device(&adapter),
            Err(NdisStatus::RESOURCE_CONFLICT)
        );
        assert_eq!(world.bus.lines(), [9]);
        second.script(|script| script.register_twice = true);
        second.script(|script| script.interrupt = Some((5, false, false)));
        assert_eq!(world.ndis.start_device(&adapter), Err(NdisStatus::FAILURE));
        assert_eq!(world.bus.lines(), [9], "a failed start gives the line back");
    });
}

#[test]
fn seed_12_every_handler_gets_the_context_that_initialize_made() {
    run(|world| {
        // Two adapters of one driver with cards of their own: each handler writes its card's name.
        let cards = [world.card("one"), world.card("two")];
        cards[1].script(|script| script.interrupt = Some((5, false, false)));
        let adapters = [
            world.start("card0", &cards[0]),
            world.start("card1", &cards[1]),
        ];
        let (_, seat) = world.bound("tcpip");
        world.log.take();
        for (name, adapter) in ["one", "two"].into_iter().zip(&adapters) {
            let mut buffer = [0; 8];
            let oid = Oid::GEN_VENDOR_DESCRIPTION;
            assert_eq!(world.ndis.query_adapter(adapter, oid, &mut buffer), Ok(3));
            assert_eq!(&buffer[..3], name.as_bytes());
            let filter = 1_u32.to_le_bytes();
            let oid = Oid::GEN_CURRENT_PACKET_FILTER;
            assert_eq!(world.ndis.set_adapter(adapter, oid, &filter), Ok(()));
            assert_eq!(world.ndis.reset_adapter(adapter), NdisStatus::PENDING);
            world.ndis.reconfigure(adapter);
            let events = world.log.take_with(name);
            let kinds: Vec<_> = events
                .iter()
                .filter_map(|event| event.split(' ').nth(1))
                .collect();
            assert_eq!(kinds, ["set", "reset", "reconfigure"]);
        }
        assert_eq!(seat.send_frame(46), NdisStatus::SUCCESS);
        assert!(world.interrupt(5));
        world.ndis.stop_device(&adapters[1]).expect("it runs");
        let events = world.log.take_with("two");
        for kind in ["send", "disable", "handle_interrupt", "enable", "halt"] {
            assert!(
                events
                    .iter()
                    .any(|event| event.split(' ').nth(1) == Some(kind)),
                "{kind}"
            );
        }
    });
}
