use std::vec::Vec;

use etherparse::ArpOperation;
use executive::time::Duration;

use super::super::NeighbourState;
use crate::StackConfiguration;
use crate::tests::support::{
    EVERYBODY, GATEWAY_IP, Host, OUR_HARDWARE, OUR_IP, PEER_HARDWARE, PEER_IP, arp, arp_frame,
    arp_reply, arp_request,
};

use super::STRANGER;

#[test]
fn rfc5227_2_3_an_interface_announces_its_address_when_it_comes_up() {
    let mut host = Host::made_of(&StackConfiguration::default(), OUR_HARDWARE, OUR_IP);
    assert_eq!(
        host.sent(),
        ["ff-ff-ff-ff-ff-ff arp who-has 10.0.2.15 tell 10.0.2.15 at 52-54-00-12-34-56"]
    );
    assert_eq!(host.stack.counters().arp.announcements_sent, 1);
}

#[test]
fn a_request_for_our_address_is_answered_and_its_sender_known() {
    let mut host = Host::new();
    host.receive(&arp_request(PEER_HARDWARE, PEER_IP, OUR_IP));
    assert_eq!(
        host.sent(),
        [
            "52-55-0a-00-02-03 arp 10.0.2.15 is-at 52-54-00-12-34-56 for 10.0.2.3 at 52-55-0a-00-02-03"
        ]
    );
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Stale));
}

#[test]
fn a_request_for_another_address_is_ignored_and_teaches_nothing() {
    let mut host = Host::new();
    host.receive(&arp_request(PEER_HARDWARE, PEER_IP, GATEWAY_IP));
    assert!(host.sent().is_empty());
    assert_eq!(host.neighbour(PEER_IP), None);
    assert_eq!(host.stack.counters().arp.ignored, 1);
}

#[test]
fn an_unasked_reply_of_a_stranger_is_ignored() {
    let mut host = Host::new();
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert_eq!(host.neighbour(PEER_IP), None);
    assert_eq!(host.stack.counters().arp.ignored, 1);
}

#[test]
fn rfc5227_2_1_1_a_probe_is_answered_but_its_sender_not_remembered() {
    let mut host = Host::new();
    host.receive(&arp_request(PEER_HARDWARE, [0; 4], OUR_IP));
    assert_eq!(
        host.sent(),
        [
            "52-55-0a-00-02-03 arp 10.0.2.15 is-at 52-54-00-12-34-56 for 0.0.0.0 at 52-55-0a-00-02-03"
        ]
    );
    assert_eq!(host.stack.neighbours(host.now).count(), 0);
}

#[test]
fn rfc5227_2_4_a_conflict_is_counted_and_the_address_defended_once_in_10_s() {
    const DEFENCE: &str =
        "ff-ff-ff-ff-ff-ff arp who-has 10.0.2.15 tell 10.0.2.15 at 52-54-00-12-34-56";
    let mut host = Host::new();
    host.receive(&arp_request(STRANGER, OUR_IP, PEER_IP));
    host.receive(&arp_request(STRANGER, OUR_IP, PEER_IP));
    assert_eq!(host.sent(), [DEFENCE]);
    host.advance(Duration::from_secs(10));
    host.receive(&arp_request(STRANGER, OUR_IP, OUR_IP));
    assert_eq!(host.sent(), [DEFENCE]);
    assert_eq!(host.stack.counters().arp.conflicts, 3);
    assert_eq!(host.stack.neighbours(host.now).count(), 0);
}

#[test]
fn our_own_message_coming_back_is_no_conflict() {
    let mut host = Host::new();
    host.receive(&arp_request(OUR_HARDWARE, OUR_IP, OUR_IP));
    assert_eq!(host.stack.counters().arp.conflicts, 0);
    assert_eq!(host.stack.counters().arp.ignored, 1);
}

/// A field of a message, how to break it, and the counter that must count it.
type Fault = (&'static str, fn(&mut Vec<u8>), &'static str);

#[test]
fn each_wrong_field_has_its_counter() {
    let faults: [Fault; 14] = [
        (
            "short",
            |frame| frame.truncate(14 + 27),
            "dropped_too_short",
        ),
        (
            "hardware type",
            |frame| frame[15] = 6,
            "dropped_hardware_type",
        ),
        (
            "hardware length",
            |frame| frame[18] = 8,
            "dropped_hardware_type",
        ),
        (
            "protocol type",
            |frame| frame[17] = 1,
            "dropped_protocol_type",
        ),
        (
            "protocol length",
            |frame| frame[19] = 6,
            "dropped_protocol_type",
        ),
        ("operation 0", |frame| frame[21] = 0, "dropped_operation"),
        ("operation 3", |frame| frame[21] = 3, "dropped_operation"),
        (
            "group sender",
            |frame| frame[22] = 1,
            "dropped_sender_hardware",
        ),
        (
            "no sender",
            |frame| frame[22..28].fill(0),
            "dropped_sender_hardware",
        ),
        (
            "broadcast sender",
            |frame| frame[28..32].fill(255),
            "dropped_sender_address",
        ),
        (
            "group sender address",
            |frame| frame[28] = 224,
            "dropped_sender_address",
        ),
        (
            "network's broadcast",
            |frame| frame[31] = 255,
            "dropped_sender_address",
        ),
        (
            "network's own address",
            |frame| frame[31] = 0,
            "dropped_sender_address",
        ),
        (
            "other network",
            |frame| frame[30] = 3,
            "dropped_sender_address",
        ),
    ];
    for (name, break_it, counter) in faults {
        let mut host = Host::new();
        let mut frame = arp_request(PEER_HARDWARE, PEER_IP, OUR_IP);
        break_it(&mut frame);
        host.receive(&frame);
        let counted = host
            .stack
            .counters()
            .arp
            .iter()
            .find(|&(at, _)| at == counter);
        assert_eq!(counted, Some((counter, 1)), "{name}");
        assert!(host.sent().is_empty(), "{name}");
        assert_eq!(host.stack.neighbours(host.now).count(), 0, "{name}");
        assert_eq!(host.pools(), (0, 0), "{name}");
    }
}

#[test]
fn a_message_for_an_interface_without_address_is_dropped() {
    let pool = ndis::packet::PacketPool::new(4, 4);
    let mut stack = crate::Stack::new(&StackConfiguration::default(), pool, [3, 4]);
    let now = executive::time::Instant::from_secs(1);
    let interface = stack
        .add_interface(&crate::InterfaceConfiguration {
            name: "bare",
            hardware_address: crate::HardwareAddress(OUR_HARDWARE),
            mtu: 1500,
            address: None,
            gateway: None,
        })
        .expect("an interface");
    stack.interface_up(interface, now);
    assert!(stack.next_frame().is_none(), "nothing to announce");
    let message = arp(
        ArpOperation::REQUEST,
        (PEER_HARDWARE, PEER_IP),
        ([0; 6], OUR_IP),
    );
    let frame = arp_frame(PEER_HARDWARE, EVERYBODY, message);
    stack.receive(interface, crate::tests::support::packet(pool, &frame), now);
    assert_eq!(stack.counters().arp.dropped_no_address, 1);
}
