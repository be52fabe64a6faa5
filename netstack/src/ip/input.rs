//! Received datagrams: the checks, in the order in which RFC 1122 section
//! 3.2.1 names them, then reassembly and the protocol table.

use ndis::packet::Packet;

use super::{Datagram, Delivery, is_host, is_joined};
use crate::address::Prefix;
use crate::stack::Stack;
use crate::stack::interface::{Interface, InterfaceId};
use crate::wire::ethernet;
use crate::wire::icmpv4::{message_type, unreachable};
use crate::wire::ipv4::{self, Repr, options};

impl Stack {
    /// Takes the datagram of a frame; what is left of Ethernet's padding is
    /// cut off.
    pub(crate) fn ip_receive(
        &mut self,
        interface: InterfaceId,
        ethernet: &ethernet::Repr,
        packet: Packet,
    ) {
        self.counters.ip.received += 1;
        let Some((header, header_length, packet)) = self.ip_parse(packet) else {
            return;
        };
        log::trace!(target: "ip", "packet {} in: {header:?}", packet.info().id);
        if interface == self.loopback.interface {
            return self.ip_receive_looped(header, header_length, packet);
        }
        let ours = self.interfaces.get(interface.0).and_then(Interface::active);
        let Some(delivery) = self.ip_check_addresses(ours, ethernet, &header) else {
            return;
        };
        self.neighbours
            .confirm(interface, header.source, ethernet.source, self.now);
        self.ip_deliver(Datagram {
            packet,
            header,
            header_length,
            interface,
            delivery,
            taken_raw: false,
        });
    }

    /// Checks the header (seed item 22) and its options, and cuts the packet
    /// off at the total length. A time to live of less than two is no reason
    /// to drop (RFC 1122 section 3.2.1.7).
    #[inline(always)]
    pub(super) fn ip_parse(&mut self, mut packet: Packet) -> Option<(Repr, usize, Packet)> {
        let counters = &mut self.counters.ip;
        let view = match ipv4::Packet::new_checked(packet.data(), packet.len()) {
            Ok(view) => view,
            Err(error) => {
                *match error {
                    ipv4::Error::TooShort => &mut counters.dropped_too_short,
                    ipv4::Error::Version => &mut counters.dropped_version,
                    ipv4::Error::HeaderLength => &mut counters.dropped_header_length,
                    ipv4::Error::Checksum => &mut counters.dropped_checksum,
                    ipv4::Error::TotalLength => &mut counters.dropped_total_length,
                } += 1;
                return None;
            }
        };
        for option in options::Options::new(view.options()) {
            match option {
                Ok(option)
                    if option.kind == options::kind::LOOSE_SOURCE_ROUTE
                        || option.kind == options::kind::STRICT_SOURCE_ROUTE =>
                {
                    counters.dropped_source_route += 1;
                    return None;
                }
                Ok(_) => {}
                Err(options::Malformed) => {
                    counters.dropped_options += 1;
                    return None;
                }
            }
        }
        let (header, length) = (Repr::parse(&view), view.header_length());
        let total = view.total_length();
        packet.truncate(total);
        Some((header, length, packet))
    }

    /// Checks source and destination. `None`, counted, if the datagram is to
    /// be dropped.
    fn ip_check_addresses(
        &mut self,
        ours: Option<Prefix>,
        ethernet: &ethernet::Repr,
        header: &Repr,
    ) -> Option<Delivery> {
        if !self.ip_is_valid_source(ours, header) {
            return None;
        }
        let destination = header.destination;
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
    fn ip_is_valid_source(&mut self, ours: Option<Prefix>, header: &Repr) -> bool {
        let source = header.source;
        let asks = source.is_unspecified() && header.destination.is_broadcast();
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

    #[inline(always)]
    pub(super) fn ip_deliver(&mut self, datagram: Datagram) {
        let Some(mut datagram) = self.ip_reassemble(datagram) else {
            return;
        };
        self.counters.ip.delivered += 1;
        datagram.taken_raw = self.tdi_deliver_raw(&datagram);
        let protocol = usize::from(datagram.header.protocol);
        if let Some(receive) = self.ip.protocols.get(protocol) {
            receive(self, datagram);
        }
    }

    /// Every datagram passes here (seed item 23). Those that are whole go on;
    /// fragments are dropped.
    fn ip_reassemble(&mut self, datagram: Datagram) -> Option<Datagram> {
        if datagram.header.is_fragment() {
            self.counters.ip.dropped_fragment += 1;
            return None;
        }
        Some(datagram)
    }

    /// The entry of the protocol table for protocols that nobody takes, unless
    /// a raw address object did.
    pub(super) fn ip_protocol_unreachable(&mut self, datagram: &Datagram) {
        if datagram.taken_raw {
            return;
        }
        self.counters.ip.dropped_protocol += 1;
        self.icmp_send_error(
            datagram,
            message_type::DESTINATION_UNREACHABLE,
            unreachable::PROTOCOL,
        );
    }
}
