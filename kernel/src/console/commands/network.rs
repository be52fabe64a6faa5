//! Commands about interfaces, neighbours, routes and sockets.

use core::fmt::Write;
use core::net::Ipv4Addr;

use executive::Duration;
use netstack::icmp::EchoOutcome;

use super::super::Failure;
use super::super::format::{OrDash, Padded, Word};
use super::{Arguments, Outcome, Session};

/// Data bytes of an echo request, as most pings send.
const PING_LENGTH: usize = 56;
const PING_TIMEOUT: Duration = Duration::from_secs(1);
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// How long a wait lasts at most before Ctrl-C is looked for.
const ATTENTION: Duration = Duration::from_millis(100);

pub(super) fn ipconfig(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let _ = writeln!(
        session.output,
        "{:<12} {:<5} {:<17} {:>5} {:<18} GATEWAY",
        "INTERFACE", "STATE", "HARDWARE-ADDRESS", "MTU", "ADDRESS"
    );
    session.system.network.inspect(|stack, _| {
        for interface in stack.interfaces() {
            let gateway = stack
                .routes()
                .map(|route| route.route)
                .find(|route| route.interface == interface.id && route.destination.length() == 0)
                .and_then(|route| route.gateway);
            let _ = writeln!(
                session.output,
                "{:<12} {:<5} {:<17} {:>5} {:<18} {}",
                interface.name,
                if interface.up { "up" } else { "down" },
                interface.hardware_address,
                interface.mtu,
                OrDash(interface.address.map(Padded)),
                OrDash(gateway)
            );
        }
    });
    Ok(())
}

pub(super) fn arp(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let now = session.system.executive.now();
    let _ = writeln!(
        session.output,
        "{:<15} {:<17} {:<10} INTERFACE",
        "ADDRESS", "HARDWARE-ADDRESS", "STATE"
    );
    session.system.network.inspect(|stack, _| {
        for neighbour in stack.neighbours(now) {
            let _ = writeln!(
                session.output,
                "{:<15} {:<17} {:<10} {}",
                neighbour.address,
                OrDash(neighbour.hardware_address),
                Word(neighbour.state),
                OrDash(stack.interface_name(neighbour.interface))
            );
        }
    });
    Ok(())
}

pub(super) fn route(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let _ = writeln!(
        session.output,
        "{:<18} {:<15} {:<12} STATE",
        "DESTINATION", "GATEWAY", "INTERFACE"
    );
    session.system.network.inspect(|stack, _| {
        for information in stack.routes() {
            let route = information.route;
            let _ = write!(session.output, "{:<18} ", Padded(route.destination));
            let _ = match route.gateway {
                Some(gateway) => write!(session.output, "{gateway:<15}"),
                None => write!(session.output, "{:<15}", "on-link"),
            };
            let _ = writeln!(
                session.output,
                " {:<12} {}",
                OrDash(stack.interface_name(route.interface)),
                if information.active { "active" } else { "down" }
            );
        }
    });
    Ok(())
}

pub(super) fn netstat(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let _ = writeln!(
        session.output,
        "{:<8} {:<21} {:<21} {:>8} QUEUED",
        "PROTOCOL", "LOCAL", "REMOTE", "RECEIVES"
    );
    session.system.network.inspect(|stack, afd| {
        for object in stack.address_objects() {
            let queued = afd
                .endpoints()
                .find(|endpoint| endpoint.address == Some(object.handle))
                .map(|endpoint| endpoint.datagrams);
            let _ = write!(
                session.output,
                "{:<8} {:<21} ",
                Word(object.transport),
                Padded(object.local)
            );
            let _ = match object.remote {
                Some(remote) => write!(session.output, "{:<21}", Padded(remote)),
                None => write!(session.output, "{:<21}", '*'),
            };
            let _ = writeln!(session.output, " {:>8} {}", object.receives, OrDash(queued));
        }
    });
    Ok(())
}

/// What a run of ping has seen.
#[derive(Default)]
struct PingSummary {
    sent: u32,
    received: u32,
    total: u64,
    least: u64,
    most: u64,
}

impl PingSummary {
    fn take(&mut self, round_trip: Duration) {
        let micros = round_trip.as_micros();
        self.least = if self.received == 0 {
            micros
        } else {
            self.least.min(micros)
        };
        self.most = self.most.max(micros);
        self.total += micros;
        self.received += 1;
    }

    fn print(&self, session: &mut Session) {
        let _ = write!(
            session.output,
            "{} sent, {} received, {} lost",
            self.sent,
            self.received,
            self.sent - self.received
        );
        if self.received > 0 {
            let _ = write!(
                session.output,
                ", minimum {} us, average {} us, maximum {} us",
                self.least,
                self.total / u64::from(self.received),
                self.most
            );
        }
        let _ = writeln!(session.output);
    }
}

pub(super) fn ping(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let destination: Ipv4Addr = arguments.value("ADDRESS")?;
    let count = arguments.number("COUNT", 1..=100_000, Some(4))?;
    arguments.end()?;
    let system = session.system;
    let identifier = system.machine.entropy() as u16;
    let mut ping = system.network.ping(destination, identifier);
    let mut summary = PingSummary::default();
    while summary.sent < count {
        let started = system.executive.now();
        let sequence = ping
            .send(PING_LENGTH, PING_TIMEOUT)
            .map_err(|status| Failure::error("the request was not sent", status))?;
        summary.sent += 1;
        let outcome = loop {
            if let Some(outcome) = ping.outcome(ATTENTION) {
                break Some(outcome);
            }
            if session.is_interrupted() {
                break None;
            }
        };
        let Some(outcome) = outcome else {
            break;
        };
        report(session, sequence, &outcome);
        if let EchoOutcome::Reply { round_trip, .. } = outcome {
            summary.take(round_trip);
        }
        let next = started + PING_INTERVAL;
        if summary.sent < count && !session.sleep_until(next) {
            break;
        }
    }
    summary.print(session);
    Ok(())
}

fn report(session: &mut Session, sequence: u16, outcome: &EchoOutcome) {
    let output = &mut session.output;
    let _ = match outcome {
        EchoOutcome::Reply {
            from,
            length,
            time_to_live,
            round_trip,
        } => writeln!(
            output,
            "reply from {from}: bytes {length} sequence {sequence} ttl {time_to_live} time {} us",
            round_trip.as_micros()
        ),
        EchoOutcome::Unreachable { from, status, .. } => {
            writeln!(
                output,
                "unreachable from {from}: sequence {sequence} {status}"
            )
        }
        EchoOutcome::TimeExceeded { from } => {
            writeln!(
                output,
                "time to live exceeded at {from}: sequence {sequence}"
            )
        }
        EchoOutcome::NotSent(status) => {
            writeln!(output, "not sent: sequence {sequence} {status}")
        }
        EchoOutcome::TimedOut => writeln!(output, "no reply: sequence {sequence}"),
    };
}
