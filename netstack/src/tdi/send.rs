//! Sends.

use executive::status::NtStatus;
use executive::time::Instant;
use ndis::packet::Packet;

use super::{AddressHandle, AddressOptions, Payload, RequestId, Transport};
use crate::address::SocketAddress;
use crate::arp::output::Outcome;
use crate::arp::pending::Waiter;
use crate::ip::{NextHop, SendOptions};
use crate::stack::Stack;

impl Stack {
    /// Sends a datagram to `remote`, or without one to what the address object
    /// is connected to.
    ///
    /// `SUCCESS`: the frame has left the stack, and there is no completion.
    /// `PENDING`: the datagram waits for its neighbour; the completion says
    /// what became of it (seed items 30 and 45). Else it was not sent:
    /// - `INVALID_HANDLE`;
    /// - `INVALID_PARAMETER`: the name is in use;
    /// - `INVALID_CONNECTION`: no address, and not connected;
    /// - `INVALID_ADDRESS`: nothing can be sent to that address or port;
    /// - `NETWORK_UNREACHABLE`: no way there;
    /// - `ACCESS_DENIED`: a broadcast that the options do not allow;
    /// - `BUFFER_TOO_SMALL`: longer than 65507 bytes, or than the MTU of the way
    ///   and not to be fragmented;
    /// - `INSUFFICIENT_RESOURCES`: a pool, table or queue is exhausted.
    pub fn send_datagram(
        &mut self,
        handle: AddressHandle,
        id: RequestId,
        remote: Option<SocketAddress>,
        payload: Payload,
        now: Instant,
    ) -> NtStatus {
        self.now = now;
        let outcome = self.tdi_send(handle, id, remote, payload);
        self.ip_receive_loopback();
        let counters = &mut self.counters.tdi;
        match outcome {
            Ok(Outcome::Sent) => {
                counters.sends_completed += 1;
                NtStatus::SUCCESS
            }
            Ok(Outcome::Waits) => {
                counters.sends_pended += 1;
                NtStatus::PENDING
            }
            Err(status) => {
                counters.sends_refused += 1;
                status
            }
        }
    }

    /// Counts why a request was not taken.
    #[cold]
    pub(super) fn tdi_count_refused(&mut self, status: NtStatus) -> NtStatus {
        if status == NtStatus::INSUFFICIENT_RESOURCES {
            self.counters.tdi.refused_requests_full += 1;
        }
        status
    }

    #[inline(always)]
    fn tdi_send(
        &mut self,
        handle: AddressHandle,
        id: RequestId,
        remote: Option<SocketAddress>,
        payload: Payload,
    ) -> Result<Outcome, NtStatus> {
        let object = self.tdi_object(handle)?;
        let remote = remote
            .or(object.remote)
            .ok_or(NtStatus::INVALID_CONNECTION)?;
        let (local, options, transport) = (object.address(), object.options, object.transport);
        if let Err(status) = self.tdi.requests.check(id) {
            return Err(self.tdi_count_refused(status));
        }
        let waiter = Waiter::Request(id, payload.packet.len());
        match transport {
            Transport::Udp => self.udp_send(local, remote, options, payload, waiter),
            Transport::RawIp(protocol) => {
                self.tdi_send_raw(protocol, local, remote, options, payload.packet, waiter)
            }
            Transport::Ip | Transport::Tcp => Err(NtStatus::INVALID_DEVICE_REQUEST),
        }
    }

    /// Sends a datagram of an IP protocol.
    #[inline(never)]
    fn tdi_send_raw(
        &mut self,
        protocol: u8,
        local: SocketAddress,
        remote: SocketAddress,
        options: AddressOptions,
        packet: Packet,
        waiter: Waiter,
    ) -> Result<Outcome, NtStatus> {
        let bound = Some(local.address).filter(|address| !address.is_unspecified());
        let path = self.ip_path(remote.address, bound)?;
        if path.next_hop == NextHop::Broadcast && !options.broadcast {
            return Err(NtStatus::ACCESS_DENIED);
        }
        let options = SendOptions {
            protocol,
            time_to_live: options.time_to_live,
            type_of_service: options.type_of_service,
            dont_fragment: options.dont_fragment,
        };
        self.ip_send(&path, options, packet, waiter)
    }
}
