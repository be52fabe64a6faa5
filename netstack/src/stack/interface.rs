//! The interfaces: where packets come from and go to.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use executive::time::Instant;

use super::Stack;
use crate::address::Prefix;
use crate::configuration::{InterfaceConfiguration, MAXIMUM_NAME_LENGTH};
use crate::ip::route::Route;
use crate::table::Handle;
use crate::wire::ethernet::HardwareAddress;

/// Names an interface until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceId(pub(crate) Handle);

/// The least MTU that IPv4 works with (RFC 791 section 3.1).
const MINIMUM_MTU: usize = 68;

/// The most bytes that an IPv4 datagram can have.
const MAXIMUM_MTU: usize = 0xFFFF;

pub(crate) struct Interface {
    pub(crate) name: heapless::String<MAXIMUM_NAME_LENGTH>,
    pub(crate) hardware_address: HardwareAddress,
    pub(crate) mtu: usize,
    pub(crate) address: Option<Prefix>,
    pub(crate) up: bool,
    /// When our address was last defended (RFC 5227 section 2.4).
    pub(crate) defended: Option<Instant>,
}

impl Interface {
    /// The address of an interface that is up.
    pub(crate) fn active(&self) -> Option<Prefix> {
        self.address.filter(|_| self.up)
    }

    pub(crate) fn has_address(&self, address: Ipv4Addr) -> bool {
        self.active()
            .is_some_and(|prefix| prefix.address() == address)
    }

    pub(crate) fn has_broadcast(&self, address: Ipv4Addr) -> bool {
        self.active()
            .is_some_and(|prefix| prefix.broadcast() == Some(address))
    }
}

/// An interface as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceInformation {
    /// Names the interface.
    pub id: InterfaceId,
    /// Name from the configuration.
    pub name: heapless::String<MAXIMUM_NAME_LENGTH>,
    /// The card's address.
    pub hardware_address: HardwareAddress,
    /// The longest IP datagram in bytes.
    pub mtu: usize,
    /// Address and network.
    pub address: Option<Prefix>,
    /// Whether packets come and go.
    pub up: bool,
}

impl Stack {
    /// Adds an interface, which is down at first, with the routes to its
    /// network and, if it has a gateway, to everywhere.
    ///
    /// # Errors
    /// - `INVALID_PARAMETER`: the hardware address is not one station's, the
    ///   MTU is not within 68 and 65535, or the gateway is not in the
    ///   interface's network;
    /// - `INVALID_ADDRESS_COMPONENT`: the address is none that a host can have;
    /// - `ADDRESS_ALREADY_EXISTS`: another interface has the address;
    /// - `INSUFFICIENT_RESOURCES`: the interface or route table is full.
    pub fn add_interface(
        &mut self,
        configuration: &InterfaceConfiguration<'_>,
    ) -> Result<InterfaceId, NtStatus> {
        self.check_interface(configuration)?;
        let mut name = heapless::String::new();
        // What does not fit the name is left out.
        let _ = configuration
            .name
            .chars()
            .try_for_each(|character| name.push(character));
        let interface = Interface {
            name,
            hardware_address: configuration.hardware_address,
            mtu: configuration.mtu,
            address: configuration.address,
            up: false,
            defended: None,
        };
        let handle = self
            .interfaces
            .insert(interface)
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        let id = InterfaceId(handle);
        let routed = self.add_interface_routes(id, configuration);
        if routed.is_err() {
            self.remove_interface(id);
        }
        routed.map(|()| id)
    }

    fn check_interface(&self, configuration: &InterfaceConfiguration<'_>) -> Result<(), NtStatus> {
        if !crate::wire::ethernet::is_station(configuration.hardware_address)
            || !(MINIMUM_MTU..=MAXIMUM_MTU).contains(&configuration.mtu)
        {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        if let Some(prefix) = configuration.address {
            let address = prefix.address();
            if !crate::ip::is_host(address)
                || address.is_loopback()
                || prefix.broadcast() == Some(address)
            {
                return Err(NtStatus::INVALID_ADDRESS_COMPONENT);
            }
            if self
                .interfaces
                .iter()
                .any(|(_, other)| other.address.map(Prefix::address) == Some(address))
            {
                return Err(NtStatus::ADDRESS_ALREADY_EXISTS);
            }
        }
        if let Some(gateway) = configuration.gateway
            && !configuration
                .address
                .is_some_and(|prefix| prefix.contains(gateway) && prefix.address() != gateway)
        {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        Ok(())
    }

    fn add_interface_routes(
        &mut self,
        id: InterfaceId,
        configuration: &InterfaceConfiguration<'_>,
    ) -> Result<(), NtStatus> {
        if let Some(prefix) = configuration.address {
            self.add_route(Route {
                destination: prefix.network(),
                gateway: None,
                interface: id,
            })?;
        }
        if let Some(gateway) = configuration.gateway {
            let route = Route {
                destination: Prefix::DEFAULT,
                gateway: Some(gateway),
                interface: id,
            };
            // Another interface's gateway is everybody's already.
            return match self.add_route(route) {
                Err(NtStatus::ADDRESS_ALREADY_EXISTS) => Ok(()),
                other => other,
            };
        }
        Ok(())
    }

    /// Removes an interface with its routes and neighbours. What waits for a
    /// neighbour ends with `NETWORK_UNREACHABLE`.
    pub fn remove_interface(&mut self, id: InterfaceId) {
        self.interface_down(id);
        self.routes.remove_interface(id);
        self.interfaces.remove(id.0);
    }

    /// Lets packets come and go, and announces the interface's address with a
    /// gratuitous ARP request (RFC 5227 section 2.3), from which the network
    /// also notices a conflict.
    pub fn interface_up(&mut self, id: InterfaceId, now: Instant) {
        self.now = now;
        if let Some(interface) = self.interfaces.get_mut(id.0) {
            interface.up = true;
            log::info!(target: "ip", "{} is up", interface.name);
            self.arp_announce(id);
        }
    }

    /// Stops packets, and forgets the interface's neighbours. What waits for
    /// one of them ends with `NETWORK_UNREACHABLE`.
    pub fn interface_down(&mut self, id: InterfaceId) {
        if let Some(interface) = self.interfaces.get_mut(id.0) {
            interface.up = false;
            self.arp_forget_interface(id);
        }
    }

    /// All interfaces.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceInformation> {
        self.interfaces
            .iter()
            .map(|(handle, interface)| InterfaceInformation {
                id: InterfaceId(handle),
                name: interface.name.clone(),
                hardware_address: interface.hardware_address,
                mtu: interface.mtu,
                address: interface.address,
                up: interface.up,
            })
    }

    /// Whether `address` is one of ours, on an interface that is up.
    /// The name of an interface.
    pub fn interface_name(&self, id: InterfaceId) -> Option<&str> {
        self.interfaces
            .get(id.0)
            .map(|interface| interface.name.as_str())
    }

    pub(crate) fn is_local(&self, address: Ipv4Addr) -> bool {
        self.interfaces
            .iter()
            .any(|(_, interface)| interface.has_address(address))
    }
}
