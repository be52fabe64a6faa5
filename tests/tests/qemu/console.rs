//! The shell on the serial port.

use std::time::Duration;
use tests::PATIENCE;
use tests::machine::{Machine, Options};
use tests::random::Random;
use tests::report::{Counters, Memory, Table};

const COMMANDS: [&str; 20] = [
    "arp", "bench", "capture", "filter", "help", "ipconfig", "log", "mem", "ndis", "netstat",
    "nic", "oid", "ping", "poweroff", "reboot", "route", "selftest", "stats", "threads", "uptime",
];

fn boot() -> Machine {
    Options::new().boot()
}

#[track_caller]
fn lives(machine: &mut Machine) {
    let uptime = machine.console.command("uptime");
    assert!(
        uptime.len() == 1 && uptime[0].starts_with("up "),
        "{uptime:?}"
    );
}

#[test]
fn help_lists_every_command() {
    let mut machine = boot();
    let help = machine.console.command("help");
    let mut names: Vec<_> = help
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    names.sort_unstable();
    assert_eq!(names, COMMANDS);
    for name in COMMANDS {
        let line = machine.console.command(&format!("help {name}"));
        assert!(
            line.len() == 1 && help.contains(&line[0]),
            "help {name}: {line:?}"
        );
    }
    machine.power_off();
}

#[test]
fn what_is_wrong_is_told_with_what_was_expected() {
    let mut machine = boot();
    let unknown = machine.console.command("frobnicate 1 2");
    assert_eq!(
        unknown,
        ["error: unknown command `frobnicate`; `help` lists them"]
    );
    for (command, expected) in [
        ("ping", "ADDRESS expected"),
        ("ping 10.0.2", "ADDRESS expected, found `10.0.2`"),
        ("ping 10.0.2.2.2", "ADDRESS expected, found `10.0.2.2.2`"),
        ("ping 10.0.2.256", "ADDRESS expected, found `10.0.2.256`"),
        ("ping 10.0.2.2 0", "COUNT must be 1 to"),
        ("ping 10.0.2.2 -1", "unexpected"),
        ("ping 10.0.2.2 4294967296", "COUNT"),
        ("ping 10.0.2.2 x", "COUNT expected, found `x`"),
        ("ping 10.0.2.2 1 1", "unexpected argument `1`"),
        ("arp now", "unexpected argument `now`"),
        ("uptime 1", "unexpected argument `1`"),
        ("help nothing", "found `nothing`"),
        ("log loud", "found `loud`"),
        ("log info nothing", "found `nothing`"),
        ("stats nothing", "found `nothing`"),
        ("selftest nothing", "found `nothing`"),
        ("bench nothing send", "found `nothing`"),
        ("poweroff now", "unexpected argument `now`"),
        ("reboot --force", "unexpected argument `force`"),
    ] {
        let output = machine.console.command(command);
        let errors: Vec<_> = output
            .iter()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert!(
            errors.len() == 1 && errors[0].contains(expected),
            "`{command}`: {output:#?}"
        );
        let usage = format!("usage: {}", command.split(' ').next().unwrap_or_default());
        assert!(
            output.last().is_some_and(|line| line.starts_with(&usage)),
            "`{command}`: {output:#?}"
        );
    }
    machine.power_off();
}

#[test]
fn commands_print_what_their_readers_expect() {
    let mut machine = boot();
    let console = &mut machine.console;
    let interfaces = Table::read(console, "ipconfig");
    assert_eq!(interfaces.column("INTERFACE"), ["Loopback", "Ne2000"]);
    assert_eq!(interfaces.column("STATE"), ["up", "up"]);
    assert_eq!(
        interfaces.column("HARDWARE-ADDRESS"),
        ["00:00:00:00:00:00", "52:54:00:12:34:56"]
    );
    assert_eq!(interfaces.column("MTU"), ["65535", "1500"]);
    assert_eq!(
        interfaces.column("ADDRESS"),
        ["127.0.0.1/8", "10.0.2.15/24"]
    );
    assert_eq!(interfaces.column("GATEWAY"), ["-", "10.0.2.2"]);
    let routes = Table::read(console, "route");
    assert_eq!(
        routes.find("DESTINATION", "127.0.0.0/8", "INTERFACE"),
        Some("Loopback")
    );
    assert_eq!(
        routes.find("DESTINATION", "0.0.0.0/0", "GATEWAY"),
        Some("10.0.2.2")
    );
    assert_eq!(
        routes.find("DESTINATION", "10.0.2.0/24", "GATEWAY"),
        Some("on-link")
    );
    let sockets = Table::read(console, "netstat");
    for port in [7, 9, 13, 19] {
        let local = format!("0.0.0.0:{port}");
        assert_eq!(
            sockets.find("LOCAL", &local, "PROTOCOL"),
            Some("udp"),
            "{sockets:?}"
        );
        assert_eq!(sockets.find("LOCAL", &local, "REMOTE"), Some("*"));
    }
    let threads = Table::read(console, "threads");
    assert!(threads.column("STATE").contains(&"running"), "{threads:?}");
    assert!(
        threads
            .column("PRIORITY")
            .iter()
            .all(|priority| *priority == "-"
                || priority.parse::<u8>().is_ok_and(|priority| priority < 32))
    );
    let levels = Table::read(console, "log");
    assert!(levels.column("TARGET").contains(&"ndis"), "{levels:?}");
    let memory = Memory::read(console);
    assert!(
        memory.pools.len() >= 4
            && memory
                .pools
                .values()
                .all(|pool| pool.used <= pool.peak && pool.peak <= pool.size),
        "{memory:?}"
    );
    machine.power_off();
}

#[test]
fn ping_of_the_gateway() {
    let mut machine = boot();
    let output = machine.console.command("ping 10.0.2.2 3");
    let replies: Vec<_> = output
        .iter()
        .filter(|line| line.starts_with("reply from 10.0.2.2:"))
        .collect();
    assert_eq!(replies.len(), 3, "{output:#?}");
    for (index, reply) in replies.iter().enumerate() {
        assert!(
            reply.contains(&format!("sequence {}", index + 1)),
            "{reply}"
        );
    }
    assert!(
        output
            .last()
            .is_some_and(|line| line.starts_with("3 sent, 3 received, 0 lost")),
        "{output:#?}"
    );
    let neighbours = Table::read(&mut machine.console, "arp");
    assert_eq!(
        neighbours.find("ADDRESS", "10.0.2.2", "HARDWARE-ADDRESS"),
        Some("52:55:0a:00:02:02")
    );
    assert_eq!(
        neighbours.find("ADDRESS", "10.0.2.2", "STATE"),
        Some("reachable")
    );
    machine.power_off();
}

#[test]
fn ping_of_nobody_is_lost_and_can_be_interrupted() {
    let mut machine = boot();
    let output = machine.console.command("ping 10.0.2.99 1");
    assert!(
        output
            .last()
            .is_some_and(|line| line.starts_with("1 sent, 0 received, 1 lost")),
        "{output:#?}"
    );
    machine.console.type_line("ping 10.0.2.99 1000");
    machine.console.expect("sequence 1");
    machine.console.send([CONTROL_C]);
    machine.console.expect(" sent, 0 received");
    lives(&mut machine);
    machine.power_off();
}

const CONTROL_C: u8 = 0x03;

#[test]
fn lines_can_be_edited_and_called_back() {
    let mut machine = boot();
    machine.console.type_line("uptimx\x7fe");
    assert!(machine.console.output("uptime", PATIENCE)[0].starts_with("up "));
    machine.console.type_line("\x1b[A");
    assert!(machine.console.output("uptime", PATIENCE)[0].starts_with("up "));
    machine
        .console
        .type_line("pxtime\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x7fu\x1b[C\x7fp");
    assert!(machine.console.output("uptime", PATIENCE)[0].starts_with("up "));
    machine.console.wait_for_prompt();
    machine.console.send(b"poweroff\x03");
    machine.console.wait_for_prompt();
    lives(&mut machine);
    machine.power_off();
}

#[test]
fn a_line_that_is_too_long_is_refused_whole() {
    let mut machine = boot();
    machine.console.wait_for_prompt();
    machine
        .console
        .send(format!("poweroff {}\r", " ".repeat(300)));
    machine.console.expect("error: line too long");
    machine.console.send("x".repeat(5000));
    machine.console.send("\r");
    machine.console.expect("error: line too long");
    lives(&mut machine);
    machine.power_off();
}

#[test]
fn empty_lines_and_every_line_end_only_give_a_prompt() {
    let mut machine = boot();
    for end in ["\r", "\n", "\r\n", "   \r"] {
        machine.console.wait_for_prompt();
        machine.console.send(end);
    }
    lives(&mut machine);
    machine.power_off();
}

#[test]
fn control_characters_and_foreign_bytes_do_no_harm() {
    let mut machine = boot();
    machine.console.wait_for_prompt();
    for byte in (0..=0x1f).chain(0x7f..=0xff) {
        machine.console.send([byte]);
    }
    machine
        .console
        .send(b"\x1b[999999999999D\x1b[\x1b[;;;;;;~\x1bO\x1b");
    machine.console.send([CONTROL_C]);
    machine.console.send("\r");
    lives(&mut machine);
    machine.power_off();
}

#[test]
fn a_flood_of_random_bytes_does_no_harm() {
    let mut machine = boot();
    let mut random = Random::new(5);
    machine.console.wait_for_prompt();
    for _ in 0..100 {
        machine.console.send(random.bytes(200));
        // Ends the line, so that commands are tried too, and keeps the pace.
        machine.console.send(b"\r\x03\r");
        machine.console.wait_for_prompt();
    }
    lives(&mut machine);
    machine.power_off();
}

#[test]
fn records_of_the_log_do_not_disturb_a_line_being_typed() {
    let mut machine = boot();
    machine.console.command("log trace");
    // Each ping at this level makes many records while the next command is typed.
    machine.console.command("ping 10.0.2.2 2");
    machine.console.command("log warn");
    assert!(
        machine
            .console
            .records()
            .iter()
            .any(|record| record.contains(" TRACE ")),
        "no records at this level"
    );
    lives(&mut machine);
    machine.power_off();
}

#[test]
fn log_levels_hold_for_one_target_or_all() {
    let mut machine = boot();
    assert_eq!(machine.console.command("log error"), ["log error"]);
    assert_eq!(
        machine.console.command("log debug ndis"),
        ["log debug ndis"]
    );
    let levels = Table::read(&mut machine.console, "log");
    assert_eq!(levels.find("TARGET", "ndis", "LEVEL"), Some("debug"));
    assert_eq!(levels.find("TARGET", "ne2000", "LEVEL"), Some("error"));
    machine.power_off();
}

#[test]
fn what_is_typed_while_a_command_runs_is_run_after_it() {
    let mut machine = boot();
    machine.console.type_line("ping 10.0.2.2 2");
    machine.console.send("uptime\r");
    machine
        .console
        .expect_within("2 sent, ", Duration::from_secs(20));
    machine.console.expect("up ");
    machine.power_off();
}

#[test]
fn every_counter_is_printed_and_those_at_zero_only_on_demand() {
    let mut machine = boot();
    let all = Counters::read(&mut machine.console);
    let shown = machine.console.command("stats");
    let zero = all.iter().filter(|(_, value)| *value == 0).count();
    assert!(
        shown.len() > 1 && zero > 0 && all.iter().count() > 50,
        "{shown:#?}"
    );
    assert!(
        shown[..shown.len() - 1]
            .iter()
            .all(|line| !line.ends_with(" 0")),
        "{shown:#?}"
    );
    for layer in [
        "executive",
        "ndis",
        "ne2000",
        "lan",
        "arp",
        "ip",
        "icmp",
        "udp",
        "afd",
        "task",
    ] {
        assert!(
            all.iter()
                .any(|(name, _)| name.starts_with(&format!("{layer}."))),
            "no counters of {layer}"
        );
        let of_layer = machine.console.command(&format!("stats {layer}"));
        assert!(of_layer.len() > 1, "stats {layer}: {of_layer:?}");
    }
    machine.power_off();
}
