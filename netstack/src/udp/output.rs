//! Datagrams to be sent.

use core::net::Ipv4Addr;

use executive::status::NtStatus;
use ndis::packet::Packet;

use crate::address::SocketAddress;
use crate::arp::output::Outcome;
use crate::arp::pending::Waiter;
use crate::checksum::PayloadChecksum;
use crate::ip::{NextHop, SendOptions};
use crate::stack::{Stack, refuse};
use crate::tdi::{AddressOptions, Payload};
use crate::wire::ipv4::protocol;
use crate::wire::udp::{HEADER_LENGTH, MAXIMUM_PAYLOAD_LENGTH, Repr};

/// The time to live of datagrams to groups, which must not leave the network
/// unless asked to (RFC 1112 section 6.1).
const MULTICAST_TIME_TO_LIVE: u8 = 1;

impl Stack {
    /// Sends `payload` from `local`, whose address may be unspecified, to
    /// `remote`.
    #[inline(always)]
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
            let status = NtStatus::INVALID_ADDRESS;
            return Err(refuse(&mut counters.unsent_port_zero, status));
        }
        if packet.len() > MAXIMUM_PAYLOAD_LENGTH {
            let status = NtStatus::BUFFER_TOO_SMALL;
            return Err(refuse(&mut counters.unsent_too_long, status));
        }
        let bound = Some(local.address).filter(|address| !address.is_unspecified());
        let path = self.ip_path(remote.address, bound)?;
        if path.next_hop == NextHop::Broadcast && !options.broadcast {
            let counter = &mut self.counters.udp.unsent_broadcast;
            return Err(refuse(counter, NtStatus::ACCESS_DENIED));
        }
        let ports = Repr {
            source_port: local.port,
            destination_port: remote.port,
        };
        let addresses = (path.source, path.destination);
        let Some(packet) = prepend_header(packet, checksum, ports, addresses) else {
            let counter = &mut self.counters.udp.unsent_no_buffer;
            return Err(refuse(counter, NtStatus::INSUFFICIENT_RESOURCES));
        };
        if log::log_enabled!(target: "udp", log::Level::Trace) {
            trace_out(&packet, local, remote);
        }
        let options = SendOptions {
            protocol: protocol::UDP,
            time_to_live: match path.next_hop {
                NextHop::Multicast => MULTICAST_TIME_TO_LIVE,
                _ => options.time_to_live,
            },
            type_of_service: options.type_of_service,
            dont_fragment: options.dont_fragment,
        };
        match self.ip_send_data(path, options, packet, waiter) {
            Ok(outcome) => {
                self.counters.udp.sent += 1;
                Ok(outcome)
            }
            Err(status) => Err(refuse(&mut self.counters.udp.unsent_lower, status)),
        }
    }
}

/// Puts the header in front of the payload, with the payload's sum if it was
/// taken when the payload was copied.
#[inline(always)]
fn prepend_header(
    mut packet: Packet,
    checksum: Option<PayloadChecksum>,
    ports: Repr,
    (source, destination): (Ipv4Addr, Ipv4Addr),
) -> Option<Packet> {
    let checksum = checksum
        .filter(|checksum| checksum.length() == packet.len())
        .unwrap_or_else(|| payload_checksum(&packet));
    let header = packet.prepend(HEADER_LENGTH)?.first_chunk_mut()?;
    ports.emit(header, source, destination, checksum);
    Some(packet)
}

/// The sum of a payload that was not taken when it was copied.
#[inline(never)]
fn payload_checksum(packet: &Packet) -> PayloadChecksum {
    let mut checksum = PayloadChecksum::new();
    for bytes in packet.segments() {
        checksum.add_bytes(bytes);
    }
    checksum
}

/// Logs a datagram that goes out, apart from the way that datagrams take.
#[cold]
fn trace_out(packet: &Packet, local: SocketAddress, remote: SocketAddress) {
    log::trace!(target: "udp", "packet {}: {local} to {remote}", packet.info().id);
}
