//! The transport driver interface: address objects, and requests on them.
//!
//! A client opens an address object on a transport, posts receives to it and
//! sends through it. A request is named by the client's [`RequestId`]; it ends
//! at once with a status, or the status is `PENDING` and its [`Completion`] is
//! fetched later from [`Stack::next_completion`](crate::Stack::next_completion).

mod address_object;
mod completion;
mod open;
mod payload;
mod receive;
mod request;
mod send;
#[cfg(test)]
mod tests;

use bitflags::bitflags;
use executive::status::NtStatus;

use crate::configuration::StackConfiguration;
use crate::random::Random;
use crate::table::{Handle, HashChains, Slots};
pub use address_object::{AddressHandle, AddressObjectInformation, AddressOptions, ShareAccess};
pub(crate) use address_object::{AddressObject, Target};
pub use completion::{Completion, CompletionKind, ReceivedDatagram};
pub use open::{Entity, EntityKind, FileObject, OpenContext, Transport};
pub use payload::Payload;
pub(crate) use receive::Arrival;
pub use receive::ReceiveRequest;
use request::Requests;

executive::counters! {
    /// What became of the requests, and of datagrams for address objects.
    pub struct TdiCounters {
        /// Address objects opened.
        opened,
        /// Address objects closed.
        closed,
        /// Opens refused: the table is full.
        refused_objects_full,
        /// Receives posted.
        receives_posted,
        /// Receives completed with a datagram.
        receives_completed,
        /// Among them, those whose buffer was too short.
        receives_overflowed,
        /// Receives completed with an ICMP error.
        receives_failed,
        /// Datagrams dropped: no receive was posted.
        dropped_no_receive,
        /// Datagrams dropped: no descriptor to share the packet with a raw
        /// address object.
        dropped_share,
        /// Sends that had to wait for a neighbour.
        sends_pended,
        /// Sends completed at once.
        sends_completed,
        /// Sends refused.
        sends_refused,
        /// Requests refused: too many are open.
        refused_requests_full,
        /// Requests cancelled.
        cancelled,
    }
}

/// Names a request; the client chooses the number, unique among its open
/// requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

bitflags! {
    /// The flags of a receive and of what it received, with TDI's values.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct ReceiveFlags: u32 {
        /// The datagram went to a broadcast address.
        const BROADCAST = 0x04;
        /// The datagram went to a group.
        const MULTICAST = 0x08;
        /// Part of the message is wanted, or was given.
        const PARTIAL = 0x10;
        /// Ordinary data.
        const NORMAL = 0x20;
        /// Expedited data; datagrams are never that.
        const EXPEDITED = 0x40;
        /// The data stays to be received again; posted receives of datagrams
        /// can't do that.
        const PEEK = 0x80;
    }
}

/// The state of this layer.
pub(crate) struct Tdi {
    pub(crate) objects: Slots<AddressObject>,
    /// Address objects by transport and port.
    pub(crate) chains: HashChains,
    requests: Requests,
    /// How many of the address objects are raw.
    raw_objects: usize,
    /// Numbers the entities of the control channel.
    next_instance: u32,
}

impl Tdi {
    pub(crate) fn new(configuration: &StackConfiguration, random: &mut Random) -> Self {
        Self {
            objects: Slots::new(configuration.address_objects),
            chains: HashChains::new(configuration.address_objects, random.bits()),
            requests: Requests::new(configuration.requests, random.bits()),
            raw_objects: 0,
            next_instance: 0,
        }
    }

    pub(crate) fn has_completion(&self) -> bool {
        self.requests.has_completion()
    }

    /// Whether there are raw address objects.
    pub(crate) const fn has_raw_objects(&self) -> bool {
        self.raw_objects != 0
    }

    pub(crate) fn next_completion(&mut self) -> Option<Completion> {
        self.requests.next_completion()
    }

    /// Whether no more than `most` completions wait, and there is room for
    /// `more` of each open request.
    pub(crate) fn completions_may_wait(&self, most: usize, more: usize) -> bool {
        self.requests.completions_may_wait(most, more)
    }

    /// A send goes on as a packet that waits for a neighbour.
    pub(crate) fn add_send(&mut self, id: RequestId, pending: Handle) -> Result<(), NtStatus> {
        self.requests.add_send(id, pending)
    }

    /// A send that waited for a neighbour is over.
    pub(crate) fn complete_send(&mut self, id: RequestId, status: NtStatus, bytes: usize) {
        self.requests.complete_send(id, status, bytes);
    }
}
