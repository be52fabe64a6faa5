use executive::time::Duration;

use super::super::NeighbourState;
use crate::tests::support::{Host, PEER_HARDWARE, PEER_IP, arp_reply, arp_request, udp};

use super::{ASKS_PEER, STRANGER, data_to_peer};

#[test]
fn rfc4861_7_3_3_a_silent_neighbour_is_probed_by_unicast_and_then_given_up() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.meet_peer();
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Stale));
    assert_eq!(host.send(object, 1, (PEER_IP, 9), b"one"), "SUCCESS");
    assert_eq!(host.sent(), [data_to_peer("one")]);
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Delay));
    host.advance(Duration::from_secs(5));
    assert_eq!(host.sent(), [ASKS_PEER]);
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Probe));
    assert_eq!(
        host.send(object, 2, (PEER_IP, 9), b"two"),
        "SUCCESS",
        "its address is used while it is probed"
    );
    host.sent();
    host.advance(Duration::from_secs(2));
    assert_eq!(host.sent(), [ASKS_PEER; 2]);
    host.advance(Duration::from_secs(1));
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Failed));
    assert_eq!(host.stack.counters().arp.failed, 1);
}

#[test]
fn rfc4861_7_3_3_an_answered_probe_makes_the_neighbour_reachable() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.meet_peer();
    host.send(object, 1, (PEER_IP, 9), b"one");
    host.advance(Duration::from_secs(5));
    host.sent();
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Reachable));
    host.advance(Duration::from_secs(14));
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Reachable));
    assert!(host.sent().is_empty());
    host.advance(Duration::from_secs(32));
    assert_eq!(
        host.neighbour(PEER_IP),
        Some(NeighbourState::Stale),
        "at most one and a half of 30 s"
    );
    assert!(host.sent().is_empty(), "unused neighbours are not probed");
}

#[test]
fn seed_24_receiving_refreshes_the_neighbour() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.meet_peer();
    host.send(object, 1, (PEER_IP, 9), b"one");
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Delay));
    host.receive(&udp(9, 7, b"hello"));
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Reachable));
    host.sent();
    host.advance(Duration::from_secs(10));
    assert!(host.sent().is_empty(), "no probe");
}

#[test]
fn a_datagram_from_another_station_does_not_refresh_the_neighbour() {
    let mut host = Host::new();
    host.open([0; 4], 7);
    host.meet_peer();
    let mut frame = udp(9, 7, b"hello");
    frame[6..12].copy_from_slice(&STRANGER);
    host.receive(&frame);
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Stale));
}

#[test]
fn a_changed_hardware_address_is_used_and_has_to_prove_itself() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.send(object, 1, (PEER_IP, 9), b"one");
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    host.sent();
    // A gratuitous request: sender and target are the same.
    host.receive(&arp_request(STRANGER, PEER_IP, PEER_IP));
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Stale));
    host.send(object, 2, (PEER_IP, 9), b"two");
    assert_eq!(
        host.sent(),
        ["02-00-00-00-00-09 udp 10.0.2.15:7 > 10.0.2.3:9 \"two\""]
    );
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Delay));
}
