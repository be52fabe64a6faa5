//! Registration and binding: seed items 1 to 13.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::support::miniport::{self, Fake};
use crate::support::protocol::{self, Observer};
use crate::support::{World, lock, run, run_with};
use executive::NtStatus;
use ndis::{
    AdapterState, BusType, DeviceRequest, IOCTL_NDIS_QUERY_GLOBAL_STATS, Limits, Medium,
    MiniportCharacteristics, NdisStatus, Oid, ProtocolCharacteristics, ProtocolHandle, Resources,
};

type Miniport = MiniportCharacteristics<Fake>;
type Protocol = ProtocolCharacteristics<protocol::Fake>;

fn register_miniport(world: &World, table: &Miniport, length: usize) -> NdisStatus {
    let card = world.card("card");
    world
        .ndis
        .register_miniport("fake", table, length, card)
        .err()
        .unwrap_or(NdisStatus::SUCCESS)
}

fn register_protocol(world: &World, table: &Protocol, length: usize) -> NdisStatus {
    let observer = Observer::new("probe", world.log.clone(), world.pool);
    match world
        .ndis
        .register_protocol("probe", table, length, observer)
    {
        Ok(handle) => {
            world
                .ndis
                .deregister_protocol(&handle)
                .expect("it was registered");
            NdisStatus::SUCCESS
        }
        Err(status) => status,
    }
}

#[test]
fn seed_1_protocol_versions_3_4_and_5_are_accepted_and_no_other() {
    run(|world| {
        for version in 0..=u8::MAX {
            let table = Protocol {
                major_ndis_version: version,
                ..protocol::table()
            };
            let status = register_protocol(&world, &table, Protocol::LENGTH_5);
            let expected = match version {
                3..=5 => NdisStatus::SUCCESS,
                _ => NdisStatus::BAD_VERSION,
            };
            assert_eq!(status, expected, "version {version}");
        }
    });
}

#[test]
fn seed_2_a_protocol_table_too_short_for_its_version_is_refused() {
    run(|world| {
        for (version, length) in [
            (3, Protocol::LENGTH_3),
            (4, Protocol::LENGTH_4),
            (5, Protocol::LENGTH_5),
        ] {
            let table = Protocol {
                major_ndis_version: version,
                ..protocol::table()
            };
            assert_eq!(
                register_protocol(&world, &table, length),
                NdisStatus::SUCCESS
            );
            assert_eq!(
                register_protocol(&world, &table, length - 1),
                NdisStatus::BAD_CHARACTERISTICS,
                "version {version}"
            );
            assert_eq!(
                register_protocol(&world, &table, 0),
                NdisStatus::BAD_CHARACTERISTICS
            );
        }
    });
    const { assert!(Protocol::LENGTH_3 < Protocol::LENGTH_4) };
    const { assert!(Protocol::LENGTH_4 < Protocol::LENGTH_5) };
}

#[test]
fn seed_2_entries_beyond_the_version_do_not_count() {
    run(|world| {
        world.start("card0", &world.card("card"));
        let observer = Observer::new("old", world.log.clone(), world.pool);
        let table = Protocol {
            major_ndis_version: 3,
            ..protocol::table()
        };
        let handle = world.protocol_table(&observer, &table);
        assert!(
            world.log.take_with("old").is_empty(),
            "a version 3 table has no BindAdapter"
        );
        // A protocol of version 3 opens adapters by itself.
        let adapter = world.ndis.adapter("CARD0").expect("it was started");
        assert_eq!(observer.open(&handle, &adapter), NdisStatus::SUCCESS);
    });
}

#[test]
fn seed_3_the_protocol_handle_exists_before_binding_starts() {
    static HANDLE_IN_BIND: Mutex<Option<&'static str>> = Mutex::new(None);
    run(|world| {
        world.start("card0", &world.card("card"));
        let observer = Observer::new("early", world.log.clone(), world.pool);
        let table = Protocol {
            bind_adapter: Some(|observer, handle: &ProtocolHandle<_>, adapter| {
                *lock(&HANDLE_IN_BIND) = Some(handle.name());
                observer.open(handle, adapter)
            }),
            ..protocol::table()
        };
        world.protocol_table(&observer, &table);
        assert_eq!(*lock(&HANDLE_IN_BIND), Some("early"));
        observer.seat();
    });
}

#[test]
fn seed_4_registering_binds_every_started_adapter_then_tells_and_joins_the_list() {
    run(|world| {
        world.start("card0", &world.card("card"));
        world.start("card1", &world.card("card"));
        world.log.take();
        world.protocol("tcpip");
        assert_eq!(
            world.log.take_with("tcpip"),
            [
                "tcpip bind card0",
                "tcpip bind card1",
                "tcpip pnp BindsComplete none"
            ]
        );
        let protocols: Vec<_> = world.ndis.protocol_reports().collect();
        assert_eq!(protocols.len(), 1);
        assert_eq!((protocols[0].name, protocols[0].bindings), ("tcpip", 2));
    });
}

#[test]
fn seed_4_a_protocol_that_is_refused_is_not_in_the_global_list() {
    run_with(
        0,
        Limits {
            protocols: 1,
            ..Limits::default()
        },
        |world| {
            let observer = Observer::new("bad", world.log.clone(), world.pool);
            let bad = Protocol {
                major_ndis_version: 2,
                ..protocol::table()
            };
            let length = Protocol::LENGTH_5;
            assert!(
                world
                    .ndis
                    .register_protocol("bad", &bad, length, observer.clone())
                    .is_err()
            );
            world.protocol("good");
            let full =
                world
                    .ndis
                    .register_protocol("full", &protocol::table(), length, observer.clone());
            assert_eq!(full.err(), Some(NdisStatus::RESOURCES));
            let twice = world
                .ndis
                .register_protocol("Good", &protocol::table(), length, observer);
            assert_eq!(twice.err(), Some(NdisStatus::FAILURE));
            world.start("card0", &world.card("card"));
            let names: Vec<_> = world
                .ndis
                .protocol_reports()
                .map(|report| report.name)
                .collect();
            assert_eq!(names, ["good"]);
            assert_eq!(world.log.take_with("bind"), ["good bind card0"]);
        },
    );
}

#[test]
fn seed_5_the_bind_list_comes_from_configuration() {
    run(|world| {
        world
            .registry
            .set("tcpip", "bind", "\\Device\\card2, absent ,CARD0,card0");
        world.start("card0", &world.card("card"));
        world.start("card1", &world.card("card"));
        world.log.take();
        world.protocol("tcpip");
        // The adapter that is not listed, the one that does not exist and the one listed twice.
        assert_eq!(world.log.take_with(" bind "), ["tcpip bind card0"]);
        world.start("card2", &world.card("card"));
        // The one that is bound already is skipped.
        assert_eq!(world.log.take_with(" bind "), ["tcpip bind card2"]);
        assert_eq!(world.ndis.binding_reports().count(), 2);
    });
}

#[test]
fn seed_5_an_empty_bind_list_binds_nothing() {
    run(|world| {
        world.registry.set("tcpip", "bind", "");
        world.start("card0", &world.card("card"));
        world.protocol("tcpip");
        assert!(world.log.take_with(" bind ").is_empty());
    });
}

#[test]
fn seed_5_an_adapter_that_is_not_started_is_skipped() {
    run(|world| {
        let card = world.card("card");
        let miniport = world.register(&card);
        let adapter = world
            .ndis
            .add_device(miniport, "card0", Resources::isa())
            .expect("room");
        world.protocol("tcpip");
        assert!(world.log.take_with(" bind ").is_empty());
        world.ndis.start_device(&adapter).expect("it starts");
        assert_eq!(world.log.take_with(" bind "), ["tcpip bind card0"]);
    });
}

#[test]
fn seed_6_miniport_versions_and_lengths_are_checked() {
    run_with(
        0,
        Limits {
            miniports: 64,
            ..Limits::default()
        },
        |world| {
            for version in 0..=u8::MAX {
                let table = Miniport {
                    major_ndis_version: version,
                    ..miniport::table()
                };
                let status = register_miniport(&world, &table, Miniport::LENGTH_5);
                let expected = match version {
                    3..=5 => NdisStatus::SUCCESS,
                    _ => NdisStatus::BAD_VERSION,
                };
                assert_eq!(status, expected, "version {version}");
            }
            for (version, length) in [
                (3, Miniport::LENGTH_3),
                (4, Miniport::LENGTH_4),
                (5, Miniport::LENGTH_5),
            ] {
                let table = Miniport {
                    major_ndis_version: version,
                    ..miniport::table()
                };
                assert_eq!(
                    register_miniport(&world, &table, length),
                    NdisStatus::SUCCESS
                );
                let status = register_miniport(&world, &table, length - 1);
                assert_eq!(status, NdisStatus::BAD_CHARACTERISTICS, "version {version}");
            }
        },
    );
    const { assert!(Miniport::LENGTH_3 < Miniport::LENGTH_4) };
    const { assert!(Miniport::LENGTH_4 < Miniport::LENGTH_5) };
}

#[test]
fn seed_6_mandatory_miniport_handlers() {
    run_with(
        0,
        Limits {
            miniports: 64,
            ..Limits::default()
        },
        |world| {
            let register = |table: &Miniport| register_miniport(&world, table, Miniport::LENGTH_5);
            let bad = NdisStatus::BAD_CHARACTERISTICS;
            for version in 3..=5 {
                let full = Miniport {
                    major_ndis_version: version,
                    ..miniport::table()
                };
                assert_eq!(register(&full), NdisStatus::SUCCESS);
                assert_eq!(register(&Miniport { halt: None, ..full }), bad);
                assert_eq!(
                    register(&Miniport {
                        initialize: None,
                        ..full
                    }),
                    bad
                );
                assert_eq!(
                    register(&Miniport {
                        reset: None,
                        ..full
                    }),
                    bad
                );
                assert_eq!(
                    register(&Miniport {
                        query_information: None,
                        ..full
                    }),
                    bad
                );
                assert_eq!(
                    register(&Miniport {
                        set_information: None,
                        ..full
                    }),
                    bad
                );
                assert_eq!(register(&Miniport { send: None, ..full }), bad);
                // The handlers that are not mandatory.
                let least = Miniport {
                    check_for_hang: None,
                    disable_interrupt: None,
                    enable_interrupt: None,
                    handle_interrupt: None,
                    isr: None,
                    reconfigure: None,
                    shutdown: None,
                    ..full
                };
                assert_eq!(register(&least), NdisStatus::SUCCESS);
            }
        },
    );
}

#[test]
fn seed_6_version_4_sends_by_either_handler_and_version_5_by_connection_oriented_ones_too() {
    run_with(
        0,
        Limits {
            miniports: 64,
            ..Limits::default()
        },
        |world| {
            let register = |table: &Miniport| register_miniport(&world, table, Miniport::LENGTH_5);
            let several = miniport::table_4();
            assert_eq!(register(&several), NdisStatus::SUCCESS);
            // A version 3 table ends before SendPackets.
            let old = Miniport {
                major_ndis_version: 3,
                ..several
            };
            assert_eq!(register(&old), NdisStatus::BAD_CHARACTERISTICS);
            let connections = Miniport {
                major_ndis_version: 5,
                send_packets: None,
                query_information: None,
                set_information: None,
                co_send_packets: several.send_packets,
                co_request: Some(|_, _, _, _, _| ndis::RequestOutcome::Done(0)),
                ..several
            };
            assert_eq!(register(&connections), NdisStatus::SUCCESS);
            let status = register(&Miniport {
                major_ndis_version: 4,
                ..connections
            });
            assert_eq!(status, NdisStatus::BAD_CHARACTERISTICS);
            assert_eq!(
                register(&Miniport {
                    co_request: None,
                    ..connections
                }),
                NdisStatus::BAD_CHARACTERISTICS
            );
            assert_eq!(
                register(&Miniport {
                    co_send_packets: None,
                    ..connections
                }),
                NdisStatus::BAD_CHARACTERISTICS
            );
        },
    );
}

#[test]
fn seed_7_the_wrapper_owns_the_entry_points_of_the_device() {
    run(|world| {
        let card = world.card("card");
        let miniport = world.register(&card);
        let adapter = world
            .ndis
            .add_device(miniport, "card0", Resources::isa())
            .expect("room");
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
        let report = world.ndis.adapter_reports().next().expect("there are two");
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
fn seed_9_starting_picks_the_medium_and_binds_every_protocol() {
    run(|world| {
        world.protocol("first");
        world.protocol("second");
        let adapter = world.start("card0", &world.card("card"));
        assert_eq!(adapter.medium(), Medium::Ieee802_3);
        assert_eq!(adapter.state(), AdapterState::Running);
        assert_eq!(adapter.hardware_address().0, miniport::ADDRESS);
        assert_eq!(adapter.maximum_frame_size(), 1500);
        assert_eq!(
            world.log.take_with("card"),
            ["card initialize", "first bind card0", "second bind card0"]
        );
    });
}

#[test]
fn seed_9_both_orders_of_starting_and_registering_end_the_same() {
    run(|world| {
        world.start("card0", &world.card("card"));
        world.protocol("first");
        world.start("card1", &world.card("card"));
        world.protocol("second");
        let mut pairs: Vec<_> = world
            .ndis
            .binding_reports()
            .map(|report| (report.protocol, report.adapter))
            .collect();
        pairs.sort_unstable();
        assert_eq!(
            pairs,
            [
                ("first", "card0"),
                ("first", "card1"),
                ("second", "card0"),
                ("second", "card1")
            ]
        );
    });
}

#[test]
fn seed_10_unsupported_media_comes_from_the_miniport() {
    run(|world| {
        let card = world.card("card");
        card.script(|script| script.media.clear());
        let miniport = world.register(&card);
        let adapter = world
            .ndis
            .add_device(miniport, "card0", Resources::isa())
            .expect("room");
        world.protocol("tcpip");
        assert_eq!(
            world.ndis.start_device(&adapter),
            Err(NdisStatus::UNSUPPORTED_MEDIA)
        );
        assert_eq!(adapter.state(), AdapterState::Failed);
        assert!(world.log.take_with(" bind ").is_empty());
        // It can be started once that is put right.
        card.script(|script| script.media.push(Medium::Ieee802_3));
        assert_eq!(world.ndis.start_device(&adapter), Ok(()));
        assert_eq!(world.log.take_with(" bind "), ["tcpip bind card0"]);
    });
}

#[test]
fn seed_10_unsupported_media_comes_from_opening_the_adapter() {
    run(|world| {
        let card = world.card("card");
        card.script(|script| script.media = vec![Medium::Wan]);
        let adapter = world.start("card0", &card);
        assert_eq!(adapter.medium(), Medium::Wan);
        let observer = Observer::new("tcpip", world.log.clone(), world.pool);
        let handle = world.protocol_table(&observer, &protocol::table());
        assert_eq!(
            observer.open(&handle, &adapter),
            NdisStatus::UNSUPPORTED_MEDIA
        );
        assert_eq!(world.ndis.binding_reports().count(), 0);
        observer.script(|script| script.media = vec![Medium::Fddi, Medium::Wan]);
        assert_eq!(observer.open(&handle, &adapter), NdisStatus::SUCCESS);
        assert_eq!(observer.seat().handle().medium_index(), 1);
    });
}

#[test]
fn seed_10_a_medium_that_was_not_offered_is_unsupported() {
    run(|world| {
        let table = Miniport {
            initialize: Some(|driver, context, media| {
                let made = miniport::initialize(driver, context, media)?;
                Ok(ndis::Initialized {
                    medium_index: media.len(),
                    ..made
                })
            }),
            ..miniport::table()
        };
        let card = world.card("card");
        let miniport = world.register_table(&card, &table);
        let adapter = world
            .ndis
            .add_device(miniport, "card0", Resources::isa())
            .expect("room");
        assert_eq!(
            world.ndis.start_device(&adapter),
            Err(NdisStatus::UNSUPPORTED_MEDIA)
        );
        assert!(
            world.bus.lines().is_empty(),
            "the interrupt line is given back"
        );
        assert_eq!(card.adapters.load(Ordering::SeqCst), 0);
    });
}

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
        let miniport = world.register(&second);
        let adapter = world
            .ndis
            .add_device(miniport, "card1", Resources::isa())
            .expect("room");
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

#[test]
fn seed_13_opening_records_the_binding_on_both_sides() {
    run(|world| {
        let adapter = world.start("card0", &world.card("card"));
        world.protocol("first");
        let second = world.protocol("second");
        let bindings = |name: &str| {
            let mut reports = world.ndis.protocol_reports();
            reports
                .find(|report| report.name == name)
                .map(|report| report.bindings)
        };
        let of_adapter = || {
            world
                .ndis
                .adapter_reports()
                .next()
                .map(|report| report.bindings)
        };
        assert_eq!(
            (bindings("first"), bindings("second"), of_adapter()),
            (Some(1), Some(1), Some(2))
        );
        assert_eq!(second.seat().close(), NdisStatus::SUCCESS);
        assert_eq!(
            (bindings("first"), bindings("second"), of_adapter()),
            (Some(1), Some(0), Some(1))
        );
        assert_eq!(second.seat().close(), NdisStatus::ADAPTER_NOT_OPEN);
        assert_eq!(second.seat().send_frame(46), NdisStatus::CLOSING);
        assert_eq!(adapter.state(), AdapterState::Running);
    });
}

#[test]
fn seed_13_full_tables_are_a_status() {
    run_with(
        0,
        Limits {
            bindings: 3,
            adapters: 1,
            miniports: 2,
            ..Limits::default()
        },
        |world| {
            let adapter = world.start("card0", &world.card("card"));
            let miniport = world.register(&world.card("card"));
            let full = world.ndis.add_device(miniport, "card1", Resources::isa());
            assert_eq!(full.err(), Some(NdisStatus::RESOURCES));
            assert_eq!(
                register_miniport(&world, &miniport::table(), Miniport::LENGTH_5),
                NdisStatus::RESOURCES
            );
            let observer = Observer::new("tcpip", world.log.clone(), world.pool);
            let handle = world.protocol_table(&observer, &protocol::table());
            assert_eq!(observer.open(&handle, &adapter), NdisStatus::SUCCESS);
            assert_eq!(observer.open(&handle, &adapter), NdisStatus::SUCCESS);
            assert_eq!(observer.open(&handle, &adapter), NdisStatus::OPEN_LIST_FULL);
            assert_eq!(observer.seat().close(), NdisStatus::SUCCESS);
            assert_eq!(observer.open(&handle, &adapter), NdisStatus::SUCCESS);
        },
    );
}
