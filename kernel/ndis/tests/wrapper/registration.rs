//! Registration: seed items 1, 2 and 6.

use crate::support::miniport::{self, Fake};
use crate::support::protocol::{self, Observer};
use crate::support::{World, run, run_with};
use ndis::{Limits, MiniportCharacteristics, NdisStatus, ProtocolCharacteristics};

type Miniport = MiniportCharacteristics<Fake>;
type Protocol = ProtocolCharacteristics<protocol::Fake>;

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
        assert_eq!(observer.open(handle, adapter), NdisStatus::SUCCESS);
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
                let status = world.register_status(&table, Miniport::LENGTH_5);
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
                assert_eq!(world.register_status(&table, length), NdisStatus::SUCCESS);
                let status = world.register_status(&table, length - 1);
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
            let register = |table: &Miniport| world.register_status(table, Miniport::LENGTH_5);
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
            let register = |table: &Miniport| world.register_status(table, Miniport::LENGTH_5);
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
