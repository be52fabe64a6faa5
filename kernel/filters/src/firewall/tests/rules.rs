//! Which frames rules apply to, and their order.

use std::string::String;
use std::vec::Vec;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;

use super::{Bench, arp, datagram, echo, syn, turned, udp, verdicts};
use crate::Direction;
use crate::firewall::{Action, Hits, MAXIMUM_RULES, Protocol, Rule, TableError};
use crate::intermediate::PacketHandler;

/// Whether a rule "drop ..." applies to a received frame.
fn applies(rule: &str, frame: &[u8]) -> bool {
    let mut bench = Bench::new(&std::format!("drop {rule}"));
    let passed = bench.receives(frame);
    let expected = if passed {
        verdicts(1, 0, 0)
    } else {
        verdicts(0, 1, 0)
    };
    assert_eq!(bench.counters().inbound, expected);
    assert_eq!(bench.hits(), [u64::from(!passed)]);
    assert_eq!(bench.firewall.default_hits().packets, u64::from(passed));
    !passed
}

#[test]
fn without_rules_everything_well_formed_passes() {
    let mut bench = Bench::new("");
    for frame in [
        udp(1, 2, b"x"),
        syn(1, 2),
        echo(),
        arp(),
        datagram(89, b"x"),
    ] {
        assert!(bench.receives(&frame));
        assert!(bench.passes(Direction::Out, &frame));
    }
    assert_eq!(bench.counters().inbound, verdicts(5, 0, 0));
    assert_eq!(bench.counters().outbound, verdicts(5, 0, 0));
}

#[test]
fn protocols_are_told_apart() {
    let udp = udp(1, 2, b"x");
    let frames = [arp(), echo(), udp, syn(1, 2), datagram(89, b"x")];
    for (rule, expected) in [
        ("", [true, true, true, true, true]),
        ("arp", [true, false, false, false, false]),
        ("ip", [false, true, true, true, true]),
        ("icmp", [false, true, false, false, false]),
        ("udp", [false, false, true, false, false]),
        ("tcp", [false, false, false, true, false]),
        ("proto 89", [false, false, false, false, true]),
    ] {
        let applied: Vec<bool> = frames.iter().map(|frame| applies(rule, frame)).collect();
        assert_eq!(applied, expected, "{rule}");
    }
}

#[test]
fn other_ether_types_are_met_only_by_rules_that_leave_them_open() {
    let mut ipv6 = udp(1, 2, b"x");
    ipv6[12..14].copy_from_slice(&[0x86, 0xDD]);
    let mut length = udp(1, 2, b"x");
    length[12..14].copy_from_slice(&[0, 40]);
    for frame in [ipv6, length] {
        assert!(applies("in", &frame));
        for rule in ["ip", "arp", "udp", "from 0.0.0.0/0", "dport 0-65535"] {
            assert!(!applies(rule, &frame), "{rule}");
        }
    }
}

#[test]
fn addresses_are_met_by_prefix() {
    let frame = udp(1, 2, b"x");
    for rule in [
        "from 10.0.2.2",
        "from 10.0.2.0/24",
        "from 10.0.2.77/24",
        "from 0.0.0.0/0",
        "to 10.0.2.15",
        "from 10.0.2.2 to 10.0.2.15",
        "from 10.0.2.2/31",
    ] {
        assert!(applies(rule, &frame), "{rule}");
    }
    for rule in [
        "from 10.0.2.15",
        "from 10.0.3.0/24",
        "to 10.0.2.2",
        "from 10.0.2.2 to 10.0.2.2",
        "from 10.0.2.0/31",
    ] {
        assert!(!applies(rule, &frame), "{rule}");
    }
}

#[test]
fn an_address_means_ip_unless_the_rule_says_arp() {
    assert!(applies("arp from 10.0.2.2", &arp()));
    assert!(applies("arp to 10.0.2.15", &arp()));
    assert!(!applies("arp from 10.0.2.15", &arp()));
    assert!(!applies("from 10.0.2.2", &arp()));
}

#[test]
fn ports_are_met_by_range() {
    let frame = udp(5000, 7, b"x");
    for rule in [
        "dport 7",
        "dport 0-7",
        "dport 7-9",
        "sport 5000",
        "sport 1-65535 dport 7",
        "udp dport 7",
        "ip dport 7",
    ] {
        assert!(applies(rule, &frame), "{rule}");
    }
    for rule in [
        "dport 8-9",
        "dport 0-6",
        "sport 7",
        "sport 5000 dport 8",
        "tcp dport 7",
    ] {
        assert!(!applies(rule, &frame), "{rule}");
    }
    assert!(applies("tcp sport 5000 dport 7", &syn(5000, 7)));
    assert!(!applies("dport 0-65535", &echo()));
}

#[test]
fn directions_are_told_apart() {
    let mut bench = Bench::new("drop out udp; drop in icmp");
    let (udp, echo) = (udp(1, 2, b"x"), echo());
    assert!(bench.passes(Direction::In, &udp));
    assert!(!bench.passes(Direction::Out, &turned(&udp)));
    assert!(bench.passes(Direction::Out, &turned(&echo)));
    assert!(!bench.passes(Direction::In, &echo));
    assert_eq!(bench.counters().inbound, verdicts(1, 1, 0));
    assert_eq!(bench.counters().outbound, verdicts(1, 1, 0));
}

#[test]
fn the_first_rule_that_applies_decides() {
    let mut bench = Bench::new("allow udp dport 7; drop udp; allow ip; default drop");
    assert!(bench.receives(&udp(1, 7, b"x")));
    assert!(!bench.receives(&udp(1, 8, b"x")));
    assert!(bench.receives(&echo()));
    assert!(!bench.receives(&arp()));
    assert_eq!(bench.hits(), [1, 1, 1]);
    assert_eq!(bench.firewall.default_hits().packets, 1);
}

#[test]
fn hits_count_packets_and_bytes() {
    let mut bench = Bench::new("allow udp; drop icmp");
    let frame = udp(1, 7, &[0; 100]);
    for _ in 0..3 {
        bench.receives(&frame);
    }
    bench.receives(&echo());
    let hits: Vec<Hits> = bench.firewall.rules().map(|(_, hits)| *hits).collect();
    let bytes = 3 * frame.len() as u64;
    assert_eq!(hits[0], Hits { packets: 3, bytes });
    assert_eq!(
        hits[1],
        Hits {
            packets: 1,
            bytes: echo().len() as u64
        }
    );
    let mut told = Vec::new();
    bench
        .firewall
        .counters(&mut |name, value| told.push((name, value)));
    assert!(told.contains(&("allowed_in", 3)) && told.contains(&("dropped_in", 1)));
}

#[test]
fn rules_are_inserted_and_deleted_by_number() {
    let mut bench = Bench::new("drop udp; drop icmp");
    let rule = |text: &str| text.parse::<Rule>().expect("a rule");
    let firewall = &mut bench.firewall;
    assert_eq!(firewall.insert(1, rule("allow udp dport 7")), Ok(()));
    assert_eq!(firewall.insert(4, rule("drop arp")), Ok(()));
    assert_eq!(
        firewall.insert(0, rule("drop")),
        Err(TableError::NoSuchPosition)
    );
    assert_eq!(
        firewall.insert(6, rule("drop")),
        Err(TableError::NoSuchPosition)
    );
    assert_eq!(
        bench.rules(),
        ["allow udp dport 7", "drop udp", "drop icmp", "drop arp"]
    );
    let firewall = &mut bench.firewall;
    assert_eq!(firewall.delete(2), Ok(rule("drop udp")));
    assert_eq!(firewall.delete(0), Err(TableError::NoSuchPosition));
    assert_eq!(firewall.delete(4), Err(TableError::NoSuchPosition));
    assert_eq!(
        bench.rules(),
        ["allow udp dport 7", "drop icmp", "drop arp"]
    );
    bench.firewall.set_default(Action::Drop);
    bench.firewall.clear();
    assert_eq!(bench.rules(), [""; 0]);
    assert!(!bench.receives(&echo()));
}

#[test]
fn a_full_table_takes_no_more() {
    let mut bench = Bench::new("");
    for _ in 0..MAXIMUM_RULES {
        assert_eq!(bench.firewall.add(Rule::default()), Ok(()));
    }
    assert_eq!(bench.firewall.add(Rule::default()), Err(TableError::Full));
    assert_eq!(
        bench.firewall.insert(1, Rule::default()),
        Err(TableError::Full)
    );
    assert_eq!(bench.rules().len(), MAXIMUM_RULES);
}

#[test]
fn a_frame_in_several_buffers_is_read_like_one_in_one() {
    let frame = udp(5000, 7, &[3; 300]);
    for split in 1..60 {
        let mut bench = Bench::new("allow udp from 10.0.2.2 sport 5000 dport 7; default drop");
        let (front, back) = frame.split_at(split);
        let mut packet = bench.recorder.packet(front);
        // Longer than what is copied instead of chained.
        let back = bench.recorder.packet(&[back, &[0; 400]].concat());
        packet.append_packet(back).expect("room for a segment");
        assert!(!packet.is_contiguous());
        let path = &mut crate::Path::new(&mut bench.recorder);
        bench.firewall.receive(packet, path);
        assert_eq!(bench.hits(), [1], "{split}");
    }
}

/// What a rule means, said once more in terms of what etherparse reads.
fn reference(rule: &Rule, direction: Direction, frame: &[u8]) -> bool {
    let sliced = SlicedPacket::from_ethernet(frame).expect("a frame");
    let Some(NetSlice::Ipv4(ip)) = sliced.net else {
        panic!("an IPv4 datagram");
    };
    let header = ip.header();
    let ports = match sliced.transport {
        Some(TransportSlice::Udp(udp)) => Some((udp.source_port(), udp.destination_port())),
        Some(TransportSlice::Tcp(tcp)) => Some((tcp.source_port(), tcp.destination_port())),
        _ => None,
    };
    let protocol = match rule.protocol {
        Some(Protocol::Arp) => false,
        Some(Protocol::Number(number)) => header.protocol().0 == number,
        Some(Protocol::Ip) | None => true,
    };
    let within = |prefix: Option<netstack::Prefix>, address: [u8; 4]| {
        prefix.is_none_or(|prefix| {
            let mask = u32::from_be_bytes(prefix.mask().octets());
            let network = u32::from_be_bytes(prefix.address().octets()) & mask;
            u32::from_be_bytes(address) & mask == network
        })
    };
    let port = |range: Option<crate::firewall::PortRange>, port: Option<u16>| {
        range.is_none_or(|range| {
            port.is_some_and(|port| (range.first()..=range.last()).contains(&port))
        })
    };
    protocol
        && rule.direction.is_none_or(|only| only == direction)
        && within(rule.source, header.source())
        && within(rule.destination, header.destination())
        && port(rule.source_ports, ports.map(|ports| ports.0))
        && port(rule.destination_ports, ports.map(|ports| ports.1))
}

fn some_rules() -> impl Strategy<Value = String> {
    let words = prop::sample::select(
        &[
            "",
            "in",
            "out",
            "udp",
            "tcp",
            "icmp",
            "from 10.0.2.2",
            "to 10.0.2.0/28",
            "dport 7",
            "sport 5-9",
            "udp dport 8",
            "tcp from 10.0.0.0/8",
            "proto 89",
            "arp",
        ][..],
    );
    let actions = prop::sample::select(&["allow", "drop"][..]);
    prop::collection::vec((actions, words), 0..6).prop_map(|rules| {
        let rules: Vec<String> = rules
            .into_iter()
            .map(|(action, words)| std::format!("{action} {words}"))
            .collect();
        rules.join(";")
    })
}

proptest! {
    #[test]
    fn rules_mean_what_they_say(
        rules in some_rules(),
        kind in 0..4_u8,
        (source, destination) in (4..10_u16, 6..10_u16),
        (direction, turn) in (prop::sample::select(&[Direction::Out, Direction::In][..]), any::<bool>()),
    ) {
        let frame = match kind {
            0 => udp(source, destination, b"x"),
            1 => syn(source, destination),
            2 => echo(),
            _ => datagram(89, b"x"),
        };
        let frame = if turn { turned(&frame) } else { frame };
        let mut bench = Bench::new(&rules);
        let first = bench.firewall.rules().find(|(rule, _)| reference(rule, direction, &frame));
        let allowed = first.is_none_or(|(rule, _)| rule.action == Action::Allow);
        prop_assert_eq!(bench.passes(direction, &frame), allowed);
    }
}
