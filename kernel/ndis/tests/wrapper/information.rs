//! What an adapter answers, identifier by identifier, and what can be set.

use std::sync::Arc;

use ndis::{
    AdapterHandle, MULTICAST_LIST_SIZE, MiniportCharacteristics, NdisStatus, Oid, Request,
    RequestOutcome,
};

use crate::support::miniport::{self, ADDRESS, Card, Deferred};
use crate::support::protocol::{Seat, query};
use crate::support::{World, frame, run};

const FILTER: Oid = Oid::GEN_CURRENT_PACKET_FILTER;
const LOOKAHEAD: Oid = Oid::GEN_CURRENT_LOOKAHEAD;
const OPTIONS: Oid = Oid::GEN_PROTOCOL_OPTIONS;
const LIST: Oid = Oid::IEEE_802_3_MULTICAST_LIST;

/// An identifier that nobody knows.
const UNKNOWN: Oid = Oid(0xFF00_0001);

fn number(value: u32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

fn list_of(oids: &[Oid]) -> Vec<u8> {
    oids.iter().flat_map(|oid| oid.0.to_le_bytes()).collect()
}

/// What a card that knows everything answers.
fn answer_of_card(oid: Oid) -> Option<Vec<u8>> {
    Some(match oid {
        Oid::GEN_SUPPORTED_LIST => list_of(&[Oid::GEN_LINK_SPEED, FILTER, UNKNOWN]),
        Oid::GEN_VENDOR_DESCRIPTION => b"a card of the tests".to_vec(),
        Oid::GEN_DRIVER_VERSION => vec![1, 3],
        Oid::IEEE_802_3_CURRENT_ADDRESS => ADDRESS.to_vec(),
        Oid::IEEE_802_3_PERMANENT_ADDRESS => vec![2, 0, 0, 0, 0, 0xAA],
        Oid::IEEE_802_3_MULTICAST_LIST => vec![1, 2, 3, 4, 5, 6],
        Oid::GEN_MAXIMUM_FRAME_SIZE => number(1500),
        UNKNOWN => number(7),
        oid if oid.name().is_some() => number(1_000_000 + (oid.0 & 0xFFFF)),
        _ => return None,
    })
}

fn knowing_table() -> MiniportCharacteristics<miniport::Fake> {
    MiniportCharacteristics {
        query_information: Some(|_, _, oid, buffer| match answer_of_card(oid) {
            Some(answer) => RequestOutcome::answer(buffer, &answer),
            None => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
        }),
        ..miniport::table()
    }
}

/// A started card, and two protocols bound to it.
fn bound(
    world: &World,
    table: &MiniportCharacteristics<miniport::Fake>,
) -> (Arc<Card>, AdapterHandle, &'static Seat, &'static Seat) {
    let card = world.card("card");
    let adapter = world.start_table("card0", &card, table);
    let (_, first) = world.bound("first");
    let (_, second) = world.bound("second");
    (card, adapter, first, second)
}

/// The status of setting, and the length needed.
fn set(seat: &Seat, oid: Oid, bytes: &[u8]) -> (NdisStatus, usize) {
    let mut request = Request::set(oid, bytes).expect("it is short enough");
    let status = seat.ndis.request(&seat.handle(), &mut request);
    (status, request.needed())
}

/// The identifiers in the answer to GEN_SUPPORTED_LIST.
fn supported(seat: &Seat) -> Vec<Oid> {
    let list = query(seat, Oid::GEN_SUPPORTED_LIST).expect("it is answered");
    let numbers = list.chunks_exact(4);
    assert!(numbers.remainder().is_empty());
    numbers
        .map(|bytes| Oid(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
        .collect()
}

#[test]
fn every_identifier_is_answered_by_the_card_or_by_the_wrapper() {
    run(|world| {
        let (_, _, first, _) = bound(&world, &knowing_table());
        for &oid in Oid::KNOWN {
            let expected = match oid {
                Oid::GEN_SUPPORTED_LIST => continue,
                // What the binding has set.
                FILTER => number(0x09),
                OPTIONS => number(0),
                LIST => vec![],
                // The wrapper's batches.
                Oid::GEN_MAXIMUM_SEND_PACKETS => number(16),
                oid => answer_of_card(oid).expect("the card knows everything"),
            };
            assert_eq!(query(first, oid), Ok(expected), "{oid}");
        }
        assert_eq!(query(first, UNKNOWN), Ok(number(7)), "the card's own");
        assert_eq!(
            query(first, Oid(0xFF00_0002)),
            Err(NdisStatus::NOT_SUPPORTED)
        );
    });
}

#[test]
fn what_a_miniport_does_not_say_the_wrapper_does_if_it_knows() {
    run(|world| {
        let table = MiniportCharacteristics {
            query_information: Some(|_, _, oid, buffer| match oid {
                Oid::IEEE_802_3_CURRENT_ADDRESS => RequestOutcome::answer(buffer, &ADDRESS),
                Oid::GEN_VENDOR_DESCRIPTION => RequestOutcome::Failure(NdisStatus::FAILURE),
                Oid::GEN_RCV_ERROR => RequestOutcome::Failure(NdisStatus::INVALID_OID),
                _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
            }),
            ..miniport::table()
        };
        let (card, _, first, _) = bound(&world, &table);
        first.send_frame(100);
        first.send_frame(100);
        card.answer_sends([miniport::Answer::Failure(NdisStatus::FAILURE)]);
        first.send_frame(100);
        card.receive([frame(46)]);
        card.defer(Deferred::Status(NdisStatus::MEDIA_DISCONNECT));
        world.interrupt(9);
        for &oid in Oid::KNOWN {
            let expected = match oid {
                Oid::GEN_SUPPORTED_LIST => continue,
                // Ready; Ethernet; no options.
                Oid::GEN_HARDWARE_STATUS
                | Oid::GEN_MEDIA_SUPPORTED
                | Oid::GEN_MEDIA_IN_USE
                | OPTIONS => number(0),
                Oid::GEN_MAXIMUM_LOOKAHEAD
                | Oid::GEN_CURRENT_LOOKAHEAD
                | Oid::GEN_MAXIMUM_FRAME_SIZE => number(1500),
                Oid::GEN_MAXIMUM_TOTAL_SIZE => number(1514),
                FILTER => number(0x09),
                Oid::GEN_DRIVER_VERSION => vec![0, 3],
                Oid::GEN_MAXIMUM_SEND_PACKETS => number(16),
                Oid::GEN_XMIT_OK => number(2),
                Oid::GEN_MEDIA_CONNECT_STATUS | Oid::GEN_XMIT_ERROR | Oid::GEN_RCV_OK => number(1),
                Oid::IEEE_802_3_CURRENT_ADDRESS => ADDRESS.to_vec(),
                LIST => vec![],
                Oid::IEEE_802_3_MAXIMUM_LIST_SIZE => number(MULTICAST_LIST_SIZE as u32),
                oid => {
                    let status = match oid {
                        Oid::GEN_VENDOR_DESCRIPTION => NdisStatus::FAILURE,
                        Oid::GEN_RCV_ERROR => NdisStatus::INVALID_OID,
                        _ => NdisStatus::NOT_SUPPORTED,
                    };
                    assert_eq!(query(first, oid), Err(status), "{oid}");
                    assert!(!supported(first).contains(&oid), "{oid}");
                    continue;
                }
            };
            assert_eq!(query(first, oid), Ok(expected), "{oid}");
            assert!(supported(first).contains(&oid), "{oid}");
        }
    });
}

#[test]
fn the_list_of_what_is_supported_has_the_cards_and_the_wrappers_once_each() {
    run(|world| {
        let (_, _, first, _) = bound(&world, &knowing_table());
        let list = supported(first);
        assert_eq!(list[..3], [Oid::GEN_LINK_SPEED, FILTER, UNKNOWN]);
        for oid in [FILTER, LOOKAHEAD, OPTIONS, LIST, Oid::GEN_SUPPORTED_LIST] {
            assert_eq!(
                list.iter().filter(|other| **other == oid).count(),
                1,
                "{oid}"
            );
        }
        for oid in list {
            assert!(query(first, oid).is_ok(), "{oid}");
        }
    });
}

#[test]
fn a_card_with_more_identifiers_than_an_answer_has_room_for() {
    run(|world| {
        let table = MiniportCharacteristics {
            query_information: Some(|_, _, oid, buffer| match oid {
                Oid::GEN_SUPPORTED_LIST => RequestOutcome::answer(buffer, &[0xFF; 256]),
                _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
            }),
            ..miniport::table()
        };
        let (_, _, first, _) = bound(&world, &table);
        assert_eq!(
            query(first, Oid::GEN_SUPPORTED_LIST),
            Err(NdisStatus::RESOURCES)
        );
    });
}

#[test]
fn a_buffer_too_short_gets_the_length_needed() {
    run(|world| {
        let (_, _, first, _) = bound(&world, &knowing_table());
        assert_eq!(set(first, LIST, &[1, 0, 0, 0, 0, 1]).0, NdisStatus::SUCCESS);
        for &oid in Oid::KNOWN {
            let whole = query(first, oid).expect("it is answered");
            for length in [0, 1, whole.len() - 1] {
                let mut request = Request::query_of(oid, length);
                let status = first.ndis.request(&first.handle(), &mut request);
                let got = (status, request.needed(), request.bytes().len());
                let needed = whole.len();
                assert_eq!(got, (NdisStatus::INVALID_LENGTH, needed, 0), "{oid}");
            }
            let mut request = Request::query_of(oid, whole.len());
            let status = first.ndis.request(&first.handle(), &mut request);
            assert_eq!(
                (status, request.needed()),
                (NdisStatus::SUCCESS, 0),
                "{oid}"
            );
            assert_eq!(request.bytes(), whole);
        }
    });
}

#[test]
fn what_can_be_set_is_set_for_the_binding() {
    run(|world| {
        let (_, _, first, second) = bound(&world, &knowing_table());
        let groups = [1, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 2];
        let settings: [(Oid, &[u8]); 4] = [
            (FILTER, &[0x0D, 0, 0, 0]),
            (LOOKAHEAD, &[200, 0, 0, 0]),
            (OPTIONS, &[3, 0, 0, 0]),
            (LIST, &groups),
        ];
        for (oid, bytes) in settings {
            let before = query(second, oid);
            assert_eq!(set(first, oid, bytes), (NdisStatus::SUCCESS, 0), "{oid}");
            assert_eq!(query(first, oid), Ok(bytes.to_vec()), "{oid}");
            assert_eq!(query(second, oid), before, "{oid}");
        }
        assert_eq!(set(first, LIST, &[]), (NdisStatus::SUCCESS, 0));
        assert_eq!(query(first, LIST), Ok(vec![]));
    });
}

#[test]
fn a_setting_of_a_wrong_length_changes_nothing_and_says_what_is_needed() {
    run(|world| {
        let (_, _, first, _) = bound(&world, &knowing_table());
        for oid in [FILTER, LOOKAHEAD, OPTIONS] {
            let before = query(first, oid);
            for length in 0..4 {
                let short = set(first, oid, &[1, 1, 1][..length]);
                assert_eq!(short, (NdisStatus::INVALID_LENGTH, 4), "{oid}");
            }
            assert_eq!(query(first, oid), before, "{oid}");
        }
        for (length, needed) in [(1, 6), (5, 6), (7, 12), (11, 12)] {
            let short = set(first, LIST, &[1; 11][..length]);
            assert_eq!(short, (NdisStatus::INVALID_LENGTH, needed));
        }
        assert_eq!(query(first, LIST), Ok(vec![]));
    });
}

#[test]
fn an_unknown_identifier_is_not_supported() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world, &miniport::table());
        for oid in [Oid(0), UNKNOWN, Oid(u32::MAX)] {
            assert_eq!(query(first, oid), Err(NdisStatus::NOT_SUPPORTED));
            let refuse = RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED);
            card.answer_requests([refuse]);
            assert_eq!(set(first, oid, &[0; 4]).0, NdisStatus::NOT_SUPPORTED);
        }
        assert_eq!(adapter.counters().requests_failed, 6);
    });
}

#[test]
fn an_answer_that_comes_later_gets_the_wrappers_part_too() {
    run(|world| {
        let (card, _, first, _) = bound(&world, &miniport::table());
        let cases = [
            (
                Oid::GEN_MAXIMUM_SEND_PACKETS,
                (NdisStatus::SUCCESS, number(1000)),
                "SUCCESS [10, 00, 00, 00]",
            ),
            (
                Oid::GEN_MAXIMUM_SEND_PACKETS,
                (NdisStatus::NOT_SUPPORTED, vec![]),
                "SUCCESS [10, 00, 00, 00]",
            ),
            (
                Oid::GEN_LINK_SPEED,
                (NdisStatus::FAILURE, vec![]),
                "FAILURE []",
            ),
        ];
        for (oid, (status, bytes), expected) in cases {
            card.answer_requests([RequestOutcome::Pending]);
            assert_eq!(query(first, oid), Err(NdisStatus::PENDING));
            card.defer(Deferred::AnswerQuery(status, bytes));
            world.interrupt(9);
            let events = world.log.take_with("request_complete");
            assert_eq!(events, [format!("first request_complete {oid} {expected}")]);
        }
        card.answer_requests([RequestOutcome::Pending]);
        let list = Oid::GEN_SUPPORTED_LIST;
        assert_eq!(query(first, list), Err(NdisStatus::PENDING));
        card.defer(Deferred::AnswerQuery(
            NdisStatus::SUCCESS,
            list_of(&[UNKNOWN]),
        ));
        world.interrupt(9);
        let events = world.log.take_with("request_complete");
        assert!(events[0].contains("SUCCESS [01, 00, 00, ff, 01, 01, 01, 00, 02, 01"));
    });
}

#[test]
fn the_console_gets_the_adapters_part() {
    run(|world| {
        let (_, adapter, first, second) = bound(&world, &miniport::table());
        assert_eq!(set(first, FILTER, &[1, 0, 0, 0]).0, NdisStatus::SUCCESS);
        assert_eq!(set(second, FILTER, &[4, 0, 0, 0]).0, NdisStatus::SUCCESS);
        let mut buffer = [0; 256];
        let mut ask = |oid| {
            let length = world.ndis.query_adapter(&adapter, oid, &mut buffer)?;
            Ok(buffer[..length].to_vec())
        };
        assert_eq!(ask(FILTER), Ok(number(5)), "the union");
        assert_eq!(ask(Oid::GEN_MAXIMUM_SEND_PACKETS), Ok(number(16)));
        assert!(ask(Oid::GEN_SUPPORTED_LIST).is_ok());
        assert_eq!(ask(OPTIONS), Err(NdisStatus::NOT_SUPPORTED), "a binding's");
        let is_set_only = |oid: &&Oid| oid.is_set_only();
        assert_eq!(Oid::KNOWN.iter().find(is_set_only), Some(&OPTIONS));
    });
}

#[test]
fn an_adapter_being_closed_says_so() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        let observer =
            crate::support::protocol::Observer::new("tcpip", world.log.clone(), world.pool);
        let table = ndis::ProtocolCharacteristics {
            unbind_adapter: Some(|seat: &Seat| {
                let status = query(seat, Oid::GEN_HARDWARE_STATUS);
                seat.observer.log.write(format!("hardware {status:?}"));
                seat.close();
            }),
            ..crate::support::protocol::table()
        };
        world.protocol_table(&observer, &table);
        assert_eq!(
            query(observer.seat(), Oid::GEN_HARDWARE_STATUS),
            Ok(number(0))
        );
        world.ndis.stop_device(&adapter).expect("it runs");
        assert_eq!(
            world.log.take_with("hardware"),
            ["hardware Ok([3, 0, 0, 0])"]
        );
    });
}
