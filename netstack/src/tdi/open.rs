//! The devices of TDI, and what opening one of them makes.

use core::net::Ipv4Addr;

use executive::status::NtStatus;

use super::address_object::AddressObject;
use super::{AddressHandle, AddressOptions, Target};
use crate::address::SocketAddress;
use crate::stack::Stack;
use crate::table::List;
use crate::wire::ipv4::protocol;

/// A device of TDI (seed item 33).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// IP itself: a control channel only.
    Ip,
    /// Datagrams of one IP protocol.
    RawIp(u8),
    /// UDP.
    Udp,
    /// TCP, of which only the control channel can be opened.
    Tcp,
}

impl Transport {
    /// The device with this name: `\Device\Ip`, `\Device\Udp`, `\Device\Tcp`,
    /// or `\Device\RawIp\` with the protocol's number (seed item 35). Upper
    /// and lower case are the same.
    pub fn from_device_name(name: &str) -> Option<Self> {
        const DEVICE: &str = "\\Device\\";
        let (device, name) = name.split_at_checked(DEVICE.len())?;
        if !device.eq_ignore_ascii_case(DEVICE) {
            return None;
        }
        if let Some((raw, number)) = name.split_once('\\') {
            return raw
                .eq_ignore_ascii_case("RawIp")
                .then(|| number.parse().ok())
                .flatten()
                .map(Self::RawIp);
        }
        [("Ip", Self::Ip), ("Udp", Self::Udp), ("Tcp", Self::Tcp)]
            .into_iter()
            .find_map(|(known, transport)| name.eq_ignore_ascii_case(known).then_some(transport))
    }
}

/// With what a device is opened: the extended attributes of the open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenContext {
    /// A transport address: makes an address object.
    TransportAddress(SocketAddress, AddressOptions),
    /// A connection context: makes a connection object.
    ConnectionContext(u64),
    /// Nothing: makes a control channel.
    ControlChannel,
}

/// What an open made (seed item 34).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileObject {
    /// An address object.
    Address(AddressHandle),
    /// A control channel, through which the stack's tables are queried.
    ControlChannel,
}

/// The kinds of entities, with TDI's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum EntityKind {
    /// An interface.
    Interface = 0x200,
    /// Address translation: ARP on an interface.
    AddressTranslation = 0x280,
    /// A connectionless network layer: IP.
    ConnectionlessNetwork = 0x301,
    /// Error reporting: ICMP.
    ErrorReporting = 0x380,
    /// A connection-oriented transport: TCP.
    ConnectionTransport = 0x400,
    /// A connectionless transport: UDP, or raw IP.
    ConnectionlessTransport = 0x401,
}

/// Something that the control channel can be asked about (seed item 37).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Tells it from others of its kind.
    pub instance: u32,
}

impl Stack {
    /// Opens a device of TDI (seed item 34).
    ///
    /// # Errors
    /// Those of [`open_address`](Self::open_address), and for a connection
    /// context `INVALID_PARAMETER`, since only TCP has connection objects, and
    /// `PROTOCOL_NOT_SUPPORTED` on TCP.
    pub fn open(
        &mut self,
        transport: Transport,
        context: OpenContext,
    ) -> Result<FileObject, NtStatus> {
        match context {
            OpenContext::TransportAddress(address, options) => self
                .open_address(transport, address, options)
                .map(FileObject::Address),
            OpenContext::ConnectionContext(_) if transport == Transport::Tcp => {
                Err(NtStatus::PROTOCOL_NOT_SUPPORTED)
            }
            OpenContext::ConnectionContext(_) => Err(NtStatus::INVALID_PARAMETER),
            OpenContext::ControlChannel => Ok(FileObject::ControlChannel),
        }
    }

    /// Makes an address object (seed item 36). The unspecified address stands
    /// for all of ours, port zero for an ephemeral one. Raw IP has no ports.
    ///
    /// # Errors
    /// - `INVALID_ADDRESS_COMPONENT`: the address isn't one of ours;
    /// - `ADDRESS_ALREADY_EXISTS`: address and port are taken, or no ephemeral
    ///   port is left;
    /// - `ACCESS_DENIED`: they are taken exclusively;
    /// - `INVALID_PARAMETER`: a time to live of zero, or a device without
    ///   address objects;
    /// - `PROTOCOL_NOT_SUPPORTED`: TCP;
    /// - `INSUFFICIENT_RESOURCES`: the table is full.
    pub fn open_address(
        &mut self,
        transport: Transport,
        address: SocketAddress,
        options: AddressOptions,
    ) -> Result<AddressHandle, NtStatus> {
        if options.time_to_live == 0 {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let local = address.address;
        if !local.is_unspecified() && !self.is_local(local) {
            return Err(NtStatus::INVALID_ADDRESS_COMPONENT);
        }
        let target = match transport {
            Transport::Udp => Target::Udp(self.tdi_claim_port(address, options)?),
            Transport::RawIp(protocol) => Target::Raw(protocol),
            Transport::Ip => return Err(NtStatus::INVALID_PARAMETER),
            Transport::Tcp => return Err(NtStatus::PROTOCOL_NOT_SUPPORTED),
        };
        self.tdi_add_object(transport, target, local, options)
    }

    fn tdi_add_object(
        &mut self,
        transport: Transport,
        target: Target,
        local: Ipv4Addr,
        options: AddressOptions,
    ) -> Result<AddressHandle, NtStatus> {
        let object = AddressObject {
            transport,
            target,
            local,
            remote: None,
            options,
            receives: List::EMPTY,
            error: None,
            instance: self.tdi.next_instance,
        };
        let Ok(handle) = self.tdi.objects.insert(object) else {
            self.counters.tdi.refused_objects_full += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        self.tdi.next_instance = self.tdi.next_instance.wrapping_add(1);
        self.tdi.chains.insert(target.key(), handle.slot());
        if matches!(target, Target::Raw(_)) {
            self.tdi.raw_objects += 1;
        }
        self.flows.forget();
        self.counters.tdi.opened += 1;
        Ok(AddressHandle(handle))
    }

    fn tdi_claim_port(
        &mut self,
        address: SocketAddress,
        options: AddressOptions,
    ) -> Result<u16, NtStatus> {
        if address.port == 0 {
            return self
                .udp_ephemeral_port(address.address)
                .ok_or(NtStatus::ADDRESS_ALREADY_EXISTS);
        }
        let target = Target::Udp(address.port);
        let refusal = self
            .tdi
            .chains
            .chain(target.key())
            .filter_map(|slot| self.tdi.objects.at(slot))
            .filter(|object| object.target == target)
            .find_map(|object| object.refuses(address.address, options.share));
        refusal.map_or(Ok(address.port), Err)
    }

    /// Closes an address object. Its receives complete with `CANCELLED`; what
    /// it has sent and waits for a neighbour goes on.
    ///
    /// `SUCCESS`, or `INVALID_HANDLE`.
    pub fn close_address(&mut self, handle: AddressHandle) -> NtStatus {
        let Ok(target) = self.tdi_object(handle).map(|object| object.target) else {
            return NtStatus::INVALID_HANDLE;
        };
        self.tdi_cancel_receives(handle.0.slot());
        self.tdi.objects.remove(handle.0);
        self.tdi.chains.remove(target.key(), handle.0.slot());
        if matches!(target, Target::Raw(_)) {
            self.tdi.raw_objects -= 1;
        }
        self.flows.forget();
        self.counters.tdi.closed += 1;
        NtStatus::SUCCESS
    }

    /// What the control channel can be asked about: IP and ICMP, each
    /// interface with its address translation (the loopback interface has
    /// none), and each address object (seed item 37).
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        let layers = [
            EntityKind::ConnectionlessNetwork,
            EntityKind::ErrorReporting,
        ]
        .map(|kind| Entity { kind, instance: 0 });
        let interfaces = self.interfaces().flat_map(|interface| {
            let instance = interface.id.0.slot() as u32;
            let translates = !interface.is_loopback;
            [
                Some(EntityKind::Interface),
                translates.then_some(EntityKind::AddressTranslation),
            ]
            .into_iter()
            .flatten()
            .map(move |kind| Entity { kind, instance })
        });
        let objects = self.tdi.objects.iter().map(|(_, object)| Entity {
            kind: match object.target {
                Target::Raw(protocol::ICMP) => EntityKind::ErrorReporting,
                Target::Raw(_) | Target::Udp(_) => EntityKind::ConnectionlessTransport,
            },
            instance: object.instance,
        });
        layers.into_iter().chain(interfaces).chain(objects)
    }
}
