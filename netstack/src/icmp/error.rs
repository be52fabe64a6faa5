//! Errors: those that we send, and those that others send about our datagrams.

use executive::status::NtStatus;
use ndis::packet::{HEADROOM, Packet};

use super::input::SEND_OPTIONS;
use crate::address::SocketAddress;
use crate::arp::pending::Waiter;
use crate::ip::{Datagram, Delivery, header, is_host};
use crate::stack::Stack;
use crate::wire::icmpv4::{self, HEADER_LENGTH, Repr, message_type, unreachable};
use crate::wire::ipv4::{self, protocol};

/// An error has at most this many bytes with its IP header (RFC 1812 section
/// 4.3.2.3).
const MAXIMUM_LENGTH: usize = 576;

/// The most bytes of a datagram that an error about it quotes.
const MAXIMUM_QUOTE: usize = MAXIMUM_LENGTH - ipv4::HEADER_LENGTH - HEADER_LENGTH;

impl Stack {
    /// Sends an error about a received datagram, with which `packet` begins, if
    /// there may be one and the rate allows it.
    pub(crate) fn icmp_send_error(
        &mut self,
        datagram: Datagram,
        packet: &Packet,
        message_type: u8,
        code: u8,
    ) {
        if !may_cause_error(datagram, packet) {
            self.counters.icmp.errors_suppressed += 1;
            return;
        }
        if !self.icmp.bucket.take(self.now) {
            self.counters.icmp.errors_rate_limited += 1;
            return;
        }
        if self
            .icmp_emit_error(datagram, packet, message_type, code)
            .is_some()
        {
            self.counters.icmp.errors_sent += 1;
        } else {
            self.counters.icmp.unsent += 1;
        }
    }

    fn icmp_emit_error(
        &mut self,
        about: Datagram,
        packet: &Packet,
        message_type: u8,
        code: u8,
    ) -> Option<()> {
        let length = packet.len().min(MAXIMUM_QUOTE);
        let mut error = self.pool.allocate(HEADROOM)?;
        let quote = error.append(length)?;
        packet.copy_to(0, quote);
        let mut header = [0; HEADER_LENGTH];
        icmpv4::emit_error(&mut header, message_type, code, quote);
        error.prepend(HEADER_LENGTH)?.copy_from_slice(&header);
        let path = self.ip_path(about.source, Some(about.destination)).ok()?;
        self.ip_send(&path, SEND_OPTIONS, error, Waiter::Nobody)
            .ok()
            .map(|_| ())
    }

    /// Takes an error about a datagram of ours to whoever sent that.
    pub(super) fn icmp_receive_error(&mut self, datagram: Datagram, packet: &Packet, error: Repr) {
        match error {
            Repr::TimeExceeded { .. } => self.counters.icmp.time_exceeded_received += 1,
            _ => self.counters.icmp.unreachable_received += 1,
        }
        let from = datagram.source;
        let bytes = packet.data();
        let quoted = bytes
            .get(datagram.header_length + HEADER_LENGTH..)
            .unwrap_or_default();
        let Some(quote) = ipv4::Packet::new_quoted(quoted)
            .ok()
            .filter(|quote| self.is_local(quote.source()))
        else {
            self.counters.icmp.dropped_error_quote += 1;
            return;
        };
        let destination = quote.destination();
        let payload = quote.payload();
        let matched = match quote.protocol() {
            protocol::UDP => {
                let Some((local, remote)) = Quote::of_udp(payload) else {
                    self.counters.icmp.dropped_error_quote += 1;
                    return;
                };
                let local = SocketAddress::new(quote.source(), local);
                let remote = SocketAddress::new(destination, remote);
                status(error).is_some_and(|status| self.udp_error(local, remote, status))
            }
            protocol::ICMP => Quote::of_echo(payload).is_some_and(|(identifier, sequence)| {
                self.icmp_echo_error(identifier, sequence, destination, from, error)
            }),
            _ => false,
        };
        if !matched {
            self.counters.icmp.dropped_error_unmatched += 1;
        }
    }
}

/// What the 8 bytes behind a quoted IP header say.
struct Quote;

impl Quote {
    /// Source and destination port.
    fn of_udp(payload: &[u8]) -> Option<(u16, u16)> {
        let &[a, b, c, d] = payload.first_chunk()?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// Identifier and sequence number of an echo request.
    fn of_echo(payload: &[u8]) -> Option<(u16, u16)> {
        let message = icmpv4::Packet::new_checked(payload).ok()?;
        (message.message_type() == message_type::ECHO_REQUEST)
            .then(|| (message.identifier(), message.sequence()))
    }
}

/// Whether a datagram may cause an error: not if it reports one itself, went
/// to many, is a fragment other than the first, or came from no single host
/// (RFC 1122 section 3.2.2).
fn may_cause_error(datagram: Datagram, packet: &Packet) -> bool {
    datagram.delivery == Delivery::Unicast
        && header(packet).is_none_or(|header| header.fragment_offset == 0)
        && is_host(datagram.source)
        && !reports_error(datagram, packet)
}

/// Whether a datagram is an ICMP error, or an ICMP message too short to tell.
fn reports_error(datagram: Datagram, packet: &Packet) -> bool {
    if datagram.protocol != protocol::ICMP {
        return false;
    }
    let mut message_type = [0];
    packet.copy_to(datagram.header_length, &mut message_type) == 0
        || icmpv4::is_error(message_type[0])
}

/// The status that an error gives a request. None where the sender must find
/// a smaller size, and nothing is unreachable.
pub(super) const fn status(error: Repr) -> Option<NtStatus> {
    match error {
        Repr::TimeExceeded { .. } => Some(NtStatus::HOST_UNREACHABLE),
        Repr::DestinationUnreachable { code } => match code {
            unreachable::NETWORK
            | unreachable::NETWORK_UNKNOWN
            | unreachable::NETWORK_PROHIBITED
            | unreachable::NETWORK_SERVICE => Some(NtStatus::NETWORK_UNREACHABLE),
            unreachable::PROTOCOL => Some(NtStatus::PROTOCOL_UNREACHABLE),
            unreachable::PORT => Some(NtStatus::PORT_UNREACHABLE),
            unreachable::FRAGMENTATION_NEEDED => None,
            _ => Some(NtStatus::HOST_UNREACHABLE),
        },
        _ => None,
    }
}
