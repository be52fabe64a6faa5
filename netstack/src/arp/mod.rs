//! ARP (RFC 826): who has which address on an interface's network.
//!
//! Neighbours go through the states of neighbour unreachability detection (RFC
//! 4861 section 7.3.2), with broadcast requests for its multicast
//! solicitations. Each neighbour has its own queue of waiting packets and its
//! own rate of requests, so that one that does not answer holds up nobody
//! else.

mod input;
pub(crate) mod neighbour;
pub(crate) mod output;
pub(crate) mod pending;
#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;

use executive::time::{Duration, Instant};

use crate::stack::interface::InterfaceId;
use crate::wire::ethernet::HardwareAddress;

/// From one request to the next for the same neighbour: RETRANS_TIMER of RFC
/// 4861 section 10, and the limit of RFC 1122 section 2.3.2.1.
pub(crate) const RETRANSMIT_INTERVAL: Duration = Duration::from_secs(1);

/// Requests without an answer until resolving fails: MAX_MULTICAST_SOLICIT and
/// MAX_UNICAST_SOLICIT of RFC 4861 section 10.
pub(crate) const MAXIMUM_REQUESTS: u8 = 3;

/// How long a neighbour that is sent to may give no sign of life before it is
/// probed: DELAY_FIRST_PROBE_TIME of RFC 4861 section 10.
pub(crate) const DELAY_FIRST_PROBE: Duration = Duration::from_secs(5);

/// REACHABLE_TIME of RFC 4861 section 10; each stack uses between one half and
/// one and a half of it (section 6.3.2).
pub(crate) const BASE_REACHABLE_TIME: Duration = Duration::from_secs(30);

/// At least this long between two defences of our address: DEFEND_INTERVAL of
/// RFC 5227 section 1.1.
pub(crate) const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

executive::counters! {
    /// What became of ARP messages, and of packets that waited for one.
    pub struct ArpCounters {
        /// Messages taken in.
        received,
        /// Requests among them for an address of ours.
        requests_received,
        /// Replies among them to us.
        replies_received,
        /// Dropped: shorter than a message.
        dropped_too_short,
        /// Dropped: not about Ethernet.
        dropped_hardware_type,
        /// Dropped: not about IPv4.
        dropped_protocol_type,
        /// Dropped: neither request nor reply.
        dropped_operation,
        /// Dropped: the sender's hardware address is no station's.
        dropped_sender_hardware,
        /// Dropped: the sender's address is none that a host of this network
        /// can have.
        dropped_sender_address,
        /// Dropped: on the loopback interface, which has no neighbours.
        dropped_loopback,
        /// Dropped: the interface has no address.
        dropped_no_address,
        /// Ignored: neither for us nor from a known neighbour.
        ignored,
        /// Messages from another station that uses our address (RFC 5227
        /// section 2.4).
        conflicts,
        /// Requests sent.
        requests_sent,
        /// Replies sent.
        replies_sent,
        /// Gratuitous requests sent.
        announcements_sent,
        /// Not sent: no packet, or no room in the queue of frames.
        unsent,
        /// Packets that had to wait for a neighbour.
        pending_queued,
        /// Waiting packets dropped: a newer one for the same neighbour took the place.
        pending_dropped_oldest,
        /// Waiting packets dropped: all places were taken, and a newer one for
        /// another neighbour took the place.
        pending_dropped_oldest_of_all,
        /// Packets refused because there is no place for waiting ones at all.
        pending_refused_full,
        /// Waiting packets dropped: the neighbour did not answer.
        pending_dropped_unreachable,
        /// Waiting packets dropped: their request was cancelled.
        pending_dropped_cancelled,
        /// Waiting packets dropped: the interface went down.
        pending_dropped_interface_down,
        /// Waiting packets dropped: their neighbour had to make room.
        pending_dropped_evicted,
        /// Neighbours that did not answer.
        failed,
        /// Neighbours forgotten to make room for others.
        evicted,
        /// Packets not sent: no room for another neighbour.
        refused_table_full,
    }
}

/// What is known about a neighbour (RFC 4861 section 7.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeighbourState {
    /// Being asked for; packets wait.
    Incomplete,
    /// Gave a sign of life a short while ago.
    Reachable,
    /// Known, but silent for a while.
    Stale,
    /// Stale and sent to; about to be probed.
    Delay,
    /// Being asked whether it is still there.
    Probe,
    /// Did not answer.
    Failed,
}

/// A neighbour as the console shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighbourInformation {
    /// The interface that leads to it.
    pub interface: InterfaceId,
    /// Its IPv4 address.
    pub address: Ipv4Addr,
    /// Its hardware address, if known.
    pub hardware_address: Option<HardwareAddress>,
    /// What is known about it.
    pub state: NeighbourState,
    /// When it gave the last sign of life, if ever.
    pub confirmed: Option<Instant>,
    /// Packets that wait for its hardware address.
    pub pending: usize,
}
