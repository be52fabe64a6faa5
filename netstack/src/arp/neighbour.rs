//! The table of neighbours and their states.

mod resolve;

use core::net::Ipv4Addr;

use executive::time::{Duration, Instant};

use super::pending::Pending;
use super::{
    BASE_REACHABLE_TIME, MAXIMUM_REQUESTS, NeighbourInformation, NeighbourState,
    RETRANSMIT_INTERVAL,
};
use crate::configuration::StackConfiguration;
use crate::random::Random;
use crate::stack::interface::InterfaceId;
use crate::table::{HashChains, List, Lists, Slots, Timers};
use crate::wire::ethernet::HardwareAddress;

pub(super) struct Neighbour {
    interface: InterfaceId,
    address: Ipv4Addr,
    state: NeighbourState,
    /// Of no meaning while incomplete or failed.
    hardware_address: HardwareAddress,
    confirmed: Option<Instant>,
    /// Requests sent in this state.
    requests: u8,
    pub(super) pending: List,
    /// Used since the hand of the clock passed by.
    referenced: bool,
}

/// Where a packet for a neighbour goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// To this hardware address.
    Resolved(HardwareAddress),
    /// Into the queue of the neighbour in this slot.
    Incomplete(usize),
}

/// What is to be done because a neighbour's time came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Ask for the neighbour, everybody or itself.
    Request {
        interface: InterfaceId,
        address: Ipv4Addr,
        hardware_address: Option<HardwareAddress>,
    },
    /// Give up the packets that wait for the neighbour in this slot.
    GiveUp(usize),
}

/// The neighbours, found by interface and address.
pub(crate) struct Neighbours {
    pub(super) slots: Slots<Neighbour>,
    chains: HashChains,
    timers: Timers,
    pub(super) pending: Slots<Pending>,
    /// Each neighbour's.
    pub(super) pending_lists: Lists,
    /// All in the order in which they came.
    pub(super) pending_by_age: Lists,
    pub(super) oldest_pending: List,
    pub(super) pending_limit: usize,
    reachable_time: Duration,
    /// Where the search for a neighbour to forget goes on.
    hand: usize,
    /// The slot in which a packet's neighbour was found last.
    found: usize,
    /// How often a neighbour was added or forgotten.
    changes: u64,
}

fn key(interface: InterfaceId, address: Ipv4Addr) -> u64 {
    (interface.0.slot() as u64) << 32 | u64::from(address.to_bits())
}

impl Neighbours {
    pub(crate) fn new(configuration: &StackConfiguration, random: &mut Random) -> Self {
        let size = configuration.neighbours;
        let base = BASE_REACHABLE_TIME.as_micros();
        Self {
            slots: Slots::new(size),
            chains: HashChains::new(size, random.bits()),
            timers: Timers::new(size),
            pending: Slots::new(configuration.pending_packets),
            pending_lists: Lists::new(configuration.pending_packets),
            pending_by_age: Lists::new(configuration.pending_packets),
            oldest_pending: List::EMPTY,
            pending_limit: configuration.pending_packets_per_neighbour,
            reachable_time: Duration::from_micros(base / 2 + random.below(base)),
            hand: 0,
            found: 0,
            changes: 0,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.earliest()
    }

    /// How often a neighbour was added or forgotten: what was found earlier is
    /// still so if this has not changed.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// The slot of a neighbour.
    pub(crate) fn find(&self, interface: InterfaceId, address: Ipv4Addr) -> Option<usize> {
        self.chains.find(key(interface, address), |slot| {
            self.is_at(slot, interface, address)
        })
    }

    fn is_at(&self, slot: usize, interface: InterfaceId, address: Ipv4Addr) -> bool {
        self.slots.at(slot).is_some_and(|neighbour| {
            neighbour.address == address && neighbour.interface == interface
        })
    }

    /// Whether another neighbour fits without one being forgotten.
    pub(crate) fn is_full(&self) -> bool {
        self.slots.len() == self.slots.capacity()
    }

    /// Takes a neighbour that was not used for longest, more or less (the
    /// clock algorithm), whose waiting packets are then to be given up and
    /// which is then to be forgotten.
    pub(crate) fn choose_victim(&mut self) -> Option<usize> {
        let size = self.slots.capacity();
        for _ in 0..size * 2 {
            let slot = self.hand;
            self.hand = (self.hand + 1) % size;
            if let Some(neighbour) = self.slots.at_mut(slot) {
                if !neighbour.referenced {
                    return Some(slot);
                }
                neighbour.referenced = false;
            }
        }
        None
    }

    /// Forgets the neighbour in `slot`, for which nothing waits any more.
    pub(crate) fn forget(&mut self, slot: usize) {
        if let Some(neighbour) = self.slots.remove_at(slot) {
            self.changes += 1;
            self.timers.clear(slot);
            self.chains
                .remove(key(neighbour.interface, neighbour.address), slot);
        }
    }

    fn insert(&mut self, neighbour: Neighbour) -> Option<usize> {
        let key = key(neighbour.interface, neighbour.address);
        let slot = self.slots.insert(neighbour).ok()?.slot();
        self.chains.insert(key, slot);
        self.changes += 1;
        Some(slot)
    }

    /// Adds a neighbour that is to be asked for at once. `None` if the table
    /// is full.
    pub(crate) fn insert_incomplete(
        &mut self,
        interface: InterfaceId,
        address: Ipv4Addr,
        now: Instant,
    ) -> Option<usize> {
        let slot = self.insert(Neighbour {
            requests: 1,
            referenced: true,
            ..Neighbour::new(interface, address, NeighbourState::Incomplete)
        })?;
        self.timers.set(slot, now + RETRANSMIT_INTERVAL);
        Some(slot)
    }

    /// Adds a neighbour that told its hardware address without being asked.
    /// Nothing happens if the table is full.
    pub(crate) fn insert_stale(
        &mut self,
        interface: InterfaceId,
        address: Ipv4Addr,
        hardware_address: HardwareAddress,
    ) {
        self.insert(Neighbour {
            hardware_address,
            ..Neighbour::new(interface, address, NeighbourState::Stale)
        });
    }

    /// Notes what an ARP message says about its sender. Returns the slot if
    /// packets that wait for it can leave now.
    ///
    /// Only the answer to a request of ours is a sign that the neighbour is
    /// reached; other messages that bring a new hardware address make it stale
    /// (RFC 4861 section 7.2.5), so that it is probed once it is used.
    pub(crate) fn update(
        &mut self,
        interface: InterfaceId,
        address: Ipv4Addr,
        hardware_address: HardwareAddress,
        is_reply_to_us: bool,
        now: Instant,
    ) -> Option<usize> {
        let slot = self.find(interface, address)?;
        let neighbour = self.slots.at_mut(slot)?;
        let asked = matches!(
            neighbour.state,
            NeighbourState::Incomplete | NeighbourState::Probe
        );
        let known = !matches!(
            neighbour.state,
            NeighbourState::Incomplete | NeighbourState::Failed
        );
        if asked && is_reply_to_us {
            neighbour.hardware_address = hardware_address;
            neighbour.confirm(now);
            self.timers.clear(slot);
        } else if !known || neighbour.hardware_address != hardware_address {
            neighbour.hardware_address = hardware_address;
            neighbour.state = NeighbourState::Stale;
            self.timers.clear(slot);
        }
        Some(slot)
    }

    /// Notes that a packet came from a neighbour (seed item 24), unless it
    /// came from another station than the neighbour is known at.
    pub(crate) fn confirm(
        &mut self,
        interface: InterfaceId,
        address: Ipv4Addr,
        hardware_address: HardwareAddress,
        now: Instant,
    ) {
        if let Some(slot) = self.find(interface, address) {
            self.confirm_at(slot, hardware_address, now);
        }
    }

    /// The same for the neighbour in `slot`.
    #[inline(always)]
    pub(crate) fn confirm_at(
        &mut self,
        slot: usize,
        hardware_address: HardwareAddress,
        now: Instant,
    ) {
        let Some(neighbour) = self.slots.at_mut(slot) else {
            return;
        };
        match neighbour.state {
            NeighbourState::Incomplete | NeighbourState::Failed => {}
            _ if neighbour.hardware_address != hardware_address => {}
            NeighbourState::Reachable | NeighbourState::Stale => neighbour.confirm(now),
            NeighbourState::Delay | NeighbourState::Probe => {
                neighbour.confirm(now);
                self.timers.clear(slot);
            }
        }
    }

    /// What the next neighbour whose time has come needs.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due> {
        let slot = self.timers.pop_expired(now)?;
        let neighbour = self.slots.at_mut(slot)?;
        let unicast = match neighbour.state {
            NeighbourState::Delay => {
                neighbour.state = NeighbourState::Probe;
                neighbour.requests = 0;
                true
            }
            NeighbourState::Probe => true,
            _ => false,
        };
        if neighbour.requests >= MAXIMUM_REQUESTS {
            neighbour.state = NeighbourState::Failed;
            return Some(Due::GiveUp(slot));
        }
        neighbour.requests += 1;
        self.timers.set(slot, now + RETRANSMIT_INTERVAL);
        Some(Due::Request {
            interface: neighbour.interface,
            address: neighbour.address,
            hardware_address: unicast.then_some(neighbour.hardware_address),
        })
    }

    /// The first neighbour of an interface at or after `slot`.
    pub(crate) fn next_of_interface(&self, interface: InterfaceId, slot: usize) -> Option<usize> {
        (slot..self.slots.capacity()).find(|&slot| {
            self.slots
                .at(slot)
                .is_some_and(|neighbour| neighbour.interface == interface)
        })
    }

    /// The hardware address of the neighbour in `slot`, if it is known.
    pub(crate) fn hardware_address(&self, slot: usize) -> Option<(InterfaceId, HardwareAddress)> {
        let neighbour = self.slots.at(slot)?;
        match neighbour.state {
            NeighbourState::Incomplete | NeighbourState::Failed => None,
            _ => Some((neighbour.interface, neighbour.hardware_address)),
        }
    }

    pub(crate) fn information(&self, now: Instant) -> impl Iterator<Item = NeighbourInformation> {
        self.slots.iter().map(move |(handle, neighbour)| {
            let state = match neighbour.state {
                NeighbourState::Reachable if !neighbour.is_confirmed(now, self.reachable_time) => {
                    NeighbourState::Stale
                }
                state => state,
            };
            NeighbourInformation {
                interface: neighbour.interface,
                address: neighbour.address,
                hardware_address: self
                    .hardware_address(handle.slot())
                    .map(|(_, hardware_address)| hardware_address),
                state,
                confirmed: neighbour.confirmed,
                pending: neighbour.pending.len(),
            }
        })
    }
}

impl Neighbour {
    const fn new(interface: InterfaceId, address: Ipv4Addr, state: NeighbourState) -> Self {
        Self {
            interface,
            address,
            state,
            hardware_address: HardwareAddress([0; 6]),
            confirmed: None,
            requests: 0,
            pending: List::EMPTY,
            referenced: false,
        }
    }

    const fn confirm(&mut self, now: Instant) {
        self.state = NeighbourState::Reachable;
        self.confirmed = Some(now);
    }

    fn is_confirmed(&self, now: Instant, reachable_time: Duration) -> bool {
        self.confirmed
            .is_some_and(|confirmed| now < confirmed + reachable_time)
    }
}
