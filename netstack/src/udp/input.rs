//! Received datagrams, and ICMP errors about sent ones.

use executive::status::NtStatus;
use ndis::packet::Packet;

use crate::address::SocketAddress;
use crate::checksum::Checksum;
use crate::ip::{Datagram, Delivery};
use crate::stack::Stack;
use crate::tdi::{Arrival, Target};
use crate::wire::icmpv4::{message_type, unreachable};
use crate::wire::ipv4::protocol;
use crate::wire::udp::{self, HEADER_LENGTH, Repr};

impl Stack {
    /// Checks a datagram (seed item 25) and gives it to every address object
    /// that matches.
    pub(crate) fn udp_receive(&mut self, mut datagram: Datagram) {
        self.counters.udp.received += 1;
        let Some(ports) = self.udp_parse(&mut datagram) else {
            return;
        };
        let header = &datagram.header;
        let arrival = Arrival {
            source: SocketAddress::new(header.source, ports.source_port),
            destination: SocketAddress::new(header.destination, ports.destination_port),
            delivery: datagram.delivery,
            interface: datagram.interface,
        };
        let target = Target::Udp(ports.destination_port);
        let first = self.tdi.chains.first(target.key());
        if let Some(slot) = self.udp_match(first, target, &arrival) {
            self.udp_deliver(datagram, slot, target, &arrival);
        } else {
            self.counters.udp.dropped_no_port += 1;
            self.icmp_send_error(
                &datagram,
                message_type::DESTINATION_UNREACHABLE,
                unreachable::PORT,
            );
        }
    }

    /// The first address object that matches, from the one in `slot` on.
    #[inline(always)]
    fn udp_match(
        &self,
        mut slot: Option<usize>,
        target: Target,
        arrival: &Arrival,
    ) -> Option<usize> {
        while let Some(here) = slot
            && !self.tdi_matches(here, target, arrival)
        {
            slot = self.tdi.chains.after(here);
        }
        slot
    }

    /// Checks header and checksum and cuts off what lies behind the length.
    fn udp_parse(&mut self, datagram: &mut Datagram) -> Option<Repr> {
        let counters = &mut self.counters.udp;
        let offset = datagram.header_length;
        let available = datagram.packet.len().saturating_sub(offset);
        let bytes = datagram.packet.data().get(offset..).unwrap_or_default();
        let view = match udp::Packet::new_checked(bytes, available) {
            Ok(view) => view,
            Err(udp::Error::TooShort) => {
                counters.dropped_too_short += 1;
                return None;
            }
            Err(udp::Error::Length) => {
                counters.dropped_length += 1;
                return None;
            }
        };
        let (ports, length) = (Repr::parse(&view), view.length());
        let has_checksum = view.has_checksum();
        datagram.packet.truncate(offset + length);
        if has_checksum {
            let header = &datagram.header;
            let mut checksum = Checksum::pseudo_header(
                header.source,
                header.destination,
                protocol::UDP,
                length as u16,
            );
            checksum.add_packet(&datagram.packet, offset);
            if !checksum.is_valid() {
                counters.dropped_checksum += 1;
                return None;
            }
        } else {
            counters.received_without_checksum += 1;
        }
        if ports.destination_port == 0 {
            counters.dropped_port_zero += 1;
            return None;
        }
        Some(ports)
    }

    /// Gives the payload to every matching address object (seed items 25 and
    /// 26), the first of which is in `slot`: a shared packet to each but the
    /// last, the packet itself to that.
    fn udp_deliver(
        &mut self,
        datagram: Datagram,
        mut slot: usize,
        target: Target,
        arrival: &Arrival,
    ) {
        self.counters.udp.delivered += 1;
        let mut packet = datagram.packet;
        packet.trim_front(datagram.header_length + HEADER_LENGTH);
        while let Some(other) = self.udp_match(self.tdi.chains.after(slot), target, arrival) {
            match packet.share() {
                Some(shared) => self.udp_complete(slot, shared, arrival),
                None => self.counters.udp.dropped_share += 1,
            }
            slot = other;
        }
        self.udp_complete(slot, packet, arrival);
    }

    #[inline(always)]
    fn udp_complete(&mut self, slot: usize, packet: Packet, arrival: &Arrival) {
        log::trace!(
            target: "udp",
            "packet {}: {} to {}",
            packet.info().id,
            arrival.source,
            arrival.destination,
        );
        self.tdi_complete_receive(slot, packet, arrival);
    }

    /// Gives an ICMP error to the connected address objects that send from
    /// `local` to `remote` (RFC 1122 section 4.1.3.3). `false` if there are
    /// none.
    pub(crate) fn udp_error(
        &mut self,
        local: SocketAddress,
        remote: SocketAddress,
        status: NtStatus,
    ) -> bool {
        let target = Target::Udp(local.port);
        let mut next = self.tdi.chains.first(target.key());
        let mut delivered = false;
        while let Some(slot) = next {
            next = self.tdi.chains.after(slot);
            if self.tdi_is_connected(slot, target, local.address, remote) {
                self.tdi_fail_receive(slot, remote, status);
                self.counters.udp.errors_delivered += 1;
                delivered = true;
            }
        }
        delivered
    }
}

impl Arrival {
    /// Whether the datagram went to one host only.
    pub(crate) fn is_unicast(&self) -> bool {
        self.delivery == Delivery::Unicast
    }
}
