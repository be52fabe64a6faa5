//! Netem and firewall in stacks: what they drop, hold, make and answer, through NDIS.

use etherparse::{Icmpv4Type, NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use executive::Duration;
use filters::FilterKind;
use ndis::{NdisStatus, PacketPool};

use crate::memory::allocations;
use crate::support::card::{ADDRESS, PEER, frame_out};
use crate::support::{World, lock, run, run_with};

const OUR_ADDRESS: [u8; 4] = [10, 0, 2, 15];
const THEIR_ADDRESS: [u8; 4] = [10, 0, 2, 2];

/// Puts a netem with settings on top of the stack.
fn add_netem(world: &World, settings: &str) -> &'static str {
    let name = world.add(FilterKind::Netem);
    set(world, name, settings);
    name
}

fn set(world: &World, name: &str, settings: &str) {
    let set = world
        .filters
        .with_netem(name, |netem| netem.set(settings))
        .expect("a netem");
    assert_eq!(set, Ok(()));
}

/// Puts a firewall with rules on top of the stack.
fn add_firewall(world: &World, rules: &str) -> &'static str {
    let name = world.add(FilterKind::Firewall);
    let loaded = world
        .filters
        .with_firewall(name, |firewall| firewall.load(rules))
        .expect("a firewall");
    assert_eq!(loaded, Ok(()));
    name
}

/// One of the counters of a filter.
fn counter(world: &World, filter: &str, name: &str) -> u64 {
    let mut found = None;
    world
        .filters
        .counters(filter, &mut |counter, value| {
            if counter == name {
                found = Some(value);
            }
        })
        .expect("a filter");
    found.expect("a counter")
}

/// A datagram and a segment from the peer to the card, or the other way.
fn udp_and_syn(to_the_card: bool) -> [Vec<u8>; 2] {
    let (stations, addresses) = if to_the_card {
        ((PEER, ADDRESS), (THEIR_ADDRESS, OUR_ADDRESS))
    } else {
        ((ADDRESS, PEER), (OUR_ADDRESS, THEIR_ADDRESS))
    };
    let ip = || PacketBuilder::ethernet2(stations.0, stations.1).ipv4(addresses.0, addresses.1, 64);
    let mut frames = [Vec::new(), Vec::new()];
    let udp = ip().udp(5000, 7).write(&mut frames[0], b"hello");
    let syn = ip()
        .tcp(5000, 80, 99, 1024)
        .syn()
        .write(&mut frames[1], &[]);
    udp.and(syn).expect("frames");
    frames
}

/// Asserts that these are "port unreachable" and a reset for those frames, from `source`.
fn assert_answers(answers: &[Vec<u8>], source: [u8; 4]) {
    assert_eq!(answers.len(), 2);
    for (index, answer) in answers.iter().enumerate() {
        let sliced = SlicedPacket::from_ethernet(answer).expect("a frame");
        let Some(NetSlice::Ipv4(ip)) = sliced.net else {
            panic!("no IPv4");
        };
        assert_eq!(ip.header().source(), source);
        match sliced.transport {
            Some(TransportSlice::Icmpv4(message)) => {
                assert_eq!(index, 0);
                let Icmpv4Type::DestinationUnreachable(why) = message.icmp_type() else {
                    panic!("no destination unreachable");
                };
                assert_eq!(why.code_u8(), 3);
            }
            Some(TransportSlice::Tcp(segment)) => {
                assert_eq!(index, 1);
                assert!(segment.rst());
                assert_eq!(segment.acknowledgment_number(), 100);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_rejected_frame_from_the_wire_is_answered_on_the_wire() {
    run(0, |world| {
        add_netem(&world, "off");
        let firewall = add_firewall(&world, "reject in ip");
        add_netem(&world, "off");
        lock(&world.card.ring).extend(udp_and_syn(true));
        world.interrupt();
        assert_answers(&lock(&world.card.sent), OUR_ADDRESS);
        assert_eq!(*lock(&world.tcpip.others), Vec::<Vec<u8>>::new());
        assert_eq!(counter(&world, firewall, "rejected_in"), 2);
        // What the rule does not name passes.
        world.receive([7]);
        assert_eq!(world.tcpip.take_received(), [7]);
    });
}

#[test]
fn a_rejected_frame_of_a_protocol_is_answered_to_the_protocol() {
    run(0, |world| {
        add_netem(&world, "off");
        let firewall = add_firewall(&world, "reject out ip");
        add_netem(&world, "off");
        for frame in udp_and_syn(false) {
            // The send is over, and well as far as the protocol can know.
            assert_eq!(world.tcpip.send_frame(&frame), NdisStatus::SUCCESS);
        }
        world.settle();
        assert_answers(&lock(&world.tcpip.others), THEIR_ADDRESS);
        assert_eq!(*lock(&world.card.sent), Vec::<Vec<u8>>::new());
        assert_eq!(counter(&world, firewall, "rejected_out"), 2);
        assert_eq!(world.tcpip.take_ended().len(), 2);
    });
}

#[test]
fn a_dropped_send_is_completed_once_and_its_packet_comes_back() {
    run(0, |world| {
        let netem = add_netem(&world, "out.loss=100%");
        for number in 0..200 {
            assert_eq!(world.tcpip.send(number), NdisStatus::SUCCESS);
        }
        assert!(world.card.take_sent().is_empty());
        assert_eq!(world.tcpip.take_sent().len(), 200);
        assert_eq!(counter(&world, netem, "lost_out"), 200);
        set(&world, netem, "off");
        add_firewall(&world, "drop out");
        for number in 0..200 {
            assert_eq!(world.tcpip.send(number), NdisStatus::SUCCESS);
        }
        assert!(world.card.take_sent().is_empty());
        assert_eq!(world.tcpip.take_sent().len(), 200);
    });
}

#[test]
fn what_is_lost_and_doubled_agrees_with_the_counters() {
    run(0, |world| {
        let netem = add_netem(&world, "loss=10% duplicate=5% seed=1");
        for number in 0..1000 {
            world.tcpip.send(number);
        }
        for first in (0..1000).step_by(20) {
            world.receive(first..first + 20);
        }
        assert_eq!(world.tcpip.take_sent().len(), 1000);
        let sent = world.card.take_sent();
        let received = world.tcpip.take_received();
        for (numbers, direction) in [(&sent, "out"), (&received, "in")] {
            assert!(numbers.is_sorted());
            let count = |name: &str| counter(&world, netem, &format!("{name}_{direction}"));
            let (lost, doubled) = (count("lost"), count("duplicated"));
            assert_eq!(numbers.len() as u64, 1000 + doubled - lost);
            assert!((70..=140).contains(&lost), "{lost}");
            assert!((30..=80).contains(&doubled), "{doubled}");
        }
    });
}

#[test]
fn a_rate_is_kept_on_the_wire() {
    run(0, |world| {
        add_netem(&world, "out.rate=100K");
        // Frames of 200 bytes: one each 2 ms.
        let start = world.machine.now();
        for number in 0..20 {
            assert_eq!(world.tcpip.send(number), NdisStatus::SUCCESS);
        }
        let mut sent = Vec::new();
        for _ in 0..60 {
            world.settle();
            sent.extend(world.card.take_sent());
            let millis = (world.machine.now() - start).as_micros().div_ceil(1000);
            // The timer comes with the first tick after a frame is due.
            assert!(
                sent.len() as u64 <= millis / 2,
                "{} at {millis}",
                sent.len()
            );
            assert!(
                sent.len() as u64 >= (millis.saturating_sub(3) / 2).min(20),
                "{} at {millis}",
                sent.len()
            );
        }
        assert!(sent.into_iter().eq(0..20));
        assert_eq!(world.tcpip.take_sent().len(), 20);
    });
}

#[test]
fn jitter_and_reordering_change_the_order_and_lose_nothing() {
    for (seed, settings) in [(0, "delay=5ms reorder=30%"), (1, "delay=5ms jitter=4ms")] {
        run(seed, move |world| {
            add_netem(&world, settings);
            for number in 0..30 {
                world.tcpip.send(number);
            }
            world.receive(0..30);
            world.executive().sleep(Duration::from_millis(12));
            let numbers = [world.card.take_sent(), world.tcpip.take_received()];
            for mut numbers in numbers {
                assert!(!numbers.is_sorted(), "{settings}");
                numbers.sort_unstable();
                assert!(numbers.into_iter().eq(0..30), "{settings}");
            }
            assert_eq!(world.tcpip.take_sent().len(), 30);
        });
    }
}

#[test]
fn a_netem_leaves_some_of_the_pool_and_survives_that_others_take_it() {
    run_with(
        0,
        PacketPool::new(17, 17),
        |_| {},
        |world| {
            let netem = add_netem(&world, "delay=10s duplicate=100%");
            for number in 0..40 {
                world.tcpip.send(number);
                world.receive([number]);
            }
            assert!(counter(&world, netem, "pool_short_out") > 0);
            let mut others: Vec<_> = core::iter::from_fn(|| world.pool.allocate(0)).collect();
            assert_eq!(others.len(), 17 / 4);
            for number in 40..80 {
                world.tcpip.send(number);
                world.receive([number]);
                others.truncate(17 / 4 - 1);
            }
            assert!(counter(&world, netem, "no_packet_out") > 0);
            drop(others);
            let failed = world.tcpip.take_ended();
            assert!(
                failed
                    .iter()
                    .any(|(_, status)| *status == NdisStatus::RESOURCES)
            );
            assert_eq!(world.filters.remove(netem), Ok(()));
            assert!(!world.card.take_sent().is_empty());
            world.settle();
            world.tcpip.take_received();
            // It works as before.
            world.receive([99]);
            assert_eq!(world.tcpip.take_received(), [99]);
            assert_eq!(world.tcpip.send(99), NdisStatus::SUCCESS);
            assert_eq!(world.card.take_sent(), [99]);
        },
    );
}

#[test]
fn holding_duplicating_and_corrupting_allocates_nothing() {
    run(0, |world| {
        add_firewall(&world, "allow udp; allow out");
        add_netem(
            &world,
            "delay=10s duplicate=50% corrupt=50% limit=256 seed=1",
        );
        let packets: Vec<_> = (0..50)
            .map(|number| {
                let mut packet = world.pool.allocate(0).expect("a packet");
                assert!(packet.append_slice(&frame_out(number, 200)));
                packet
            })
            .collect();
        let handle = world.tcpip.handle();
        let held = allocations(|| {
            for packet in packets {
                assert!(world.ndis.send(&handle, packet).is_success());
            }
        });
        assert_eq!(held, Some(0));
        assert_eq!(world.filters.remove("netem1"), Ok(()));
        lock(&world.card.sent).clear();
    });
}
