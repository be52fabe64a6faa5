//! Packets for neighbours, and the ARP messages that find them.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use ndis::packet::Packet;

use super::neighbour::{Due, Resolution};
use super::pending::{Pending, Waiter};
use crate::address::Prefix;
use crate::stack::Stack;
use crate::stack::interface::{Interface, InterfaceId};
use crate::wire::arp::{self, Operation, Repr};
use crate::wire::ethernet::{self, EtherType, HardwareAddress};

/// What became of a packet that was given to a lower layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has left, or is in the queue of frames.
    Sent,
    /// It waits; the waiter will be told.
    Waits,
}

impl Stack {
    /// Sends an IP datagram to a neighbour, once its hardware address is
    /// known (seed item 30).
    #[inline(always)]
    pub(crate) fn arp_send(
        &mut self,
        interface: InterfaceId,
        next_hop: Ipv4Addr,
        packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        let resolution = self.neighbours.resolve(interface, next_hop, self.now);
        if let Some((Resolution::Resolved(hardware), _)) = resolution {
            self.ip_send_on_link(interface, hardware, packet)?;
            return Ok(Outcome::Sent);
        }
        let slot = self.arp_ask(interface, next_hop, resolution)?;
        self.arp_queue(slot, packet, waiter)
    }

    /// The slot of a neighbour whose address is not known; asks for it unless
    /// that goes on already.
    #[cold]
    fn arp_ask(
        &mut self,
        interface: InterfaceId,
        address: Ipv4Addr,
        resolution: Option<(Resolution, bool)>,
    ) -> Result<usize, NtStatus> {
        let Some((Resolution::Incomplete(slot), ask)) = resolution else {
            return self.arp_start(interface, address);
        };
        if ask {
            self.arp_request(interface, address, None);
        }
        Ok(slot)
    }

    /// Starts to ask for an unknown neighbour.
    fn arp_start(&mut self, interface: InterfaceId, address: Ipv4Addr) -> Result<usize, NtStatus> {
        let slot = if self.arp_make_room() {
            self.neighbours
                .insert_incomplete(interface, address, self.now)
        } else {
            None
        };
        let Some(slot) = slot else {
            self.counters.arp.refused_table_full += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        self.arp_request(interface, address, None);
        Ok(slot)
    }

    /// Makes room for one more neighbour. `false` if there is none to forget.
    pub(crate) fn arp_make_room(&mut self) -> bool {
        if !self.neighbours.is_full() {
            return true;
        }
        let Some(victim) = self.neighbours.choose_victim() else {
            return false;
        };
        self.counters.arp.evicted += 1;
        while let Some(pending) = self.neighbours.pop_pending(victim) {
            self.counters.arp.pending_dropped_evicted += 1;
            self.arp_tell(pending.waiter, NtStatus::INSUFFICIENT_RESOURCES);
        }
        self.neighbours.forget(victim);
        true
    }

    #[cold]
    fn arp_queue(
        &mut self,
        slot: usize,
        packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        if self.neighbours.is_queue_full(slot)
            && let Some(oldest) = self.neighbours.pop_pending(slot)
        {
            self.counters.arp.pending_dropped_oldest += 1;
            self.arp_tell(oldest.waiter, NtStatus::INSUFFICIENT_RESOURCES);
        }
        if let Some(oldest) = self.neighbours.pop_oldest_if_full() {
            self.counters.arp.pending_dropped_oldest_of_all += 1;
            self.arp_tell(oldest.waiter, NtStatus::INSUFFICIENT_RESOURCES);
        }
        let Ok(pending) = self.neighbours.queue(slot, packet, waiter) else {
            self.counters.arp.pending_refused_full += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        if let Waiter::Request(id, _) = waiter {
            self.tdi.add_send(id, pending)?;
        }
        self.counters.arp.pending_queued += 1;
        Ok(Outcome::Waits)
    }

    /// Tells whoever waits for a packet what became of it.
    fn arp_tell(&mut self, waiter: Waiter, status: NtStatus) {
        match waiter {
            Waiter::Nobody => {}
            Waiter::Request(id, bytes) => self.tdi.complete_send(id, status, bytes),
            Waiter::Echo(echo) => self.icmp_echo_sent(echo, status),
        }
    }

    /// The neighbour's address is known now: what waited for it leaves.
    pub(crate) fn arp_send_pending(&mut self, slot: usize) {
        let Some((interface, hardware)) = self.neighbours.hardware_address(slot) else {
            return;
        };
        while let Some(Pending { packet, waiter, .. }) = self.neighbours.pop_pending(slot) {
            self.neighbours.note_use(slot, self.now);
            let sent = self.ip_send_on_link(interface, hardware, packet);
            let status = sent.map_or_else(|status| status, |()| NtStatus::SUCCESS);
            self.arp_tell(waiter, status);
        }
    }

    /// Does what is due for the neighbours.
    pub(crate) fn arp_poll(&mut self) {
        while let Some(due) = self.neighbours.due(self.now) {
            match due {
                Due::Request {
                    interface,
                    address,
                    hardware_address,
                } => self.arp_request(interface, address, hardware_address),
                Due::GiveUp(slot) => {
                    self.counters.arp.failed += 1;
                    while let Some(pending) = self.neighbours.pop_pending(slot) {
                        self.counters.arp.pending_dropped_unreachable += 1;
                        self.arp_tell(pending.waiter, NtStatus::HOST_UNREACHABLE);
                    }
                }
            }
        }
    }

    /// Forgets the neighbours of an interface that went down.
    pub(crate) fn arp_forget_interface(&mut self, interface: InterfaceId) {
        let mut from = 0;
        while let Some(slot) = self.neighbours.next_of_interface(interface, from) {
            while let Some(pending) = self.neighbours.pop_pending(slot) {
                self.counters.arp.pending_dropped_interface_down += 1;
                self.arp_tell(pending.waiter, NtStatus::NETWORK_UNREACHABLE);
            }
            self.neighbours.forget(slot);
            from = slot + 1;
        }
    }

    fn arp_request(
        &mut self,
        interface: InterfaceId,
        target: Ipv4Addr,
        hardware: Option<HardwareAddress>,
    ) {
        let sent = self.arp_emit(
            interface,
            hardware.unwrap_or(HardwareAddress::BROADCAST),
            Operation::Request,
            hardware.unwrap_or_default(),
            target,
        );
        if sent {
            self.counters.arp.requests_sent += 1;
        }
    }

    pub(crate) fn arp_reply(
        &mut self,
        interface: InterfaceId,
        hardware: HardwareAddress,
        target: Ipv4Addr,
    ) {
        if self.arp_emit(interface, hardware, Operation::Reply, hardware, target) {
            self.counters.arp.replies_sent += 1;
        }
    }

    /// Announces our address (RFC 5227 section 2.3).
    pub(crate) fn arp_announce(&mut self, interface: InterfaceId) {
        let Some(address) = self
            .interfaces
            .get(interface.0)
            .and_then(Interface::active)
            .map(Prefix::address)
        else {
            return;
        };
        let sent = self.arp_emit(
            interface,
            HardwareAddress::BROADCAST,
            Operation::Request,
            HardwareAddress::default(),
            address,
        );
        if sent {
            self.counters.arp.announcements_sent += 1;
        }
    }

    fn arp_emit(
        &mut self,
        interface: InterfaceId,
        destination: HardwareAddress,
        operation: Operation,
        target_hardware: HardwareAddress,
        target_protocol: Ipv4Addr,
    ) -> bool {
        let sent = self.arp_message(interface, operation, target_hardware, target_protocol);
        let sent = sent.is_some_and(|packet| {
            self.ethernet_send(interface, destination, EtherType::ARP, packet)
                .is_ok()
        });
        if !sent {
            self.counters.arp.unsent += 1;
        }
        sent
    }

    fn arp_message(
        &mut self,
        interface: InterfaceId,
        operation: Operation,
        target_hardware: HardwareAddress,
        target_protocol: Ipv4Addr,
    ) -> Option<Packet> {
        let ours = self.interfaces.get(interface.0)?;
        let message = Repr {
            operation,
            sender_hardware: ours.hardware_address,
            sender_protocol: ours.active()?.address(),
            target_hardware,
            target_protocol,
        };
        let mut packet = self.pool.allocate(ethernet::HEADER_LENGTH)?;
        message.emit(packet.append(arp::LENGTH)?.first_chunk_mut()?);
        Some(packet)
    }
}
