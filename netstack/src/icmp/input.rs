//! Received messages, and the answer to echo requests.

use ndis::packet::{HEADROOM, Packet};

use crate::arp::pending::Waiter;
use crate::checksum::Checksum;
use crate::ip::{DEFAULT_TIME_TO_LIVE, Datagram, Delivery, SendOptions, header, is_host};
use crate::stack::Stack;
use crate::wire::icmpv4::{self, HEADER_LENGTH, Repr};
use crate::wire::ipv4::protocol;

/// How ICMP messages of ours are sent.
pub(super) const SEND_OPTIONS: SendOptions = SendOptions {
    protocol: protocol::ICMP,
    time_to_live: DEFAULT_TIME_TO_LIVE,
    type_of_service: 0,
    dont_fragment: false,
};

impl Stack {
    /// Takes a datagram that begins where `packet` does and ends with it. Apart
    /// from IP's code, so that the way of most datagrams is short.
    #[inline(never)]
    pub(crate) fn icmp_receive(&mut self, datagram: Datagram, packet: Packet) {
        let counters = &mut self.counters.icmp;
        counters.received += 1;
        let mut checksum = Checksum::new();
        checksum.add_packet(&packet, datagram.header_length);
        if !checksum.is_valid() {
            counters.dropped_checksum += 1;
            return;
        }
        let bytes = packet.data();
        let message = bytes.get(datagram.header_length..).unwrap_or_default();
        let Ok(message) = icmpv4::Packet::new_checked(message) else {
            counters.dropped_too_short += 1;
            return;
        };
        let message = Repr::parse(&message);
        log::trace!(target: "icmp", "packet {} in: {message:?}", packet.info().id);
        match message {
            Repr::EchoRequest { .. } => self.icmp_answer_echo(datagram, packet),
            Repr::EchoReply {
                identifier,
                sequence,
            } => self.icmp_echo_reply(datagram, &packet, identifier, sequence),
            error @ (Repr::DestinationUnreachable { .. } | Repr::TimeExceeded { .. }) => {
                self.icmp_receive_error(datagram, &packet, error);
            }
            Repr::ParameterProblem | Repr::Redirect | Repr::Other => counters.dropped_type += 1,
        }
    }

    /// Sends an echo request's data back (RFC 1122 section 3.2.2.6), from the
    /// address that it was sent to and with its type of service (RFC 1349
    /// section 5.1). Requests to many are not answered.
    fn icmp_answer_echo(&mut self, datagram: Datagram, mut packet: Packet) {
        let counters = &mut self.counters.icmp;
        counters.echo_requests_received += 1;
        if datagram.delivery != Delivery::Unicast {
            counters.dropped_echo_broadcast += 1;
            return;
        }
        if !is_host(datagram.source) {
            counters.dropped_echo_source += 1;
            return;
        }
        let options = SendOptions {
            type_of_service: header(&packet).map_or(0, |header| header.type_of_service),
            ..SEND_OPTIONS
        };
        packet.trim_front(datagram.header_length);
        let sent = self.icmp_turn_into_reply(packet).is_some_and(|reply| {
            self.ip_path(datagram.source, Some(datagram.destination))
                .and_then(|path| self.ip_send(&path, options, reply, Waiter::Nobody))
                .is_ok()
        });
        let counters = &mut self.counters.icmp;
        if sent {
            counters.echo_replies_sent += 1;
        } else {
            counters.unsent += 1;
        }
    }

    /// A request's message as that of the reply: in the request's own packet, unless a raw address
    /// object shares that.
    fn icmp_turn_into_reply(&self, mut packet: Packet) -> Option<Packet> {
        if packet.data_mut().is_none() {
            let mut copy = self.pool.allocate(HEADROOM)?;
            for bytes in packet.segments() {
                if !copy.append_slice(bytes) {
                    return None;
                }
            }
            packet = copy;
        }
        let header = packet.data_mut()?.first_chunk_mut::<HEADER_LENGTH>()?;
        icmpv4::turn_into_reply(header);
        Some(packet)
    }
}
