//! The echo client of the console's ping.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use executive::time::{Duration, Instant};
use ndis::packet::{BUFFER_SIZE, HEADROOM, Packet};

use super::error::status;
use super::input::SEND_OPTIONS;
use crate::arp::output::Outcome;
use crate::arp::pending::Waiter;
use crate::ip::{Datagram, NextHop, SendOptions, header};
use crate::stack::Stack;
use crate::table::Handle;
use crate::wire::icmpv4::{self, HEADER_LENGTH, Repr, message_type};

/// The most bytes of data that an echo request can be asked to carry: what fits
/// one buffer.
pub const MAXIMUM_ECHO_LENGTH: usize = BUFFER_SIZE - HEADROOM;

/// An echo request to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EchoRequest {
    /// Who is asked.
    pub destination: Ipv4Addr,
    /// Tells one run of ping from another.
    pub identifier: u16,
    /// Counts the requests of a run.
    pub sequence: u16,
    /// Bytes of data, at most [`MAXIMUM_ECHO_LENGTH`].
    pub length: usize,
    /// Time to live of the datagram.
    pub time_to_live: u8,
    /// How long to wait for the answer.
    pub timeout: Duration,
}

/// What became of an echo request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EchoEvent {
    /// The request's identifier.
    pub identifier: u16,
    /// The request's sequence number.
    pub sequence: u16,
    /// Who was asked.
    pub destination: Ipv4Addr,
    /// The outcome.
    pub outcome: EchoOutcome,
}

/// The outcome of an echo request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoOutcome {
    /// The answer came.
    Reply {
        /// Who answered.
        from: Ipv4Addr,
        /// Bytes of data in the answer.
        length: usize,
        /// Time to live of the answer when it came in.
        time_to_live: u8,
        /// From sending the request to receiving the answer.
        round_trip: Duration,
    },
    /// Somebody on the way said that the destination can't be reached.
    Unreachable {
        /// Who said so.
        from: Ipv4Addr,
        /// The code of RFC 792.
        code: u8,
        /// What that is as a status; `BUFFER_TOO_SMALL` if the request does
        /// not fit a link on the way.
        status: NtStatus,
    },
    /// The time to live ran out on the way.
    TimeExceeded {
        /// Where.
        from: Ipv4Addr,
    },
    /// The request could not be sent.
    NotSent(NtStatus),
    /// No answer in time.
    TimedOut,
}

pub(super) struct Echo {
    identifier: u16,
    sequence: u16,
    destination: Ipv4Addr,
    to_many: bool,
    sent: Instant,
}

const fn key(identifier: u16, sequence: u16) -> u64 {
    (identifier as u64) << 16 | sequence as u64
}

impl Stack {
    /// Sends an echo request. Its outcome comes from
    /// [`next_echo_event`](Self::next_echo_event).
    ///
    /// `PENDING`, or the reason why it was not sent:
    /// - `INVALID_PARAMETER`: too long, or one with this identifier and
    ///   sequence number is on the way;
    /// - `INSUFFICIENT_RESOURCES`: too many are on the way, or a pool or queue
    ///   is exhausted;
    /// - `NETWORK_UNREACHABLE`, `INVALID_ADDRESS`: no way there.
    pub fn send_echo(&mut self, request: &EchoRequest, now: Instant) -> NtStatus {
        self.now = now;
        let status = match self.icmp_send_echo(request) {
            Ok(()) => NtStatus::PENDING,
            Err(status) => status,
        };
        self.ip_receive_loopback();
        status
    }

    /// Fetches the next outcome of an echo request.
    pub fn next_echo_event(&mut self) -> Option<EchoEvent> {
        self.icmp.echo_events.pop()
    }

    /// Whether [`next_echo_event`](Self::next_echo_event) has one.
    pub fn has_echo_event(&self) -> bool {
        !self.icmp.echo_events.is_empty()
    }

    /// Forgets the echo requests of a run and their outcomes.
    pub fn cancel_echo(&mut self, identifier: u16) {
        for slot in 0..self.icmp.echoes.capacity() {
            let found = self.icmp.echoes.at(slot);
            if found.is_some_and(|echo| echo.identifier == identifier)
                && let Some(handle) = self.icmp.echoes.handle(slot)
            {
                self.icmp_take_echo(handle);
            }
        }
        for _ in 0..self.icmp.echo_events.len() {
            if let Some(event) = self.icmp.echo_events.pop()
                && event.identifier != identifier
            {
                // There is room: an event was taken out just now.
                let _ = self.icmp.echo_events.push(event);
            }
        }
    }

    fn icmp_send_echo(&mut self, request: &EchoRequest) -> Result<(), NtStatus> {
        let found = self.icmp_find_echo(request.identifier, request.sequence);
        if request.length > MAXIMUM_ECHO_LENGTH || found.is_some() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let path = self.ip_path(request.destination, None)?;
        let message = self
            .icmp_echo_message(request)
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let to_many = matches!(path.next_hop, NextHop::Broadcast | NextHop::Multicast);
        let handle = self.icmp_add_echo(request, to_many)?;
        let options = SendOptions {
            time_to_live: request.time_to_live,
            ..SEND_OPTIONS
        };
        match self.ip_send(&path, options, message, Waiter::Echo(handle)) {
            Ok(outcome) => {
                if outcome == Outcome::Sent {
                    self.counters.icmp.echo_requests_sent += 1;
                }
                Ok(())
            }
            Err(status) => {
                self.counters.icmp.unsent += 1;
                self.icmp_take_echo(handle);
                Err(status)
            }
        }
    }

    fn icmp_echo_message(&self, request: &EchoRequest) -> Option<Packet> {
        let mut packet = self.pool.allocate(HEADROOM)?;
        let data = packet.append(request.length)?;
        for (index, byte) in data.iter_mut().enumerate() {
            *byte = index as u8;
        }
        let mut header = [0; HEADER_LENGTH];
        let (identifier, sequence) = (request.identifier, request.sequence);
        icmpv4::emit_echo(
            &mut header,
            message_type::ECHO_REQUEST,
            identifier,
            sequence,
            data,
        );
        packet.prepend(HEADER_LENGTH)?.copy_from_slice(&header);
        Some(packet)
    }

    fn icmp_add_echo(&mut self, request: &EchoRequest, to_many: bool) -> Result<Handle, NtStatus> {
        let icmp = &mut self.icmp;
        if icmp.echoes.len() + icmp.echo_events.len() >= icmp.echoes.capacity() {
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        let echo = Echo {
            identifier: request.identifier,
            sequence: request.sequence,
            destination: request.destination,
            to_many,
            sent: self.now,
        };
        let handle = icmp
            .echoes
            .insert(echo)
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        icmp.echo_chains
            .insert(key(request.identifier, request.sequence), handle.slot());
        icmp.echo_timers
            .set(handle.slot(), self.now + request.timeout);
        Ok(handle)
    }

    fn icmp_find_echo(&self, identifier: u16, sequence: u16) -> Option<(Handle, &Echo)> {
        let icmp = &self.icmp;
        icmp.echo_chains
            .chain(key(identifier, sequence))
            .find_map(|slot| {
                let echo = icmp.echoes.at(slot)?;
                (echo.identifier == identifier && echo.sequence == sequence)
                    .then_some((icmp.echoes.handle(slot)?, echo))
            })
    }

    fn icmp_take_echo(&mut self, handle: Handle) -> Option<Echo> {
        let echo = self.icmp.echoes.remove(handle)?;
        self.icmp
            .echo_chains
            .remove(key(echo.identifier, echo.sequence), handle.slot());
        self.icmp.echo_timers.clear(handle.slot());
        Some(echo)
    }

    /// Ends an echo request.
    fn icmp_end_echo(&mut self, handle: Handle, outcome: impl FnOnce(&Echo) -> EchoOutcome) {
        if let Some(echo) = self.icmp_take_echo(handle) {
            let event = EchoEvent {
                identifier: echo.identifier,
                sequence: echo.sequence,
                destination: echo.destination,
                outcome: outcome(&echo),
            };
            // There is room: the request had a place in the sum of both.
            let _ = self.icmp.echo_events.push(event);
        }
    }

    /// A request that waited for a neighbour has left, or never will.
    pub(crate) fn icmp_echo_sent(&mut self, handle: Handle, status: NtStatus) {
        if status.is_success() {
            self.counters.icmp.echo_requests_sent += 1;
        } else {
            self.counters.icmp.unsent += 1;
            self.icmp_end_echo(handle, |_| EchoOutcome::NotSent(status));
        }
    }

    pub(super) fn icmp_echo_reply(
        &mut self,
        datagram: Datagram,
        packet: &Packet,
        identifier: u16,
        sequence: u16,
    ) {
        let source = datagram.source;
        let found = self
            .icmp_find_echo(identifier, sequence)
            .filter(|(_, echo)| echo.to_many || echo.destination == source)
            .map(|(handle, _)| handle);
        let Some(handle) = found else {
            self.counters.icmp.dropped_echo_unexpected += 1;
            return;
        };
        self.counters.icmp.echo_replies_received += 1;
        let now = self.now;
        self.icmp_end_echo(handle, |echo| EchoOutcome::Reply {
            from: source,
            length: datagram.payload_length.saturating_sub(HEADER_LENGTH),
            time_to_live: header(packet).map_or(0, |header| header.time_to_live),
            round_trip: now.duration_since(echo.sent),
        });
    }

    /// An error about an echo request came in. `false` if it isn't on the way.
    pub(super) fn icmp_echo_error(
        &mut self,
        identifier: u16,
        sequence: u16,
        destination: Ipv4Addr,
        from: Ipv4Addr,
        error: Repr,
    ) -> bool {
        let found = self
            .icmp_find_echo(identifier, sequence)
            .filter(|(_, echo)| echo.destination == destination)
            .map(|(handle, _)| handle);
        let Some(handle) = found else {
            return false;
        };
        let outcome = match error {
            Repr::DestinationUnreachable { code } => EchoOutcome::Unreachable {
                from,
                code,
                status: status(error).unwrap_or(NtStatus::BUFFER_TOO_SMALL),
            },
            _ => EchoOutcome::TimeExceeded { from },
        };
        self.icmp_end_echo(handle, |_| outcome);
        true
    }

    /// Ends the echo requests whose time is over.
    pub(crate) fn icmp_poll(&mut self) {
        while let Some(slot) = self.icmp.echo_timers.pop_expired(self.now) {
            self.counters.icmp.echo_timeouts += 1;
            if let Some(handle) = self.icmp.echoes.handle(slot) {
                self.icmp_end_echo(handle, |_| EchoOutcome::TimedOut);
            }
        }
    }
}
