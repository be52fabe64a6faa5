//! Datagrams that we send to ourselves, by the loopback interface.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use ndis::packet::Packet;

use super::output::Path;
use super::{Delivery, READ_IN_ONE_PIECE, is_joined};
use crate::arp::output::Outcome;
use crate::stack::Stack;
use crate::stack::interface::InterfaceId;
use crate::stack::local::Own;
use crate::stack::loopback::PREFIX;
use crate::wire::ethernet::{self, EtherType, HEADER_LENGTH, HardwareAddress};

/// What a frame of the loopback interface would have as its header.
const NO_LINK: ethernet::Repr = ethernet::Repr {
    destination: HardwareAddress([0; 6]),
    source: HardwareAddress([0; 6]),
    ether_type: EtherType::IPV4,
};

impl Stack {
    /// Sends a datagram by the loopback interface.
    #[inline(never)]
    pub(super) fn ip_loop_back(&mut self, packet: Packet) -> Result<Outcome, NtStatus> {
        if self.loopback.is_attached {
            let nobody = HardwareAddress::default();
            self.ip_send_on_link(self.loopback.interface, nobody, packet)?;
        } else if self.ip.loopback.push(packet).is_err() {
            self.counters.ip.unsent_loopback_full += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        self.counters.ip.looped_back += 1;
        Ok(Outcome::Sent)
    }

    /// Sends a datagram to many stations and, if it `loops_back`, a copy to the
    /// receivers on this machine (RFC 1112 section 6.1). The datagram leaves
    /// whether there can be a copy or not.
    #[inline(never)]
    pub(super) fn ip_send_to_many(
        &mut self,
        path: &Path,
        destination: HardwareAddress,
        packet: Packet,
        loops_back: bool,
    ) -> Result<Outcome, NtStatus> {
        // One that leaves in fragments must be shared before. Otherwise the
        // frame is: a packet that is shared already would need another buffer
        // for the frame's header.
        let whole = packet.len() <= path.mtu;
        let before = (loops_back && !whole).then(|| packet.share()).flatten();
        self.ip_send_on_link(path.interface, destination, packet)?;
        if loops_back {
            let copy = if whole {
                self.frames.last().and_then(|(_, frame)| {
                    let length = frame.len().saturating_sub(HEADER_LENGTH);
                    frame.share_range(HEADER_LENGTH, length)
                })
            } else {
                before
            };
            if copy.is_none_or(|copy| self.ip_loop_back(copy).is_err()) {
                self.counters.ip.dropped_loopback_copy += 1;
            }
        }
        Ok(Outcome::Sent)
    }

    /// Takes the datagrams that wait on the loopback interface's own queue. A
    /// handler may send more of them; as many as fit the queue are taken at a
    /// time, the others with the next input.
    #[inline(always)]
    pub(crate) fn ip_receive_loopback(&mut self) {
        if !self.ip.loopback.is_empty() {
            self.ip_receive_queued();
        }
    }

    #[inline(never)]
    fn ip_receive_queued(&mut self) {
        for _ in 0..self.ip.loopback.len().saturating_mul(2) {
            let Some(mut packet) = self.ip.loopback.pop() else {
                return;
            };
            if packet.pull_up(packet.len().min(READ_IN_ONE_PIECE)) {
                self.ip_receive(self.loopback.interface, Some(PREFIX), &NO_LINK, 0, packet);
            } else {
                self.counters.ip.received += 1;
                self.counters.ip.dropped_no_buffer += 1;
            }
        }
    }

    /// Checks source and destination: both must be ours. Gives the interface
    /// that has the source as well, since an address object hears what is sent
    /// to everybody on its own network only. `None`, counted, if the datagram
    /// is to be dropped.
    pub(super) fn ip_check_looped(
        &mut self,
        source: Ipv4Addr,
        destination: Ipv4Addr,
    ) -> Option<(Delivery, InterfaceId)> {
        let interface = match self.own(source) {
            Some(Own::Host(interface)) => interface,
            // A host that asks everybody for its own address.
            None if source.is_unspecified() && destination.is_broadcast() => {
                self.loopback.interface
            }
            _ => {
                self.counters.ip.dropped_source_martian += 1;
                return None;
            }
        };
        let delivery = if destination.is_broadcast() {
            Delivery::Broadcast
        } else if destination.is_multicast() {
            if !is_joined(destination) {
                self.counters.ip.dropped_not_joined += 1;
                return None;
            }
            Delivery::Multicast
        } else {
            match self.own(destination) {
                Some(Own::Host(_)) => Delivery::Unicast,
                Some(Own::Network(_)) => Delivery::Broadcast,
                None => {
                    self.counters.ip.dropped_not_ours += 1;
                    return None;
                }
            }
        };
        Some((delivery, interface))
    }
}
