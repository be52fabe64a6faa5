//! Datagrams onto a link, in fragments where they are longer than its MTU
//! (RFC 791 section 3.2, seed item 29).
//!
//! Fragmentation is the last step, so a datagram that waits for a neighbour
//! waits whole. The fragments share its buffers: only their headers are new.
//! What the stack sends has no options, so there are none to copy.

use executive::status::NtStatus;
use ndis::packet::Packet;

use crate::stack::Stack;
use crate::stack::interface::InterfaceId;
use crate::wire::ethernet::{EtherType, HardwareAddress};
use crate::wire::ipv4::{self, HEADER_LENGTH, Repr};

/// Fragments begin at multiples of this many bytes of the payload.
const UNIT: usize = 8;

impl Stack {
    /// Sends a datagram, from its IP header on, to a station of the
    /// interface's link: whole, or all its fragments.
    #[inline(always)]
    pub(crate) fn ip_send_on_link(
        &mut self,
        interface: InterfaceId,
        destination: HardwareAddress,
        packet: Packet,
    ) -> Result<(), NtStatus> {
        let mtu = self.interfaces.get(interface.0).map(|ours| ours.mtu);
        match mtu {
            Some(mtu) if packet.len() > mtu => {
                self.ip_send_fragments(interface, destination, &packet, mtu)
            }
            _ => self.ethernet_send(interface, destination, EtherType::IPV4, packet),
        }
    }

    #[inline(never)]
    fn ip_send_fragments(
        &mut self,
        interface: InterfaceId,
        destination: HardwareAddress,
        packet: &Packet,
        mtu: usize,
    ) -> Result<(), NtStatus> {
        let size = mtu.saturating_sub(HEADER_LENGTH) / UNIT * UNIT;
        let payload = packet.len().saturating_sub(HEADER_LENGTH);
        let header = ipv4::Packet::new_checked(packet.data(), packet.len())
            .ok()
            .filter(|_| size > 0 && payload.div_ceil(size) <= self.frames.room());
        let Some(header) = header.map(|header| Repr::parse(&header)) else {
            self.counters.ip.unsent_fragments_full += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        for offset in (0..payload).step_by(size) {
            let length = size.min(payload - offset);
            let header = Repr {
                fragment_offset: offset,
                more_fragments: offset + length < payload,
                payload_length: length,
                ..header
            };
            let Some(fragment) = fragment(packet, &header) else {
                // What has left already is of no use, and times out there.
                self.counters.ip.unsent_no_buffer += 1;
                return Err(NtStatus::INSUFFICIENT_RESOURCES);
            };
            self.ethernet_send(interface, destination, EtherType::IPV4, fragment)?;
            self.counters.ip.fragments_sent += 1;
        }
        self.counters.ip.fragmented += 1;
        Ok(())
    }
}

/// One fragment of a datagram, under its own header.
fn fragment(packet: &Packet, header: &Repr) -> Option<Packet> {
    let offset = HEADER_LENGTH + header.fragment_offset;
    let mut fragment = packet.share_range(offset, header.payload_length)?;
    header.emit(fragment.prepend(HEADER_LENGTH)?.first_chunk_mut()?);
    Some(fragment)
}
