//! Address objects: a transport address that datagrams go to and come from.

use core::net::Ipv4Addr;

use executive::status::NtStatus;

use super::{Arrival, Transport};
use crate::address::SocketAddress;
use crate::ip::DEFAULT_TIME_TO_LIVE;
use crate::stack::Stack;
use crate::table::{Handle, List};

/// Names an address object until it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressHandle(pub(crate) Handle);

/// With whom an address object shares its address and port.
///
/// Address objects at different addresses, the unspecified one being one of
/// them, do not stand in each other's way, unless one of them is exclusive and
/// at the unspecified address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ShareAccess {
    /// With nobody.
    #[default]
    Unique,
    /// With others that reuse it.
    Reuse,
    /// With nobody; asked for when binding to the unspecified address.
    Wildcard,
    /// With nobody, not even at other addresses when it is the unspecified
    /// one.
    Exclusive,
}

/// What an address object's owner decides about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressOptions {
    /// With whom it shares its address; looked at when it is opened.
    pub share: ShareAccess,
    /// Time to live of what it sends.
    pub time_to_live: u8,
    /// Type of service of what it sends.
    pub type_of_service: u8,
    /// Whether what it sends must not be fragmented on the way.
    pub dont_fragment: bool,
    /// Whether it may send to broadcast addresses.
    pub broadcast: bool,
    /// Whether a raw one receives datagrams from the IP header on, or the
    /// payload only (seed item 28).
    pub header_include: bool,
}

impl Default for AddressOptions {
    /// TDI's defaults: time to live 128, may be fragmented, broadcast allowed,
    /// header included.
    fn default() -> Self {
        Self {
            share: ShareAccess::Unique,
            time_to_live: DEFAULT_TIME_TO_LIVE,
            type_of_service: 0,
            dont_fragment: false,
            broadcast: true,
            header_include: true,
        }
    }
}

/// What datagrams are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A UDP port.
    Udp(u16),
    /// An IP protocol.
    Raw(u8),
}

impl Target {
    /// The key of the hash chains.
    pub(crate) const fn key(self) -> u64 {
        match self {
            Self::Udp(port) => port as u64,
            Self::Raw(protocol) => 1 << 16 | protocol as u64,
        }
    }
}

pub(crate) struct AddressObject {
    pub(super) transport: Transport,
    pub(super) target: Target,
    pub(super) local: Ipv4Addr,
    pub(super) remote: Option<SocketAddress>,
    pub(super) options: AddressOptions,
    /// Posted receives.
    pub(super) receives: List,
    /// An error that the next receive gets.
    pub(super) error: Option<(SocketAddress, NtStatus)>,
    /// Number among the control channel's entities.
    pub(super) instance: u32,
}

impl AddressObject {
    pub(super) const fn port(&self) -> u16 {
        match self.target {
            Target::Udp(port) => port,
            Target::Raw(_) => 0,
        }
    }

    pub(super) const fn address(&self) -> SocketAddress {
        SocketAddress::new(self.local, self.port())
    }

    /// Whether opening another one at `local` would be in this one's way.
    pub(super) fn refuses(&self, local: Ipv4Addr, share: ShareAccess) -> Option<NtStatus> {
        if self.local == local {
            return match (self.options.share, share) {
                (ShareAccess::Reuse, ShareAccess::Reuse) => None,
                (ShareAccess::Exclusive, ShareAccess::Reuse) => Some(NtStatus::ACCESS_DENIED),
                _ => Some(NtStatus::ADDRESS_ALREADY_EXISTS),
            };
        }
        if self.local.is_unspecified() && self.options.share == ShareAccess::Exclusive {
            return Some(NtStatus::ACCESS_DENIED);
        }
        (local.is_unspecified() && share == ShareAccess::Exclusive)
            .then_some(NtStatus::ADDRESS_ALREADY_EXISTS)
    }
}

/// An address object as the console shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressObjectInformation {
    /// Names the object.
    pub handle: AddressHandle,
    /// Its transport.
    pub transport: Transport,
    /// Its address and port.
    pub local: SocketAddress,
    /// What it is connected to.
    pub remote: Option<SocketAddress>,
    /// Posted receives.
    pub receives: usize,
}

impl Stack {
    /// The address and port of an address object. One at the unspecified
    /// address that is connected has the address of the interface that leads
    /// to the other side.
    ///
    /// # Errors
    /// `INVALID_HANDLE`.
    pub fn local_address(&self, handle: AddressHandle) -> Result<SocketAddress, NtStatus> {
        let object = self.tdi_object(handle)?;
        let mut address = object.address();
        if address.address.is_unspecified()
            && let Some(remote) = object.remote
            && let Some(source) = self.ip_source_for(remote.address)
        {
            address.address = source;
        }
        Ok(address)
    }

    /// What an address object is connected to.
    ///
    /// # Errors
    /// `INVALID_HANDLE`.
    pub fn remote_address(&self, handle: AddressHandle) -> Result<Option<SocketAddress>, NtStatus> {
        self.tdi_object(handle).map(|object| object.remote)
    }

    /// The options of an address object.
    ///
    /// # Errors
    /// `INVALID_HANDLE`.
    pub fn address_options(&self, handle: AddressHandle) -> Result<AddressOptions, NtStatus> {
        self.tdi_object(handle).map(|object| object.options)
    }

    /// Changes the options of an address object; `share` stays as it was
    /// opened.
    ///
    /// `SUCCESS`, `INVALID_HANDLE`, or `INVALID_PARAMETER` for a time to live
    /// of zero.
    pub fn set_address_options(
        &mut self,
        handle: AddressHandle,
        options: AddressOptions,
    ) -> NtStatus {
        if options.time_to_live == 0 {
            return NtStatus::INVALID_PARAMETER;
        }
        match self.tdi.objects.get_mut(handle.0) {
            Some(object) => {
                object.options = AddressOptions {
                    share: object.options.share,
                    ..options
                };
                NtStatus::SUCCESS
            }
            None => NtStatus::INVALID_HANDLE,
        }
    }

    /// Connects an address object: what it sends without an address goes to
    /// `remote`, only datagrams from there are received, and ICMP errors about
    /// what it sent there end its receives. `None` undoes that.
    ///
    /// `SUCCESS`; `INVALID_HANDLE`; `INVALID_ADDRESS` if nothing can be sent to
    /// `remote`, whose port must not be zero on UDP; `NETWORK_UNREACHABLE` if
    /// there is no way to it; `ACCESS_DENIED` for a broadcast address that the
    /// address object may not send to.
    pub fn connect_datagram(
        &mut self,
        handle: AddressHandle,
        remote: Option<SocketAddress>,
    ) -> NtStatus {
        match self.tdi_connect(handle, remote) {
            Ok(()) => NtStatus::SUCCESS,
            Err(status) => status,
        }
    }

    fn tdi_connect(
        &mut self,
        handle: AddressHandle,
        remote: Option<SocketAddress>,
    ) -> Result<(), NtStatus> {
        let object = self.tdi_object(handle)?;
        let local = object.local;
        let (is_udp, may_broadcast) =
            (object.transport == Transport::Udp, object.options.broadcast);
        if let Some(remote) = remote {
            if is_udp && remote.port == 0 {
                return Err(NtStatus::INVALID_ADDRESS);
            }
            let bound = Some(local).filter(|local| !local.is_unspecified());
            let path = self.ip_path(remote.address, bound)?;
            if path.next_hop == crate::ip::NextHop::Broadcast && !may_broadcast {
                return Err(NtStatus::ACCESS_DENIED);
            }
        }
        let object = self
            .tdi
            .objects
            .get_mut(handle.0)
            .ok_or(NtStatus::INVALID_HANDLE)?;
        object.remote = remote;
        object.error = None;
        self.flows.forget();
        Ok(())
    }

    /// All address objects.
    pub fn address_objects(&self) -> impl Iterator<Item = AddressObjectInformation> {
        self.tdi
            .objects
            .iter()
            .map(|(handle, object)| AddressObjectInformation {
                handle: AddressHandle(handle),
                transport: object.transport,
                local: object.address(),
                remote: object.remote,
                receives: object.receives.len(),
            })
    }

    pub(super) fn tdi_object(&self, handle: AddressHandle) -> Result<&AddressObject, NtStatus> {
        self.tdi
            .objects
            .get(handle.0)
            .ok_or(NtStatus::INVALID_HANDLE)
    }

    /// Whether a datagram is for the address object in `slot` (seed item 26):
    /// the port is equal, and the address is too, or is the unspecified one, or
    /// the datagram went to all. A connected one hears only the other side.
    #[inline(always)]
    pub(crate) fn tdi_matches(&self, slot: usize, target: Target, arrival: &Arrival) -> bool {
        let Some(object) = self.tdi.objects.at(slot) else {
            return false;
        };
        let is_local = object.local == arrival.destination.address
            || object.local.is_unspecified()
            || (!arrival.is_unicast() && self.tdi_is_on(arrival.interface, object.local));
        object.target == target
            && is_local
            && match object.remote {
                None => true,
                Some(remote) => {
                    remote.port == arrival.source.port
                        && (remote.address == arrival.source.address
                            || !crate::ip::is_host(remote.address))
                }
            }
    }

    /// Whether `address` is that of an interface.
    #[cold]
    fn tdi_is_on(&self, interface: crate::InterfaceId, address: Ipv4Addr) -> bool {
        self.own(address) == Some(crate::stack::local::Own::Host(interface))
    }

    /// Whether the address object in `slot` is connected from `local` to
    /// `remote`.
    pub(crate) fn tdi_is_connected(
        &self,
        slot: usize,
        target: Target,
        local: Ipv4Addr,
        remote: SocketAddress,
    ) -> bool {
        self.tdi.objects.at(slot).is_some_and(|object| {
            object.target == target
                && object.remote == Some(remote)
                && (object.local == local || object.local.is_unspecified())
        })
    }

    /// Whether an address object is in the way of an ephemeral port: one at
    /// the same address, or one of the two at the unspecified address.
    pub(crate) fn tdi_is_in_use(&self, target: Target, local: Ipv4Addr) -> bool {
        self.tdi
            .chains
            .chain(target.key())
            .filter_map(|slot| self.tdi.objects.at(slot))
            .any(|object| {
                object.target == target
                    && (object.local == local
                        || object.local.is_unspecified()
                        || local.is_unspecified())
            })
    }
}
