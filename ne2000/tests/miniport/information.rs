//! Queries and sets.

use executive::Duration;
use ndis::{NdisStatus, Oid, PacketFilter};
use ne2000::measure::{Direction, Measurement, OID_MEASURE, Order};
use ne2000::model::{Configuration, Transmission};
use ne2000::registers::{ReceiveConfiguration, ReceiveStatus};
use ne2000::report::{self, CardReport, OID_CARD, OID_COUNTERS};

use crate::world::{frame, with_card};

#[test]
fn every_supported_identifier_is_answered_or_settable() {
    with_card(Configuration::NE2000, |mut world, _| {
        let adapter = world.start();
        let list = world
            .query(adapter, Oid::GEN_SUPPORTED_LIST)
            .expect("a list");
        let (oids, rest) = list.as_chunks::<4>();
        assert!(rest.is_empty());
        assert_eq!(oids.len(), 40);
        for oid in oids.iter().map(|oid| Oid(u32::from_le_bytes(*oid))) {
            let answer = world.query(adapter, oid);
            if oid == Oid::GEN_PROTOCOL_OPTIONS {
                assert_eq!(world.ndis.set_adapter(&adapter, oid, &[0; 4]), Ok(()));
            } else {
                assert!(answer.is_ok(), "{oid}: {answer:?}");
            }
        }
        assert_eq!(
            world.query(adapter, Oid(0x1234)),
            Err(NdisStatus::NOT_SUPPORTED)
        );
    });
}

#[test]
fn numbers_are_those_of_the_card() {
    with_card(Configuration::NE2000, |mut world, _| {
        let adapter = world.start();
        for (oid, value) in [
            (Oid::GEN_HARDWARE_STATUS, 0),
            (Oid::GEN_MEDIA_SUPPORTED, 0),
            (Oid::GEN_MAXIMUM_LOOKAHEAD, 46),
            (Oid::GEN_MAXIMUM_FRAME_SIZE, 1500),
            (Oid::GEN_MAXIMUM_TOTAL_SIZE, 1514),
            (Oid::GEN_LINK_SPEED, 100_000),
            (Oid::GEN_TRANSMIT_BUFFER_SPACE, 3072),
            (Oid::GEN_RECEIVE_BUFFER_SPACE, 16 * 1024 - 3072),
            (Oid::GEN_TRANSMIT_BLOCK_SIZE, 256),
            (Oid::GEN_VENDOR_ID, 0x001B_0000),
            (Oid::GEN_MEDIA_CONNECT_STATUS, 0),
            (Oid::IEEE_802_3_MAXIMUM_LIST_SIZE, 32),
        ] {
            assert_eq!(world.query_number(adapter, oid), value, "{oid}");
        }
        assert_eq!(
            world.query(adapter, Oid::GEN_DRIVER_VERSION),
            Ok(vec![0, 5])
        );
    });
}

#[test]
fn multicast_list_reaches_the_hash_filter() {
    let group = [0x01, 0x00, 0x5E, 0x00, 0x00, 0x01];
    with_card(Configuration::NE2000, move |mut world, model| {
        let adapter = world.start();
        let binding = world.bind();
        world.set_filter(&binding, PacketFilter::DIRECTED | PacketFilter::MULTICAST);
        let wanted = frame(group, 60, 1);
        model.inject(&wanted);
        assert_eq!(model.fate().stored, 0);
        let oid = Oid::IEEE_802_3_MULTICAST_LIST;
        world
            .ndis
            .set_information(&binding, oid, &group)
            .expect("the list is taken");
        model.inject(&wanted);
        world.sleep(1);
        assert_eq!(world.observer.take_frames(), std::slice::from_ref(&wanted));
        assert_eq!(world.query(adapter, oid), Ok(group.to_vec()));
        world
            .ndis
            .set_information(&binding, oid, &[])
            .expect("the list is taken");
        model.inject(&wanted);
        assert_eq!(model.fate().stored, 1);
    });
}

#[test]
fn every_filter_is_applied_to_the_hardware_when_it_changes() {
    const AB: ReceiveConfiguration = ReceiveConfiguration::ACCEPT_BROADCAST;
    const AM: ReceiveConfiguration = ReceiveConfiguration::ACCEPT_MULTICAST;
    const PRO: ReceiveConfiguration = ReceiveConfiguration::PROMISCUOUS;
    const NONE: ReceiveConfiguration = ReceiveConfiguration::empty();
    let group = [0x01, 0x00, 0x5E, 0x00, 0x00, 0x01];
    let steps = [
        (PacketFilter::DIRECTED, NONE, [0; 8]),
        (PacketFilter::BROADCAST, AB, [0; 8]),
        (
            PacketFilter::MULTICAST | PacketFilter::DIRECTED,
            AM,
            [0, 0, 0, 0x80, 0, 0, 0, 0],
        ),
        (PacketFilter::ALL_MULTICAST, AM, [0xFF; 8]),
        (PacketFilter::PROMISCUOUS, AB | AM | PRO, [0xFF; 8]),
        (PacketFilter::DIRECTED, NONE, [0; 8]),
        (PacketFilter::empty(), ReceiveConfiguration::MONITOR, [0; 8]),
    ];
    for configuration in [Configuration::NE2000, Configuration::QEMU] {
        with_card(configuration, move |mut world, model| {
            world.start();
            let binding = world.bind();
            world
                .ndis
                .set_information(&binding, Oid::IEEE_802_3_MULTICAST_LIST, &group)
                .expect("the list is taken");
            for (filter, configuration, hash) in steps {
                world.set_filter(&binding, filter);
                assert_eq!(model.receive_configuration(), configuration, "{filter:?}");
                assert_eq!(model.multicast_hash(), hash, "{filter:?}");
            }
            assert_eq!(model.take_violations(), []);
        });
    }
}

#[test]
fn statistics_are_those_of_the_wire() {
    let configuration = Configuration {
        transmit_accesses: None,
        ..Configuration::NE2000
    };
    with_card(configuration, |mut world, model| {
        let adapter = world.start();
        let binding = world.bind();
        let own = adapter.hardware_address().0;
        let outcomes = [
            Transmission::Sent(0),
            Transmission::Sent(1),
            Transmission::Sent(7),
            Transmission::Sent(15),
            Transmission::ExcessiveCollisions,
            Transmission::CarrierLost,
            Transmission::FifoUnderrun,
            Transmission::LateCollision,
        ];
        model.plan_transmissions(outcomes);
        for seed in 0..outcomes.len() {
            assert!(
                world
                    .send(&binding, &frame([2; 6], 60, seed as u32))
                    .is_success()
            );
            model.end_transmission();
            world.sleep(1);
        }
        for seed in 0..5 {
            model.inject(&frame(own, 60, seed));
            world.sleep(1);
        }
        for errors in [
            ReceiveStatus::CRC_ERROR,
            ReceiveStatus::FRAME_ALIGNMENT_ERROR,
        ] {
            model.inject_with_errors(&frame(own, 60, 9), errors);
            world.sleep(1);
        }
        model.add_tally([1, 2, 3]);
        for (oid, value) in [
            (Oid::GEN_XMIT_OK, 4),
            (Oid::GEN_RCV_OK, 5),
            (Oid::GEN_XMIT_ERROR, 4),
            (Oid::GEN_RCV_ERROR, 2 + 1 + 2),
            (Oid::GEN_RCV_NO_BUFFER, 3),
            (Oid::IEEE_802_3_RCV_ERROR_ALIGNMENT, 2),
            (Oid::IEEE_802_3_XMIT_ONE_COLLISION, 1),
            (Oid::IEEE_802_3_XMIT_MORE_COLLISIONS, 2),
        ] {
            assert_eq!(world.query_number(adapter, oid), value, "{oid}");
        }
    });
}

#[test]
fn settable_identifiers_are_set() {
    with_card(Configuration::QEMU, |mut world, _| {
        let adapter = world.start();
        let set = |oid, bytes: &[u8]| world.ndis.set_adapter(&adapter, oid, bytes);
        assert_eq!(
            set(Oid::GEN_CURRENT_LOOKAHEAD, &20_u32.to_le_bytes()),
            Ok(())
        );
        assert_eq!(world.query_number(adapter, Oid::GEN_CURRENT_LOOKAHEAD), 20);
        assert_eq!(
            set(Oid::GEN_CURRENT_PACKET_FILTER, &9_u32.to_le_bytes()),
            Ok(())
        );
        assert_eq!(
            world.query_number(adapter, Oid::GEN_CURRENT_PACKET_FILTER),
            9
        );
        assert_eq!(set(Oid::GEN_PROTOCOL_OPTIONS, &1_u32.to_le_bytes()), Ok(()));
        let list: Vec<u8> = (0..32).flat_map(|last| [1, 0, 0x5E, 0, 0, last]).collect();
        assert_eq!(set(Oid::IEEE_802_3_MULTICAST_LIST, &list), Ok(()));
        assert_eq!(
            world.query(adapter, Oid::IEEE_802_3_MULTICAST_LIST),
            Ok(list.clone())
        );
        let too_many = [&list[..], &[1, 0, 0x5E, 0, 1, 0]].concat();
        assert_eq!(
            set(Oid::IEEE_802_3_MULTICAST_LIST, &too_many),
            Err(NdisStatus::MULTICAST_FULL)
        );
        assert_eq!(
            set(Oid::IEEE_802_3_MULTICAST_LIST, &list[1..]),
            Err(NdisStatus::INVALID_LENGTH)
        );
        assert_eq!(
            set(Oid::IEEE_802_3_PERMANENT_ADDRESS, &[2; 6]),
            Err(NdisStatus::NOT_SUPPORTED)
        );
    });
}

#[test]
fn one_interrupt_serves_many_frames() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        let own = adapter.hardware_address().0;
        let count = |name| {
            let bytes: Vec<u8> = OID_COUNTERS
                .iter()
                .flat_map(|oid| world.query(adapter, Oid(*oid)).expect("counters"))
                .collect();
            let mut counters = report::counters(&bytes);
            counters.find(|(other, _)| *other == name).expect("known").1
        };
        for round in 0..5 {
            let burst: Vec<_> = (0..60)
                .map(|seed| frame(own, 60, round * 60 + seed))
                .collect();
            world.burst(&model, &burst);
            world.sleep(1);
        }
        assert_eq!(count("frames_received"), 300);
        assert_eq!(count("interrupts"), 5);
        let bytes = world.query(adapter, Oid(OID_CARD)).expect("a report");
        let report = CardReport::from_bytes(&bytes).expect("a whole report");
        assert_eq!((report.frames, report.interrupts), (300, 5));
        assert!(
            report
                .to_string()
                .contains("frames 300 interrupts 5 frames/interrupt 60.0"),
            "{report}"
        );
    });
}

#[test]
fn filter_with_unknown_bits_is_refused() {
    with_card(Configuration::QEMU, |mut world, _| {
        let adapter = world.start();
        let set = |bytes: &[u8]| {
            world
                .ndis
                .set_adapter(&adapter, Oid::GEN_CURRENT_PACKET_FILTER, bytes)
        };
        assert!(set(&0x8000_0000_u32.to_le_bytes()).is_err());
        assert!(set(&[1]).is_err());
        assert_eq!(set(&1_u32.to_le_bytes()), Ok(()));
    });
}

#[test]
fn report_shows_registers_and_ring() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        model.inject(&frame(Configuration::QEMU.address, 300, 1));
        world.sleep(1);
        world.observer.take_frames();
        let bytes = world.query(adapter, Oid(OID_CARD)).expect("a report");
        let report = CardReport::from_bytes(&bytes).expect("a whole report");
        let text = report.to_string();
        assert!(text.starts_with(
            "isa port 0x300 irq 9 configured mac 52:54:00:12:34:56 memory 32 KiB data-port 32 chip RTL8029\n"
        ), "{text}");
        assert!(text.contains("CR   0x22  STA RD=abort page=0\n"), "{text}");
        assert!(text.contains("IMR  0x35  PRX RXE OVW CNT\n"), "{text}");
        assert!(text.contains("RCR  0x04  AB\n"), "{text}");
        assert!(
            text.ends_with("ring start 0x4c stop 0xc0 boundary 0x4c current 0x4f next 0x4f"),
            "{text}"
        );
        assert!(CardReport::from_bytes(&bytes[1..]).is_none());
        // The card is as it was.
        let wanted = frame(Configuration::QEMU.address, 300, 2);
        world.receives(&model, &wanted);
    });
}

#[test]
fn counters_can_be_read_by_name() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        model.inject(&frame(Configuration::QEMU.address, 300, 1));
        world.sleep(1);
        world.observer.take_frames();
        let bytes: Vec<u8> = OID_COUNTERS
            .iter()
            .flat_map(|oid| world.query(adapter, Oid(*oid)).expect("counters"))
            .collect();
        let counters: Vec<_> = report::counters(&bytes).collect();
        assert_eq!(
            counters.len(),
            ne2000::counters::CardCounters::default().iter().count()
        );
        assert!(counters.contains(&("frames_received", 1)));
        assert!(counters.contains(&("bytes_received", 300)));
        assert!(counters.contains(&("interrupts", 1)));
        assert_eq!(counters.last(), Some(&("interrupts_while_masked", 0)));
    });
}

#[test]
fn bare_card_can_be_measured_while_bound() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        let measure = |direction, count| {
            let order = Order {
                direction,
                size: 1514,
                count,
            };
            world
                .ndis
                .set_adapter(&adapter, Oid(OID_MEASURE), &order.to_bytes())
                .expect("a measurement");
            let bytes = world.query(adapter, Oid(OID_MEASURE)).expect("a result");
            Measurement::from_bytes(&bytes.try_into().expect("its length"))
        };
        let sent = measure(Direction::Send, 50);
        assert_eq!(sent.frames, 50);
        let frames = model.take_sent();
        assert_eq!(frames.len(), 50);
        assert!(frames.iter().all(|frame| frame.len() == 1514));
        // These come while it measures.
        for seed in 0..10 {
            let frame = frame(Configuration::QEMU.address, 1514, seed);
            model.inject_after(20 + 10 * u64::from(seed), frame);
        }
        let received = measure(Direction::Receive, 8);
        assert_eq!(received.frames, 8);
        assert!(received.time < Duration::from_secs(1));
        // What wasn't counted is the protocols'.
        world.sleep(1);
        let wanted = frame(Configuration::QEMU.address, 60, 2);
        model.inject(&wanted);
        world.sleep(1);
        assert_eq!(world.observer.take_frames().last(), Some(&wanted));
        assert!(
            world
                .ndis
                .set_adapter(&adapter, Oid(OID_MEASURE), &[2; 8])
                .is_err()
        );
    });
}
