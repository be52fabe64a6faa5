//! Received datagrams: the checks, in the order in which RFC 1122 section
//! 3.2.1 names them, then the table of protocols.

use core::net::Ipv4Addr;

use ndis::packet::Packet;

use super::{Datagram, Delivery, RECEIVERS, Receiver, is_host, is_joined};
use crate::address::Prefix;
use crate::stack::Stack;
use crate::stack::interface::InterfaceId;
use crate::wire::ethernet;
use crate::wire::icmpv4::{message_type, unreachable};
use crate::wire::ipv4::{self, Repr, options};

impl Stack {
    /// Takes the datagram that begins `start` bytes behind the beginning of
    /// `packet`; what may lie behind it is Ethernet's padding. It came by an
    /// interface that is up and has the address `ours`.
    pub(crate) fn ip_receive(
        &mut self,
        interface: InterfaceId,
        ours: Option<Prefix>,
        ethernet: &ethernet::Repr,
        start: usize,
        packet: Packet,
    ) {
        self.counters.ip.received += 1;
        let bytes = packet.data().get(start..).unwrap_or_default();
        let Some(view) = self.ip_check(bytes, packet.len().saturating_sub(start)) else {
            return;
        };
        log::trace!(
            target: "ip",
            "packet {} in: {:?}",
            packet.info().id,
            Repr::parse(&view),
        );
        let (source, destination) = (view.source(), view.destination());
        let found = if interface == self.loopback.interface {
            self.ip_check_looped(source, destination)
        } else {
            self.ip_check_arrived(interface, ours, ethernet, source, destination)
        };
        let Some((delivery, interface)) = found else {
            return;
        };
        // Every datagram passes here (seed item 23): fragments, which are not
        // reassembled, are dropped.
        if view.is_fragment() {
            self.counters.ip.dropped_fragment += 1;
            return;
        }
        self.counters.ip.delivered += 1;
        let datagram = Datagram {
            start,
            header_length: view.header_length(),
            payload_length: view.payload_length(),
            source,
            destination,
            protocol: view.protocol(),
            interface,
            delivery,
        };
        let taken_raw = self.tdi_deliver_raw(datagram, &packet);
        match RECEIVERS[usize::from(datagram.protocol)] {
            Receiver::Udp => {
                if let Some(udp) = self.udp_check(&datagram, view.payload(), &packet) {
                    self.udp_receive(&datagram, udp, packet);
                }
            }
            Receiver::Icmp => self.icmp_receive(datagram, datagram.cut(packet)),
            Receiver::Nobody if taken_raw => {}
            Receiver::Nobody => self.ip_protocol_unreachable(datagram, &datagram.cut(packet)),
        }
    }

    /// Checks the header (seed item 22) and its options. A time to live of less
    /// than two is no reason to drop (RFC 1122 section 3.2.1.7).
    #[inline(always)]
    fn ip_check<'a>(&mut self, bytes: &'a [u8], available: usize) -> Option<ipv4::Packet<'a>> {
        match ipv4::Packet::new_checked(bytes, available) {
            Ok(view) if view.options().is_empty() || self.ip_check_options(view.options()) => {
                Some(view)
            }
            Ok(_) => None,
            Err(error) => {
                let counters = &mut self.counters.ip;
                *match error {
                    ipv4::Error::TooShort => &mut counters.dropped_too_short,
                    ipv4::Error::Version => &mut counters.dropped_version,
                    ipv4::Error::HeaderLength => &mut counters.dropped_header_length,
                    ipv4::Error::Checksum => &mut counters.dropped_checksum,
                    ipv4::Error::TotalLength => &mut counters.dropped_total_length,
                } += 1;
                None
            }
        }
    }

    /// Whether every option is well formed and none a source route.
    fn ip_check_options(&mut self, bytes: &[u8]) -> bool {
        for option in options::Options::new(bytes) {
            match option {
                Ok(option)
                    if option.kind == options::kind::LOOSE_SOURCE_ROUTE
                        || option.kind == options::kind::STRICT_SOURCE_ROUTE =>
                {
                    self.counters.ip.dropped_source_route += 1;
                    return false;
                }
                Ok(_) => {}
                Err(options::Malformed) => {
                    self.counters.ip.dropped_options += 1;
                    return false;
                }
            }
        }
        true
    }

    /// Checks the addresses of a datagram that came by a wire, and notes that
    /// its sender is there.
    #[inline(always)]
    fn ip_check_arrived(
        &mut self,
        interface: InterfaceId,
        ours: Option<Prefix>,
        ethernet: &ethernet::Repr,
        source: Ipv4Addr,
        destination: Ipv4Addr,
    ) -> Option<(Delivery, InterfaceId)> {
        let delivery = self.ip_check_addresses(ours, ethernet, source, destination)?;
        self.neighbours
            .confirm(interface, source, ethernet.source, self.now);
        Some((delivery, interface))
    }

    /// Checks source and destination. `None`, counted, if the datagram is to
    /// be dropped.
    #[inline(always)]
    fn ip_check_addresses(
        &mut self,
        ours: Option<Prefix>,
        ethernet: &ethernet::Repr,
        source: Ipv4Addr,
        destination: Ipv4Addr,
    ) -> Option<Delivery> {
        if !self.ip_is_valid_source(ours, source, destination) {
            return None;
        }
        let counters = &mut self.counters.ip;
        let to_all = destination.is_broadcast();
        if destination.is_multicast() {
            if !is_joined(destination) {
                counters.dropped_not_joined += 1;
                return None;
            }
            return Some(Delivery::Multicast);
        }
        if to_all || ours.is_some_and(|ours| ours.broadcast() == Some(destination)) {
            return Some(Delivery::Broadcast);
        }
        let Some(ours) = ours else {
            counters.dropped_no_address += 1;
            return None;
        };
        if destination != ours.address() {
            if destination.is_loopback() {
                counters.dropped_destination_loopback += 1;
            } else {
                counters.dropped_not_ours += 1;
            }
            return None;
        }
        if ethernet.destination.is_group() {
            counters.dropped_link_broadcast += 1;
            return None;
        }
        Some(Delivery::Unicast)
    }

    /// Whether a host on the wire can have sent this (RFC 1122 section
    /// 3.2.1.3, RFC 1812 section 5.3.7). The unspecified address is that of a
    /// host that asks everybody for its own.
    fn ip_is_valid_source(
        &mut self,
        ours: Option<Prefix>,
        source: Ipv4Addr,
        destination: Ipv4Addr,
    ) -> bool {
        let asks = source.is_unspecified() && destination.is_broadcast();
        if !asks && (!is_host(source) || source.is_loopback()) {
            self.counters.ip.dropped_source_martian += 1;
            return false;
        }
        if ours.is_some_and(|ours| ours.contains(source) && !ours.has_host(source)) {
            self.counters.ip.dropped_source_broadcast += 1;
            return false;
        }
        if self.local.contains(source) {
            self.counters.ip.dropped_source_ours += 1;
            return false;
        }
        true
    }

    /// Nobody takes the protocol, no raw address object either.
    fn ip_protocol_unreachable(&mut self, datagram: Datagram, packet: &Packet) {
        self.counters.ip.dropped_protocol += 1;
        self.icmp_send_error(
            datagram,
            packet,
            message_type::DESTINATION_UNREACHABLE,
            unreachable::PROTOCOL,
        );
    }
}
