//! Ethernet II: which frames are taken, what they carry, and the header of
//! those that go out.

use executive::status::NtStatus;
use ndis::packet::Packet;

use crate::ip;
use crate::stack::interface::InterfaceId;
use crate::stack::{Stack, refuse};
use crate::wire::arp;
use crate::wire::ethernet::{self, EtherType, HEADER_LENGTH, HardwareAddress, Repr};

/// What all layers together read of a frame in one piece: the headers up to
/// the one that an ICMP error quotes, and the 8 bytes behind that.
const READ_IN_ONE_PIECE: usize = HEADER_LENGTH + ip::READ_IN_ONE_PIECE;
const _: () = assert!(READ_IN_ONE_PIECE >= HEADER_LENGTH + arp::LENGTH);

executive::counters! {
    /// What became of the frames.
    pub struct EthernetCounters {
        /// Frames taken in.
        received,
        /// Dropped: the interface is unknown or down.
        dropped_interface_down,
        /// Dropped: no buffer to have the headers in one piece.
        dropped_no_buffer,
        /// Dropped: shorter than the header.
        dropped_too_short,
        /// Dropped: an IEEE 802.3 length instead of an EtherType.
        dropped_length_field,
        /// Dropped: the source is no station's address.
        dropped_source,
        /// Dropped: addressed to another station.
        dropped_other_station,
        /// Dropped: neither IPv4 nor ARP.
        dropped_ether_type,
        /// Frames queued for sending.
        sent,
        /// Not sent: the queue of frames is full.
        unsent_queue_full,
        /// Not sent: no buffer for the header.
        unsent_no_buffer,
        /// Not sent: the interface is unknown or down.
        unsent_interface_down,
    }
}

impl Stack {
    /// Takes a frame that is of no known flow.
    #[inline(never)]
    pub(crate) fn ethernet_receive(&mut self, interface: InterfaceId, mut frame: Packet) {
        let counters = &mut self.counters.ethernet;
        counters.received += 1;
        let Some(ours) = self.interfaces.get(interface.0).filter(|ours| ours.up) else {
            counters.dropped_interface_down += 1;
            return;
        };
        let mut bytes = frame.data();
        if bytes.len() < READ_IN_ONE_PIECE && bytes.len() < frame.len() {
            if !frame.pull_up(frame.len().min(READ_IN_ONE_PIECE)) {
                counters.dropped_no_buffer += 1;
                return;
            }
            bytes = frame.data();
        }
        let view = match ethernet::Packet::new_checked(bytes) {
            Ok(view) => view,
            Err(ethernet::Error::TooShort) => {
                counters.dropped_too_short += 1;
                return;
            }
            Err(ethernet::Error::Length) => {
                counters.dropped_length_field += 1;
                return;
            }
        };
        let header = Repr::parse(&view);
        // On the loopback interface the address of all zeros is our own.
        if !ethernet::is_station(header.source) && header.source != ours.hardware_address {
            counters.dropped_source += 1;
            return;
        }
        if !header.destination.is_group() && header.destination != ours.hardware_address {
            counters.dropped_other_station += 1;
            return;
        }
        log::trace!(target: "ethernet", "packet {} in: {:?}", frame.info().id, Repr::parse(&view));
        match header.ether_type {
            EtherType::IPV4 => {
                let address = ours.address;
                self.ip_receive(interface, address, &header, HEADER_LENGTH, frame);
            }
            EtherType::ARP => {
                frame.trim_front(HEADER_LENGTH);
                self.arp_receive(interface, header, &frame);
            }
            _ => counters.dropped_ether_type += 1,
        }
    }

    /// Queues a frame for sending.
    #[inline(always)]
    pub(crate) fn ethernet_send(
        &mut self,
        interface: InterfaceId,
        destination: HardwareAddress,
        ether_type: EtherType,
        mut packet: Packet,
    ) -> Result<(), NtStatus> {
        let counters = &mut self.counters.ethernet;
        let Some(ours) = self.interfaces.get(interface.0).filter(|ours| ours.up) else {
            let status = NtStatus::NETWORK_UNREACHABLE;
            return Err(refuse(&mut counters.unsent_interface_down, status));
        };
        if self.frames.is_full() {
            let status = NtStatus::INSUFFICIENT_RESOURCES;
            return Err(refuse(&mut counters.unsent_queue_full, status));
        }
        let header = Repr {
            destination,
            source: ours.hardware_address,
            ether_type,
        };
        let Some(space) = packet
            .prepend(HEADER_LENGTH)
            .and_then(|space| space.first_chunk_mut())
        else {
            let status = NtStatus::INSUFFICIENT_RESOURCES;
            return Err(refuse(&mut counters.unsent_no_buffer, status));
        };
        header.emit(space);
        if log::log_enabled!(target: "ethernet", log::Level::Trace) {
            trace_out(&packet, header);
        }
        counters.sent += 1;
        self.frames
            .push((interface, packet))
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)
    }
}

/// Logs a frame that goes out, apart from the way that frames take.
#[cold]
fn trace_out(packet: &Packet, header: Repr) {
    log::trace!(target: "ethernet", "packet {} out: {header:?}", packet.info().id);
}
