//! How a request ended.

use core::fmt;

use executive::status::NtStatus;
use ndis::packet::Packet;

use super::{ReceiveFlags, RequestId};
use crate::address::SocketAddress;

/// A request that is over.
#[derive(Debug)]
pub struct Completion {
    /// Which one.
    pub request: RequestId,
    /// How it ended.
    pub status: NtStatus,
    /// What it was.
    pub kind: CompletionKind,
}

/// What a request was, with its result.
#[derive(Debug)]
pub enum CompletionKind {
    /// A send that had to wait. It ended with
    /// - `SUCCESS`: the frame has left the stack;
    /// - `HOST_UNREACHABLE`: the neighbour does not answer;
    /// - `NETWORK_UNREACHABLE`: the interface went down;
    /// - `INSUFFICIENT_RESOURCES`: newer packets took its place in a queue;
    /// - `CANCELLED`.
    Sent {
        /// Bytes of payload that were sent; zero unless it succeeded.
        bytes: usize,
    },
    /// A receive that got a datagram: `SUCCESS`, or `BUFFER_OVERFLOW` if that
    /// was longer than asked for, and is cut off.
    Received(ReceivedDatagram),
    /// A receive that got none: `CANCELLED`, or the status of an ICMP error
    /// about a datagram to the remote address that the address object is
    /// connected to.
    NotReceived {
        /// The destination of the datagram that the error is about.
        remote: Option<SocketAddress>,
    },
}

/// A datagram for one receive.
pub struct ReceivedDatagram {
    /// The payload, no longer than asked for. It may share its buffers with
    /// other receivers.
    pub packet: Packet,
    /// Bytes of the whole payload.
    pub length: usize,
    /// Who sent it.
    pub source: SocketAddress,
    /// What it was sent to.
    pub destination: SocketAddress,
    /// NORMAL, BROADCAST, MULTICAST, PARTIAL as they apply.
    pub flags: ReceiveFlags,
}

impl fmt::Debug for ReceivedDatagram {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ReceivedDatagram")
            .field("packet", &self.packet.info().id)
            .field("length", &self.length)
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("flags", &self.flags)
            .finish()
    }
}
