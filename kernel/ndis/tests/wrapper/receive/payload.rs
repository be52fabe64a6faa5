//! How a protocol gets the payload: seed items 20 and 21, and frames that are packets.

use executive::NtStatus;
use ndis::{NdisStatus, PacketFilter, PacketPool};

use super::receive;
use crate::support::miniport::Deferred;
use crate::support::protocol::{self, Observer};
use crate::support::{bound, frame, lock, run};

#[test]
fn seed_20_a_lookahead_that_is_the_whole_payload_is_copied() {
    run(|world| {
        let (card, adapter, observer, _) = bound(&world);
        observer.script(|script| script.take = true);
        receive(&world, &card, adapter, vec![frame(46)]);
        assert!(world.log.take_with("transfer").is_empty());
        assert_eq!(*lock(&observer.received), [frame(46)[14..].to_vec()]);
    });
}

#[test]
fn seed_20_a_longer_payload_is_transferred_and_completed_by_the_caller() {
    run(|world| {
        let (card, adapter, observer, _) = bound(&world);
        observer.script(|script| script.take = true);
        receive(&world, &card, adapter, vec![frame(1500)]);
        assert_eq!(
            world.log.take_with("transfer"),
            ["card transfer 0 1500", "tcpip transferred Ok(1500)"]
        );
        assert_eq!(*lock(&observer.received), [frame(1500)[14..].to_vec()]);
        assert_eq!(world.binding().transfers, 1);
    });
}

#[test]
fn seed_20_a_pending_transfer_is_completed_by_the_miniport() {
    run(|world| {
        let (card, adapter, observer, seat) = bound(&world);
        observer.script(|script| script.take = true);
        card.script(|script| script.pend_transfers = true);
        receive(&world, &card, adapter, vec![frame(1500)]);
        assert_eq!(
            world.log.take_with("transfer"),
            ["card transfer 0 1500", "tcpip transfer pending"]
        );
        assert!(lock(&observer.received).is_empty());
        // The binding cannot end before its transfer.
        assert_eq!(seat.close(), NdisStatus::PENDING);
        card.defer(Deferred::CompleteTransfers);
        world.interrupt(9);
        let events = world.log.take_with("tcpip");
        assert_eq!(
            events,
            [
                "tcpip transfer_complete Ok(1500)",
                "tcpip close_complete SUCCESS"
            ]
        );
        assert_eq!(*lock(&observer.received), [frame(1500)[14..].to_vec()]);
    });
}

#[test]
fn seed_20_a_payload_is_transferred_at_once_to_the_memory_of_the_protocol() {
    run(|world| {
        let (card, adapter, observer, _) = bound(&world);
        observer.script(|script| script.take_at_once = true);
        receive(&world, &card, adapter, vec![frame(1500), frame(47)]);
        assert_eq!(
            world.log.take_with("transfer"),
            [
                "card transfer 0 1500",
                "tcpip transferred Ok(())",
                "card transfer 0 47",
                "tcpip transferred Ok(())"
            ]
        );
        let payloads = [1500, 47].map(|length| frame(length)[14..].to_vec());
        assert_eq!(*lock(&observer.received), payloads);
        assert_eq!(world.binding().transfers, 2);
        card.script(|script| script.fail_transfers = true);
        receive(&world, &card, adapter, vec![frame(1500)]);
        assert_eq!(world.binding().transfers_failed, 1);
        // A card that needs time is asked again, with a packet, and counts once.
        card.script(|script| (script.fail_transfers, script.pend_transfers) = (false, true));
        receive(&world, &card, adapter, vec![frame(1500)]);
        let counters = world.binding();
        assert_eq!((counters.transfers, counters.transfers_failed), (2, 1));
        card.script(|script| script.pend_transfers = false);
        card.defer(Deferred::IndicatePacket(frame(1500)));
        world.interrupt(9);
        assert_eq!(world.binding().transfers, 3);
        assert_eq!(
            world.log.take_with("tcpip transferred"),
            [
                "tcpip transferred Err(FAILURE)",
                "tcpip transferred Err(PENDING)",
                "tcpip transferred Ok(())"
            ]
        );
    });
}

#[test]
fn seed_21_a_failed_transfer_is_dropped_and_counted() {
    run(|world| {
        let (card, adapter, observer, _) = bound(&world);
        observer.script(|script| script.take = true);
        card.script(|script| script.fail_transfers = true);
        receive(&world, &card, adapter, vec![frame(1500)]);
        assert_eq!(
            world.log.take_with("transferred"),
            ["tcpip transferred Err(FAILURE)"]
        );
        assert!(lock(&observer.received).is_empty());
        assert_eq!(world.binding().transfers_failed, 1);
    });
}

#[test]
fn a_packet_is_indicated_as_such_to_those_that_take_packets() {
    run(|world| {
        let (card, ..) = bound(&world);
        let packets = Observer::new("packets", world.log.clone(), world.pool);
        world.protocol_table(&packets, &protocol::table_with_receive_packet());
        packets.seat().set_filter(PacketFilter::DIRECTED);
        world.log.take();
        card.defer(Deferred::IndicatePacket(frame(1500)));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("receive"),
            [
                "tcpip receive 14 1500 1500",
                "packets receive_packet 1514",
                "tcpip receive_complete",
                "packets receive_complete"
            ]
        );
        assert_eq!(*lock(&packets.received), [frame(1500)]);
        // Frames that are in the card go to its Receive handler all the same.
        card.receive([frame(46)]);
        world.interrupt(9);
        assert_eq!(world.log.take_with("packets receive ").len(), 1);
    });
}

#[test]
fn a_packet_in_several_buffers_is_transferred_whole() {
    run(|world| {
        let (card, _, observer, _) = bound(&world);
        observer.script(|script| script.take = true);
        // Longer than one buffer: the lookahead is what the first one has.
        card.defer(Deferred::IndicatePacket(frame(3000)));
        world.interrupt(9);
        // The protocol's packet has room for one buffer only.
        assert_eq!(
            world.log.take_with("transferred"),
            ["tcpip transferred Err(RESOURCES)"]
        );
        card.defer(Deferred::IndicatePacket(frame(2040)));
        world.interrupt(9);
        assert_eq!(
            world.log.take_with("transferred"),
            ["tcpip transferred Ok(2040)"]
        );
        assert_eq!(*lock(&observer.received), [frame(2040)[14..].to_vec()]);
        for length in 0..14 {
            card.defer(Deferred::IndicatePacket(frame(46)[..length].to_vec()));
        }
        world.interrupt(9);
        assert!(world.log.take_with("tcpip").is_empty());
    });
}

#[test]
fn the_pool_of_the_protocol_may_be_empty() {
    run(|world| {
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        let poor = Observer::new("poor", world.log.clone(), PacketPool::new(0, 0));
        world.protocol_table(&poor, &protocol::table());
        poor.seat().set_filter(PacketFilter::DIRECTED);
        poor.script(|script| script.take = true);
        receive(&world, &card, adapter, vec![frame(46)]);
        assert_eq!(world.binding().frames_out_of_resources, 1);
        assert_eq!(
            NtStatus::from(NdisStatus::RESOURCES),
            NtStatus::INSUFFICIENT_RESOURCES
        );
    });
}
