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
        Ok(handle)
    }

    /// Whether as many packets wait for the neighbour as may, or, when none of
    /// the places for all neighbours is left, whether one does.
    pub(crate) fn must_drop_oldest(&self, slot: usize) -> bool {
        let waiting = self
            .slots
            .at(slot)
            .map_or(0, |neighbour| neighbour.pending.len());
        let full = self.pending.len() == self.pending.capacity();
        waiting >= self.pending_limit || (full && waiting > 0)
    }

    /// Takes the packet that has waited longest for the neighbour in `slot`.
    pub(crate) fn pop_pending(&mut self, slot: usize) -> Option<Pending> {
        let neighbour = self.slots.at_mut(slot)?;
        let pending = self.pending_lists.pop_front(&mut neighbour.pending)?;
        self.pending.remove_at(pending)
    }

    /// Takes a waiting packet out of its queue.
    pub(crate) fn remove_pending(&mut self, handle: Handle) -> Option<Pending> {
        let pending = self.pending.remove(handle)?;
        if let Some(neighbour) = self.slots.at_mut(pending.neighbour) {
            self.pending_lists
                .remove(&mut neighbour.pending, handle.slot());
        }
        Some(pending)
    }
}
