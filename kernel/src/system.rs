//! The system that stands after the start: every layer, joined.

use afd::AfdIrpPool;
use executive::pool::PoolUsage;
use executive::{Duration, Executive};
use filters::{FilterReport, Filters};
use ndis::packet::PacketPool;
use ndis::{AdapterHandle, AdapterReport, AdapterState, BusType, Ndis, Oid};
use ne2000::report::{COUNTERS_PER_QUERY, OID_COUNTERS};
use netstack::lan::Lan;

use crate::configuration::Registry;
use crate::machine::Machine;
use crate::network::{Network, Winsock};
use crate::tasks::{Load, Services};

/// Bytes of an answer to one query of a card's counters.
const COUNTERS_ANSWER: usize = COUNTERS_PER_QUERY * size_of::<u64>();

/// All layers, for those who look at them: the console and the tests.
pub struct System {
    /// The machine below.
    pub machine: &'static dyn Machine,
    /// Threads, DPCs, time.
    pub executive: &'static Executive,
    /// The command line.
    pub registry: &'static Registry,
    /// Adapters, protocols, bindings.
    pub ndis: &'static Ndis,
    /// The protocol edge.
    pub lan: &'static Lan,
    /// Stack and AFD.
    pub network: &'static Network,
    /// The sockets that tasks use.
    pub winsock: &'static Winsock,
    /// The filters that can stand between adapters and protocols.
    pub filters: &'static Filters,
    /// From 1970 to the start, as far as the machine knows.
    pub epoch: Duration,
    /// Where packets come from.
    pub packets: &'static PacketPool,
    /// Where IRPs come from.
    pub irps: &'static AfdIrpPool,
    /// The test tasks.
    pub services: Services,
    /// A task that computes.
    pub load: &'static Load,
}

impl System {
    /// Every counter of every layer: path (`layer` or `layer.instance`), name,
    /// value.
    pub fn counters(&self, each: &mut dyn FnMut(&str, &str, u64)) {
        self.machine.counters(each);
        visit("executive", self.executive.counters().iter(), each);
        let is_used = |adapter: &AdapterReport| adapter.state != AdapterState::Added;
        for adapter in self.ndis.adapter_reports().filter(is_used) {
            let ratio = adapter.frames_per_interrupt_in_hundredths().unwrap_or(0);
            let ratio = [("frames_per_interrupt_hundredths", ratio)];
            let counters = adapter.counters.iter().chain(ratio);
            visit_instance("ndis", adapter.name, counters, each);
        }
        for binding in self.ndis.binding_reports() {
            visit_instance("binding", binding.adapter, binding.counters.iter(), each);
        }
        let adapters = self.ndis.adapters().zip(self.ndis.adapter_reports());
        for (adapter, report) in adapters {
            if report.bus != BusType::Internal {
                self.card_counters(adapter, each);
            }
        }
        self.filter_counters(each);
        visit("lan", self.lan.counters().iter(), each);
        let (stack, afd) = self
            .network
            .inspect(|stack, afd| (stack.counters(), *afd.counters()));
        visit("ethernet", stack.ethernet.iter(), each);
        visit("arp", stack.arp.iter(), each);
        visit("ip", stack.ip.iter(), each);
        visit("icmp", stack.icmp.iter(), each);
        visit("udp", stack.udp.iter(), each);
        visit("tdi", stack.tdi.iter(), each);
        visit("afd", afd.iter(), each);
        visit("network", self.network.counters().iter(), each);
        for service in self.services.iter() {
            visit_instance("task", service.name, service.counters().iter(), each);
        }
    }

    /// What the edges and the handlers of those filters count that are or were in use.
    fn filter_counters(&self, each: &mut dyn FnMut(&str, &str, u64)) {
        let is_used = |filter: &FilterReport| {
            filter.below.is_some() || filter.counters.iter().any(|(_, value)| value != 0)
        };
        for filter in self.filters.list().filter(is_used) {
            visit_instance("filter", filter.name, filter.counters.iter(), each);
            let path = instance_path(filter.kind.name(), filter.name);
            // A filter of the list has counters.
            let _ = self.filters.counters(filter.name, &mut |counter, value| {
                each(&path, counter, value);
            });
        }
    }

    /// A card's own counters, if its driver has them.
    fn card_counters(&self, adapter: AdapterHandle, each: &mut dyn FnMut(&str, &str, u64)) {
        let mut answers = [[0; COUNTERS_ANSWER]; OID_COUNTERS.len()];
        for (oid, answer) in OID_COUNTERS.into_iter().zip(&mut answers) {
            if self.ndis.query_adapter(&adapter, Oid(oid), answer).is_err() {
                return;
            }
        }
        let counters = ne2000::report::counters(answers.as_flattened());
        visit_instance("ne2000", adapter.name(), counters, each);
    }

    /// Every pool and table of fixed size, by name.
    pub fn pools(&self, each: &mut dyn FnMut(&str, PoolUsage)) {
        let packets = self.packets.usage();
        each("packets", packets.packets);
        each("buffers", packets.buffers);
        each("segment-tables", packets.segment_tables);
        each("irps", self.irps.usage());
        self.network
            .inspect(|_, afd| afd.usage())
            .iter()
            .for_each(|(name, usage)| each(name, usage));
    }
}

fn visit(
    path: &str,
    counters: impl Iterator<Item = (&'static str, u64)>,
    each: &mut dyn FnMut(&str, &str, u64),
) {
    counters.for_each(|(name, value)| each(path, name, value));
}

fn visit_instance(
    layer: &str,
    instance: &str,
    counters: impl Iterator<Item = (&'static str, u64)>,
    each: &mut dyn FnMut(&str, &str, u64),
) {
    visit(&instance_path(layer, instance), counters, each);
}

fn instance_path(layer: &str, instance: &str) -> heapless::String<64> {
    let mut path = heapless::String::new();
    // A longer instance name is cut.
    let _ = core::fmt::write(&mut path, format_args!("{layer}.{instance}"));
    path
}
