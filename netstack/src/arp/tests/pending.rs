use executive::time::Duration;

use super::super::NeighbourState;
use crate::StackConfiguration;
use crate::tests::support::{Host, OUR_IP, PEER_HARDWARE, PEER_IP, arp_reply, arp_request};

use super::{ASKS_FOR_PEER, data_to_peer};

#[test]
fn seed_30_packets_wait_for_the_neighbour_and_leave_in_order() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, (PEER_IP, 9), b"one"), "PENDING");
    assert_eq!(host.send(object, 2, (PEER_IP, 9), b"two"), "PENDING");
    assert_eq!(
        host.sent(),
        [ASKS_FOR_PEER],
        "one request, not one a packet"
    );
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Incomplete));
    assert!(host.completions().is_empty());

    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert_eq!(host.sent(), [data_to_peer("one"), data_to_peer("two")]);
    assert_eq!(
        host.completions(),
        ["1: SUCCESS, sent 3", "2: SUCCESS, sent 3"]
    );
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Reachable));
    assert_eq!(host.send(object, 3, (PEER_IP, 9), b"three"), "SUCCESS");
    assert_eq!(host.sent(), [data_to_peer("three")]);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn seed_30_a_request_of_the_neighbour_resolves_it_too() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.send(object, 1, (PEER_IP, 9), b"one");
    host.sent();
    host.receive(&arp_request(PEER_HARDWARE, PEER_IP, OUR_IP));
    assert_eq!(host.sent().first(), Some(&data_to_peer("one")));
    assert_eq!(
        host.neighbour(PEER_IP),
        Some(NeighbourState::Delay),
        "it was not an answer, so the way there is not proven"
    );
}

#[test]
fn seed_30_the_queue_of_a_neighbour_drops_the_oldest() {
    let mut host = Host::with(&StackConfiguration {
        pending_packets_per_neighbour: 2,
        ..StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    for id in 1..=3 {
        assert_eq!(host.send(object, id, (PEER_IP, 9), b"data"), "PENDING");
    }
    assert_eq!(host.completions(), ["1: INSUFFICIENT_RESOURCES, sent 0"]);
    assert_eq!(host.stack.counters().arp.pending_dropped_oldest, 1);
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert_eq!(
        host.completions(),
        ["2: SUCCESS, sent 4", "3: SUCCESS, sent 4"]
    );
}

#[test]
fn seed_30_one_silent_neighbour_leaves_room_for_another() {
    let mut host = Host::with(&StackConfiguration {
        pending_packets: 3,
        pending_packets_per_neighbour: 2,
        ..StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    for id in 1..=2 {
        assert_eq!(
            host.send(object, id, ([10, 0, 2, 77], 9), b"lost"),
            "PENDING"
        );
    }
    assert_eq!(host.send(object, 3, (PEER_IP, 9), b"first"), "PENDING");
    assert_eq!(
        host.send(object, 4, (PEER_IP, 9), b"second"),
        "PENDING",
        "takes the place of the one that has waited longest for anybody"
    );
    assert_eq!(
        host.send(object, 5, ([10, 0, 2, 78], 9), b"third"),
        "PENDING"
    );
    assert_eq!(
        host.completions(),
        [
            "1: INSUFFICIENT_RESOURCES, sent 0",
            "2: INSUFFICIENT_RESOURCES, sent 0"
        ]
    );
    let counters = host.stack.counters().arp;
    assert_eq!(counters.pending_dropped_oldest_of_all, 2);
    assert_eq!(counters.pending_refused_full, 0);
}

#[test]
fn seed_45_a_send_pends_and_fails_when_nobody_answers() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, (PEER_IP, 9), b"hello"), "PENDING");
    assert_eq!(host.sent(), [ASKS_FOR_PEER]);
    host.advance(Duration::from_millis(2999));
    assert_eq!(
        host.sent(),
        [ASKS_FOR_PEER; 2],
        "one a second, three in all"
    );
    assert!(host.completions().is_empty());
    host.advance(Duration::from_millis(1));
    assert_eq!(host.completions(), ["1: HOST_UNREACHABLE, sent 0"]);
    assert!(host.sent().is_empty());
    assert_eq!(host.neighbour(PEER_IP), Some(NeighbourState::Failed));
    assert_eq!(host.stack.counters().arp.pending_dropped_unreachable, 1);
    assert_eq!(host.pools(), (0, 0));

    assert_eq!(host.send(object, 2, (PEER_IP, 9), b"again"), "PENDING");
    assert_eq!(host.sent(), [ASKS_FOR_PEER], "asked for anew");
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert_eq!(host.completions(), ["2: SUCCESS, sent 5"]);
}

#[test]
fn a_waiting_send_can_be_cancelled() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.send(object, 1, (PEER_IP, 9), b"one");
    host.send(object, 2, (PEER_IP, 9), b"two");
    host.sent();
    assert!(host.stack.cancel(crate::tdi::RequestId(1)));
    assert!(!host.stack.cancel(crate::tdi::RequestId(1)));
    assert_eq!(host.completions(), ["1: CANCELLED, sent 0"]);
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert_eq!(host.sent(), [data_to_peer("two")]);
    assert_eq!(host.stack.counters().arp.pending_dropped_cancelled, 1);
}

#[test]
fn waiting_sends_end_when_the_interface_goes_down() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.send(object, 1, (PEER_IP, 9), b"one");
    host.sent();
    host.stack.interface_down(host.interface);
    assert_eq!(host.completions(), ["1: NETWORK_UNREACHABLE, sent 0"]);
    assert_eq!(
        host.send(object, 2, (PEER_IP, 9), b"two"),
        "NETWORK_UNREACHABLE"
    );
    host.receive(&arp_request(PEER_HARDWARE, PEER_IP, OUR_IP));
    assert!(host.sent().is_empty());
    assert_eq!(host.stack.counters().ethernet.dropped_interface_down, 1);
    assert_eq!(host.pools(), (0, 0));
}

#[test]
fn a_full_table_forgets_the_neighbour_that_is_not_used() {
    let mut host = Host::with(&StackConfiguration {
        neighbours: 3,
        ..StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    let stranger = |last: u8| {
        let address = [10, 0, 2, last];
        arp_request([2, 0, 0, 0, 1, last], address, OUR_IP)
    };
    host.meet_peer();
    for last in 100..200 {
        host.receive(&stranger(last));
        host.send(object, 1, (PEER_IP, 9), b"in use");
        host.frames();
    }
    assert!(host.neighbour(PEER_IP).is_some());
    assert!(host.neighbour([10, 0, 2, 199]).is_some());
    assert_eq!(host.stack.neighbours(host.now).count(), 3);
    assert_eq!(host.stack.counters().arp.evicted, 98);
}

#[test]
fn datagrams_to_neighbours_in_turn_go_to_each() {
    const OTHER_IP: [u8; 4] = [10, 0, 2, 77];
    const OTHER: [u8; 6] = [2, 0, 0, 0, 1, 77];
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    host.meet_peer();
    host.receive(&arp_request(OTHER, OTHER_IP, OUR_IP));
    host.frames();
    for to in [PEER_IP, OTHER_IP, OTHER_IP, PEER_IP] {
        assert_eq!(host.send(object, 1, (to, 9), b"in turn"), "SUCCESS");
        let frame = host.frames().remove(0);
        assert_eq!(frame[..6] == OTHER, to == OTHER_IP);
    }
}

#[test]
fn a_forgotten_neighbour_tells_those_who_wait_for_it() {
    let mut host = Host::with(&StackConfiguration {
        neighbours: 1,
        ..StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    host.send(object, 1, ([10, 0, 2, 77], 9), b"one");
    assert_eq!(host.send(object, 2, (PEER_IP, 9), b"two"), "PENDING");
    assert_eq!(host.completions(), ["1: INSUFFICIENT_RESOURCES, sent 0"]);
    assert_eq!(host.stack.counters().arp.pending_dropped_evicted, 1);
    host.receive(&arp_reply(PEER_HARDWARE, PEER_IP));
    assert_eq!(host.completions(), ["2: SUCCESS, sent 3"]);
}

#[test]
fn without_any_room_for_neighbours_sends_are_refused() {
    let mut host = Host::with(&StackConfiguration {
        neighbours: 0,
        ..StackConfiguration::default()
    });
    let object = host.open([0; 4], 7);
    assert_eq!(
        host.send(object, 1, (PEER_IP, 9), b"one"),
        "INSUFFICIENT_RESOURCES"
    );
    host.receive(&arp_request(PEER_HARDWARE, PEER_IP, OUR_IP));
    assert_eq!(host.sent().len(), 1, "answered all the same");
    assert_eq!(host.stack.counters().arp.refused_table_full, 1);
}
