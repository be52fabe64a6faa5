//! Received ARP messages.

use core::net::Ipv4Addr;

use ndis::packet::Packet;

use super::DEFEND_INTERVAL;
use crate::address::Prefix;
use crate::stack::Stack;
use crate::stack::interface::InterfaceId;
use crate::wire::arp::{self, Operation, Repr};
use crate::wire::ethernet::{self, HardwareAddress};

impl Stack {
    /// Takes a message; apart from Ethernet's code, as few frames carry one.
    #[inline(never)]
    pub(crate) fn arp_receive(
        &mut self,
        interface: InterfaceId,
        ethernet: ethernet::Repr,
        packet: &Packet,
    ) {
        self.counters.arp.received += 1;
        if interface == self.loopback.interface {
            self.counters.arp.dropped_loopback += 1;
            return;
        }
        let message = match arp::Packet::new_checked(packet.data()) {
            Ok(message) => Repr::parse(&message),
            Err(error) => {
                let counters = &mut self.counters.arp;
                *match error {
                    arp::Error::TooShort => &mut counters.dropped_too_short,
                    arp::Error::HardwareType => &mut counters.dropped_hardware_type,
                    arp::Error::ProtocolType => &mut counters.dropped_protocol_type,
                    arp::Error::Operation => &mut counters.dropped_operation,
                } += 1;
                return;
            }
        };
        log::trace!(target: "arp", "packet {} in: {message:?}", packet.info().id);
        let Some((ours, hardware)) = self
            .interfaces
            .get(interface.0)
            .and_then(|interface| Some((interface.active()?, interface.hardware_address)))
        else {
            self.counters.arp.dropped_no_address += 1;
            return;
        };
        if !ethernet::is_station(message.sender_hardware) {
            self.counters.arp.dropped_sender_hardware += 1;
        } else if message.sender_hardware == hardware {
            // A message of our own that some device sent back.
            self.counters.arp.ignored += 1;
        } else if message.sender_protocol == ours.address() {
            self.arp_conflict(interface, &message);
        } else if message.sender_protocol.is_unspecified() {
            // Someone asks before using an address: answered, but nothing is
            // learned (RFC 5227 section 2.1.1).
            self.arp_answer(interface, ours, &message);
        } else if is_neighbour(ours, message.sender_protocol) {
            let to_us = ethernet.destination == hardware && message.target_hardware == hardware;
            self.arp_learn(interface, ours, &message, to_us);
        } else {
            self.counters.arp.dropped_sender_address += 1;
        }
    }

    /// The sender is a neighbour: updates what is known about it, adds it if
    /// it asked for us, and answers (RFC 826, "Packet Reception").
    fn arp_learn(&mut self, interface: InterfaceId, ours: Prefix, message: &Repr, to_us: bool) {
        let is_reply = to_us
            && message.operation == Operation::Reply
            && message.target_protocol == ours.address();
        if is_reply {
            self.counters.arp.replies_received += 1;
        }
        let (sender, hardware) = (message.sender_protocol, message.sender_hardware);
        match self
            .neighbours
            .update(interface, sender, hardware, is_reply, self.now)
        {
            Some(slot) => self.arp_send_pending(slot),
            None if message.operation == Operation::Request
                && message.target_protocol == ours.address() =>
            {
                if self.arp_make_room() {
                    self.neighbours.insert_stale(interface, sender, hardware);
                }
            }
            None => {
                self.counters.arp.ignored += 1;
                return;
            }
        }
        self.arp_answer(interface, ours, message);
    }

    fn arp_answer(&mut self, interface: InterfaceId, ours: Prefix, message: &Repr) {
        if message.operation != Operation::Request || message.target_protocol != ours.address() {
            return;
        }
        self.counters.arp.requests_received += 1;
        let to = message.sender_hardware;
        self.arp_reply(interface, to, message.sender_protocol);
    }

    /// Another station uses our address: counted and logged, and our address
    /// defended by an announcement, but not more often than every
    /// DEFEND_INTERVAL (RFC 5227 section 2.4, b).
    fn arp_conflict(&mut self, interface: InterfaceId, message: &Repr) {
        self.counters.arp.conflicts += 1;
        let now = self.now;
        let Some(ours) = self.interfaces.get_mut(interface.0) else {
            return;
        };
        if ours
            .defended
            .is_some_and(|defended| now < defended + DEFEND_INTERVAL)
        {
            return;
        }
        ours.defended = Some(now);
        let (address, other): (Ipv4Addr, HardwareAddress) =
            (message.sender_protocol, message.sender_hardware);
        log::warn!(target: "arp", "address conflict on {}: {other} uses {address} too", ours.name);
        self.arp_announce(interface);
    }
}

/// Whether `address` can be that of another host of our network.
fn is_neighbour(ours: Prefix, address: Ipv4Addr) -> bool {
    crate::ip::is_host(address) && ours.has_host(address)
}
