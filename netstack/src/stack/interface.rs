//! The interfaces: where packets come from and go to.

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
pub(super) const MINIMUM_MTU: usize = 68;

/// The most bytes that an IPv4 datagram can have.
pub(super) const MAXIMUM_MTU: usize = 0xFFFF;

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
}

/// As much of `name` as an interface's name has room for.
pub(super) fn interface_name(name: &str) -> heapless::String<MAXIMUM_NAME_LENGTH> {
    let mut cut = heapless::String::new();
    // What does not fit is left out.
    let _ = name.chars().try_for_each(|character| cut.push(character));
    cut
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
    /// Whether this is the loopback interface.
    pub is_loopback: bool,
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
        let interface = Interface {
            name: interface_name(configuration.name),
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
            if !crate::ip::is_host(address) || address.is_loopback() || !prefix.has_host(address) {
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
                .is_some_and(|prefix| prefix.has_host(gateway) && prefix.address() != gateway)
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
    /// neighbour ends with `NETWORK_UNREACHABLE`. The loopback interface stays.
    pub fn remove_interface(&mut self, id: InterfaceId) {
        if id == self.loopback.interface {
            return;
        }
        self.interface_down(id);
        self.routes.remove_interface(id);
        self.ip.last_path.forget();
        self.interfaces.remove(id.0);
    }

    /// Lets packets come and go, and announces the interface's address with a
    /// gratuitous ARP request (RFC 5227 section 2.3), from which the network
    /// also notices a conflict. The loopback interface is up already.
    pub fn interface_up(&mut self, id: InterfaceId, now: Instant) {
        self.now = now;
        if let Some(interface) = self.changeable_interface(id) {
            interface.up = true;
            log::info!(target: "ip", "{} is up", interface.name);
            self.update_local_addresses();
            self.arp_announce(id);
        }
    }

    /// Stops packets, and forgets the interface's neighbours. What waits for
    /// one of them ends with `NETWORK_UNREACHABLE`. The loopback interface
    /// stays up.
    pub fn interface_down(&mut self, id: InterfaceId) {
        if let Some(interface) = self.changeable_interface(id) {
            interface.up = false;
            self.update_local_addresses();
            self.arp_forget_interface(id);
        }
    }

    fn changeable_interface(&mut self, id: InterfaceId) -> Option<&mut Interface> {
        self.interfaces
            .get_mut(id.0)
            .filter(|_| id != self.loopback.interface)
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
                is_loopback: InterfaceId(handle) == self.loopback.interface,
            })
    }

    /// The name of an interface.
    pub fn interface_name(&self, id: InterfaceId) -> Option<&str> {
        self.interfaces
            .get(id.0)
            .map(|interface| interface.name.as_str())
    }
}
