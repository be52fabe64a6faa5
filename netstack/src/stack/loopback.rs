//! The loopback interface: the way from this machine to itself.
//!
//! It is there from the start (seed item 33) and never goes down. Its link is a
//! queue of the stack's own until an adapter is attached, from then on that
//! adapter: datagrams leave as frames and come back as frames, so that filter
//! drivers below see them. It has no ARP: every frame on it goes from the
//! address of all zeros to the address of all zeros.
//!
//! What goes by it: datagrams to 127.0.0.0/8, which must never be seen outside
//! the host (RFC 1122 section 3.2.1.3 (g)); datagrams to the addresses of the
//! other interfaces; and copies of what we send to everybody or to a group that
//! we belong to (RFC 1112 section 6.1).

use core::net::Ipv4Addr;

use executive::status::NtStatus;

use super::Stack;
use super::interface::{Interface, InterfaceId, MAXIMUM_MTU, MINIMUM_MTU, interface_name};
use super::local::Own;
use crate::address::Prefix;
use crate::table::Slots;
use crate::wire::ethernet::HardwareAddress;

/// The interface's name while no adapter is attached.
const NAME: &str = "Loopback";

/// The interface's address, and the network of which every address is ours.
pub(crate) const PREFIX: Prefix = match Prefix::new(Ipv4Addr::LOCALHOST, 8) {
    Some(prefix) => prefix,
    None => Prefix::DEFAULT,
};

/// The state of the loopback interface besides that of any interface.
pub(crate) struct Loopback {
    pub(crate) interface: InterfaceId,
    /// Whether an adapter is its link, not the stack's own queue.
    pub(crate) is_attached: bool,
}

/// Room for `others` interfaces, and the loopback interface.
pub(super) fn interfaces(others: usize) -> (Slots<Interface>, Loopback) {
    let mut interfaces = Slots::new(others + 1);
    let loopback = Interface {
        name: interface_name(NAME),
        hardware_address: HardwareAddress::default(),
        mtu: MAXIMUM_MTU,
        address: Some(PREFIX),
        up: true,
        defended: None,
    };
    // There is room for one at least.
    let interface = interfaces.insert(loopback).unwrap_or_default();
    let loopback = Loopback {
        interface: InterfaceId(interface),
        is_attached: false,
    };
    (interfaces, loopback)
}

impl Stack {
    /// The loopback interface, 127.0.0.1/8.
    pub const fn loopback_interface(&self) -> InterfaceId {
        self.loopback.interface
    }

    /// Makes an adapter the link of the loopback interface, which takes its
    /// name: datagrams leave as frames of that interface and are expected back
    /// by [`receive`](Self::receive). `mtu` is the longest datagram in bytes
    /// that the adapter takes.
    ///
    /// # Errors
    /// - `INVALID_PARAMETER`: the MTU is less than 68;
    /// - `ADDRESS_ALREADY_EXISTS`: there is an adapter already.
    pub fn attach_loopback(&mut self, name: &str, mtu: usize) -> Result<InterfaceId, NtStatus> {
        if mtu < MINIMUM_MTU {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        if self.loopback.is_attached {
            return Err(NtStatus::ADDRESS_ALREADY_EXISTS);
        }
        self.set_loopback_link(name, mtu.min(MAXIMUM_MTU), true);
        Ok(self.loopback.interface)
    }

    /// The adapter has gone: the stack's own queue is the link again.
    pub fn detach_loopback(&mut self) {
        self.set_loopback_link(NAME, MAXIMUM_MTU, false);
    }

    fn set_loopback_link(&mut self, name: &str, mtu: usize, is_attached: bool) {
        self.loopback.is_attached = is_attached;
        self.ip.last_path.forget();
        if let Some(interface) = self.interfaces.get_mut(self.loopback.interface.0) {
            interface.name = interface_name(name);
            interface.mtu = mtu;
        }
    }

    /// Whether `address` is one of ours: of an interface that is up, or any in
    /// 127.0.0.0/8.
    pub(crate) fn is_local(&self, address: Ipv4Addr) -> bool {
        address.is_loopback() || self.local.contains(address)
    }

    /// What `address` stands for, if it is one of ours.
    pub(crate) fn own(&self, address: Ipv4Addr) -> Option<Own> {
        if address.is_loopback() {
            return Some(Own::Host(self.loopback.interface));
        }
        self.local.find(address)
    }

    /// An interface has changed: its address may be ours now, or no longer.
    pub(super) fn update_local_addresses(&mut self) {
        self.local.update(&self.interfaces, self.loopback.interface);
        self.ip.last_path.forget();
        self.flows.forget();
    }
}
