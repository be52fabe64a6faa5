//! Datagrams to be sent: the way, the header, and the next hop.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use ndis::packet::Packet;

use super::{is_host, is_joined};
use crate::address::Prefix;
use crate::arp::output::Outcome;
use crate::arp::pending::Waiter;
use crate::stack::interface::{Interface, InterfaceId};
use crate::stack::local::Own;
use crate::stack::{Stack, refuse};
use crate::wire::ethernet::{self, HardwareAddress};
use crate::wire::ipv4::{HEADER_LENGTH, Repr};

/// The longest datagram, header included (RFC 791 section 3.1).
const MAXIMUM_LENGTH: usize = 0xFFFF;

/// Where a datagram goes next (seed item 31).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextHop {
    /// To ourselves, by the loopback interface.
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
    /// A loopback address as the source, and somebody else as the destination.
    Source,
    /// No route leads there.
    NoRoute,
}

impl Stack {
    /// Finds the way to `destination` for a sender that is bound to the
    /// address `bound` of ours, or to none (seed item 31).
    #[inline(always)]
    pub(crate) fn ip_path(
        &mut self,
        destination: Ipv4Addr,
        bound: Option<Ipv4Addr>,
    ) -> Result<Path, NtStatus> {
        let path = match self.ip.last_path.get(destination, bound) {
            Some(path) => path,
            None => self.ip_search_path(destination, bound)?,
        };
        Ok(*path)
    }

    /// The same for another way than the last one.
    #[inline(never)]
    fn ip_search_path(
        &mut self,
        destination: Ipv4Addr,
        bound: Option<Ipv4Addr>,
    ) -> Result<&Path, NtStatus> {
        let found = self.ip_find_path(destination, bound);
        let path = found.map_err(|reason| self.ip_count_unroutable(&reason))?;
        Ok(self.ip.last_path.set(bound, path))
    }

    fn ip_count_unroutable(&mut self, reason: &Unroutable) -> NtStatus {
        let (counter, status) = match reason {
            Unroutable::Destination => (
                &mut self.counters.ip.unsent_destination,
                NtStatus::INVALID_ADDRESS,
            ),
            Unroutable::Source => (
                &mut self.counters.ip.unsent_source_loopback,
                NtStatus::INVALID_ADDRESS,
            ),
            Unroutable::NoRoute => (
                &mut self.counters.ip.unsent_no_route,
                NtStatus::NETWORK_UNREACHABLE,
            ),
        };
        *counter += 1;
        status
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
        let by_loopback = id == self.loopback.interface;
        if !by_loopback && bound.is_some_and(|bound| bound.is_loopback()) {
            return Err(Unroutable::Source);
        }
        let interface = self.interfaces.get(id.0).ok_or(Unroutable::NoRoute)?;
        let own = match next_hop {
            NextHop::Local if !destination.is_loopback() => destination,
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
        Some(match self.own(destination)? {
            Own::Host(_) => (self.loopback.interface, NextHop::Local),
            Own::Network(interface) => (interface, NextHop::Broadcast),
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
    /// that is up, loopback aside.
    fn ip_group_interface(&self, bound: Option<Ipv4Addr>) -> Option<InterfaceId> {
        if let Some(bound) = bound {
            return match self.own(bound)? {
                Own::Host(interface) => Some(interface),
                Own::Network(_) => None,
            };
        }
        self.ip_routed_next_hop(Ipv4Addr::BROADCAST)
            .map(|(interface, _)| interface)
            .or_else(|| self.ip_first_interface(|interface| interface.active().is_some()))
            .or_else(|| self.ip_first_interface(|interface| interface.up))
    }

    fn ip_first_interface(&self, wanted: impl Fn(&Interface) -> bool) -> Option<InterfaceId> {
        self.interfaces
            .iter()
            .map(|(handle, interface)| (InterfaceId(handle), interface))
            .find(|&(id, interface)| id != self.loopback.interface && wanted(interface))
            .map(|(id, _)| id)
    }

    /// Puts the IP header in front of `packet` and sends it along `path`.
    ///
    /// A datagram longer than the MTU is sent in fragments, or refused with
    /// `BUFFER_TOO_SMALL` if it must not be fragmented or is longer than IP allows.
    #[inline(never)]
    pub(crate) fn ip_send(
        &mut self,
        path: &Path,
        options: SendOptions,
        packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        self.ip_send_data(*path, options, packet, waiter)
    }

    /// Like [`ip_send`](Self::ip_send), with all of it in the caller: for the
    /// transport that most datagrams come from.
    #[inline(always)]
    pub(crate) fn ip_send_data(
        &mut self,
        path: Path,
        options: SendOptions,
        mut packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        let length = packet.len() + HEADER_LENGTH;
        if length > MAXIMUM_LENGTH || (options.dont_fragment && length > path.mtu) {
            let counter = &mut self.counters.ip.unsent_too_long;
            return Err(refuse(counter, NtStatus::BUFFER_TOO_SMALL));
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
            let counter = &mut self.counters.ip.unsent_no_buffer;
            return Err(refuse(counter, NtStatus::INSUFFICIENT_RESOURCES));
        };
        header.emit(space);
        if log::log_enabled!(target: "ip", log::Level::Trace) {
            trace_out(&packet, header);
        }
        self.ip_transmit(path, packet, waiter)
    }

    #[inline(always)]
    fn ip_transmit(
        &mut self,
        path: Path,
        packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        let interface = path.interface;
        let outcome = match path.next_hop {
            NextHop::Neighbour(address) => self.arp_send(interface, address, packet, waiter),
            NextHop::Local => self.ip_loop_back(packet),
            _ if interface == self.loopback.interface => self.ip_loop_back(packet),
            NextHop::Broadcast => {
                self.ip_send_to_many(&{ path }, HardwareAddress::BROADCAST, packet, true)
            }
            NextHop::Multicast => {
                let group = ethernet::of_multicast(path.destination);
                self.ip_send_to_many(&{ path }, group, packet, is_joined(path.destination))
            }
        };
        if outcome.is_ok() {
            self.counters.ip.sent += 1;
        }
        outcome
    }
}

/// Logs a datagram that goes out, apart from the way that datagrams take.
#[cold]
fn trace_out(packet: &Packet, header: Repr) {
    log::trace!(target: "ip", "packet {} out: {header:?}", packet.info().id);
}
