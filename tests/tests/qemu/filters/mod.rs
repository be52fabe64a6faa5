//! Filters between the card and TCP/IP, put in and taken out at the console.

mod capture;
mod firewall;
mod netem;
mod stack;

use std::time::{Duration, Instant};
use tests::console::Console;
use tests::machine::Machine;
use tests::peer::{self, GATEWAY, Message, Peer};
use tests::services::ECHO;

const PORT: u16 = 4000;
/// Longer than an answer takes that comes at all; a wait for nothing lasts so long.
const QUIET: Duration = Duration::from_millis(500);

/// A console command that must not fail.
#[track_caller]
fn told(console: &mut Console, command: &str) -> Vec<String> {
    let lines = console.command(command);
    assert!(
        !lines.iter().any(|line| line.starts_with("error: ")),
        "`{command}`: {lines:#?}"
    );
    lines
}

/// Puts a filter in above the card, and gives its name.
#[track_caller]
fn add(machine: &mut Machine, kind: &str) -> String {
    let lines = told(&mut machine.console, &format!("filter add {kind}"));
    let name = lines.iter().find_map(|line| line.strip_prefix("added "));
    let name = name.and_then(|rest| rest.split_whitespace().next());
    name.unwrap_or_else(|| panic!("not added: {lines:#?}"))
        .to_owned()
}

#[track_caller]
fn remove(machine: &mut Machine, name: &str) {
    let lines = told(&mut machine.console, &format!("filter remove {name}"));
    assert!(lines.contains(&format!("removed {name}")), "{lines:#?}");
}

/// A datagram for the echo service that carries a number.
fn numbered(number: u32) -> Vec<u8> {
    peer::udp((GATEWAY, PORT), ECHO, &number.to_be_bytes())
}

/// The number in the echo of such a datagram.
fn number_in(message: &Message) -> Option<u32> {
    match message {
        Message::Udp {
            source_port: ECHO,
            payload,
            ..
        } => payload
            .first_chunk()
            .map(|bytes| u32::from_be_bytes(*bytes)),
        _ => None,
    }
}

/// Numbers of the echoes that come until nothing has come for a while.
#[track_caller]
fn echoes(peer: &Peer, quiet: Duration) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let Some(message) = peer.receive(Instant::now() + quiet) {
        numbers.extend(number_in(&message));
    }
    numbers
}

/// Whether one datagram comes back.
#[track_caller]
fn is_echoed(peer: &Peer) -> bool {
    peer.send(&numbered(77));
    echoes(peer, QUIET) == [77]
}
