//! Binding: seed items 3, 4, 5, 9, 10 and 13.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::support::miniport::{self, Fake};
use crate::support::protocol::{self, Observer};
use crate::support::{lock, run, run_with};
use ndis::{
    AdapterState, Limits, Medium, MiniportCharacteristics, NdisStatus, ProtocolCharacteristics,
    ProtocolHandle, Resources,
};

type Miniport = MiniportCharacteristics<Fake>;
type Protocol = ProtocolCharacteristics<protocol::Fake>;

#[test]
fn seed_3_the_protocol_handle_exists_before_binding_starts() {
    static HANDLE_IN_BIND: Mutex<Option<&'static str>> = Mutex::new(None);
    run(|world| {
        world.start("card0", &world.card("card"));
        let observer = Observer::new("early", world.log.clone(), world.pool);
        let table = Protocol {
            bind_adapter: Some(|observer, handle: &ProtocolHandle<_>, adapter| {
                *lock(&HANDLE_IN_BIND) = Some(handle.name());
                observer.open(*handle, *adapter)
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
        let adapter = world.add("card0", &card);
        world.protocol("tcpip");
        assert!(world.log.take_with(" bind ").is_empty());
        world.ndis.start_device(&adapter).expect("it starts");
        assert_eq!(world.log.take_with(" bind "), ["tcpip bind card0"]);
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
        let pairs = world.bindings();
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
        let adapter = world.add("card0", &card);
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
            observer.open(handle, adapter),
            NdisStatus::UNSUPPORTED_MEDIA
        );
        assert_eq!(world.ndis.binding_reports().count(), 0);
        observer.script(|script| script.media = vec![Medium::Fddi, Medium::Wan]);
        assert_eq!(observer.open(handle, adapter), NdisStatus::SUCCESS);
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
        let adapter = world.add_table("card0", &card, &table);
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
        let of_adapter = || Some(world.report().bindings);
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
fn seed_13_an_adapter_that_is_not_started_cannot_be_opened() {
    run(|world| {
        let miniport = world.register(&world.card("card"));
        let adapter = world.ndis.add_device(miniport, "card0", Resources::isa());
        let adapter = adapter.expect("there is room");
        let observer = Observer::new("tcpip", world.log.clone(), world.pool);
        let handle = world.protocol_table(&observer, &protocol::table());
        assert_eq!(
            observer.open(handle, adapter),
            NdisStatus::ADAPTER_NOT_FOUND
        );
        world.ndis.start_device(&adapter).expect("it starts");
        assert_eq!(observer.open(handle, adapter), NdisStatus::SUCCESS);
        world.ndis.stop_device(&adapter).expect("it runs");
        assert_eq!(
            observer.open(handle, adapter),
            NdisStatus::ADAPTER_NOT_FOUND
        );
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
                world.register_status(&miniport::table(), Miniport::LENGTH_5),
                NdisStatus::RESOURCES
            );
            let observer = Observer::new("tcpip", world.log.clone(), world.pool);
            let handle = world.protocol_table(&observer, &protocol::table());
            assert_eq!(observer.open(handle, adapter), NdisStatus::SUCCESS);
            assert_eq!(observer.open(handle, adapter), NdisStatus::SUCCESS);
            assert_eq!(observer.open(handle, adapter), NdisStatus::OPEN_LIST_FULL);
            assert_eq!(observer.seat().close(), NdisStatus::SUCCESS);
            assert_eq!(observer.open(handle, adapter), NdisStatus::SUCCESS);
        },
    );
}
