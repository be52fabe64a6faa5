//! Packet filters, multicast lists and lookahead: the card's is what its bindings want together.

use ndis::{MULTICAST_LIST_SIZE, NdisStatus, Oid, PacketFilter, RequestOutcome};

use super::{FILTER, LIST, bound, group, set};
use crate::support::miniport::Deferred;
use crate::support::protocol::query;
use crate::support::run;

const LOOKAHEAD: Oid = Oid::GEN_CURRENT_LOOKAHEAD;

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
        card.answer_requests([refuse]);
        assert_eq!(set(first, FILTER, &[0x20, 0, 0, 0]), NdisStatus::FAILURE);
        assert_eq!(query(first, FILTER), Ok(vec![1, 0, 0, 0]));
        let report = world.report();
        assert_eq!(report.packet_filter, PacketFilter::DIRECTED);
        assert_eq!(adapter.counters().requests_failed, 1);
        // The same when the refusal comes later.
        card.answer_requests([RequestOutcome::Pending]);
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
fn a_filter_that_pends_is_in_force_for_the_binding_and_set_once() {
    run(|world| {
        let (card, _, first, second) = bound(&world);
        card.answer_requests([RequestOutcome::Pending]);
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
        let report = world.report();
        assert_eq!(report.packet_filter, PacketFilter::DIRECTED);
    });
}
