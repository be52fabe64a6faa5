//! Command lines that are wrong.

use std::format;
use std::vec::Vec;

use proptest::prelude::*;

use super::converse;
use crate::console::commands::COMMANDS;

#[test]
fn unknown_commands_say_where_the_known_ones_are() {
    let output = converse(b"frobnicate 1\r");
    assert!(output.contains("error: unknown command `frobnicate`; `help` lists them\r\n"));
    assert!(output.ends_with("net> "));
}

#[test]
fn bad_arguments_say_what_was_expected() {
    for (typed, error) in [
        (
            "ping",
            "error: ADDRESS expected\r\nusage: ping ADDRESS [COUNT]\r\n",
        ),
        (
            "ping x.y",
            "error: ADDRESS expected, found `x.y`\r\nusage: ping",
        ),
        (
            "ping 10.0.2.2 0",
            "error: COUNT must be 1 to 100000, found `0`\r\nusage: ping",
        ),
        (
            "ping 10.0.2.2 1 z",
            "error: unexpected argument `z`\r\nusage: ping",
        ),
        (
            "uptime --now",
            "error: unexpected argument `now`\r\nusage: uptime\r\n",
        ),
        (
            "log loud",
            "error: off, error, warn, info, debug or trace expected, found `loud`",
        ),
        (
            "log debug nobody",
            "error: TARGET (`log` lists them) expected, found `nobody`",
        ),
        (
            "stats nobody",
            "error: `all` or the name of a layer expected, found `nobody`",
        ),
        (
            "selftest nobody",
            "error: NAME of a self test expected, found `nobody`",
        ),
    ] {
        let output = converse(std::format!("{typed}\r").as_bytes());
        assert!(output.contains(error), "{typed}: {output}");
    }
}

/// Lines with too many, too few or absurd arguments, and what the error says.
const WRONG: &[(&str, &str)] = &[
    ("help help help", "unexpected argument `help`"),
    ("ndis x", "unexpected argument `x`"),
    ("nic x", "`reset` or nothing expected, found `x`"),
    ("nic reset nobody", "found `nobody`"),
    ("nic reset Ne2000 x", "unexpected argument `x`"),
    ("oid x", "found `x`"),
    ("oid 0x", "found `0x`"),
    ("oid Ne2000 GEN_NOTHING", "found `GEN_NOTHING`"),
    ("oid Ne2000 GEN_LINK_SPEED 1 2", "unexpected argument `2`"),
    ("oid GEN_CURRENT_LOOKAHEAD -1", "unexpected argument `-`"),
    ("oid GEN_CURRENT_LOOKAHEAD x", "a number"),
    ("oid GEN_CURRENT_PACKET_FILTER all", "packet filter names"),
    ("oid 802_3_MULTICAST_LIST 1,2", "hardware addresses"),
    ("oid 0xFF000001 1", "hexadecimal digits"),
    (
        "filter x",
        "list, add, remove, set or rules expected, found `x`",
    ),
    ("filter list x", "unexpected argument `x`"),
    ("filter add", "KIND (capture, netem or firewall) expected"),
    ("filter add x", "found `x`"),
    (
        "filter add netem below Ne2000",
        "`above` expected, found `below`",
    ),
    (
        "filter add netem above",
        "ADAPTER (`ndis` lists them) expected",
    ),
    ("filter add netem above nobody", "found `nobody`"),
    ("filter add netem above Ne2000 x", "unexpected argument `x`"),
    ("filter remove", "NAME of a filter"),
    ("filter remove nobody", "found `nobody`"),
    ("filter remove netem1 x", "unexpected argument `x`"),
    ("filter set", "NAME of a filter"),
    ("filter set capture1 loss=1%", "capture1 is no netem"),
    (
        "filter set netem1",
        "SETTINGS (such as loss=1% delay=10ms) expected",
    ),
    ("filter set netem1 loss=200%", "word 1"),
    ("filter set netem1 delay=1ms frob", "word 2"),
    ("filter rules", "NAME of a filter"),
    ("filter rules netem1", "netem1 is no firewall"),
    ("filter rules firewall1 x", "found `x`"),
    ("filter rules firewall1 list x", "unexpected argument `x`"),
    (
        "filter rules firewall1 add",
        "RULE (such as drop in udp dport 7) expected",
    ),
    ("filter rules firewall1 add frob", "allow, drop or reject"),
    ("filter rules firewall1 add drop from 10.0.2.256", "word 2"),
    ("filter rules firewall1 insert", "POSITION expected"),
    (
        "filter rules firewall1 insert 0 drop",
        "POSITION must be 1 to 65, found `0`",
    ),
    ("filter rules firewall1 insert 1", "RULE"),
    (
        "filter rules firewall1 delete x",
        "POSITION expected, found `x`",
    ),
    (
        "filter rules firewall1 delete 1 1",
        "unexpected argument `1`",
    ),
    ("filter rules firewall1 default maybe", "found `maybe`"),
    (
        "filter rules firewall1 clear all",
        "unexpected argument `all`",
    ),
    ("capture x", "found `x`"),
    (
        "capture capture1",
        "start, stop, clear, filter, show, dump or live expected",
    ),
    ("capture capture3 start", "found `capture3`"),
    ("capture start x", "unexpected argument `x`"),
    ("capture stop x", "unexpected argument `x`"),
    ("capture clear x", "unexpected argument `x`"),
    ("capture filter host", "expected at the end"),
    ("capture filter port 7 or", "expected at the end"),
    ("capture filter ( udp", "expected"),
    ("capture filter frob", "`frob`"),
    ("capture show 0", "COUNT must be 1 to"),
    ("capture show x", "COUNT expected, found `x`"),
    (
        "capture dump com3",
        "`com2` or nothing expected, found `com3`",
    ),
    ("capture dump com2 x", "unexpected argument `x`"),
    ("capture live port x", "`x`"),
    ("bench task x", "SECONDS expected, found `x`"),
    ("bench task 1 1", "unexpected argument `1`"),
    ("bench task 3601", "SECONDS must be 0 to 3600"),
];

#[test]
fn wrong_lines_do_nothing_but_say_what_was_expected() {
    let typed: Vec<_> = WRONG.iter().map(|(line, _)| format!("{line}\r")).collect();
    let output = converse(typed.concat().as_bytes());
    let mut answers = output.split("net> ");
    for (line, expected) in WRONG {
        let answer = answers.next().unwrap_or_default();
        let lines: Vec<_> = answer.lines().skip(1).collect();
        let usage = format!("usage: {}", line.split(' ').next().unwrap_or_default());
        assert!(
            matches!(lines[..], [error, last] if error.starts_with("error: ")
                && error.contains(expected)
                && last.starts_with(&usage)),
            "{line}: {answer}"
        );
    }
}

#[test]
fn what_cannot_be_done_has_a_reason_and_no_usage() {
    for (line, reason) in [
        (
            "filter remove netem1",
            "error: not removed: the filter is not in use",
        ),
        (
            "filter rules firewall1 delete 1",
            "error: not changed: there is no rule",
        ),
        ("oid GEN_LINK_SPEED 1", "error: not set: "),
        ("oid 0x12345678", "error: the adapter does not answer: "),
        (
            "oid GEN_PROTOCOL_OPTIONS",
            "error: it can only be set: NOT_SUPPORTED",
        ),
    ] {
        let output = converse(format!("{line}\r").as_bytes());
        assert!(output.contains(reason), "{line}: {output}");
        assert!(!output.contains("usage:"), "{line}: {output}");
    }
}

/// Words of the commands, so that random lines get somewhere.
const WORDS: &[&str] = &[
    "list",
    "add",
    "remove",
    "set",
    "rules",
    "capture",
    "netem",
    "firewall",
    "capture1",
    "netem1",
    "firewall1",
    "above",
    "Ne2000",
    "Loopback",
    "insert",
    "delete",
    "default",
    "clear",
    "1",
    "0",
    "4294967296",
    "-1",
    "drop",
    "allow",
    "reject",
    "in",
    "udp",
    "from",
    "10.0.2.2/24",
    "dport",
    "7-9",
    "loss=1%",
    "delay=1ms",
    "off",
    "start",
    "stop",
    "filter",
    "show",
    "dump",
    "com2",
    "port",
    "host",
    "(",
    ")",
    "!",
    "not",
    "and",
    "reset",
    "GEN_LINK_SPEED",
    "0x00010101",
    "802_3_MULTICAST_LIST",
    "01:00:5e:00:00:01",
    "none",
    "all",
    "task",
    "send",
    "receive",
    "\u{e9}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_words_behind_a_command_are_borne(
        lines in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::collection::vec(any::<prop::sample::Index>(), 0..7)),
            1..12
        )
    ) {
        let commands: Vec<_> = COMMANDS
            .iter()
            .map(|command| command.name)
            .filter(|name| !["ping", "poweroff", "reboot", "bench"].contains(name))
            .collect();
        let typed: Vec<_> = lines
            .iter()
            .map(|(command, words)| {
                let words: Vec<_> = words.iter().map(|word| *word.get(WORDS)).collect();
                format!("{} {}\r", command.get(&commands), words.join(" "))
            })
            .collect();
        let output = converse(typed.concat().as_bytes());
        prop_assert!(output.ends_with("\r\nnet> "), "{}", output);
    }
}
