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
    /// Checks the header and the checksum of a datagram (seed item 25) that
    /// begins with `message`, which is as much of it as the first buffer of
    /// `packet` has. Gives the ports, and the bytes of header and payload: what
    /// lies behind them does not belong to it.
    #[inline(always)]
    pub(crate) fn udp_check(
        &mut self,
        datagram: &Datagram,
        message: &[u8],
        packet: &Packet,
    ) -> Option<(Repr, usize)> {
        let counters = &mut self.counters.udp;
        counters.received += 1;
        let view = match udp::Packet::new_checked(message, datagram.payload_length) {
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
        let length = view.length();
        if view.has_checksum() {
            let mut checksum = Checksum::pseudo_header(
                datagram.source,
                datagram.destination,
                protocol::UDP,
                length as u16,
            );
            if let Some(message) = message.get(..length) {
                checksum.add_bytes(message);
            } else {
                let offset = datagram.start + datagram.header_length;
                checksum = checksum.plus_chain(packet, offset, length);
            }
            if !checksum.is_valid() {
                counters.dropped_checksum += 1;
                return None;
            }
        } else {
            counters.received_without_checksum += 1;
        }
        if view.destination_port() == 0 {
            counters.dropped_port_zero += 1;
            return None;
        }
        Some((Repr::parse(&view), length))
    }

    /// Gives a datagram, checked, to every address object that matches.
    #[inline(always)]
    pub(crate) fn udp_receive(
        &mut self,
        datagram: &Datagram,
        (ports, length): (Repr, usize),
        mut packet: Packet,
    ) {
        let arrival = Arrival {
            source: SocketAddress::new(datagram.source, ports.source_port),
            destination: SocketAddress::new(datagram.destination, ports.destination_port),
            delivery: datagram.delivery,
            interface: datagram.interface,
        };
        let target = Target::Udp(ports.destination_port);
        let first = self.tdi.chains.first(target.key());
        if let Some(slot) = self.udp_match(first, target, &arrival) {
            if self.tdi.chains.after(slot).is_none()
                || self.udp_match_after(slot, target, arrival).is_none()
            {
                self.flow_note(datagram, &packet, slot);
            }
            let message = datagram.start + datagram.header_length;
            packet.keep(message + HEADER_LENGTH, length - HEADER_LENGTH);
            self.udp_deliver(packet, slot, target, &arrival);
        } else {
            let whole = Datagram {
                payload_length: length,
                ..*datagram
            };
            self.udp_port_unreachable(whole, packet);
        }
    }

    /// No address object matches.
    #[cold]
    fn udp_port_unreachable(&mut self, datagram: Datagram, packet: Packet) {
        self.counters.udp.dropped_no_port += 1;
        self.icmp_send_error(
            datagram,
            &datagram.cut(packet),
            message_type::DESTINATION_UNREACHABLE,
            unreachable::PORT,
        );
    }

    /// The first address object that matches, from the one in `slot` on. The
    /// first one there is nearly always does.
    #[inline(always)]
    fn udp_match(&self, slot: Option<usize>, target: Target, arrival: &Arrival) -> Option<usize> {
        let slot = slot?;
        if self.tdi_matches(slot, target, arrival) {
            Some(slot)
        } else {
            self.udp_match_after(slot, target, *arrival)
        }
    }

    #[cold]
    fn udp_match_after(&self, slot: usize, target: Target, arrival: Arrival) -> Option<usize> {
        core::iter::successors(Some(slot), |&slot| self.tdi.chains.after(slot))
            .skip(1)
            .find(|&slot| self.tdi_matches(slot, target, &arrival))
    }

    /// Gives the payload, `packet`, to every matching address object (seed items
    /// 25 and 26), the first of which is in `slot`: a shared packet to each but
    /// the last, the packet itself to that.
    #[inline(always)]
    fn udp_deliver(&mut self, packet: Packet, slot: usize, target: Target, arrival: &Arrival) {
        self.counters.udp.delivered += 1;
        let last = match self.tdi.chains.after(slot) {
            None => slot,
            Some(_) => self.udp_share(&packet, slot, target, *arrival),
        };
        self.udp_complete(last, packet, arrival);
    }

    /// Gives the payload to the matching address objects from the one in `slot`
    /// on, without the last, whose slot it returns.
    #[cold]
    fn udp_share(
        &mut self,
        packet: &Packet,
        mut slot: usize,
        target: Target,
        arrival: Arrival,
    ) -> usize {
        while let Some(other) = self.udp_match_after(slot, target, arrival) {
            match packet.share() {
                Some(shared) => self.udp_complete(slot, shared, &arrival),
                None => self.counters.udp.dropped_share += 1,
            }
            slot = other;
        }
        slot
    }

    #[inline(always)]
    fn udp_complete(&mut self, slot: usize, packet: Packet, arrival: &Arrival) {
        // Copies, so that the addresses themselves stay in registers.
        log::trace!(
            target: "udp",
            "packet {}: {} to {}",
            packet.info().id,
            { arrival.source },
            { arrival.destination },
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
