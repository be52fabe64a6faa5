//! Rules as text.

use core::net::Ipv4Addr;
use std::string::{String, ToString};

use netstack::Prefix;
use proptest::prelude::*;

use crate::Direction;
use crate::firewall::{
    Action, Firewall, LoadProblem, MAXIMUM_RULES, PortRange, Protocol, Rule, RuleError, TableError,
};

fn protocol() -> impl Strategy<Value = Option<Protocol>> {
    prop_oneof![
        Just(None),
        Just(Some(Protocol::Arp)),
        Just(Some(Protocol::Ip)),
        Just(Some(Protocol::UDP)),
        Just(Some(Protocol::TCP)),
        any::<u8>().prop_map(|number| Some(Protocol::Number(number))),
    ]
}

fn prefix() -> impl Strategy<Value = Prefix> {
    (any::<u32>(), 0..=32_u8).prop_filter_map("too long", |(address, length)| {
        Prefix::new(Ipv4Addr::from_bits(address), length)
    })
}

fn ports() -> impl Strategy<Value = PortRange> {
    any::<(u16, u16)>()
        .prop_map(|(one, other)| PortRange::new(one.min(other), one.max(other)).expect("a range"))
}

prop_compose! {
    pub(super) fn rule()(
        action in prop::sample::select(&[Action::Allow, Action::Drop, Action::Reject][..]),
        direction in prop::option::of(prop::sample::select(&[Direction::Out, Direction::In][..])),
        protocol in protocol(),
        source in prop::option::of(prefix()),
        destination in prop::option::of(prefix()),
        (source_ports, destination_ports) in (prop::option::of(ports()), prop::option::of(ports())),
    ) -> Rule {
        let may = protocol.is_none_or(Protocol::may_have_ports);
        Rule {
            action, direction, protocol, source, destination,
            source_ports: source_ports.filter(|_| may),
            destination_ports: destination_ports.filter(|_| may),
        }
    }
}

/// Text made of pieces of rules, so that much of it is nearly right.
fn nearly_rules() -> impl Strategy<Value = String> {
    const PIECES: [&str; 30] = [
        "allow",
        "drop",
        "reject",
        "default",
        "in",
        "out",
        "arp",
        "ip",
        "icmp",
        "udp",
        "tcp",
        "proto",
        "from",
        "to",
        "sport",
        "dport",
        "10.0.2.2",
        "10.0.2.0/24",
        "0.0.0.0/0",
        "/33",
        "7",
        "256",
        "65536",
        "5-7",
        "7-5",
        "-",
        ",",
        ";",
        "\n",
        "\u{0}",
    ];
    prop::collection::vec(prop::sample::select(PIECES.as_slice()), 0..12)
        .prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(rule in rule()) {
        let text = rule.to_string();
        prop_assert_eq!(text.parse::<Rule>(), Ok(rule), "{}", text);
        prop_assert_eq!(text.replace(' ', ",").parse::<Rule>(), Ok(rule));
    }

    #[test]
    fn any_text_is_a_rule_or_an_error(text in prop_oneof![any::<String>(), nearly_rules()]) {
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
        }
        let mut firewall = Firewall::new();
        let before = firewall.rules().len();
        if firewall.load(&text).is_err() {
            prop_assert_eq!(firewall.rules().len(), before);
        }
    }
}

#[test]
fn every_word_of_a_rule_is_read() {
    let text = "reject in tcp from 10.0.2.0/24 to 10.0.2.15 sport 1024-65535 dport 80";
    let rule: Rule = text.parse().expect("a rule");
    assert_eq!(
        rule,
        Rule {
            action: Action::Reject,
            direction: Some(Direction::In),
            protocol: Some(Protocol::TCP),
            source: Prefix::new(Ipv4Addr::new(10, 0, 2, 0), 24),
            destination: Prefix::new(Ipv4Addr::new(10, 0, 2, 15), 32),
            source_ports: PortRange::new(1024, 65535),
            destination_ports: PortRange::new(80, 80),
        }
    );
    assert_eq!(rule.to_string(), text);
    let mixed = "reject dport 80 sport 1024-65535 to 10.0.2.15/32 from 10.0.2.0/24 proto 6 in";
    assert_eq!(mixed.parse(), Ok(rule));
    assert_eq!(
        "drop".parse(),
        Ok(Rule {
            action: Action::Drop,
            ..Rule::default()
        })
    );
}

#[test]
fn wrong_rules_are_told_by_their_place() {
    let error = |text: &str| text.parse::<Rule>().expect_err(text).to_string();
    assert_eq!(error(""), "a rule begins with allow, drop or reject");
    assert_eq!(
        error("in allow"),
        "a rule begins with allow, drop or reject"
    );
    assert_eq!(error("allow in tpc"), "word 3 is not known");
    assert_eq!(error("allow in out"), "word 3: that was said before");
    assert_eq!(error("allow ip tcp"), "word 3: that was said before");
    assert_eq!(
        error("allow udp dport"),
        "word 3 needs a port or a range such as 7 or 5000-5010"
    );
    assert_eq!(error("drop icmp dport 7"), "only udp and tcp have ports");
    for wrong in [
        "allow proto 256",
        "allow proto -1",
        "allow proto +1",
        "allow proto",
        "allow proto tcp",
        "allow from 10.0.2",
        "allow from 10.0.2.2/33",
        "allow from 10.0.2.2/",
        "allow from /24",
        "allow from 10.0.2.2/+8",
        "allow to 10.0.2.256",
        "allow to",
        "allow sport 7-5",
        "allow sport -5",
        "allow sport 5-",
        "allow sport 65536",
        "allow dport 1-2-3",
        "allow arp dport 7",
        "allow proto 1 sport 7",
        "ALLOW",
    ] {
        assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
    }
    assert_eq!(
        "drop arp sport 7".parse::<Rule>(),
        Err(RuleError::PortsWithoutTransport)
    );
}

#[test]
fn a_registry_value_loads_all_rules_and_the_default() {
    let mut firewall = Firewall::new();
    firewall
        .load("default,drop;allow,arp;allow,in,udp,dport,7;\n allow out ;")
        .expect("rules");
    let rules: std::vec::Vec<String> = firewall.rules().map(|(rule, _)| rule.to_string()).collect();
    assert_eq!(rules, ["allow arp", "allow in udp dport 7", "allow out"]);
    assert_eq!(firewall.default_action(), Action::Drop);
    firewall.load("").expect("no rules");
    assert_eq!(firewall.rules().len(), 0);
    assert_eq!(firewall.default_action(), Action::Allow);
}

#[test]
fn rules_that_cannot_be_loaded_change_nothing() {
    let mut firewall = Firewall::new();
    firewall.load("default drop; allow arp").expect("rules");
    let error = firewall
        .load("allow; allow udp; drop upd")
        .expect_err("an error");
    assert_eq!(error.to_string(), "rule 3: word 2 is not known");
    for wrong in ["default", "default maybe", "default drop in"] {
        let error = firewall.load(wrong).expect_err(wrong);
        assert_eq!(error.to_string(), "rule 1: expected allow, drop or reject");
    }
    let error = firewall
        .load(&"allow;".repeat(MAXIMUM_RULES + 1))
        .expect_err("too many");
    assert_eq!(error.problem, LoadProblem::Table(TableError::Full));
    assert_eq!(error.position, MAXIMUM_RULES + 1);
    assert_eq!(firewall.rules().len(), 1);
    assert_eq!(firewall.default_action(), Action::Drop);
    let most = "allow;".repeat(MAXIMUM_RULES);
    assert_eq!(firewall.load(&most), Ok(()));
    assert_eq!(firewall.rules().len(), MAXIMUM_RULES);
}
