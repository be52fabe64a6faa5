//! Fast I/O: transfers that can be carried out at once, without an IRP.
//!
//! NT's I/O manager asks a driver's fast I/O entry points first and makes an
//! IRP only when they decline. What they do carry out ends exactly as the IRP
//! would have; they decline whatever would have to wait, or fail before the
//! transport is asked.

use executive::status::NtStatus;
use executive::time::Instant;
use ndis::packet::Packet;
use netstack::tdi::{Payload, ReceiveFlags};
use netstack::{SocketAddress, Stack};

use crate::device::Afd;
use crate::endpoint::{Endpoint, Queue};
use crate::handle::Handle;
use crate::ioctl::AfdFlags;
use crate::request::Datagram;
use crate::send::{MAXIMUM_DATAGRAM_SIZE, Send};
use crate::table::Key;

/// A receive that fast I/O has carried out; as small as fits two registers.
#[derive(Debug)]
pub struct FastReceive {
    /// SUCCESS, or BUFFER_OVERFLOW for a datagram that does not fit the room.
    pub status: NtStatus,
    /// What was received. It may be longer than the caller's room.
    pub packet: Packet,
}

impl Afd {
    fn endpoint_of(&self, handle: Handle) -> Option<(Key, &Endpoint)> {
        let key = self.handles.endpoint(handle).ok()?;
        Some((key, self.endpoints.get(key)?))
    }

    /// Receives the oldest datagram that waits, of which the first `capacity`
    /// bytes belong to the caller. Who sent it is written to `from`. `None`: an
    /// IRP has to be made.
    #[inline(always)]
    pub fn fast_receive(
        &mut self,
        handle: Handle,
        capacity: usize,
        flags: ReceiveFlags,
        from: Option<&mut SocketAddress>,
    ) -> Option<FastReceive> {
        let endpoint = self.handles.endpoint(handle).ok()?;
        let block = self.endpoints.get_mut(endpoint)?;
        // A receive that the transport refused is posted again by an IRP, an
        // error is reported by one, and one that waits comes first.
        if !block.receive.is_posted
            || block.error.is_some()
            || !block.queues.get(Queue::Receive).is_empty()
            || flags.intersects(ReceiveFlags::EXPEDITED | ReceiveFlags::PEEK)
        {
            return None;
        }
        // Before it is taken, so that only the packet has to be moved.
        if let (Some(from), Some(oldest)) = (from, block.receive.oldest()) {
            *from = oldest.source;
        }
        let Datagram { packet, .. } = block.receive.take_oldest(&mut self.datagrams.usage)?;
        self.counters.fast_receives += 1;
        let status = self.counters.deliver(packet.len() > capacity);
        Some(FastReceive { status, packet })
    }

    /// Sends a datagram to `remote`, or to the endpoint's peer. The caller need
    /// not wait for the transport, because the endpoint's window has room.
    ///
    /// # Errors
    /// The payload as it was: an IRP has to be made.
    #[inline]
    pub fn fast_send(
        &mut self,
        handle: Handle,
        remote: Option<SocketAddress>,
        data: Payload,
        stack: &mut Stack,
        now: Instant,
    ) -> Result<NtStatus, Payload> {
        let Some((endpoint, block)) = self.endpoint_of(handle) else {
            return Err(data);
        };
        let (Some(address), Some(remote)) = (block.address, remote.or(block.remote)) else {
            return Err(data);
        };
        if !block.send.buffers() || data.packet.len() > MAXIMUM_DATAGRAM_SIZE {
            return Err(data);
        }
        self.counters.fast_sends += 1;
        let send = Send {
            endpoint,
            address,
            remote,
            flags: AfdFlags::empty(),
            data,
        };
        let outcome = self.start_send(send, stack, now);
        Ok(outcome.err().unwrap_or(NtStatus::SUCCESS))
    }
}
