//! Requests: packet filters, multicast lists, the queue of requests.

use std::sync::Arc;

use ndis::{
    AdapterHandle, MULTICAST_LIST_SIZE, MiniportCharacteristics, NdisStatus, Oid, PacketFilter,
    Request, RequestOutcome,
};

use crate::support::miniport::{self, Card, Deferred};
use crate::support::protocol::{Observer, Seat};
use crate::support::{World, run};

const FILTER: Oid = Oid::GEN_CURRENT_PACKET_FILTER;
const LIST: Oid = Oid::IEEE_802_3_MULTICAST_LIST;
const LOOKAHEAD: Oid = Oid::GEN_CURRENT_LOOKAHEAD;

/// A started card, and two protocols bound to it that want nothing yet.
fn bound(world: &World) -> (Arc<Card>, AdapterHandle, &'static Seat, &'static Seat) {
    let card = world.card("card");
    let adapter = world.start("card0", &card);
    let first = world.protocol("first").seat();
    let second = world.protocol("second").seat();
    world.log.take();
    (card, adapter, first, second)
}

fn set(seat: &Seat, oid: Oid, bytes: &[u8]) -> NdisStatus {
    match seat.ndis.set_information(&seat.handle(), oid, bytes) {
        Ok(()) => NdisStatus::SUCCESS,
        Err(status) => status,
    }
}

fn query(seat: &Seat, oid: Oid) -> Result<Vec<u8>, NdisStatus> {
    let mut buffer = [0; 256];
    let length = seat
        .ndis
        .query_information(&seat.handle(), oid, &mut buffer)?;
    Ok(buffer[..length].to_vec())
}

fn group(last: u8) -> [u8; 6] {
    [1, 0, 0x5E, 0, 0, last]
}

#[test]
fn the_packet_filter_of_the_card_is_the_union_over_the_bindings() {
    run(|world| {
        let (_, _, first, second) = bound(&world);
        assert_eq!(set(first, FILTER, &[1, 0, 0, 0]), NdisStatus::SUCCESS);
        assert_eq!(set(second, FILTER, &[8, 0, 0, 0]), NdisStatus::SUCCESS);
        assert_eq!(
            world.log.take(),
            [
                "card set GEN_CURRENT_PACKET_FILTER [01, 00, 00, 00]",
                "card set GEN_CURRENT_PACKET_FILTER [09, 00, 00, 00]"
            ]
        );
        // A union that does not change is not set again.
        assert_eq!(set(second, FILTER, &[9, 0, 0, 0]), NdisStatus::SUCCESS);
        assert!(world.log.take().is_empty());
        assert_eq!(query(first, FILTER), Ok(vec![1, 0, 0, 0]));
        assert_eq!(query(second, FILTER), Ok(vec![9, 0, 0, 0]));
        // What one binding gives up, another may still want.
        assert_eq!(set(first, FILTER, &[0; 4]), NdisStatus::SUCCESS);
        assert!(world.log.take().is_empty());
        assert_eq!(second.close(), NdisStatus::SUCCESS);
        assert_eq!(
            world.log.take_with("FILTER"),
            ["card set GEN_CURRENT_PACKET_FILTER [00, 00, 00, 00]"]
        );
    });
}

#[test]
fn a_packet_filter_that_is_none_is_refused() {
    run(|world| {
        let (_, _, first, _) = bound(&world);
        for bytes in [&[][..], &[1], &[1, 0, 0]] {
            assert_eq!(set(first, FILTER, bytes), NdisStatus::INVALID_LENGTH);
        }
        assert_eq!(set(first, FILTER, &[0, 1, 0, 0]), NdisStatus::INVALID_DATA);
        assert_eq!(query(first, FILTER), Ok(vec![0; 4]));
        assert!(world.log.take().is_empty());
    });
}

#[test]
fn a_filter_the_card_refuses_is_taken_back() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        assert_eq!(set(first, FILTER, &[1, 0, 0, 0]), NdisStatus::SUCCESS);
        let refuse = RequestOutcome::Failure(NdisStatus::FAILURE);
        card.script(|script| script.requests.push_back(refuse));
        assert_eq!(set(first, FILTER, &[0x20, 0, 0, 0]), NdisStatus::FAILURE);
        assert_eq!(query(first, FILTER), Ok(vec![1, 0, 0, 0]));
        let report = world.ndis.adapter_reports().next().expect("there is one");
        assert_eq!(report.packet_filter, PacketFilter::DIRECTED);
        assert_eq!(adapter.counters().requests_failed, 1);
        // The same when the refusal comes later.
        card.script(|script| script.requests.push_back(RequestOutcome::Pending));
        assert_eq!(set(first, FILTER, &[0x20, 0, 0, 0]), NdisStatus::PENDING);
        card.defer(Deferred::CompleteSet(NdisStatus::FAILURE));
        world.interrupt(9);
        assert_eq!(query(first, FILTER), Ok(vec![1, 0, 0, 0]));
    });
}

#[test]
fn the_multicast_list_of_the_card_is_the_union_over_the_bindings() {
    run(|world| {
        let (_, _, first, second) = bound(&world);
        assert_eq!(
            set(first, LIST, &[group(1), group(2)].concat()),
            NdisStatus::SUCCESS
        );
        assert_eq!(
            set(second, LIST, &[group(2), group(3)].concat()),
            NdisStatus::SUCCESS
        );
        let events = world.log.take();
        let union = [group(1), group(2), group(3)].concat();
        assert_eq!(
            events[1],
            format!("card set 802_3_MULTICAST_LIST {union:02x?}").replace("802_3", "IEEE_802_3")
        );
        assert_eq!(query(first, LIST), Ok([group(1), group(2)].concat()));
        assert_eq!(first.close(), NdisStatus::SUCCESS);
        let left = [group(2), group(3)].concat();
        let events = world.log.take_with("MULTICAST_LIST");
        assert_eq!(
            events,
            [format!("card set IEEE_802_3_MULTICAST_LIST {left:02x?}")]
        );
    });
}

#[test]
fn a_multicast_list_that_is_none_is_refused() {
    run(|world| {
        let (_, _, first, second) = bound(&world);
        let groups = |from: usize, count: usize| -> Vec<u8> {
            (from..from + count)
                .flat_map(|last| group(last as u8))
                .collect()
        };
        assert_eq!(set(first, LIST, &group(1)[..5]), NdisStatus::INVALID_LENGTH);
        assert_eq!(
            set(first, LIST, &[2, 0, 0, 0, 0, 1]),
            NdisStatus::INVALID_DATA
        );
        let many = groups(0, MULTICAST_LIST_SIZE + 1);
        assert_eq!(set(first, LIST, &many), NdisStatus::MULTICAST_FULL);
        assert_eq!(query(first, LIST), Ok(vec![]));
        // The card's list is bounded too.
        let half = groups(0, MULTICAST_LIST_SIZE / 2);
        assert_eq!(set(first, LIST, &half), NdisStatus::SUCCESS);
        let rest = groups(100, MULTICAST_LIST_SIZE / 2);
        assert_eq!(set(second, LIST, &rest), NdisStatus::SUCCESS);
        let one_more = groups(100, MULTICAST_LIST_SIZE / 2 + 1);
        assert_eq!(set(second, LIST, &one_more), NdisStatus::MULTICAST_FULL);
        assert_eq!(query(second, LIST), Ok(rest));
    });
}

#[test]
fn the_lookahead_of_the_card_is_the_largest_of_the_bindings() {
    run(|world| {
        let (_, _, first, second) = bound(&world);
        assert_eq!(
            query(first, LOOKAHEAD),
            Ok(1500_u32.to_le_bytes().to_vec()),
            "all of it while it has set none"
        );
        world.log.take();
        assert_eq!(set(first, LOOKAHEAD, &[200, 0, 0, 0]), NdisStatus::SUCCESS);
        assert_eq!(set(second, LOOKAHEAD, &[100, 0, 0, 0]), NdisStatus::SUCCESS);
        assert_eq!(query(second, LOOKAHEAD), Ok(vec![100, 0, 0, 0]));
        assert_eq!(set(second, LOOKAHEAD, &[1]), NdisStatus::INVALID_LENGTH);
        let events = world.log.take();
        assert_eq!(
            events,
            vec!["card set GEN_CURRENT_LOOKAHEAD [c8, 00, 00, 00]"; 2]
        );
    });
}

#[test]
fn other_requests_go_to_the_miniport() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        assert_eq!(
            query(first, Oid::GEN_VENDOR_DESCRIPTION),
            Ok(b"card".to_vec())
        );
        let mut short = [0; 3];
        let oid = Oid::GEN_VENDOR_DESCRIPTION;
        let result = world
            .ndis
            .query_information(&first.handle(), oid, &mut short);
        assert_eq!(result, Err(NdisStatus::INVALID_LENGTH));
        let mut request = Request::query_of(oid, 3);
        let status = world.ndis.request(&first.handle(), &mut request);
        assert_eq!((status, request.needed()), (NdisStatus::INVALID_LENGTH, 4));
        assert_eq!(
            query(first, Oid(0xFF00_0001)),
            Err(NdisStatus::NOT_SUPPORTED)
        );
        assert_eq!(world.log.take(), ["card query 0xff000001"]);
        assert_eq!(
            set(first, Oid::GEN_PROTOCOL_OPTIONS, &[0; 4]),
            NdisStatus::SUCCESS
        );
        assert_eq!(
            set(first, Oid::GEN_PROTOCOL_OPTIONS, &[0; 3]),
            NdisStatus::INVALID_LENGTH
        );
        assert_eq!(
            Request::set(FILTER, &[0; 257]).err(),
            Some(NdisStatus::INVALID_LENGTH)
        );
        // A driver that says it wrote more than there is room for.
        card.script(|script| script.requests.push_back(RequestOutcome::Done(usize::MAX)));
        assert_eq!(query(first, Oid(1)).map(|bytes| bytes.len()), Ok(256));
        assert_eq!(adapter.counters().requests, 7);
    });
}

#[test]
fn requests_go_one_at_a_time_and_the_others_wait() {
    run(|world| {
        let (card, adapter, first, second) = bound(&world);
        card.script(|script| script.requests.push_back(RequestOutcome::Pending));
        assert_eq!(query(first, Oid(1)), Err(NdisStatus::PENDING));
        assert_eq!(set(second, FILTER, &[1, 0, 0, 0]), NdisStatus::PENDING);
        assert_eq!(
            query(first, Oid::GEN_VENDOR_DESCRIPTION),
            Err(NdisStatus::PENDING)
        );
        assert_eq!(world.log.take(), ["card query 0x00000001"]);
        assert_eq!(adapter.counters().requests_queued, 2);
        card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![7, 8]));
        world.interrupt(9);
        assert_eq!(
            world.log.take(),
            [
                "card disable",
                "card handle_interrupt",
                "first request_complete 0x00000001 SUCCESS [07, 08]",
                "card enable",
                "card set GEN_CURRENT_PACKET_FILTER [01, 00, 00, 00]",
                "second request_complete GEN_CURRENT_PACKET_FILTER SUCCESS [01, 00, 00, 00]",
                "first request_complete GEN_VENDOR_DESCRIPTION SUCCESS [63, 61, 72, 64]"
            ]
        );
        // The card answers a question nobody asked.
        card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![1]));
        world.interrupt(9);
        assert_eq!(adapter.counters().requests_completed_unknown, 1);
    });
}

#[test]
fn an_answer_longer_than_the_question_has_room_for_is_an_error() {
    run(|world| {
        let (card, _, first, _) = bound(&world);
        card.script(|script| script.requests.push_back(RequestOutcome::Pending));
        assert_eq!(query(first, Oid(1)), Err(NdisStatus::PENDING));
        card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![7; 257]));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("first"),
            ["first request_complete 0x00000001 INVALID_LENGTH []"]
        );
    });
}

#[test]
fn the_queue_of_requests_is_bounded() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        card.script(|script| script.requests.push_back(RequestOutcome::Pending));
        for _ in 0..=ndis::adapter::REQUEST_QUEUE_LENGTH {
            assert_eq!(query(first, Oid(1)), Err(NdisStatus::PENDING));
        }
        assert_eq!(query(first, Oid(1)), Err(NdisStatus::RESOURCES));
        assert_eq!(adapter.counters().requests_refused_queue_full, 1);
        card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![]));
        world.interrupt(9);
        let completed = world.log.take_with("request_complete").len();
        assert_eq!(completed, ndis::adapter::REQUEST_QUEUE_LENGTH + 1);
    });
}

#[test]
fn a_filter_that_pends_is_in_force_for_the_binding_and_set_once() {
    run(|world| {
        let (card, _, first, second) = bound(&world);
        card.script(|script| script.requests.push_back(RequestOutcome::Pending));
        assert_eq!(set(first, FILTER, &[1, 0, 0, 0]), NdisStatus::PENDING);
        assert_eq!(set(second, FILTER, &[1, 0, 0, 0]), NdisStatus::PENDING);
        card.defer(Deferred::CompleteSet(NdisStatus::SUCCESS));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("FILTER"),
            [
                "card set GEN_CURRENT_PACKET_FILTER [01, 00, 00, 00]",
                "first request_complete GEN_CURRENT_PACKET_FILTER SUCCESS [01, 00, 00, 00]",
                "second request_complete GEN_CURRENT_PACKET_FILTER SUCCESS [01, 00, 00, 00]"
            ]
        );
        let report = world.ndis.adapter_reports().next().expect("there is one");
        assert_eq!(report.packet_filter, PacketFilter::DIRECTED);
    });
}

#[test]
fn the_console_asks_without_a_binding_and_waits_for_the_answer() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        let mut buffer = [0; 8];
        let oid = Oid::GEN_MAXIMUM_FRAME_SIZE;
        assert_eq!(world.ndis.query_adapter(&adapter, oid, &mut buffer), Ok(4));
        assert_eq!(buffer[..4], 1500_u32.to_le_bytes());
        card.script(|script| script.requests.push_back(RequestOutcome::Pending));
        card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![1, 2, 3]));
        let bus = world.bus;
        let at = world.machine.now() + executive::Duration::from_millis(50);
        world.machine.interrupt_at(at, move || {
            bus.service_line(9);
        });
        assert_eq!(
            world.ndis.query_adapter(&adapter, Oid(1), &mut buffer),
            Ok(3)
        );
        assert_eq!(buffer[..3], [1, 2, 3]);
        // No answer: the wait ends, and a late answer does not disturb the next question.
        card.script(|script| script.requests.push_back(RequestOutcome::Pending));
        let result = world.ndis.query_adapter(&adapter, Oid(1), &mut buffer);
        assert_eq!(result, Err(NdisStatus::PENDING));
        world.sleep(10);
        assert_eq!(adapter.counters().requests_aborted, 1, "the card was reset");
        assert_eq!(world.ndis.query_adapter(&adapter, oid, &mut buffer), Ok(4));
        assert_eq!(query(first, oid), Ok(1500_u32.to_le_bytes().to_vec()));
    });
}

#[test]
fn a_late_answer_to_the_console_is_not_taken_for_another() {
    run(|world| {
        let card = world.card("card");
        let table = MiniportCharacteristics {
            check_for_hang: Some(|_, _| false),
            ..miniport::table()
        };
        let adapter = world.start_table("card0", &card, &table);
        let mut buffer = [0; 8];
        let mut ask = |oid| {
            let result = world.ndis.query_adapter(&adapter, oid, &mut buffer);
            result.map(|length| buffer[..length].to_vec())
        };
        card.script(|script| script.requests.extend([RequestOutcome::Pending; 2]));
        assert_eq!(ask(Oid(1)), Err(NdisStatus::PENDING));
        for answer in 1..=2 {
            let (card, bus) = (card.clone(), world.bus);
            let delay = executive::Duration::from_millis(50) * u64::from(answer);
            world
                .machine
                .interrupt_at(world.machine.now() + delay, move || {
                    card.defer(Deferred::AnswerQuery(NdisStatus::SUCCESS, vec![answer]));
                    bus.service_line(9);
                });
        }
        assert_eq!(ask(Oid(2)), Ok(vec![2]));
    });
}

#[test]
fn a_request_to_an_adapter_that_is_not_started_fails() {
    run(|world| {
        let (_, adapter, first, _) = bound(&world);
        let handle = first.handle();
        world.ndis.stop_device(&adapter).expect("it runs");
        let mut request = Request::query(Oid::GEN_VENDOR_DESCRIPTION);
        assert_eq!(
            world.ndis.request(&handle, &mut request),
            NdisStatus::CLOSING
        );
        let result = world.ndis.query_adapter(&adapter, Oid(1), &mut [0; 4]);
        assert_eq!(result, Err(NdisStatus::ADAPTER_NOT_READY));
        assert_eq!(world.ndis.reset(&handle), NdisStatus::ADAPTER_NOT_OPEN);
        assert_eq!(
            world.ndis.reset_adapter(&adapter),
            NdisStatus::ADAPTER_NOT_READY
        );
    });
}

#[test]
fn a_request_from_a_handler_waits_for_the_handler() {
    run(|world| {
        let card = world.card("card");
        world.start("card0", &card);
        let observer = Observer::new("asker", world.log.clone(), world.pool);
        let table = ndis::ProtocolCharacteristics {
            receive: Some(|seat: &Seat, _, _, _, _| {
                assert_eq!(set(seat, LIST, &group(1)), NdisStatus::PENDING);
                NdisStatus::SUCCESS
            }),
            ..crate::support::protocol::table()
        };
        world.protocol_table(&observer, &table);
        observer.seat().set_filter(PacketFilter::DIRECTED);
        card.receive([crate::support::frame(46)]);
        world.log.take();
        world.interrupt(9);
        let events = world.log.take();
        let place = |part: &str| events.iter().position(|event| event.contains(part));
        assert!(place("handle_interrupt") < place("card set"));
        assert!(place("card set") < place("request_complete"));
    });
}

#[test]
fn a_miniport_without_an_address_is_started_all_the_same() {
    run(|world| {
        let table = MiniportCharacteristics {
            query_information: Some(|_, _, _, _| RequestOutcome::Done(usize::MAX)),
            ..miniport::table()
        };
        let adapter = world.start_table("card0", &world.card("card"), &table);
        assert_eq!(adapter.hardware_address().0, [0; 6]);
        assert_eq!(adapter.maximum_frame_size(), 1500);
    });
}
