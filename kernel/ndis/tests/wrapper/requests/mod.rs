//! Requests, their queue, and what the console asks.

mod unions;

use std::sync::Arc;

use ndis::{
    AdapterHandle, MiniportCharacteristics, NdisStatus, Oid, PacketFilter, Request, RequestOutcome,
};

use crate::support::miniport::{self, Card, Deferred};
use crate::support::protocol::{Observer, Seat, query};
use crate::support::{World, run};

const FILTER: Oid = Oid::GEN_CURRENT_PACKET_FILTER;
const LIST: Oid = Oid::IEEE_802_3_MULTICAST_LIST;

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

fn group(last: u8) -> [u8; 6] {
    [1, 0, 0x5E, 0, 0, last]
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
        card.answer_requests([RequestOutcome::Done(usize::MAX)]);
        assert_eq!(query(first, Oid(1)).map(|bytes| bytes.len()), Ok(256));
        assert_eq!(adapter.counters().requests, 7);
    });
}

#[test]
fn requests_go_one_at_a_time_and_the_others_wait() {
    run(|world| {
        let (card, adapter, first, second) = bound(&world);
        card.answer_requests([RequestOutcome::Pending]);
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
        card.answer_requests([RequestOutcome::Pending]);
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
        card.answer_requests([RequestOutcome::Pending]);
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
fn the_console_asks_without_a_binding_and_waits_for_the_answer() {
    run(|world| {
        let (card, adapter, first, _) = bound(&world);
        let mut buffer = [0; 8];
        let oid = Oid::GEN_MAXIMUM_FRAME_SIZE;
        assert_eq!(world.ndis.query_adapter(&adapter, oid, &mut buffer), Ok(4));
        assert_eq!(buffer[..4], 1500_u32.to_le_bytes());
        card.answer_requests([RequestOutcome::Pending]);
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
        card.answer_requests([RequestOutcome::Pending]);
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
        let adapter = world.start_table("card0", &card, &miniport::table_that_never_hangs());
        let mut buffer = [0; 8];
        let mut ask = |oid| {
            let result = world.ndis.query_adapter(&adapter, oid, &mut buffer);
            result.map(|length| buffer[..length].to_vec())
        };
        card.answer_requests([RequestOutcome::Pending; 2]);
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
