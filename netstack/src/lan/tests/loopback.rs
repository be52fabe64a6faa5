use ndis::{Medium, NdisStatus};

use super::card::Way;
use super::machine::{Machine, lock, run};
use super::{LanBinding, LanEvent, bound, counter, packet};
use crate::tests::support::{EVERYBODY, OUR_HARDWARE, OUR_IP, PEER_IP, udp, udp_frame};

/// Starts the adapter again with another medium.
fn start_as(machine: &Machine, medium: Medium) -> Option<(LanBinding, Medium)> {
    machine.stop();
    *lock(&machine.card.medium) = medium;
    let started = machine.ndis.start_device(&machine.adapter);
    started.expect("started");
    machine.settle();
    machine
        .events()
        .into_iter()
        .rev()
        .find_map(|event| match event {
            LanEvent::Bound {
                binding, medium, ..
            } => Some((binding, medium)),
            _ => None,
        })
}

#[test]
fn seed_10_ethernet_and_loopback_are_the_media_that_can_be_opened() {
    run(8, |machine| {
        for &medium in Medium::ALL {
            let known = matches!(medium, Medium::Ieee802_3 | Medium::Loopback);
            let bound = start_as(machine, medium).map(|(_, medium)| medium);
            assert_eq!(bound, known.then_some(medium), "{medium}");
        }
    });
}

#[test]
fn frames_come_and_go_on_a_loopback_adapter() {
    run(8, |machine| {
        let (binding, _) = start_as(machine, Medium::Loopback).expect("bound");
        let frame = udp(9, 7, b"hello");
        let status = machine.lan.send(binding, packet(machine, &frame));
        assert_eq!(status, NdisStatus::SUCCESS);
        assert_eq!(*lock(&machine.card.sent), std::slice::from_ref(&frame));
        machine.receive(Way::Packet, &[&frame]);
        assert_eq!(machine.frames(), [frame]);
        assert_eq!(counter(machine, "shared"), 1);
    });
}

#[test]
fn what_the_protocol_sends_is_not_indicated_to_it() {
    run(8, |machine| {
        let binding = bound(machine);
        let ends = ((OUR_IP, 9), (PEER_IP, 7));
        for hardware in [EVERYBODY, OUR_HARDWARE, [1, 0, 0x5E, 0, 0, 1]] {
            let frame = udp_frame(hardware, ends.0, ends.1, b"hello");
            let status = machine.lan.send(binding, packet(machine, &frame));
            assert!(status.is_success(), "{status}");
        }
        machine.settle();
        assert_eq!(counter(machine, "indicated"), 0);
    });
}
