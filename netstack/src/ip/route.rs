//! The routing table: the longest prefix that contains the destination.

use core::net::Ipv4Addr;

use executive::status::NtStatus;

use crate::address::{Prefix, mask};
use crate::stack::Stack;
use crate::stack::interface::InterfaceId;
use crate::stack::loopback;
use crate::table::{HashChains, Slots};

/// A way to a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub destination: Prefix,
    /// The gateway that leads there; none if it is on the interface's link.
    pub gateway: Option<Ipv4Addr>,
    /// The interface that leads there.
    pub interface: InterfaceId,
}

/// A route as the console shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteInformation {
    /// The route.
    pub route: Route,
    /// Whether its interface is up.
    pub active: bool,
}

/// Routes, found by hash for each prefix length that there is, the longest
/// first: at most 33 looks, however many routes.
pub(crate) struct Routes {
    slots: Slots<Route>,
    chains: HashChains,
    /// How many routes have each prefix length.
    lengths: [u32; 33],
    /// A bit for each prefix length that routes have.
    present: u64,
}

fn key(network: u32, length: u8) -> u64 {
    u64::from(length) << 32 | u64::from(network)
}

impl Routes {
    pub(crate) fn new(size: usize, secret: u64) -> Self {
        Self {
            slots: Slots::new(size),
            chains: HashChains::new(size, secret),
            lengths: [0; 33],
            present: 0,
        }
    }

    fn find(&self, destination: Prefix) -> Option<usize> {
        let network = destination.network();
        let key = key(network.address().to_bits(), network.length());
        self.chains.find(key, |slot| {
            self.slots
                .at(slot)
                .is_some_and(|route| route.destination == network)
        })
    }

    /// The route with the longest prefix that contains `destination`, of those
    /// that `usable` accepts.
    #[inline(always)]
    pub(crate) fn lookup(
        &self,
        destination: Ipv4Addr,
        usable: impl Fn(&Route) -> bool,
    ) -> Option<&Route> {
        let mut present = self.present;
        while present != 0 {
            let length = present.ilog2();
            present &= !(1 << length);
            let length = length as u8;
            let network = destination.to_bits() & mask(length);
            let route = self
                .chains
                .chain(key(network, length))
                .filter_map(|slot| self.slots.at(slot))
                .find(|route| {
                    route.destination.length() == length
                        && route.destination.address().to_bits() == network
                        && usable(route)
                });
            if route.is_some() {
                return route;
            }
        }
        None
    }

    fn add(&mut self, route: Route) -> Result<(), NtStatus> {
        let destination = route.destination.network();
        if self.find(destination).is_some() {
            return Err(NtStatus::ADDRESS_ALREADY_EXISTS);
        }
        let handle = self
            .slots
            .insert(Route {
                destination,
                ..route
            })
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        let length = destination.length();
        self.chains
            .insert(key(destination.address().to_bits(), length), handle.slot());
        if let Some(count) = self.lengths.get_mut(usize::from(length)) {
            *count += 1;
            self.present |= 1 << length;
        }
        Ok(())
    }

    fn remove_slot(&mut self, slot: usize) -> bool {
        let Some(route) = self.slots.remove_at(slot) else {
            return false;
        };
        let (network, length) = (route.destination.address(), route.destination.length());
        self.chains.remove(key(network.to_bits(), length), slot);
        if let Some(count) = self.lengths.get_mut(usize::from(length)) {
            *count -= 1;
            if *count == 0 {
                self.present &= !(1 << length);
            }
        }
        true
    }

    /// Removes the routes through an interface.
    pub(crate) fn remove_interface(&mut self, interface: InterfaceId) {
        for slot in 0..self.slots.capacity() {
            if self
                .slots
                .at(slot)
                .is_some_and(|route| route.interface == interface)
            {
                self.remove_slot(slot);
            }
        }
    }
}

impl Stack {
    /// Adds a route. Host bits of the destination are left aside.
    ///
    /// # Errors
    /// - `INVALID_HANDLE`: no such interface;
    /// - `INVALID_PARAMETER`: the gateway is not in the interface's network, or
    ///   the route leads to the loopback interface or away with its addresses;
    /// - `ADDRESS_ALREADY_EXISTS`: there is a route to this network;
    /// - `INSUFFICIENT_RESOURCES`: the table is full.
    pub fn add_route(&mut self, route: Route) -> Result<(), NtStatus> {
        let interface = self
            .interfaces
            .get(route.interface.0)
            .ok_or(NtStatus::INVALID_HANDLE)?;
        let destination = route.destination.address();
        if route.interface == self.loopback.interface || destination.is_loopback() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let on_link = |gateway| {
            interface
                .address
                .is_some_and(|prefix| prefix.contains(gateway))
        };
        if route.gateway.is_some_and(|gateway| !on_link(gateway)) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        self.ip.last_path.forget();
        self.routes.add(route)
    }

    /// Removes the route to a network. `false` if there is none.
    pub fn remove_route(&mut self, destination: Prefix) -> bool {
        self.ip.last_path.forget();
        self.routes
            .find(destination)
            .is_some_and(|slot| self.routes.remove_slot(slot))
    }

    /// All routes, first that to the loopback interface: it is not in the
    /// table, since no route may lead elsewhere with 127.0.0.0/8.
    pub fn routes(&self) -> impl Iterator<Item = RouteInformation> {
        let loopback = RouteInformation {
            route: Route {
                destination: loopback::PREFIX.network(),
                gateway: None,
                interface: self.loopback.interface,
            },
            active: true,
        };
        let others = self
            .routes
            .slots
            .iter()
            .map(|(_, &route)| RouteInformation {
                route,
                active: self
                    .interfaces
                    .get(route.interface.0)
                    .is_some_and(|interface| interface.up),
            });
        core::iter::once(loopback).chain(others)
    }
}
