//! Measurements: the bare card, and UDP through the whole stack.

use core::fmt::Write;

use afd::winsock::constants::{
    AF_INET, IPPROTO_UDP, SO_RCVBUF, SO_RCVTIMEO, SOCK_DGRAM, SOL_SOCKET,
};
use afd::winsock::{Socket, WsaError};
use core::net::{Ipv4Addr, SocketAddrV4};
use executive::{Duration, Instant};
use ndis::{AdapterState, Oid};
use ne2000::measure::{self, Measurement};
use netstack::SocketAddress;

use super::super::Failure;
use super::nic::hardware;
use super::{Arguments, CommandError, Outcome, Session};
use crate::network::Winsock;

const FORMS: &str = "card, udp or task";
const DIRECTIONS: &str = "send or receive";
/// Frames or datagrams of one run.
const COUNTS: core::ops::RangeInclusive<u32> = 1..=10_000_000;
/// Ethernet, IPv4 and UDP headers of a datagram, in bytes.
const HEADERS: u32 = 14 + 20 + 8;
/// A run that receives ends after so many milliseconds without an input.
const PATIENCE_MS: u32 = 10_000;
/// Receive window in bytes: what the card's ring holds, twice.
const WINDOW: u32 = 64 * 1024;
/// Datagrams between two looks for Ctrl-C.
const ATTENTION: u32 = 256;
/// The longest run of the task that computes, in seconds.
const SECONDS: u32 = 3600;
const MAXIMUM_PAYLOAD: u32 = 1472;
const WINSOCK_VERSION: u16 = 0x0202;

/// What a run has found.
struct Outcomes {
    frames: u32,
    lost: u32,
    time: Duration,
}

pub(super) fn bench(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let form = arguments.word(FORMS)?;
    if form == "task" {
        return task(session, arguments);
    }
    let direction = arguments.word(DIRECTIONS)?;
    match (form, direction) {
        ("card", "send") => card(session, arguments, measure::Direction::Send),
        ("card", "receive") => card(session, arguments, measure::Direction::Receive),
        ("udp", "send") => udp_send(session, arguments),
        ("udp", "receive") => udp_receive(session, arguments),
        ("card" | "udp", other) => Err(Arguments::unknown(other, DIRECTIONS)),
        (other, _) => Err(Arguments::unknown(other, FORMS)),
    }
}

/// The miniport itself moves the frames, in a loop at DISPATCH_LEVEL; nothing
/// else runs meanwhile.
fn card(
    session: &mut Session,
    arguments: &mut Arguments<'_>,
    direction: measure::Direction,
) -> Outcome {
    let size = arguments.number("SIZE", 60..=1514, None)?;
    let count = arguments.number("COUNT", COUNTS, None)?;
    arguments.end()?;
    let ndis = session.system.ndis;
    let mut cards = hardware(session.system);
    let adapter = cards
        .find(|adapter| adapter.state() == AdapterState::Running)
        .ok_or_else(|| Failure::error("no card", "nothing to measure"))?;
    let _ = writeln!(session.output, "ready");
    let order = measure::Order {
        direction,
        size: size as u16,
        count,
    };
    ndis.set_adapter(&adapter, Oid(measure::OID_MEASURE), &order.to_bytes())
        .map_err(|status| Failure::error("the card was not measured", status))?;
    let mut answer = [0; Measurement::LENGTH];
    ndis.query_adapter(&adapter, Oid(measure::OID_MEASURE), &mut answer)
        .map_err(|status| Failure::error("the card was not measured", status))?;
    let measured = Measurement::from_bytes(&answer);
    let name = match direction {
        measure::Direction::Send => "card send",
        measure::Direction::Receive => "card receive",
    };
    let outcomes = Outcomes {
        frames: measured.frames,
        lost: count.saturating_sub(measured.frames),
        time: measured.time,
    };
    print(session, name, size, size, &outcomes);
    Ok(())
}

/// Has a task at normal priority compute for some seconds, or says how far it is.
fn task(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let seconds = arguments.number("SECONDS", 0..=SECONDS, Some(0))?;
    arguments.end()?;
    let load = session.system.load;
    if seconds > 0 && !load.begin(Duration::from_secs(u64::from(seconds))) {
        return Err(Failure::error("the task", "computes already"));
    }
    let progress = load.progress();
    let _ = writeln!(
        session.output,
        "bench task: rounds {} time {} us {}",
        progress.rounds,
        progress.time.as_micros(),
        if progress.is_running {
            "running"
        } else {
            "ended"
        }
    );
    Ok(())
}

/// A socket that is closed, and Winsock with it, at the end.
struct Opened {
    winsock: &'static Winsock,
    socket: Socket,
}

impl Opened {
    fn new(session: &Session) -> Result<Self, WsaError> {
        let winsock = session.system.winsock;
        winsock.startup(WINSOCK_VERSION)?;
        match winsock.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) {
            Ok(socket) => Ok(Self { winsock, socket }),
            Err(error) => {
                let _ = winsock.cleanup();
                Err(error)
            }
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let _ = self.winsock.closesocket(self.socket);
        let _ = self.winsock.cleanup();
    }
}

fn failed(error: WsaError) -> CommandError {
    Failure::error("socket", error)
}

fn udp_send(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let peer: SocketAddrV4 = arguments.value("ADDRESS:PORT")?;
    let size = arguments.number("SIZE", 18..=MAXIMUM_PAYLOAD, None)?;
    let count = arguments.number("COUNT", COUNTS, None)?;
    arguments.end()?;
    let peer = SocketAddress::new(*peer.ip(), peer.port());
    let opened = Opened::new(session).map_err(failed)?;
    let payload = [0x55; MAXIMUM_PAYLOAD as usize];
    let payload = payload.get(..size as usize).unwrap_or_default();
    let one = || opened.winsock.sendto(opened.socket, payload, 0, peer);
    // The first datagram also finds the neighbour.
    one().map_err(failed)?;
    let started = session.system.executive.now();
    let (mut sent, mut tried) = (0, 0);
    while tried < count {
        let round = ATTENTION.min(count - tried);
        sent += (0..round).filter(|_| one().is_ok()).count() as u32;
        tried += round;
        if session.is_interrupted() {
            break;
        }
    }
    let outcomes = Outcomes {
        frames: sent,
        lost: count - sent,
        time: session.system.executive.now().duration_since(started),
    };
    print(session, "udp send", size, size + HEADERS, &outcomes);
    Ok(())
}

fn udp_receive(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let port = arguments.number("PORT", 1..=65535, None)? as u16;
    let size = arguments.number("SIZE", 18..=MAXIMUM_PAYLOAD, None)?;
    let count = arguments.number("COUNT", COUNTS, None)?;
    arguments.end()?;
    let opened = Opened::new(session).map_err(failed)?;
    opened
        .winsock
        .bind(
            opened.socket,
            SocketAddress::new(Ipv4Addr::UNSPECIFIED, port),
        )
        .map_err(failed)?;
    for (option, value) in [(SO_RCVTIMEO, PATIENCE_MS), (SO_RCVBUF, WINDOW)] {
        opened
            .winsock
            .setsockopt(opened.socket, SOL_SOCKET, option, &value.to_le_bytes())
            .map_err(failed)?;
    }
    let _ = writeln!(session.output, "ready");
    let outcomes = receive(session, &opened, size, count).map_err(failed)?;
    print(session, "udp receive", size, size + HEADERS, &outcomes);
    Ok(())
}

/// Receives until all have come, or nothing comes for a while. The time runs
/// from the first datagram to the last.
fn receive(
    session: &Session,
    opened: &Opened,
    size: u32,
    count: u32,
) -> Result<Outcomes, WsaError> {
    let now = || session.system.executive.now();
    let mut buffer = [0; MAXIMUM_PAYLOAD as usize];
    let (mut frames, mut other) = (0, 0);
    let mut first: Option<Instant> = None;
    let mut waited = Duration::ZERO;
    while frames + other < count {
        let length = match opened.winsock.recv(opened.socket, &mut buffer, 0) {
            Ok(length) => length,
            Err(WsaError::ETIMEDOUT) => {
                // Nothing has come since then.
                waited = Duration::from_millis(PATIENCE_MS.into());
                break;
            }
            Err(error) => return Err(error),
        };
        // The clock is read at both ends only: it costs more than the call.
        if first.is_none() {
            first = Some(now());
        }
        if length == size as usize {
            frames += 1;
        } else {
            other += 1;
        }
    }
    let time = first.map_or(Duration::ZERO, |first| now().duration_since(first) - waited);
    Ok(Outcomes {
        frames,
        lost: count - frames,
        time,
    })
}

/// `size` is what was asked for; a frame has `frame_bytes` on the wire.
fn print(session: &mut Session, name: &str, size: u32, frame_bytes: u32, outcomes: &Outcomes) {
    let micros = outcomes.time.as_micros().max(1);
    let frames = u64::from(outcomes.frames);
    let rate = frames * 1_000_000 / micros;
    // Bytes in a microsecond are megabytes in a second.
    let tenths = frames * u64::from(frame_bytes) * 10 / micros;
    let _ = writeln!(
        session.output,
        "bench {name}: size {size} frames {frames} lost {} time {micros} us rate {rate} frames/s {}.{} MB/s",
        outcomes.lost,
        tenths / 10,
        tenths % 10
    );
}
