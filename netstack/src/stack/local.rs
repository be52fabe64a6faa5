//! The machine's own addresses, close together: they are asked for with every
//! datagram.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::interface::{Interface, InterfaceId};
use crate::table::Slots;

/// What an address of ours stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// This host.
    Host(InterfaceId),
    /// Every host of the interface's network.
    Network(InterfaceId),
}

struct Entry {
    address: Ipv4Addr,
    broadcast: Option<Ipv4Addr>,
    interface: InterfaceId,
}

/// The addresses of the interfaces that are up, without those of loopback.
pub(crate) struct LocalAddresses {
    entries: Vec<Entry>,
}

impl LocalAddresses {
    /// None; allocates room for `interfaces` of them.
    pub(crate) fn new(interfaces: usize) -> Self {
        Self {
            entries: Vec::with_capacity(interfaces),
        }
    }

    /// Takes them anew from the interfaces, one of which has changed.
    pub(crate) fn update(&mut self, interfaces: &Slots<Interface>, loopback: InterfaceId) {
        self.entries.clear();
        let others = interfaces
            .iter()
            .map(|(handle, interface)| (InterfaceId(handle), interface))
            .filter(|&(id, _)| id != loopback);
        for (id, interface) in others {
            if let Some(prefix) = interface.active() {
                self.entries.push(Entry {
                    address: prefix.address(),
                    broadcast: prefix.broadcast(),
                    interface: id,
                });
            }
        }
    }

    /// Whether `address` is one of them.
    pub(crate) fn contains(&self, address: Ipv4Addr) -> bool {
        self.entries.iter().any(|entry| entry.address == address)
    }

    /// What `address` stands for, if it is one of them, or of everybody on one
    /// of their networks.
    pub(crate) fn find(&self, address: Ipv4Addr) -> Option<Own> {
        self.entries.iter().find_map(|entry| {
            if entry.address == address {
                Some(Own::Host(entry.interface))
            } else if entry.broadcast == Some(address) {
                Some(Own::Network(entry.interface))
            } else {
                None
            }
        })
    }
}
