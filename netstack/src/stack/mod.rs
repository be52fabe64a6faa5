//! The stack: its tables, its inputs and its outputs.

pub(crate) mod interface;
pub(crate) mod local;
pub(crate) mod loopback;
mod queue;
#[cfg(test)]
mod tests;

use core::fmt;

use executive::status::NtStatus;
use executive::time::Instant;
use ndis::packet::{Packet, PacketPool};

use crate::arp::neighbour::Neighbours;
use crate::arp::{self, ArpCounters};
use crate::configuration::StackConfiguration;
use crate::ethernet::EthernetCounters;
use crate::flow::Flows;
use crate::icmp::{Icmp, IcmpCounters};
use crate::ip::route::Routes;
use crate::ip::{Ip, IpCounters};
use crate::random::Random;
use crate::table::Slots;
use crate::tdi::{Completion, Tdi, TdiCounters};
use crate::udp::{Udp, UdpCounters};
use interface::{Interface, InterfaceId};
use local::LocalAddresses;
use loopback::Loopback;
pub(crate) use queue::Queue;

/// The counters of every layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames.
    pub ethernet: EthernetCounters,
    /// ARP messages and neighbours.
    pub arp: ArpCounters,
    /// IPv4 datagrams.
    pub ip: IpCounters,
    /// ICMP messages.
    pub icmp: IcmpCounters,
    /// UDP datagrams.
    pub udp: UdpCounters,
    /// Requests on address objects.
    pub tdi: TdiCounters,
}

/// Counts why something is not sent, apart from the way of what is.
#[cold]
pub(crate) fn refuse(counter: &mut u64, status: NtStatus) -> NtStatus {
    *counter += 1;
    status
}

/// A host's TCP/IP.
pub struct Stack {
    pub(crate) pool: &'static PacketPool,
    pub(crate) random: Random,
    /// The time given with the last input.
    pub(crate) now: Instant,
    pub(crate) counters: Counters,
    pub(crate) flows: Flows,
    /// Datagrams that a flow took, which the layers have not counted.
    pub(crate) received_in_flows: u64,
    pub(crate) interfaces: Slots<Interface>,
    pub(crate) loopback: Loopback,
    pub(crate) local: LocalAddresses,
    pub(crate) routes: Routes,
    pub(crate) neighbours: Neighbours,
    pub(crate) ip: Ip,
    pub(crate) icmp: Icmp,
    pub(crate) udp: Udp,
    pub(crate) tdi: Tdi,
    pub(crate) frames: Queue<(InterfaceId, Packet)>,
}

impl fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stack")
            .field("now", &self.now)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// Makes a stack with the loopback interface only and allocates all its
    /// tables; that interface and the devices of TDI are there from now on,
    /// before any NDIS protocol is registered (seed item 33). Packets of its
    /// own come from `pool`. `seed` is a secret that nobody outside can guess:
    /// it decides the ephemeral ports, the identifications and the order of the
    /// hash tables.
    pub fn new(
        configuration: &StackConfiguration,
        pool: &'static PacketPool,
        seed: [u64; 2],
    ) -> Self {
        let mut random = Random::new(seed);
        let (interfaces, loopback) = loopback::interfaces(configuration.interfaces);
        Self {
            pool,
            interfaces,
            loopback,
            local: LocalAddresses::new(configuration.interfaces),
            routes: Routes::new(configuration.routes, random.bits()),
            neighbours: Neighbours::new(configuration, &mut random),
            ip: Ip::new(configuration, &mut random),
            icmp: Icmp::new(configuration, &mut random),
            udp: Udp::new(configuration),
            tdi: Tdi::new(configuration, &mut random),
            frames: Queue::new(configuration.frames),
            random,
            now: Instant::ZERO,
            counters: Counters::default(),
            flows: Flows::new(),
            received_in_flows: 0,
        }
    }

    /// Takes a received frame, from the Ethernet header on.
    pub fn receive(&mut self, interface: InterfaceId, frame: Packet, now: Instant) {
        self.now = now;
        if let Err(other) = self.flow_receive(interface, frame) {
            self.ethernet_receive(interface, other);
        }
        self.ip_receive_loopback();
    }

    /// Does what is due: call it when [`next_deadline`](Self::next_deadline)
    /// has come; at other times it does no harm.
    #[inline(never)]
    pub fn poll(&mut self, now: Instant) {
        self.now = now;
        self.ip_receive_loopback();
        self.arp_poll();
        self.icmp_poll();
    }

    /// When [`poll`](Self::poll) has something to do next, if nothing else
    /// happens.
    pub fn next_deadline(&self) -> Option<Instant> {
        let looped = (!self.ip.loopback.is_empty()).then_some(self.now);
        let earlier = |first: Option<Instant>, second: Option<Instant>| match (first, second) {
            (Some(first), Some(second)) => Some(first.min(second)),
            (first, second) => first.or(second),
        };
        let neighbours = self.neighbours.next_deadline();
        earlier(looped, earlier(neighbours, self.icmp.next_deadline()))
    }

    /// Whether there is a frame to send.
    pub fn has_frame(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Fetches the next frame to send.
    pub fn next_frame(&mut self) -> Option<(InterfaceId, Packet)> {
        self.frames.pop()
    }

    /// Whether there is a completed request.
    pub fn has_completion(&self) -> bool {
        self.tdi.has_completion()
    }

    /// Fetches the next completed request.
    pub fn next_completion(&mut self) -> Option<Completion> {
        self.tdi.next_completion()
    }

    /// Whether completions can be left to be fetched after the next frame: not
    /// if more than `most` wait, which keep their packets, nor if the frame
    /// might find no room for its own. A datagram completes each open request
    /// once at most; those that wait on the loopback interface, and as many
    /// more, are received with the frame.
    #[inline(always)]
    pub fn completions_may_wait(&self, most: usize) -> bool {
        let datagrams = 1 + 2 * self.ip.loopback.len();
        self.tdi.completions_may_wait(most, datagrams)
    }

    /// The counters of every layer.
    pub const fn counters(&self) -> Counters {
        let mut counters = self.counters;
        counters.ethernet.received += self.received_in_flows;
        counters.ip.received += self.received_in_flows;
        counters.ip.delivered += self.received_in_flows;
        counters.udp.received += self.received_in_flows;
        counters.udp.delivered += self.received_in_flows;
        counters
    }

    /// Neighbours with their states.
    pub fn neighbours(&self, now: Instant) -> impl Iterator<Item = arp::NeighbourInformation> {
        self.neighbours.information(now)
    }
}
