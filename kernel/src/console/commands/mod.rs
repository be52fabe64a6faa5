//! The commands, one table.

mod bench;
mod capture;
mod filter;
mod machine;
mod ndis;
mod network;
mod nic;
mod oid;
mod statistics;

pub(super) use machine::run_self_tests;

use core::fmt::Write;

use super::{Arguments, CommandError, Session};

type Outcome = Result<(), CommandError>;

/// One command of the console.
pub(super) struct Command {
    /// The word that runs it.
    pub(super) name: &'static str,
    /// Name and arguments.
    pub(super) usage: &'static str,
    /// The same in brief, for the list of commands, where it is long.
    brief: Option<&'static str>,
    /// What it does, in one line.
    summary: &'static str,
    pub(super) run: fn(&mut Session, &mut Arguments<'_>) -> Outcome,
}

/// All commands, in the order of `help`.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        usage: "help [COMMAND]",
        brief: None,
        summary: "lists the commands",
        run: help,
    },
    Command {
        name: "ipconfig",
        usage: "ipconfig",
        brief: None,
        summary: "shows the interfaces and their addresses",
        run: network::ipconfig,
    },
    Command {
        name: "arp",
        usage: "arp",
        brief: None,
        summary: "shows the neighbours",
        run: network::arp,
    },
    Command {
        name: "route",
        usage: "route",
        brief: None,
        summary: "shows the routes",
        run: network::route,
    },
    Command {
        name: "netstat",
        usage: "netstat",
        brief: None,
        summary: "shows the address objects",
        run: network::netstat,
    },
    Command {
        name: "ping",
        usage: "ping ADDRESS [COUNT]",
        brief: None,
        summary: "sends ICMP echo requests, one a second",
        run: network::ping,
    },
    Command {
        name: "stats",
        usage: "stats [all|LAYER]",
        brief: None,
        summary: "shows the counters of every layer that are not zero, all, or those of one layer",
        run: statistics::stats,
    },
    Command {
        name: "ndis",
        usage: "ndis",
        brief: None,
        summary: "shows adapters, protocols and bindings",
        run: ndis::ndis,
    },
    Command {
        name: "nic",
        usage: "nic [reset [ADAPTER]]",
        brief: None,
        summary: "shows the cards' registers and rings, or resets an adapter",
        run: nic::nic,
    },
    Command {
        name: "oid",
        usage: "oid [ADAPTER] [OID [VALUE]]",
        brief: None,
        summary: "asks an adapter by object identifiers, or sets one",
        run: oid::oid,
    },
    Command {
        name: "filter",
        usage: "filter [list | add KIND [above ADAPTER] | remove NAME | set NAME SETTINGS... | rules NAME \
                [list | add RULE... | insert POSITION RULE... | delete POSITION | default ACTION | clear]]",
        brief: Some("filter list|add|remove|set|rules ..."),
        summary: "shows or changes the filters between adapters and protocols",
        run: filter::filter,
    },
    Command {
        name: "capture",
        usage: "capture [NAME] [start | stop | clear | filter WORDS... | show [COUNT] | dump [com2] | live [WORDS...]]",
        brief: Some("capture start|stop|show|live|dump ..."),
        summary: "stores, shows and dumps the packets that pass",
        run: capture::capture,
    },
    Command {
        name: "threads",
        usage: "threads",
        brief: None,
        summary: "shows the threads",
        run: machine::threads,
    },
    Command {
        name: "mem",
        usage: "mem",
        brief: None,
        summary: "shows pools, heap and page frames",
        run: statistics::mem,
    },
    Command {
        name: "log",
        usage: "log [LEVEL [TARGET]]",
        brief: None,
        summary: "shows or sets the log levels: off, error, warn, info, debug, trace",
        run: machine::log,
    },
    Command {
        name: "uptime",
        usage: "uptime",
        brief: None,
        summary: "shows the time since the start",
        run: machine::uptime,
    },
    Command {
        name: "selftest",
        usage: "selftest [NAME]",
        brief: None,
        summary: "runs the self tests, or one of them",
        run: machine::selftest,
    },
    Command {
        name: "bench",
        usage: "bench card send|receive SIZE COUNT | udp send ADDRESS:PORT SIZE COUNT | udp receive PORT SIZE COUNT | \
                task [SECONDS]",
        brief: Some("bench card|udp|task ..."),
        summary: "measures the bare card, the whole stack, or what is left for a task",
        run: bench::bench,
    },
    Command {
        name: "poweroff",
        usage: "poweroff",
        brief: None,
        summary: "ends the run and the machine",
        run: machine::poweroff,
    },
    Command {
        name: "reboot",
        usage: "reboot",
        brief: None,
        summary: "starts the machine anew",
        run: machine::reboot,
    },
];

fn help(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let wanted = arguments.optional_word()?;
    arguments.end()?;
    match wanted {
        None => {
            for command in COMMANDS {
                describe(session, command);
            }
            Ok(())
        }
        Some(name) => {
            let command = COMMANDS
                .iter()
                .find(|command| command.name == name)
                .ok_or_else(|| Arguments::unknown(name, "COMMAND"))?;
            describe(session, command);
            Ok(())
        }
    }
}

fn describe(session: &mut Session, command: &Command) {
    let usage = command.brief.unwrap_or(command.usage);
    let _ = writeln!(session.output, "{usage:<38} {}", command.summary);
}
