//! Datagrams to be sent: the way, the header, and the next hop.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use ndis::packet::Packet;

use super::is_host;
use crate::address::Prefix;
use crate::arp::output::Outcome;
use crate::arp::pending::Waiter;
use crate::stack::Stack;
use crate::stack::interface::{Interface, InterfaceId};
use crate::wire::ethernet::{self, HardwareAddress};
use crate::wire::ipv4::{HEADER_LENGTH, Repr};

/// The longest datagram, header included (RFC 791 section 3.1).
const MAXIMUM_LENGTH: usize = 0xFFFF;

/// Where a datagram goes next (seed item 31).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextHop {
    /// To ourselves.
    Local,
    /// To every host of the interface's network.
    Broadcast,
    /// To the hosts of a group.
    Multicast,
    /// To a host of the interface's network: the destination or a gateway.
    Neighbour(Ipv4Addr),
}

/// The way of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) interface: InterfaceId,
    pub(crate) next_hop: NextHop,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) mtu: usize,
}

/// What the sender decides about the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SendOptions {
    pub(crate) protocol: u8,
    pub(crate) time_to_live: u8,
    pub(crate) type_of_service: u8,
    pub(crate) dont_fragment: bool,
}

/// Why there is no way.
enum Unroutable {
    /// No host can have the destination.
    Destination,
    /// No route leads there.
    NoRoute,
}

impl Stack {
    /// Finds the way to `destination` for a sender that is bound to the
    /// address `bound` of ours, or to none (seed item 31).
    pub(crate) fn ip_path(
        &mut self,
        destination: Ipv4Addr,
        bound: Option<Ipv4Addr>,
    ) -> Result<Path, NtStatus> {
        self.ip_find_path(destination, bound)
            .map_err(|reason| match reason {
                Unroutable::Destination => {
                    self.counters.ip.unsent_destination += 1;
                    NtStatus::INVALID_ADDRESS
                }
                Unroutable::NoRoute => {
                    self.counters.ip.unsent_no_route += 1;
                    NtStatus::NETWORK_UNREACHABLE
                }
            })
    }

    /// The address that a sender bound to none has towards `destination`.
    pub(crate) fn ip_source_for(&self, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        self.ip_find_path(destination, None)
            .ok()
            .map(|path| path.source)
    }

    fn ip_find_path(
        &self,
        destination: Ipv4Addr,
        bound: Option<Ipv4Addr>,
    ) -> Result<Path, Unroutable> {
        let (id, next_hop) = self.ip_next_hop(destination, bound)?;
        let interface = self.interfaces.get(id.0).ok_or(Unroutable::NoRoute)?;
        let own = match next_hop {
            NextHop::Local => destination,
            // Only a host that asks everybody for its address has none.
            _ => interface
                .active()
                .map_or(Ipv4Addr::UNSPECIFIED, Prefix::address),
        };
        Ok(Path {
            interface: id,
            next_hop,
            source: bound.unwrap_or(own),
            destination,
            mtu: interface.mtu,
        })
    }

    fn ip_next_hop(
        &self,
        destination: Ipv4Addr,
        bound: Option<Ipv4Addr>,
    ) -> Result<(InterfaceId, NextHop), Unroutable> {
        let found = if destination.is_broadcast() {
            self.ip_group_interface(bound)
                .map(|interface| (interface, NextHop::Broadcast))
        } else if destination.is_multicast() {
            self.ip_group_interface(bound)
                .map(|interface| (interface, NextHop::Multicast))
        } else if is_host(destination) {
            self.ip_own_next_hop(destination)
                .or_else(|| self.ip_routed_next_hop(destination))
        } else {
            return Err(Unroutable::Destination);
        };
        found.ok_or(Unroutable::NoRoute)
    }

    fn ip_own_next_hop(&self, destination: Ipv4Addr) -> Option<(InterfaceId, NextHop)> {
        self.interfaces.iter().find_map(|(handle, interface)| {
            let id = InterfaceId(handle);
            if interface.has_address(destination) {
                Some((id, NextHop::Local))
            } else if interface.has_broadcast(destination) {
                Some((id, NextHop::Broadcast))
            } else {
                None
            }
        })
    }

    fn ip_routed_next_hop(&self, destination: Ipv4Addr) -> Option<(InterfaceId, NextHop)> {
        let is_up = |interface: &InterfaceId| {
            self.interfaces
                .get(interface.0)
                .is_some_and(|interface| interface.active().is_some())
        };
        let route = self
            .routes
            .lookup(destination, |route| is_up(&route.interface))?;
        let neighbour = route.gateway.unwrap_or(destination);
        Some((route.interface, NextHop::Neighbour(neighbour)))
    }

    /// The interface for datagrams to everybody or to a group: that of the
    /// sender's address, else the one with the default route, else the first
    /// that is up.
    fn ip_group_interface(&self, bound: Option<Ipv4Addr>) -> Option<InterfaceId> {
        if let Some(bound) = bound {
            return self.ip_first_interface(|interface| interface.has_address(bound));
        }
        self.ip_routed_next_hop(Ipv4Addr::BROADCAST)
            .map(|(interface, _)| interface)
            .or_else(|| self.ip_first_interface(|interface| interface.active().is_some()))
            .or_else(|| self.ip_first_interface(|interface| interface.up))
    }

    fn ip_first_interface(&self, wanted: impl Fn(&Interface) -> bool) -> Option<InterfaceId> {
        self.interfaces
            .iter()
            .find(|(_, interface)| wanted(interface))
            .map(|(handle, _)| InterfaceId(handle))
    }

    /// Puts the IP header in front of `packet` and sends it along `path`.
    ///
    /// A datagram longer than the MTU is sent in fragments, or refused with
    /// `BUFFER_TOO_SMALL` if it must not be fragmented or is longer than IP allows.
    pub(crate) fn ip_send(
        &mut self,
        path: &Path,
        options: SendOptions,
        mut packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        let length = packet.len() + HEADER_LENGTH;
        if length > MAXIMUM_LENGTH || (options.dont_fragment && length > path.mtu) {
            self.counters.ip.unsent_too_long += 1;
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        let header = Repr {
            type_of_service: options.type_of_service,
            identification: self.ip.identification.next(
                path.source,
                path.destination,
                options.protocol,
            ),
            dont_fragment: options.dont_fragment,
            more_fragments: false,
            fragment_offset: 0,
            time_to_live: options.time_to_live,
            protocol: options.protocol,
            source: path.source,
            destination: path.destination,
            payload_length: packet.len(),
        };
        let Some(space) = packet
            .prepend(HEADER_LENGTH)
            .and_then(|space| space.first_chunk_mut())
        else {
            self.counters.ip.unsent_no_buffer += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        header.emit(space);
        log::trace!(target: "ip", "packet {} out: {header:?}", packet.info().id);
        self.ip_transmit(path, packet, waiter)
    }

    fn ip_transmit(
        &mut self,
        path: &Path,
        packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        let interface = path.interface;
        let outcome = match path.next_hop {
            NextHop::Local => self.ip_loop_back(interface, packet),
            NextHop::Broadcast => {
                let everybody = HardwareAddress::BROADCAST;
                self.ip_send_on_link(interface, everybody, packet)
                    .map(|()| Outcome::Sent)
            }
            NextHop::Multicast => {
                let group = ethernet::of_multicast(path.destination);
                self.ip_send_on_link(interface, group, packet)
                    .map(|()| Outcome::Sent)
            }
            NextHop::Neighbour(address) => self.arp_send(interface, address, packet, waiter),
        };
        if outcome.is_ok() {
            self.counters.ip.sent += 1;
        }
        outcome
    }

    fn ip_loop_back(
        &mut self,
        interface: InterfaceId,
        packet: Packet,
    ) -> Result<Outcome, NtStatus> {
        if self.ip.loopback.push((interface, packet)).is_err() {
            self.counters.ip.unsent_loopback_full += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        self.counters.ip.looped_back += 1;
        Ok(Outcome::Sent)
    }
}
