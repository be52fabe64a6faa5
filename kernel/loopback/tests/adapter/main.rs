//! The loopback adapter under the wrapper, on a simulated machine.

mod information;
mod world;

use etherparse::{EtherType, Ethernet2Header};
use executive::Irql;
use ndis::{Medium, NdisStatus, PacketFilter};
use proptest::prelude::*;

use loopback::{HARDWARE_ADDRESS, MAXIMUM_FRAME_SIZE, QUEUE_LENGTH};
use world::{Peer, SEND_QUEUE_LENGTH, World, run};

/// A frame with so many bytes of payload, which begins with its number.
fn frame_to(destination: [u8; 6], number: u32, payload: usize) -> Vec<u8> {
    let header = Ethernet2Header {
        source: HARDWARE_ADDRESS.0,
        destination,
        ether_type: EtherType::IPV4,
    };
    let mut frame = header.to_bytes().to_vec();
    let text = number.to_be_bytes().into_iter().cycle().take(payload);
    frame.extend(text.enumerate().map(|(place, byte)| byte ^ place as u8));
    frame
}

fn frame(number: u32, payload: usize) -> Vec<u8> {
    frame_to(HARDWARE_ADDRESS.0, number, payload)
}

#[test]
fn seed_9_the_medium_is_loopback_with_ethernets_header() {
    run(|world| {
        assert_eq!(world.adapter.medium(), Medium::Loopback);
        assert_eq!(Medium::Loopback as u32, 17, "NdisMediumLoopback");
        assert_eq!(Medium::Loopback.header_size(), 14);
        assert_eq!(world.adapter.hardware_address().0, [0; 6]);
        assert_eq!(world.adapter.maximum_frame_size(), 65_535);
    });
}

#[test]
fn seed_10_a_protocol_that_does_not_know_the_medium_is_refused() {
    run(|world| {
        let (_, opened) = Peer::register(world, "old", 4, &[Medium::Ieee802_3]);
        assert_eq!(opened, Err(NdisStatus::UNSUPPORTED_MEDIA));
        let media = [Medium::Ieee802_3, Medium::Loopback];
        let (peer, opened) = Peer::register(world, "new", 4, &media);
        assert_eq!(opened, Ok(()));
        assert_eq!(peer.handle().medium_index(), 1);
    });
}

#[test]
fn a_frame_comes_back_once_and_from_a_call_of_its_own() {
    run(|world| {
        let peer = world.listener("peer", 4);
        {
            let _raised = world.executive.raise_irql(Irql::Dispatch);
            assert_eq!(peer.send(&frame(1, 100)), NdisStatus::SUCCESS);
            assert!(peer.received().is_empty(), "not before Send is over");
        }
        world.settle();
        assert_eq!(peer.received(), [frame(1, 100)]);
        assert!(peer.completed().is_empty(), "Send has said it all");
        assert_eq!(peer.batches(), 1);
    });
}

#[test]
fn every_binding_hears_it_the_sender_too() {
    run(|world| {
        let peers = [("one", 3), ("two", 4), ("three", 5)];
        let peers = peers.map(|(name, version)| world.listener(name, version));
        let broadcast = frame_to([0xFF; 6], 2, 60);
        for sent in [frame(1, 4000), broadcast] {
            assert_eq!(peers[0].send(&sent), NdisStatus::SUCCESS);
            world.settle();
            for peer in &peers {
                assert_eq!(peer.received(), std::slice::from_ref(&sent));
            }
        }
    });
}

#[test]
fn the_filter_decides_what_a_binding_hears() {
    run(|world| {
        let (peer, _) = Peer::register(world, "peer", 4, &[Medium::Loopback]);
        let frames = [
            frame(1, 10),
            frame_to([0xFF; 6], 2, 10),
            frame_to([1, 0, 0x5E, 0, 0, 1], 3, 10),
            frame_to([2, 0, 0, 0, 0, 7], 4, 10),
        ];
        let heard = |filter: Option<PacketFilter>| {
            if let Some(filter) = filter {
                peer.set_filter(filter);
            }
            for frame in &frames {
                assert_eq!(peer.send(frame), NdisStatus::SUCCESS);
            }
            world.settle();
            let received = peer.received();
            [0, 1, 2, 3].map(|at: usize| received.contains(&frames[at]))
        };
        assert_eq!(heard(None), [false; 4], "nothing until a filter is set");
        let directed = Some(PacketFilter::DIRECTED);
        assert_eq!(heard(directed), [true, false, false, false]);
        let broadcast = Some(PacketFilter::BROADCAST);
        assert_eq!(heard(broadcast), [false, true, false, false]);
        let multicast = Some(PacketFilter::ALL_MULTICAST);
        assert_eq!(heard(multicast), [false, false, true, false]);
        assert_eq!(heard(Some(PacketFilter::PROMISCUOUS)), [true; 4]);
    });
}

#[test]
fn a_protocol_that_sends_from_receive_is_not_called_from_within() {
    run(|world| {
        let peer = world.listener("peer", 4);
        let other = world.listener("other", 3);
        peer.reply(1000);
        assert_eq!(peer.send(&frame(1, 100)), NdisStatus::SUCCESS);
        world.settle();
        assert_eq!(peer.received().len(), 1001);
        assert_eq!(other.received().len(), 1001);
        assert_eq!(peer.greatest_depth(), 1);
        // Sent while the miniport was at work, so each has its SendComplete.
        assert_eq!(peer.completed(), [NdisStatus::SUCCESS; 1000]);
    });
}

/// Sends so many frames while nothing can be received; gives the statuses.
fn flood(world: &World, peer: &Peer, count: usize) -> Vec<NdisStatus> {
    let _raised = world.executive.raise_irql(Irql::Dispatch);
    let frames = 0..count as u32;
    frames.map(|at| peer.send(&frame(at, 8))).collect()
}

#[test]
fn seed_32_a_full_queue_makes_sends_wait_and_each_ends_once() {
    run(|world| {
        let peer = world.listener("peer", 4);
        let room = QUEUE_LENGTH + SEND_QUEUE_LENGTH;
        for _ in 0..3 {
            let statuses = flood(world, &peer, room + 10);
            let (sent, rest) = statuses.split_at(QUEUE_LENGTH);
            let (pending, refused) = rest.split_at(SEND_QUEUE_LENGTH);
            assert!(sent.iter().all(|status| status.is_success()));
            assert!(pending.iter().all(|status| status.is_pending()));
            assert_eq!(refused, [NdisStatus::RESOURCES; 10]);
            world.settle();
            let received = peer.received();
            let expected: Vec<_> = (0..room as u32).map(|at| frame(at, 8)).collect();
            assert_eq!(received, expected, "all that were taken, in their order");
            assert_eq!(peer.completed(), [NdisStatus::SUCCESS; SEND_QUEUE_LENGTH]);
        }
        let counters = world.adapter.counters();
        assert_eq!(counters.sends_done, 3 * room as u64);
        assert_eq!(counters.frames_received, 3 * room as u64);
    });
}

#[test]
fn a_reset_loses_nothing() {
    run(|world| {
        let peer = world.listener("peer", 4);
        {
            let _raised = world.executive.raise_irql(Irql::Dispatch);
            assert_eq!(peer.send(&frame(1, 8)), NdisStatus::SUCCESS);
            let reset = world.ndis.reset_adapter(&world.adapter);
            assert!(reset.is_success() || reset.is_pending(), "{reset}");
            let status = peer.send(&frame(2, 8));
            assert!(status.is_success() || status.is_pending(), "{status}");
        }
        world.settle();
        assert_eq!(peer.received(), [frame(1, 8), frame(2, 8)]);
    });
}

#[test]
fn a_halted_adapter_gives_its_packets_back_and_starts_again() {
    run(|world| {
        let peer = world.listener("peer", 4);
        let statuses = flood(world, &peer, 10);
        assert!(statuses.iter().all(|status| status.is_success()));
        world.ndis.stop_device(&world.adapter).expect("it runs");
        world.ndis.start_device(&world.adapter).expect("it starts");
        world.settle();
        peer.received();
        let again = world.listener("again", 4);
        assert_eq!(again.send(&frame(1, 8)), NdisStatus::SUCCESS);
        world.settle();
        assert_eq!(again.received(), [frame(1, 8)]);
        assert!(peer.received().is_empty());
    });
}

#[test]
fn frames_of_every_length_up_to_the_maximum_come_back() {
    run(|world| {
        let peer = world.listener("peer", 4);
        let reader = world.listener("reader", 3);
        let longest = MAXIMUM_FRAME_SIZE as usize;
        for length in [0, 1, 46, 1500, 2033, 2034, 2035, 2048, 10_000, longest] {
            let sent = frame(7, length);
            assert_eq!(peer.send(&sent), NdisStatus::SUCCESS);
            world.settle();
            assert_eq!(peer.received(), std::slice::from_ref(&sent));
            assert_eq!(reader.received(), [sent]);
        }
        let status = peer.send(&frame(7, longest + 1));
        assert!(!status.is_success() && !status.is_pending(), "{status}");
        let status = peer.send(&[0; 13]);
        assert!(!status.is_success() && !status.is_pending(), "{status}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sent_is_received_once_unchanged_and_in_order(
        bursts in prop::collection::vec(
            prop::collection::vec(0..4000_usize, 0..90), 1..5,
        ),
    ) {
        run(move |world| {
            let peer = world.listener("peer", 4);
            let (mut expected, mut pending, mut number) = (Vec::new(), 0, 0);
            for burst in bursts {
                let raised = world.executive.raise_irql(Irql::Dispatch);
                for length in burst {
                    number += 1;
                    let sent = frame(number, length);
                    match peer.send(&sent) {
                        NdisStatus::SUCCESS => {}
                        NdisStatus::PENDING => pending += 1,
                        status => panic!("{status}"),
                    }
                    expected.push(sent);
                }
                drop(raised);
                world.settle();
                assert_eq!(peer.received(), expected);
                assert_eq!(peer.completed().len(), pending);
                expected.clear();
                pending = 0;
            }
        });
    }
}
