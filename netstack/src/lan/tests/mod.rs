mod card;
mod loopback;
mod machine;
mod receive;

use std::vec::Vec;

use executive::Duration;
use ndis::{Medium, NdisStatus, Oid};

use super::receive::{Refusal, check};
use super::{LanBinding, LanEvent};
use crate::tests::support::{
    self, GATEWAY_IP, OUR_HARDWARE, OUR_IP, PEER_HARDWARE, PEER_IP, arp_request, describe, udp,
};
use crate::{HardwareAddress, InterfaceConfiguration, Prefix, Stack, StackConfiguration};
use card::Way;
use machine::{Machine, lock, run};

/// The binding that the machine begins with.
fn bound(machine: &Machine) -> LanBinding {
    match machine.events().pop() {
        Some(LanEvent::Bound { binding, .. }) => binding,
        other => panic!("{other:?}"),
    }
}

fn counter(machine: &Machine, name: &str) -> u64 {
    let counters = machine.lan.counters();
    let found = counters.iter().find(|&(at, _)| at == name);
    found.unwrap_or_else(|| panic!("no counter {name}")).1
}

fn packet(machine: &Machine, frame: &[u8]) -> ndis::Packet {
    support::packet(machine.pool, frame)
}

#[test]
fn an_adapter_is_bound_and_asked_for_frames() {
    run(8, |machine| {
        let events = machine.events();
        let [
            LanEvent::Bound {
                name,
                hardware_address,
                mtu,
                ..
            },
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!((*name, *mtu), ("ne0", 1500));
        assert_eq!(hardware_address.0, OUR_HARDWARE);
        let settings = lock(&machine.card.settings);
        let filter = settings
            .iter()
            .rfind(|(oid, _)| *oid == Oid::GEN_CURRENT_PACKET_FILTER);
        // Directed, multicast, broadcast.
        assert_eq!(
            filter.map(|(_, bytes)| &bytes[..]),
            Some(&[0x0B, 0, 0, 0][..])
        );
        let groups = settings
            .iter()
            .rfind(|(oid, _)| *oid == Oid::IEEE_802_3_MULTICAST_LIST);
        assert_eq!(
            groups.map(|(_, bytes)| &bytes[..]),
            Some(&[1, 0, 0x5E, 0, 0, 1][..])
        );
    });
}

#[test]
fn seed_19_what_is_not_accepted() {
    let binding = LanBinding::new(0, 1);
    let ethernet = Some((binding, Medium::Ieee802_3 as u32));
    let header = |ether_type: [u8; 2]| [&OUR_HARDWARE[..], &PEER_HARDWARE, &ether_type].concat();
    let ip = header([8, 0]);
    assert_eq!(check(ethernet, &ip), Ok(binding));
    assert_eq!(check(ethernet, &header([8, 6])), Ok(binding));
    let loopback = Some((binding, Medium::Loopback as u32));
    assert_eq!(check(loopback, &ip), Ok(binding));
    assert_eq!(check(None, &ip), Err(Refusal::NotStarted));
    for other in [Medium::Ieee802_5, Medium::Fddi, Medium::Wan] {
        let other = Some((binding, other as u32));
        assert_eq!(check(other, &ip), Err(Refusal::Medium));
    }
    for length in 0..14 {
        assert_eq!(check(ethernet, &ip[..length]), Err(Refusal::ShortHeader));
    }
    for ether_type in [[0x86, 0xDD], [0x08, 0x01], [0x05, 0xDC], [0, 0]] {
        assert_eq!(
            check(ethernet, &header(ether_type)),
            Err(Refusal::EtherType)
        );
    }
}

#[test]
fn seed_19_each_refusal_is_counted_and_takes_no_packet() {
    run(8, |machine| {
        bound(machine);
        let mut ipv6 = udp(9, 7, b"hello");
        (ipv6[12], ipv6[13]) = (0x86, 0xDD);
        machine.receive(Way::Lookahead(46), &[&ipv6]);
        assert_eq!(counter(machine, "not_accepted_ether_type"), 1);
        assert_eq!(machine.events().len(), 0);
        assert_eq!(machine.pool.usage().packets.peak, 0);
    });
}

#[test]
fn seed_20_a_frame_that_is_all_in_the_lookahead_is_copied() {
    run(8, |machine| {
        bound(machine);
        let frame = udp(9, 7, b"hello");
        machine.receive(Way::Lookahead(46), &[&frame]);
        assert_eq!(machine.frames(), [frame]);
        assert_eq!(counter(machine, "copied"), 1);
        assert!(lock(&machine.card.transfers).is_empty());
    });
}

#[test]
fn seed_20_the_rest_of_a_longer_frame_is_transferred() {
    run(8, |machine| {
        bound(machine);
        let frame = udp(9, 7, &[b'x'; 1472]);
        machine.receive(Way::Lookahead(46), &[&frame]);
        machine.receive(Way::Lookahead(0), &[&frame]);
        assert_eq!(machine.frames(), [frame.clone(), frame]);
        assert_eq!(*lock(&machine.card.transfers), [(46, 1454), (0, 1500)]);
        assert_eq!(counter(machine, "transferred"), 2);
    });
}

#[test]
fn seed_20_a_pending_transfer_is_completed_later() {
    run(8, |machine| {
        bound(machine);
        let frame = udp(9, 7, &[b'x'; 200]);
        machine.receive(Way::PendingTransfer(46), &[&frame]);
        assert!(machine.frames().is_empty());
        machine.interrupt();
        assert_eq!(machine.frames(), [frame]);
        assert_eq!(counter(machine, "transfers_pended"), 1);
    });
}

#[test]
fn seed_21_a_failed_transfer_is_dropped() {
    run(8, |machine| {
        bound(machine);
        let frame = udp(9, 7, &[b'x'; 200]);
        machine.receive(Way::FailingTransfer(46), &[&frame]);
        machine.receive(Way::PendingFailure(46), &[&frame]);
        machine.interrupt();
        assert!(machine.frames().is_empty());
        assert_eq!(counter(machine, "dropped_transfer_failed"), 2);
    });
}

#[test]
fn seed_21_a_batch_queues_the_work_item_once() {
    run(8, |machine| {
        bound(machine);
        let before = lock(&machine.seen).runs;
        let frames: Vec<_> = (0..5_u8).map(|index| udp(9, 7, &[index])).collect();
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        machine.receive(Way::Lookahead(46), &frames);
        assert_eq!(machine.frames(), frames);
        assert_eq!(lock(&machine.seen).runs, before + 1);
        assert_eq!(counter(machine, "batches"), 1);
        let mut refused = frames[0].to_vec();
        refused[13] = 1;
        machine.receive(Way::Lookahead(46), &[&refused]);
        assert_eq!(lock(&machine.seen).runs, before + 1, "nothing to do");
    });
}

#[test]
fn a_frame_that_is_a_packet_is_shared() {
    run(8, |machine| {
        bound(machine);
        let frame = udp(9, 7, &[b'x'; 200]);
        machine.receive(Way::Packet, &[&frame]);
        assert_eq!(machine.frames(), [frame]);
        assert_eq!(counter(machine, "shared"), 1);
        assert_eq!(machine.pool.usage().buffers.peak, 1, "no copy");
    });
}

#[test]
fn a_full_queue_drops_and_counts() {
    run(2, |machine| {
        bound(machine);
        *lock(&machine.takes) = false;
        let frame = udp(9, 7, &[b'x'; 200]);
        machine.receive(Way::Lookahead(46), &[&frame, &frame, &frame]);
        machine.receive(Way::Packet, &[&frame]);
        assert_eq!(machine.lan.queued_frames(), 2);
        assert_eq!(counter(machine, "dropped_queue_full"), 2);
        assert_eq!(lock(&machine.card.transfers).len(), 2, "not even read");
        *lock(&machine.takes) = true;
        machine.receive(Way::Lookahead(46), &[&frame]);
        assert_eq!(machine.frames().len(), 2);
        assert_eq!(machine.lan.queued_frames(), 0);
    });
}

#[test]
fn an_exhausted_pool_drops_and_counts() {
    run(8, |machine| {
        bound(machine);
        let hoard: Vec<_> = core::iter::from_fn(|| machine.pool.allocate(0)).collect();
        machine.receive(Way::Lookahead(46), &[&udp(9, 7, b"hello")]);
        assert_eq!(counter(machine, "dropped_no_packet"), 1);
        drop(hoard);
        machine.receive(Way::Lookahead(46), &[&udp(9, 7, b"hello")]);
        assert_eq!(machine.frames().len(), 1);
    });
}

#[test]
fn a_frame_longer_than_a_buffer_is_dropped() {
    run(8, |machine| {
        bound(machine);
        let mut frame = udp(9, 7, &[b'x'; 1472]);
        frame.resize(2048, 0);
        machine.receive(Way::Lookahead(46), &[&frame]);
        assert!(machine.frames().is_empty());
        assert_eq!(counter(machine, "dropped_too_long"), 1);
    });
}

#[test]
fn frames_are_sent_at_once_or_later_or_not() {
    run(8, |machine| {
        let binding = bound(machine);
        let frame = udp(9, 7, b"hello");
        let send = || machine.lan.send(binding, packet(machine, &frame));
        assert_eq!(send(), NdisStatus::SUCCESS);
        *lock(&machine.card.keep_sends) = true;
        assert_eq!(send(), NdisStatus::PENDING);
        assert_eq!(machine.pool.usage().packets.used, 1);
        machine.interrupt();
        assert_eq!(machine.pool.usage().packets.used, 0);
        *lock(&machine.card.fail_sends) = true;
        assert!(!send().is_success());
        let counters = machine.lan.counters();
        assert_eq!(
            (
                counters.sent,
                counters.sends_pended,
                counters.sends_completed
            ),
            (1, 1, 1)
        );
        assert_eq!(counters.unsent_failed, 1);
        assert_eq!(*lock(&machine.card.sent), [frame.clone(), frame.clone()]);
    });
}

#[test]
fn a_stopped_adapter_is_unbound_and_can_come_back() {
    run(8, |machine| {
        let first = bound(machine);
        machine.stop();
        machine.settle();
        let events = machine.events();
        assert!(
            matches!(events[..], [LanEvent::Unbound { binding }] if binding == first),
            "{events:?}"
        );
        let frame = udp(9, 7, b"hello");
        assert_eq!(
            machine.lan.send(first, packet(machine, &frame)),
            NdisStatus::CLOSING
        );
        assert_eq!(counter(machine, "unsent_not_bound"), 1);
        machine.start();
        let second = bound(machine);
        assert_ne!(first, second);
        assert_eq!(
            machine.lan.send(first, packet(machine, &frame)),
            NdisStatus::CLOSING,
            "the old name leads nowhere"
        );
        machine.receive(Way::Lookahead(46), &[&frame]);
        assert_eq!(machine.frames(), [frame]);
    });
}

#[test]
fn bindings_whose_events_are_not_taken_are_refused_at_last() {
    run(8, |machine| {
        bound(machine);
        *lock(&machine.takes) = false;
        machine.stop();
        machine.start();
        assert_eq!(counter(machine, "refused_bindings"), 1);
        *lock(&machine.takes) = true;
        machine.stop();
        machine.lan.events().for_each(drop);
        machine.start();
        bound(machine);
    });
}

#[test]
fn seed_10_an_adapter_of_another_medium_is_not_bound_and_takes_no_place() {
    run(8, |machine| {
        bound(machine);
        let start_as = |medium| {
            machine.stop();
            *lock(&machine.card.medium) = medium;
            machine.start();
            machine.events()
        };
        for _ in 0..4 {
            start_as(Medium::Ieee802_5);
        }
        assert_eq!(counter(machine, "bound"), 1);
        assert_eq!(counter(machine, "refused_bindings"), 0);
        let events = start_as(Medium::Ieee802_3);
        assert!(matches!(events[..], [LanEvent::Bound { .. }]), "{events:?}");
    });
}

#[test]
fn a_refused_packet_filter_undoes_the_binding() {
    run(8, |machine| {
        bound(machine);
        *lock(&machine.card.refuse_filter) = true;
        machine.stop();
        machine.start();
        assert_eq!(counter(machine, "bound"), counter(machine, "unbound"));
        let last = machine.events().pop();
        assert!(matches!(last, Some(LanEvent::Unbound { .. })), "{last:?}");
    });
}

/// The whole way: card, interrupt, DPC, binding, work item, stack, and back.
#[test]
fn seed_21_a_question_on_the_wire_is_answered_on_the_wire() {
    run(8, |machine| {
        let binding = bound(machine);
        let mut stack = Stack::new(&StackConfiguration::default(), machine.pool, [5, 6]);
        let now = machine.simulation.now();
        let interface = stack
            .add_interface(&InterfaceConfiguration {
                name: "ne0",
                hardware_address: HardwareAddress(OUR_HARDWARE),
                mtu: 1500,
                address: Prefix::new(OUR_IP.into(), 24),
                gateway: Some(GATEWAY_IP.into()),
            })
            .expect("an interface");
        stack.interface_up(interface, now);
        let question = arp_request(PEER_HARDWARE, PEER_IP, OUR_IP);
        let echo = support::echo_request(1, 2, &[b'x'; 300]);
        machine.receive(Way::Lookahead(46), &[&question, &echo]);
        for event in machine.events() {
            let LanEvent::Frame { packet, .. } = event else {
                panic!("{event:?}");
            };
            stack.receive(interface, packet, now + Duration::from_millis(1));
        }
        while let Some((_, packet)) = stack.next_frame() {
            assert_eq!(machine.lan.send(binding, packet), NdisStatus::SUCCESS);
        }
        let sent: Vec<_> = lock(&machine.card.sent)
            .iter()
            .map(|frame| describe(frame))
            .collect();
        assert!(sent[0].contains("who-has 10.0.2.15 tell 10.0.2.15"));
        assert!(sent[1].contains("10.0.2.15 is-at 52-54-00-12-34-56"));
        assert!(sent[2].contains("echo reply 1/2 xxx"));
        assert_eq!(sent.len(), 3);
    });
}
