//! Requests, resets and the state of the adapter, through a stack of filters.

use ndis::{NdisStatus, Oid, PacketFilter};

use crate::passing::KINDS;
use crate::support::card::{Answer, Deferred};
use crate::support::{World, lock, run};

/// What a protocol is told of a reset.
const RESET: [&str; 5] = [
    "status RESET_START",
    "status complete",
    "status RESET_END",
    "status complete",
    "reset complete SUCCESS",
];

/// Runs `body` above one filter, above all six, and above none.
fn with_stacks(body: impl Fn(&World) + Copy + Send + 'static) {
    for count in [0, 1, 6] {
        run(0, move |world| {
            for kind in &KINDS[..count] {
                world.add(*kind);
            }
            world.tcpip.take_events();
            body(&world);
        });
    }
}

#[test]
fn queries_are_answered_by_the_card() {
    with_stacks(|world| {
        let (status, request) = world.tcpip.ask();
        assert_eq!(status, NdisStatus::SUCCESS);
        assert_eq!(request.bytes(), b"a card of the tests");
        let mut short = [0; 4];
        let asked = world.ndis.query_information(
            &world.tcpip.handle(),
            Oid::GEN_VENDOR_DESCRIPTION,
            &mut short,
        );
        assert_eq!(asked, Err(NdisStatus::INVALID_LENGTH));
        let unknown =
            world
                .ndis
                .query_information(&world.tcpip.handle(), Oid::GEN_VENDOR_ID, &mut short);
        assert_eq!(unknown, Err(NdisStatus::NOT_SUPPORTED));
        // The console asks the top of the stack.
        let mut name = [0; 32];
        let top = world.adapter.top();
        let asked = world
            .ndis
            .query_adapter(&top, Oid::GEN_VENDOR_DESCRIPTION, &mut name);
        assert_eq!(asked, Ok(19));
        assert_eq!(top.hardware_address(), world.adapter.hardware_address());
        assert_eq!(top.maximum_frame_size(), 1500);
        assert_eq!(top.medium(), world.adapter.medium());
    });
}

#[test]
fn a_request_that_pends_is_answered_once() {
    with_stacks(|world| {
        lock(&world.card.script).pend_requests = true;
        let (status, _) = world.tcpip.ask();
        assert_eq!(status, NdisStatus::PENDING);
        let answer = Deferred::AnswerRequest(NdisStatus::SUCCESS, b"late".to_vec());
        world.card.defer(answer);
        world.interrupt();
        assert_eq!(
            world.tcpip.take_events(),
            ["request complete GEN_VENDOR_DESCRIPTION SUCCESS late"]
        );
        let (status, _) = world.tcpip.ask();
        assert_eq!(status, NdisStatus::PENDING);
        world
            .card
            .defer(Deferred::AnswerRequest(NdisStatus::FAILURE, Vec::new()));
        world.interrupt();
        assert_eq!(
            world.tcpip.take_events(),
            ["request complete GEN_VENDOR_DESCRIPTION FAILURE "]
        );
    });
}

#[test]
fn packet_filter_and_multicast_list_reach_the_card() {
    with_stacks(|world| {
        let filter = PacketFilter::DIRECTED | PacketFilter::MULTICAST;
        world.tcpip.set_filter(filter);
        assert_eq!(*lock(&world.card.packet_filter), filter.bits());
        let group = [1, 0, 0x5E, 0, 0, 1];
        let set = world.ndis.set_information(
            &world.tcpip.handle(),
            Oid::IEEE_802_3_MULTICAST_LIST,
            &group,
        );
        assert_eq!(set, Ok(()));
        assert_eq!(*lock(&world.card.multicast), group);
    });
}

#[test]
fn a_reset_of_the_top_resets_the_card_and_is_told_once() {
    with_stacks(|world| {
        for pends in [false, true] {
            lock(&world.card.script).pend_reset = pends;
            let before = *lock(&world.card.resets);
            assert_eq!(world.ndis.reset(&world.tcpip.handle()), NdisStatus::PENDING);
            if pends {
                world.card.defer(Deferred::CompleteReset);
            }
            world.interrupt();
            assert_eq!(*lock(&world.card.resets), before + 1);
            assert_eq!(world.tcpip.take_events(), RESET);
            // The addressing was lost and is set again.
            let wanted = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
            assert_eq!(*lock(&world.card.packet_filter), wanted.bits());
            world.receive([1]);
            assert_eq!(world.tcpip.take_received(), [1]);
            world.tcpip.send(2);
            assert_eq!(world.card.take_sent(), [2]);
        }
    });
}

#[test]
fn a_reset_of_the_card_is_told_once_and_ends_pending_sends() {
    with_stacks(|world| {
        world.card.answer([Answer::Pending]);
        world.tcpip.send(1);
        assert_eq!(
            world.ndis.reset_adapter(&world.adapter),
            NdisStatus::PENDING
        );
        world.interrupt();
        assert_eq!(world.tcpip.take_events(), RESET);
        assert_eq!(world.tcpip.take_ended().len(), 1);
        assert_eq!(world.card.take_sent(), [1]);
    });
}

#[test]
fn status_and_reconfiguration_pass_upwards() {
    with_stacks(|world| {
        for status in [NdisStatus::MEDIA_DISCONNECT, NdisStatus::MEDIA_CONNECT] {
            world.card.defer(Deferred::Status(status));
            world.interrupt();
            let expected = [format!("status {status}"), "status complete".into()];
            assert_eq!(world.tcpip.take_events(), expected);
        }
        world.ndis.reconfigure(&world.adapter);
        assert_eq!(world.tcpip.take_events(), ["Reconfigure"]);
    });
}

#[test]
fn a_filter_put_above_an_adapter_without_a_medium_knows_that() {
    run(0, |world| {
        world
            .card
            .defer(Deferred::Status(NdisStatus::MEDIA_DISCONNECT));
        world.interrupt();
        let name = world.add(KINDS[0]);
        let report = world
            .ndis
            .adapter_reports()
            .find(|report| report.name == name);
        assert!(!report.expect("it is there").is_media_connected);
        assert_eq!(
            world.tcpip.take_events(),
            ["bind card0", "status MEDIA_DISCONNECT", "status complete"]
        );
    });
}
