//! Which binding is which interface, and the addresses they get.

use core::net::Ipv4Addr;

use executive::{Instant, counters};
use heapless::Vec;
use netstack::lan::LanBinding;
use netstack::{HardwareAddress, InterfaceConfiguration, InterfaceId, Prefix, Stack};

use crate::configuration::Registry;

/// Interfaces at the same time, the loopback interface included.
const MAXIMUM_INTERFACES: usize = 9;

/// The address that QEMU's user networking gives to its first guest.
const DEFAULT_ADDRESS: Option<Prefix> = Prefix::new(Ipv4Addr::new(10, 0, 2, 15), 24);
/// The gateway of QEMU's user networking.
const DEFAULT_GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

/// The section whose addresses the first interface takes.
const PROTOCOL_SECTION: &str = "Tcpip";

counters! {
    /// Frames that found no interface or binding on the other side.
    pub struct NetworkCounters {
        /// Received frames dropped: their binding has no interface, since its
        /// address could not be used or there was no room.
        dropped_no_interface,
        /// Frames not sent: their interface's binding is gone.
        unsent_no_binding,
    }
}

/// Bindings with their interfaces.
pub struct Interfaces {
    registry: &'static Registry,
    pairs: Vec<(LanBinding, InterfaceId), MAXIMUM_INTERFACES>,
    pub(super) counters: NetworkCounters,
    /// Whether `Tcpip.IPAddress` or its default is taken.
    first_taken: bool,
}

impl Interfaces {
    /// None yet; their addresses will come from the registry.
    pub fn new(registry: &'static Registry) -> Self {
        Self {
            registry,
            pairs: Vec::new(),
            counters: NetworkCounters::default(),
            first_taken: false,
        }
    }

    pub(super) fn interface(&self, binding: LanBinding) -> Option<InterfaceId> {
        // Backwards: the loopback adapter's comes first, most frames are of others.
        self.pairs
            .iter()
            .rev()
            .find(|pair| pair.0 == binding)
            .map(|pair| pair.1)
    }

    pub(super) fn binding(&self, interface: InterfaceId) -> Option<LanBinding> {
        self.pairs
            .iter()
            .find(|pair| pair.1 == interface)
            .map(|pair| pair.0)
    }

    /// A binding has come: it becomes an interface and goes up.
    #[cold]
    pub(super) fn add(
        &mut self,
        binding: LanBinding,
        name: &str,
        hardware_address: HardwareAddress,
        mtu: usize,
        stack: &mut Stack,
        now: Instant,
    ) {
        let (address, gateway) = self.addresses(name);
        let added = stack.add_interface(&InterfaceConfiguration {
            name,
            hardware_address,
            mtu,
            address,
            gateway,
        });
        match added {
            Ok(interface) if self.pairs.push((binding, interface)).is_ok() => {
                stack.interface_up(interface, now);
                match address {
                    Some(address) => log::info!(target: "ip", "{name}: {address}"),
                    None => log::info!(target: "ip", "{name}: no address"),
                }
            }
            Ok(interface) => {
                stack.remove_interface(interface);
                log::error!(target: "ip", "{name}: no room for another interface");
            }
            Err(status) => log::error!(target: "ip", "{name}: {status}"),
        }
    }

    /// A binding to a loopback adapter has come: from now on the loopback
    /// interface goes by it. A second one is left alone.
    #[cold]
    pub(super) fn attach_loopback(
        &mut self,
        binding: LanBinding,
        name: &str,
        mtu: usize,
        stack: &mut Stack,
    ) {
        if self.pairs.is_full() {
            log::error!(target: "ip", "{name}: no room for another interface");
            return;
        }
        match stack.attach_loopback(name, mtu) {
            // There is room.
            Ok(interface) => drop(self.pairs.push((binding, interface))),
            Err(status) => log::error!(target: "ip", "{name}: {status}"),
        }
    }

    /// A binding has gone, and its interface with it; the loopback interface
    /// goes on without.
    #[cold]
    pub(super) fn remove(&mut self, binding: LanBinding, stack: &mut Stack) {
        if let Some(place) = self.pairs.iter().position(|pair| pair.0 == binding) {
            let (_, interface) = self.pairs.swap_remove(place);
            if interface == stack.loopback_interface() {
                stack.detach_loopback();
            } else {
                stack.remove_interface(interface);
            }
        }
    }

    /// `NAME.IPAddress` and `NAME.Gateway`; the first interface without its own
    /// takes `Tcpip.IPAddress` and `Tcpip.Gateway`, or what fits QEMU's user
    /// networking.
    fn addresses(&mut self, name: &str) -> (Option<Prefix>, Option<Ipv4Addr>) {
        let own = self.registry.get_as::<Prefix>(name, "IPAddress");
        if own.is_some() || core::mem::replace(&mut self.first_taken, true) {
            return (own, self.gateway(name, own));
        }
        let configured = self
            .registry
            .get_as::<Prefix>(PROTOCOL_SECTION, "IPAddress");
        let address = configured.or(DEFAULT_ADDRESS);
        let default = address
            .is_some_and(|prefix| prefix.contains(DEFAULT_GATEWAY))
            .then_some(DEFAULT_GATEWAY);
        (address, self.gateway(PROTOCOL_SECTION, address).or(default))
    }

    /// A gateway outside the interface's network is not used.
    fn gateway(&self, section: &str, address: Option<Prefix>) -> Option<Ipv4Addr> {
        let gateway = self.registry.get_as::<Ipv4Addr>(section, "Gateway")?;
        if address.is_some_and(|prefix| prefix.contains(gateway)) {
            return Some(gateway);
        }
        log::error!(
            target: "boot",
            "bad value `{gateway}` for {section}.Gateway: an address in the interface's network expected"
        );
        None
    }
}
