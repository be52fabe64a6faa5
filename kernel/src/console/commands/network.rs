//! Commands about interfaces, neighbours, routes and sockets.

use core::fmt::Write;
use core::net::Ipv4Addr;

use afd::Afd;
use executive::Duration;
use netstack::Stack;
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

/// The longest row of a table.
const ROW: usize = 160;

/// Prints a table row by row. What it shows is behind the network lock, which is held for
/// one row at a time and not while that is printed.
fn print_rows(
    session: &mut Session,
    mut row: impl FnMut(&Stack, &Afd, usize, &mut heapless::String<ROW>) -> Option<()>,
) {
    let network = session.system.network;
    for place in 0.. {
        let mut text = heapless::String::new();
        if network
            .inspect(|stack, afd| row(stack, afd, place, &mut text))
            .is_none()
        {
            return;
        }
        let _ = writeln!(session.output, "{text}");
    }
}

pub(super) fn ipconfig(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let _ = writeln!(
        session.output,
        "{:<12} {:<5} {:<17} {:>5} {:<18} GATEWAY",
        "INTERFACE", "STATE", "HARDWARE-ADDRESS", "MTU", "ADDRESS"
    );
    print_rows(session, |stack, _, place, row| {
        let interface = stack.interfaces().nth(place)?;
        let gateway = stack
            .routes()
            .map(|route| route.route)
            .find(|route| route.interface == interface.id && route.destination.length() == 0)
            .and_then(|route| route.gateway);
        write!(
            row,
            "{:<12} {:<5} {:<17} {:>5} {:<18} {}",
            interface.name,
            if interface.up { "up" } else { "down" },
            interface.hardware_address,
            interface.mtu,
            OrDash(interface.address.map(Padded)),
            OrDash(gateway)
        )
        .ok()
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
    print_rows(session, |stack, _, place, row| {
        let neighbour = stack.neighbours(now).nth(place)?;
        write!(
            row,
            "{:<15} {:<17} {:<10} {}",
            neighbour.address,
            OrDash(neighbour.hardware_address),
            Word(neighbour.state),
            OrDash(stack.interface_name(neighbour.interface))
        )
        .ok()
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
    print_rows(session, |stack, _, place, row| {
        let information = stack.routes().nth(place)?;
        let route = information.route;
        write!(row, "{:<18} ", Padded(route.destination)).ok()?;
        match route.gateway {
            Some(gateway) => write!(row, "{gateway:<15}"),
            None => write!(row, "{:<15}", "on-link"),
        }
        .ok()?;
        write!(
            row,
            " {:<12} {}",
            OrDash(stack.interface_name(route.interface)),
            if information.active { "active" } else { "down" }
        )
        .ok()
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
    print_rows(session, |stack, afd, place, row| {
        let object = stack.address_objects().nth(place)?;
        let queued = afd
            .endpoints()
            .find(|endpoint| endpoint.address == Some(object.handle))
            .map(|endpoint| endpoint.datagrams);
        write!(
            row,
            "{:<8} {:<21} ",
            Word(object.transport),
            Padded(object.local)
        )
        .ok()?;
        match object.remote {
            Some(remote) => write!(row, "{:<21}", Padded(remote)),
            None => write!(row, "{:<21}", '*'),
        }
        .ok()?;
        write!(row, " {:>8} {}", object.receives, OrDash(queued)).ok()
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
