//! Where packets for neighbours go, and when it is to be found out whether
//! these are still there (RFC 4861 section 7.3, for ARP).

use core::net::Ipv4Addr;

use executive::time::Instant;

use super::{Neighbours, Resolution};
use crate::arp::{DELAY_FIRST_PROBE, NeighbourState, RETRANSMIT_INTERVAL};
use crate::stack::interface::InterfaceId;

impl Neighbours {
    /// Looks first where a neighbour was found last: most packets go to the
    /// same one.
    #[inline(always)]
    fn find_again(&mut self, interface: InterfaceId, address: Ipv4Addr) -> Option<usize> {
        if !self.is_at(self.found, interface, address) {
            self.found = self.find(interface, address)?;
        }
        Some(self.found)
    }

    /// Finds where a packet for a known neighbour goes, and starts or restarts
    /// the detection that it is still there. The flag says that a request must
    /// be sent to everybody.
    #[inline(always)]
    pub(crate) fn resolve(
        &mut self,
        interface: InterfaceId,
        address: Ipv4Addr,
        now: Instant,
    ) -> Option<(Resolution, bool)> {
        let slot = self.find_again(interface, address)?;
        let reachable_time = self.reachable_time;
        let neighbour = self.slots.at_mut(slot)?;
        neighbour.referenced = true;
        if neighbour.state == NeighbourState::Reachable
            && neighbour.is_confirmed(now, reachable_time)
        {
            return Some((Resolution::Resolved(neighbour.hardware_address), false));
        }
        self.resolve_unconfirmed(slot, now)
    }

    /// The same for a neighbour that may be gone.
    #[inline(never)]
    fn resolve_unconfirmed(&mut self, slot: usize, now: Instant) -> Option<(Resolution, bool)> {
        let neighbour = self.slots.at_mut(slot)?;
        let resolved = Resolution::Resolved(neighbour.hardware_address);
        match neighbour.state {
            NeighbourState::Delay | NeighbourState::Probe => Some((resolved, false)),
            NeighbourState::Incomplete => Some((Resolution::Incomplete(slot), false)),
            NeighbourState::Reachable | NeighbourState::Stale => {
                self.start_delay(slot, now);
                Some((resolved, false))
            }
            NeighbourState::Failed => {
                neighbour.state = NeighbourState::Incomplete;
                neighbour.requests = 1;
                self.timers.set(slot, now + RETRANSMIT_INTERVAL);
                Some((Resolution::Incomplete(slot), true))
            }
        }
    }

    /// Notes that a packet that waited is sent to the neighbour in `slot`.
    pub(crate) fn note_use(&mut self, slot: usize, now: Instant) {
        if self
            .slots
            .at(slot)
            .is_some_and(|neighbour| neighbour.state == NeighbourState::Stale)
        {
            self.start_delay(slot, now);
        }
    }

    /// A stale neighbour is sent to: it gets some time for a sign of life.
    fn start_delay(&mut self, slot: usize, now: Instant) {
        if let Some(neighbour) = self.slots.at_mut(slot) {
            neighbour.state = NeighbourState::Delay;
            self.timers.set(slot, now + DELAY_FIRST_PROBE);
        }
    }
}
