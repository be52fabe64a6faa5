//! The commands, one table.

mod bench;
mod machine;
mod network;
mod nic;
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
    /// What it does, in one line.
    summary: &'static str,
    pub(super) run: fn(&mut Session, &mut Arguments<'_>) -> Outcome,
}

/// All commands, in the order of `help`.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        usage: "help [COMMAND]",
        summary: "lists the commands",
        run: help,
    },
    Command {
        name: "ipconfig",
        usage: "ipconfig",
        summary: "shows the interfaces and their addresses",
        run: network::ipconfig,
    },
    Command {
        name: "arp",
        usage: "arp",
        summary: "shows the neighbours",
        run: network::arp,
    },
    Command {
        name: "route",
        usage: "route",
        summary: "shows the routes",
        run: network::route,
    },
    Command {
        name: "netstat",
        usage: "netstat",
        summary: "shows the address objects",
        run: network::netstat,
    },
    Command {
        name: "ping",
        usage: "ping ADDRESS [COUNT]",
        summary: "sends ICMP echo requests, one a second",
        run: network::ping,
    },
    Command {
        name: "stats",
        usage: "stats [all|LAYER]",
        summary: "shows the counters of every layer that are not zero, all, or those of one layer",
        run: statistics::stats,
    },
    Command {
        name: "nic",
        usage: "nic",
        summary: "shows the card's registers and ring",
        run: nic::nic,
    },
    Command {
        name: "threads",
        usage: "threads",
        summary: "shows the threads",
        run: machine::threads,
    },
    Command {
        name: "mem",
        usage: "mem",
        summary: "shows pools, heap and page frames",
        run: statistics::mem,
    },
    Command {
        name: "log",
        usage: "log [LEVEL [TARGET]]",
        summary: "shows or sets the log levels: off, error, warn, info, debug, trace",
        run: machine::log,
    },
    Command {
        name: "uptime",
        usage: "uptime",
        summary: "shows the time since the start",
        run: machine::uptime,
    },
    Command {
        name: "selftest",
        usage: "selftest [NAME]",
        summary: "runs the self tests, or one of them",
        run: machine::selftest,
    },
    Command {
        name: "bench",
        usage: "bench card|udp send|receive ...",
        summary: "measures the bare card or the whole stack; `bench` alone shows the forms",
        run: bench::bench,
    },
    Command {
        name: "poweroff",
        usage: "poweroff",
        summary: "ends the run and the machine",
        run: machine::poweroff,
    },
    Command {
        name: "reboot",
        usage: "reboot",
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
    let _ = writeln!(session.output, "{:<34} {}", command.usage, command.summary);
}
