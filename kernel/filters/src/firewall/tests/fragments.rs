//! Fragments: the first is judged, the others share its fate.

use std::vec::Vec;

use executive::{Duration, Instant};
use netstack::wire::ipv4::{HEADER_LENGTH, Repr};

use super::{Bench, OUR_ADDRESS, OUR_STATION, THEIR_ADDRESS, THEIR_STATION, verdicts};
use crate::Direction;
use crate::firewall::Rule;

/// A received fragment of a datagram.
fn fragment(
    protocol: u8,
    identification: u16,
    offset: usize,
    more: bool,
    payload: &[u8],
) -> Vec<u8> {
    let mut header = [0; HEADER_LENGTH];
    Repr {
        type_of_service: 0,
        identification,
        dont_fragment: false,
        more_fragments: more,
        fragment_offset: offset,
        time_to_live: 64,
        protocol,
        source: THEIR_ADDRESS.into(),
        destination: OUR_ADDRESS.into(),
        payload_length: payload.len(),
    }
    .emit(&mut header);
    [&OUR_STATION[..], &THEIR_STATION, &[8, 0], &header, payload].concat()
}

/// The first 16 bytes of a UDP datagram of 1,000.
fn first(identification: u16, destination: u16) -> Vec<u8> {
    let [high, low] = destination.to_be_bytes();
    let mut payload = [0; 16];
    payload[..8].copy_from_slice(&[0, 9, high, low, 3, 232, 0, 0]);
    fragment(17, identification, 0, true, &payload)
}

fn later(identification: u16) -> Vec<u8> {
    fragment(17, identification, 16, false, &[1; 100])
}

#[test]
fn later_fragments_share_the_fate_of_the_first() {
    let mut bench = Bench::new("allow udp dport 7; default drop");
    assert!(bench.receives(&first(1, 7)));
    assert!(!bench.receives(&first(2, 8)));
    assert!(bench.receives(&later(1)));
    assert!(bench.receives(&later(1)));
    assert!(!bench.receives(&later(2)));
    assert_eq!(bench.counters().fragments_with_first, 3);
    assert_eq!(bench.counters().fragments_alone, 0);
    // Those that were decided by the first count with its rule.
    assert_eq!(bench.hits(), [3]);
    assert_eq!(bench.counters().inbound, verdicts(3, 2, 0));
}

#[test]
fn a_fragment_without_its_first_meets_only_rules_without_ports() {
    let mut bench = Bench::new("drop udp dport 0-65535; allow udp from 10.0.2.2; default drop");
    assert!(bench.receives(&later(5)));
    assert_eq!(bench.hits(), [0, 1]);
    assert_eq!(bench.counters().fragments_alone, 1);
    bench.firewall.delete(2).expect("a rule");
    assert!(!bench.receives(&later(5)));
}

#[test]
fn fragments_of_other_datagrams_do_not_share_the_fate() {
    let mut bench = Bench::new("allow udp dport 7; default drop");
    assert!(bench.receives(&first(1, 7)));
    assert!(!bench.receives(&later(2)));
    assert!(!bench.passes(Direction::Out, &later(1)));
    assert!(!bench.receives(&fragment(6, 1, 16, false, &[1; 100])));
    assert_eq!(bench.counters().fragments_with_first, 0);
}

#[test]
fn a_decision_lasts_a_minute() {
    let mut bench = Bench::new("allow udp dport 7; default drop");
    assert!(bench.receives(&first(1, 7)));
    let at = |millis| Instant::from_secs(1) + Duration::from_millis(millis);
    bench.recorder.run_until(&mut bench.firewall, at(59_999));
    assert!(bench.receives(&later(1)));
    bench.recorder.run_until(&mut bench.firewall, at(60_000));
    assert!(!bench.receives(&later(1)));
}

#[test]
fn a_change_of_the_rules_forgets_the_decisions() {
    let changes: [fn(&mut Bench); 6] = [
        |bench| bench.firewall.add(Rule::default()).expect("room"),
        |bench| {
            bench
                .firewall
                .insert(1, "drop arp".parse().expect("a rule"))
                .expect("room");
        },
        |bench| assert!(bench.firewall.delete(1).is_ok()),
        |bench| bench.firewall.clear(),
        |bench| bench.firewall.set_default(crate::firewall::Action::Drop),
        |bench| bench.firewall.load("allow udp dport 7").expect("rules"),
    ];
    for change in changes {
        let mut bench = Bench::new("allow udp dport 7; default drop");
        assert!(bench.receives(&first(1, 7)));
        change(&mut bench);
        bench.receives(&later(1));
        assert_eq!(bench.counters().fragments_alone, 1);
    }
}

#[test]
fn the_oldest_decision_gives_way_when_there_are_too_many() {
    let mut bench = Bench::new("allow udp dport 7; default drop");
    for identification in 0..33 {
        let soon = Instant::from_secs(1) + Duration::from_millis(identification);
        bench.recorder.run_until(&mut bench.firewall, soon);
        assert!(bench.receives(&first(identification as u16, 7)));
    }
    assert!(!bench.receives(&later(0)));
    for identification in 1..33 {
        assert!(bench.receives(&later(identification)), "{identification}");
    }
    // The same datagram again takes no second place.
    assert!(bench.receives(&first(32, 7)));
    assert!(bench.receives(&later(1)));
}

#[test]
fn rfc1858_fragments_that_hide_tcp_flags_are_dropped() {
    let mut bench = Bench::new("allow");
    // A first fragment with the ports only, and one that would overwrite the flags.
    assert!(!bench.receives(&fragment(6, 1, 0, true, &[0; 8])));
    assert!(!bench.receives(&fragment(6, 1, 8, true, &[0; 8])));
    assert_eq!(bench.counters().tiny_fragments, 2);
    assert!(bench.receives(&fragment(6, 1, 16, false, &[0; 8])));
    assert!(bench.receives(&fragment(17, 1, 8, false, &[0; 8])));
}
