//! Flows: where the UDP datagrams of late went, found by their headers.
//!
//! Under load nearly every datagram has the headers of an earlier one, apart
//! from lengths, identification, checksums and what no layer looks at. Once the
//! layers have checked one and found that one address object alone gets it, the
//! next ones of its flow go there at once, after what may differ has been
//! checked. Every other frame, and whatever is to be dropped, goes through the
//! layers, where each reason has its place and its counter. No flow outlives a
//! change of an interface, an address object or the table of neighbours.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use ndis::packet::Packet;

use crate::address::SocketAddress;
use crate::checksum::Checksum;
use crate::ip::{Datagram, Delivery};
use crate::stack::Stack;
use crate::stack::interface::InterfaceId;
use crate::table::hash;
use crate::tdi::Arrival;
use crate::wire::ethernet::{self, HardwareAddress};
use crate::wire::{ipv4, udp};

/// Where the UDP header begins.
const UDP: usize = ethernet::HEADER_LENGTH + ipv4::HEADER_LENGTH;

/// Bytes of all headers.
const HEADERS: usize = UDP + udp::HEADER_LENGTH;

/// How many bits of a hash choose a flow's place.
const PLACE_BITS: u32 = 5;

/// One of how many datagrams that the layers deliver may drive out a flow that
/// is still good: where many flows meet, noting each datagram's would cost more
/// than it saves.
const PATIENCE: u64 = 8;

/// The type of service, which may differ.
const TYPE_OF_SERVICE: u64 = 0xFF;

/// The protocol, and what is zero unless the datagram is a fragment.
const FRAGMENT_AND_PROTOCOL: u64 = 0x3FFF_00FF;

/// The headers of Ethernet, IPv4 without options and UDP in words, as they
/// follow each other: an emulated processor pays for each access to memory, and
/// little for what is done with the words then.
#[derive(Clone, Copy)]
struct Headers {
    /// Destination, and two bytes of the source.
    ethernet: u64,
    /// Four bytes of the source, EtherType, IP version and header length, type
    /// of service.
    types: u64,
    /// Total length, identification, flags and fragment offset, time to live,
    /// protocol.
    datagram: u64,
    /// IP checksum, source address, two bytes of the destination address.
    addresses: u64,
    /// Two bytes of the destination address, both ports, UDP length.
    ports: u64,
    /// UDP checksum.
    checksum: u16,
}

impl Headers {
    const NONE: Self = Self {
        ethernet: 0,
        types: 0,
        datagram: 0,
        addresses: 0,
        ports: 0,
        checksum: 0,
    };

    #[inline(always)]
    fn read(bytes: &[u8; HEADERS]) -> Self {
        let (words, rest) = bytes.as_chunks();
        let [ethernet, types, datagram, addresses, ports] =
            core::array::from_fn(|index| u64::from_be_bytes(words[index]));
        Self {
            ethernet,
            types,
            datagram,
            addresses,
            ports,
            checksum: u16::from_be_bytes([rest[0], rest[1]]),
        }
    }

    const fn sender(&self) -> HardwareAddress {
        let number = (self.ethernet & 0xFFFF) << 32 | self.types >> 32;
        let [_, _, address @ ..] = number.to_be_bytes();
        HardwareAddress(address)
    }

    const fn source(&self) -> SocketAddress {
        let address = (self.addresses >> 16) as u32;
        SocketAddress::new(Ipv4Addr::from_bits(address), (self.ports >> 32) as u16)
    }

    const fn destination(&self) -> SocketAddress {
        let address = (self.addresses << 16 | self.ports >> 48) as u32;
        SocketAddress::new(Ipv4Addr::from_bits(address), (self.ports >> 16) as u16)
    }

    /// Bytes of the UDP header and the payload.
    const fn length(&self) -> usize {
        self.ports as u16 as usize
    }

    /// The place of the flow. It does no harm to know which ones meet: they
    /// only drive each other out.
    #[inline(always)]
    const fn place(&self) -> usize {
        (hash(self.addresses << 16 ^ self.ports >> 16, 1) >> (u64::BITS - PLACE_BITS)) as usize
    }

    /// The bits in which the headers are not those of a datagram of the flow
    /// that `other` belongs to, whole and without padding inside.
    #[inline(always)]
    const fn difference(&self, other: &Self) -> u64 {
        (self.ethernet ^ other.ethernet)
            | (self.types ^ other.types) & !TYPE_OF_SERVICE
            | (self.datagram ^ other.datagram) & FRAGMENT_AND_PROTOCOL
            | (self.datagram >> 48) ^ (self.length() + ipv4::HEADER_LENGTH) as u64
            | (self.addresses ^ other.addresses) << 16
            | (self.ports ^ other.ports) >> 16
    }

    /// Whether the checksum of the IP header is right.
    #[inline(always)]
    const fn are_intact(&self) -> bool {
        // In the other byte order the sum is right as well (RFC 1071 section 2).
        let mut checksum = Checksum::new();
        checksum.add_u16((self.types as u16).swap_bytes());
        checksum.add_u32(((self.datagram >> 32) as u32).swap_bytes());
        checksum.add_u32((self.datagram as u32).swap_bytes());
        checksum.add_u32(((self.addresses >> 32) as u32).swap_bytes());
        checksum.add_u32((self.addresses as u32).swap_bytes());
        checksum.add_u16(((self.ports >> 48) as u16).swap_bytes());
        checksum.is_valid()
    }

    /// Whether the checksum of `message`, the UDP header and what follows it,
    /// is right.
    #[inline(always)]
    fn fit(&self, message: &[u8]) -> bool {
        let mut checksum = Checksum::pseudo_header(
            self.source().address,
            self.destination().address,
            ipv4::protocol::UDP,
            self.length() as u16,
        );
        checksum.add_bytes(message);
        checksum.is_valid()
    }
}

/// What the next datagrams with the same headers are like.
#[derive(Clone, Copy)]
struct Flow {
    /// How many changes of what flows depend on there had been.
    generation: u64,
    /// The number of the interface's handle.
    interface: u64,
    headers: Headers,
    /// The slot of the address object.
    receiver: usize,
    /// The slot of the sender and its hardware address, if it is a neighbour.
    neighbour: Option<(usize, HardwareAddress)>,
}

impl Flow {
    /// None: of a generation that is never reached.
    const NONE: Self = Self {
        generation: u64::MAX,
        interface: 0,
        headers: Headers::NONE,
        receiver: 0,
        neighbour: None,
    };
}

/// The flows of late: each has one place, which another one may take over.
pub(crate) struct Flows {
    places: Box<[Flow; 1 << PLACE_BITS]>,
    /// How often something changed that flows depend on, the table of
    /// neighbours apart.
    changes: u64,
}

impl Flows {
    pub(crate) fn new() -> Self {
        Self {
            places: Box::new([Flow::NONE; 1 << PLACE_BITS]),
            changes: 0,
        }
    }

    /// What flows depend on has changed.
    pub(crate) const fn forget(&mut self) {
        self.changes += 1;
    }

    /// Finds the flow of a frame: gives the frame's headers, the flow, and the
    /// UDP datagram, of which the checksum is still to be checked.
    #[inline(always)]
    fn find<'a>(
        &self,
        generation: u64,
        interface: InterfaceId,
        frame: &'a Packet,
    ) -> Option<(Headers, &Flow, &'a [u8])> {
        // Whoever traces frames follows them through the layers.
        if log::max_level() == log::LevelFilter::Trace {
            return None;
        }
        let bytes = frame.only_segment()?;
        let headers = Headers::read(bytes.first_chunk()?);
        let flow = &self.places[headers.place()];
        let difference = headers.difference(&flow.headers)
            | (flow.interface ^ interface.0.number())
            | (flow.generation ^ generation);
        if difference != 0 || headers.checksum == 0 || !headers.are_intact() {
            return None;
        }
        Some((headers, flow, bytes.get(UDP..UDP + headers.length())?))
    }
}

impl Stack {
    const fn flow_generation(&self) -> u64 {
        // Neither is ever less than before, so the sum is not the same again.
        self.flows.changes + self.neighbours.changes()
    }

    /// Notes that the address object in the slot `receiver` gets every datagram
    /// with the headers of this one, a UDP datagram that passed all checks. In
    /// front of it there is what came with it by its interface.
    #[inline(always)]
    pub(crate) fn flow_note(&mut self, datagram: &Datagram, packet: &Packet, receiver: usize) {
        if datagram.start != ethernet::HEADER_LENGTH
            || datagram.header_length != ipv4::HEADER_LENGTH
            || datagram.delivery != Delivery::Unicast
            || self.is_local(datagram.source)
            || self.tdi.has_raw_objects()
        {
            return;
        }
        let Some(headers) = packet.data().first_chunk().map(Headers::read) else {
            return;
        };
        let generation = self.flow_generation();
        let place = &mut self.flows.places[headers.place()];
        let is_turn = self.counters.udp.delivered.is_multiple_of(PATIENCE);
        if place.generation != generation || is_turn {
            let neighbour = self.neighbours.find(datagram.interface, datagram.source);
            *place = Flow {
                generation,
                interface: datagram.interface.0.number(),
                headers,
                receiver,
                neighbour: neighbour.map(|slot| (slot, headers.sender())),
            };
        }
    }

    /// Takes a frame of a known flow; gives back any other one.
    ///
    /// A function of its own: in its caller's, few of its values would have a
    /// register.
    #[inline(never)]
    pub(crate) fn flow_receive(
        &mut self,
        interface: InterfaceId,
        frame: Packet,
    ) -> Result<(), Packet> {
        let generation = self.flow_generation();
        let found = self.flows.find(generation, interface, &frame);
        let Some((headers, flow, message)) = found else {
            return Err(frame);
        };
        let Some(length) = headers.length().checked_sub(udp::HEADER_LENGTH) else {
            return Err(frame);
        };
        if !headers.fit(message) {
            return Err(frame);
        }
        let Some(receiver) = self.tdi.receiver(flow.receiver) else {
            return Err(frame);
        };
        if let Some((slot, hardware_address)) = flow.neighbour {
            self.neighbours.confirm_at(slot, hardware_address, self.now);
        }
        self.received_in_flows += 1;
        let arrival = Arrival {
            source: flow.headers.source(),
            destination: flow.headers.destination(),
            delivery: Delivery::Unicast,
            interface,
        };
        let counters = &mut self.counters.tdi;
        receiver.complete(frame, HEADERS, length, &arrival, counters);
        Ok(())
    }
}
