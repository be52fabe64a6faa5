use std::format;
use std::string::String;
use std::vec::Vec;

use etherparse::ArpOperation;
use executive::time::Duration;

use super::NeighbourState;
use crate::StackConfiguration;
use crate::tests::support::{
    EVERYBODY, GATEWAY_IP, Host, OUR_HARDWARE, OUR_IP, PEER_HARDWARE, PEER_IP, arp, arp_frame,
    arp_reply, arp_request, udp,
};

const ASKS_FOR_PEER: &str =
    "ff-ff-ff-ff-ff-ff arp who-has 10.0.2.3 tell 10.0.2.15 at 52-54-00-12-34-56";
const ASKS_PEER: &str =
    "52-55-0a-00-02-03 arp who-has 10.0.2.3 tell 10.0.2.15 at 52-54-00-12-34-56";
const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn data_to_peer(payload: &str) -> String {
    format!("52-55-0a-00-02-03 udp 10.0.2.15:7 > 10.0.2.3:9 {payload:?}")
}

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
        ["52-55-0a-00-02-03 arp 10.0.2.15 is-at 52-54-00-12-34-56 for 10.0.2.3 at 52-55-0a-00-02-03"]
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
        ["52-55-0a-00-02-03 arp 10.0.2.15 is-at 52-54-00-12-34-56 for 0.0.0.0 at 52-55-0a-00-02-03"]
    );
    assert_eq!(host.stack.neighbours(host.now).count(), 0);
}

#[test]
fn seed_30_packets_wait_for_the_neighbour_and_leave_in_order() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, (PEER_IP, 9), b"one"), "PENDING");
    assert_eq!(host.send(object, 2, (PEER_IP, 9), b"two"), "PENDING");
    assert_eq!(host.sent(), [ASKS_FOR_PEER], "one request, not one a packet");
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
        assert_eq!(host.send(object, id, ([10, 0, 2, 77], 9), b"lost"), "PENDING");
    }
    assert_eq!(host.send(object, 3, (PEER_IP, 9), b"first"), "PENDING");
    assert_eq!(
        host.send(object, 4, (PEER_IP, 9), b"second"),
        "PENDING",
        "takes the place of the first"
    );
    assert_eq!(
        host.send(object, 5, ([10, 0, 2, 78], 9), b"third"),
        "INSUFFICIENT_RESOURCES"
    );
    assert_eq!(host.stack.counters().arp.pending_refused_full, 1);
    assert_eq!(host.completions(), ["3: INSUFFICIENT_RESOURCES, sent 0"]);
}

#[test]
fn seed_45_a_send_pends_and_fails_when_nobody_answers() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    assert_eq!(host.send(object, 1, (PEER_IP, 9), b"hello"), "PENDING");
    assert_eq!(host.sent(), [ASKS_FOR_PEER]);
    host.advance(Duration::from_millis(2999));
    assert_eq!(host.sent(), [ASKS_FOR_PEER; 2], "one a second, three in all");
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

/// A field of a message, how to break it, and the counter that must count it.
type Fault = (&'static str, fn(&mut Vec<u8>), &'static str);

#[test]
fn each_wrong_field_has_its_counter() {
    let faults: [Fault; 13] = [
        ("short", |frame| frame.truncate(14 + 27), "dropped_too_short"),
        ("hardware type", |frame| frame[15] = 6, "dropped_hardware_type"),
        ("hardware length", |frame| frame[18] = 8, "dropped_hardware_type"),
        ("protocol type", |frame| frame[17] = 1, "dropped_protocol_type"),
        ("protocol length", |frame| frame[19] = 6, "dropped_protocol_type"),
        ("operation 0", |frame| frame[21] = 0, "dropped_operation"),
        ("operation 3", |frame| frame[21] = 3, "dropped_operation"),
        ("group sender", |frame| frame[22] = 1, "dropped_sender_hardware"),
        ("no sender", |frame| frame[22..28].fill(0), "dropped_sender_hardware"),
        ("broadcast sender", |frame| frame[28..32].fill(255), "dropped_sender_address"),
        ("group sender address", |frame| frame[28] = 224, "dropped_sender_address"),
        ("network's broadcast", |frame| frame[31] = 255, "dropped_sender_address"),
        ("other network", |frame| frame[30] = 3, "dropped_sender_address"),
    ];
    for (name, break_it, counter) in faults {
        let mut host = Host::new();
        let mut frame = arp_request(PEER_HARDWARE, PEER_IP, OUR_IP);
        break_it(&mut frame);
        host.receive(&frame);
        let counted = host.stack.counters().arp.iter().find(|&(at, _)| at == counter);
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
    let message = arp(ArpOperation::REQUEST, (PEER_HARDWARE, PEER_IP), ([0; 6], OUR_IP));
    let frame = arp_frame(PEER_HARDWARE, EVERYBODY, message);
    stack.receive(
        interface,
        crate::tests::support::packet(pool, &frame),
        now,
    );
    assert_eq!(stack.counters().arp.dropped_no_address, 1);
}
