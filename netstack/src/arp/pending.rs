//! The packets that wait for a neighbour's hardware address (seed item 30).

use ndis::packet::Packet;

use super::neighbour::Neighbours;
use crate::table::Handle;
use crate::tdi::RequestId;

/// Who is told what becomes of a waiting packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiter {
    /// Nobody.
    Nobody,
    /// The request to send this many bytes.
    Request(RequestId, usize),
    /// An echo request of the console's ping.
    Echo(Handle),
}

/// A packet that waits for a neighbour's hardware address, from the IP header
/// on.
pub(crate) struct Pending {
    pub(crate) packet: Packet,
    pub(crate) waiter: Waiter,
    neighbour: usize,
}

impl Neighbours {
    /// Lets a packet wait for the neighbour in `slot`. Gives it back if all
    /// places are taken.
    pub(crate) fn queue(
        &mut self,
        slot: usize,
        packet: Packet,
        waiter: Waiter,
    ) -> Result<Handle, Packet> {
        let Some(neighbour) = self.slots.at_mut(slot) else {
            return Err(packet);
        };
        let handle = self
            .pending
            .insert(Pending {
                packet,
                waiter,
                neighbour: slot,
            })
            .map_err(|pending| pending.packet)?;
        self.pending_lists
            .push_back(&mut neighbour.pending, handle.slot());
        self.pending_by_age
            .push_back(&mut self.oldest_pending, handle.slot());
        Ok(handle)
    }

    /// Whether as many packets wait for the neighbour in `slot` as may.
    pub(crate) fn is_queue_full(&self, slot: usize) -> bool {
        self.slots
            .at(slot)
            .is_some_and(|neighbour| neighbour.pending.len() >= self.pending_limit)
    }

    /// Takes the packet that has waited longest for any neighbour, if no place
    /// is left: neighbours that never answer must not keep out the others.
    pub(crate) fn pop_oldest_if_full(&mut self) -> Option<Pending> {
        let full = self.pending.len() == self.pending.capacity();
        let oldest = self.oldest_pending.first().filter(|_| full)?;
        let handle = self.pending.handle(oldest)?;
        self.remove_pending(handle)
    }

    /// Takes the packet that has waited longest for the neighbour in `slot`.
    pub(crate) fn pop_pending(&mut self, slot: usize) -> Option<Pending> {
        let first = self.slots.at(slot)?.pending.first()?;
        let handle = self.pending.handle(first)?;
        self.remove_pending(handle)
    }

    /// Takes a waiting packet out of its queue.
    pub(crate) fn remove_pending(&mut self, handle: Handle) -> Option<Pending> {
        let pending = self.pending.remove(handle)?;
        self.pending_by_age
            .remove(&mut self.oldest_pending, handle.slot());
        if let Some(neighbour) = self.slots.at_mut(pending.neighbour) {
            self.pending_lists
                .remove(&mut neighbour.pending, handle.slot());
        }
        Some(pending)
    }
}
