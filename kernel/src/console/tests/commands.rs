//! What commands print.

use std::vec::Vec;

use super::converse;
use crate::console::commands::COMMANDS;

#[test]
fn every_command_prints_something_and_comes_back_to_the_prompt() {
    for command in COMMANDS {
        if matches!(command.name, "ping" | "poweroff" | "reboot" | "bench") {
            continue;
        }
        let output = converse(std::format!("{}\r", command.name).as_bytes());
        let lines = output.lines().count();
        assert!(lines >= 3, "{}: {output}", command.name);
        assert!(!output.contains("error:"), "{}: {output}", command.name);
        assert!(output.ends_with("\r\nnet> "), "{}: {output}", command.name);
    }
}

#[test]
fn self_tests_are_counted_by_their_verdicts() {
    assert!(converse(b"selftest\r").contains("pass good: \r\n1 passed, 0 failed\r\n"));
    assert!(converse(b"selftest bad\r").contains("fail bad: \r\n0 passed, 1 failed\r\n"));
}

#[test]
fn no_counter_is_named_twice() {
    let output =
        converse(b"filter add capture\rfilter add netem\rfilter add firewall\rstats all\r");
    let mut names: Vec<_> = output
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| name)
        .filter(|name| name.contains('.') && !name.contains("..."))
        .collect();
    let count = names.len();
    assert!(count > 300, "{output}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for name in [
        "filter.netem1.passed_up",
        "netem.netem1.lost_in",
        "ndis.Ne2000.frames_per_interrupt_hundredths",
    ] {
        assert!(names.binary_search(&name).is_ok(), "{name}");
    }
}

#[test]
fn a_reset_says_how_it_ended_and_the_card_goes_on() {
    let output = converse(b"nic reset\rping 10.0.2.77 1\rndis\rnic reset Loopback\r");
    assert!(output.contains("reset Ne2000: SUCCESS in "), "{output}");
    assert!(output.contains("1 sent, 0 received, 1 lost"), "{output}");
    assert!(!output.contains("usage:"), "{output}");
}

#[test]
fn ndis_has_a_table_for_adapters_stacks_protocols_and_bindings() {
    let output = converse(b"ndis\r");
    let tables: Vec<_> = output.split("\r\n\r\n").collect();
    assert_eq!(tables.len(), 5, "{output}");
    for (table, row) in tables.iter().zip([
        "Ne2000       ne2000     5.0  running  802.3    up   ",
        "Ne2000       -            -                   1      0       0 ",
        "Ne2000\r\n",
        "Tcpip        4.0  2",
        "Tcpip        Ne2000 ",
    ]) {
        let has_it = table.contains(row) || table.ends_with(row.trim_end());
        assert!(has_it, "{row}: {table}");
        let rows = table.trim_end_matches("net> ").trim_end().lines().skip(1);
        assert!(rows.count() > 0, "{table}");
    }
}

#[test]
fn what_an_oid_is_set_to_is_what_it_answers() {
    let output = converse(
        b"oid 802_3_MULTICAST_LIST 01:00:5e:00:00:09\roid Ne2000 oid_802_3_multicast_list\r",
    );
    assert!(
        output.contains("IEEE_802_3_MULTICAST_LIST 0x01010103 set to 01:00:5e:00:00:09\r\n"),
        "{output}"
    );
    assert!(
        output.contains("IEEE_802_3_MULTICAST_LIST 0x01010103 01:00:5e:00:00:09\r\n"),
        "{output}"
    );
}
