//! Datagrams to be sent.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use ndis::packet::Packet;

use crate::address::SocketAddress;
use crate::arp::output::Outcome;
use crate::arp::pending::Waiter;
use crate::checksum::PayloadChecksum;
use crate::ip::{NextHop, SendOptions};
use crate::stack::Stack;
use crate::tdi::{AddressOptions, Payload};
use crate::wire::ipv4::protocol;
use crate::wire::udp::{HEADER_LENGTH, MAXIMUM_PAYLOAD_LENGTH, Repr};

/// The time to live of datagrams to groups, which must not leave the network
/// unless asked to (RFC 1112 section 6.1).
const MULTICAST_TIME_TO_LIVE: u8 = 1;

impl Stack {
    /// Sends `payload` from `local`, whose address may be unspecified, to
    /// `remote`.
    pub(crate) fn udp_send(
        &mut self,
        local: SocketAddress,
        remote: SocketAddress,
        options: AddressOptions,
        payload: Payload,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        let Payload { packet, checksum } = payload;
        let counters = &mut self.counters.udp;
        if remote.port == 0 {
            counters.unsent_port_zero += 1;
            return Err(NtStatus::INVALID_ADDRESS);
        }
        if packet.len() > MAXIMUM_PAYLOAD_LENGTH {
            counters.unsent_too_long += 1;
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        let bound = Some(local.address).filter(|address| !address.is_unspecified());
        let path = self.ip_path(remote.address, bound)?;
        if path.next_hop == NextHop::Broadcast && !options.broadcast {
            self.counters.udp.unsent_broadcast += 1;
            return Err(NtStatus::ACCESS_DENIED);
        }
        let ports = Repr {
            source_port: local.port,
            destination_port: remote.port,
        };
        let addresses = (path.source, path.destination);
        let Some(packet) = prepend_header(packet, checksum, ports, addresses) else {
            self.counters.udp.unsent_no_buffer += 1;
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        };
        // Copies, so that the addresses themselves stay in registers.
        log::trace!(
            target: "udp",
            "packet {}: {} to {}",
            packet.info().id,
            { local },
            { remote },
        );
        let options = SendOptions {
            protocol: protocol::UDP,
            time_to_live: match path.next_hop {
                NextHop::Multicast => MULTICAST_TIME_TO_LIVE,
                _ => options.time_to_live,
            },
            type_of_service: options.type_of_service,
            dont_fragment: options.dont_fragment,
        };
        let outcome = self.ip_send(&path, options, packet, waiter);
        match outcome {
            Ok(_) => self.counters.udp.sent += 1,
            Err(_) => self.counters.udp.unsent_lower += 1,
        }
        outcome
    }
}

/// Puts the header in front of the payload, with the payload's sum if it was
/// taken when the payload was copied.
fn prepend_header(
    mut packet: Packet,
    checksum: Option<PayloadChecksum>,
    ports: Repr,
    (source, destination): (Ipv4Addr, Ipv4Addr),
) -> Option<Packet> {
    let checksum = checksum
        .filter(|checksum| checksum.length() == packet.len())
        .unwrap_or_else(|| {
            let mut checksum = PayloadChecksum::new();
            for bytes in packet.segments() {
                checksum.add_bytes(bytes);
            }
            checksum
        });
    let header = packet.prepend(HEADER_LENGTH)?.first_chunk_mut()?;
    ports.emit(header, source, destination, checksum);
    Some(packet)
}
