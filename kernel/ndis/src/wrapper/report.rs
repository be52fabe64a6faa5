//! What is registered, started and bound, for the console.

use super::Ndis;
use crate::adapter::{Adapter, AdapterState};
use crate::address::HardwareAddress;
use crate::binding::{Binding, Target};
use crate::counters::{AdapterCounters, BindingCounters};
use crate::filter::PacketFilter;
use crate::medium::Medium;
use crate::miniport::BusType;

/// An adapter as it is now.
#[derive(Clone, Copy, Debug)]
pub struct AdapterReport {
    /// Its name.
    pub name: &'static str,
    /// The name of its miniport driver.
    pub driver: &'static str,
    /// The NDIS version of the driver's table, major and minor.
    pub version: (u8, u8),
    /// What it is doing.
    pub state: AdapterState,
    /// What it is connected to.
    pub bus: BusType,
    /// The adapter that it stands on, being one of an intermediate driver.
    pub above: Option<&'static str>,
    /// The adapter of an intermediate driver that stands on it.
    pub covered_by: Option<&'static str>,
    /// Its medium.
    pub medium: Medium,
    /// Whether the medium is connected.
    pub is_media_connected: bool,
    /// The address it receives under.
    pub hardware_address: HardwareAddress,
    /// Most bytes of payload in a frame.
    pub maximum_frame_size: usize,
    /// Its interrupt line, while one is connected.
    pub interrupt_line: Option<u8>,
    /// Its packet filter: the union over the bindings.
    pub packet_filter: PacketFilter,
    /// Bindings, those being closed included.
    pub bindings: usize,
    /// Packets waiting in its queue.
    pub queued_sends: usize,
    /// Packets the miniport has not completed.
    pub pending_sends: usize,
    /// What it counted.
    pub counters: AdapterCounters,
}

impl AdapterReport {
    /// Frames received for one interrupt of the card, in hundredths; `None` before the first.
    /// Frames looped back do not count, nor the interrupts of others on the line.
    pub fn frames_per_interrupt_in_hundredths(&self) -> Option<u64> {
        let counters = &self.counters;
        let interrupts = counters
            .interrupts
            .saturating_sub(counters.interrupts_not_recognized);
        (counters.frames_received * 100).checked_div(interrupts)
    }
}

/// A protocol as it is now.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolReport {
    /// Its name.
    pub name: &'static str,
    /// The NDIS version of its table, major and minor.
    pub version: (u8, u8),
    /// Open bindings.
    pub bindings: usize,
}

/// A binding as it is now.
#[derive(Clone, Copy, Debug)]
pub struct BindingReport {
    /// The protocol's name.
    pub protocol: &'static str,
    /// The adapter's name.
    pub adapter: &'static str,
    /// Its packet filter.
    pub packet_filter: PacketFilter,
    /// Multicast addresses it wants.
    pub multicast_addresses: usize,
    /// What it counted.
    pub counters: BindingCounters,
}

impl Ndis {
    /// Every adapter as it is now, in the order they were added. At or below Dispatch.
    pub fn adapter_reports(&self) -> impl Iterator<Item = AdapterReport> {
        self.adapters.iter().map(Adapter::report)
    }

    /// Every protocol of the global list as it is now. At or below Dispatch.
    pub fn protocol_reports(&self) -> impl Iterator<Item = ProtocolReport> {
        self.registered_protocols().map(|protocol| ProtocolReport {
            name: protocol.name(),
            version: protocol.version(),
            bindings: self
                .open_bindings()
                .filter(|target| target.bound.protocol.index() == protocol.index())
                .count(),
        })
    }

    /// Every open binding as it is now. At or below Dispatch.
    pub fn binding_reports(&self) -> impl Iterator<Item = BindingReport> {
        self.open_bindings().map(|target| {
            let binding = target.bound.binding;
            BindingReport {
                protocol: target.bound.protocol.name(),
                adapter: target.adapter.name,
                packet_filter: binding.filter(),
                multicast_addresses: binding.multicast().iter().count(),
                counters: binding.counters(),
            }
        })
    }

    pub(super) fn open_bindings(&self) -> impl Iterator<Item = Target> {
        self.bindings.iter().filter_map(Binding::current)
    }
}
