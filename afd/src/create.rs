//! CREATE and the duplication of handles.

use executive::status::NtStatus;
use netstack::tdi::Transport;

use crate::device::Afd;
use crate::endpoint::Endpoint;
use crate::ioctl::{EndpointFlags, OpenPacket};
use crate::request::AfdRequest;
use crate::table::Key;

impl Afd {
    /// Makes an endpoint and answers its handle's number. Without an open
    /// packet it is a handle to the device itself, through which other
    /// endpoints can be polled.
    pub(crate) fn create(&mut self, request: &AfdRequest) -> Result<usize, NtStatus> {
        let limit = self.configuration.datagrams_per_endpoint;
        let payload = request.input.as_slice();
        let block = if payload.is_empty() {
            Endpoint::new(EndpointFlags::empty(), 0, None, limit)
        } else {
            let packet = OpenPacket::parse(payload)?;
            Endpoint::new(
                packet.flags,
                packet.group,
                Some(transport_of(&packet)?),
                limit,
            )
        };
        let endpoint = self
            .endpoints
            .insert(block)
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        let handle = self.open_handle(endpoint);
        if handle.is_err() {
            self.endpoints.remove(endpoint);
        } else {
            self.counters.endpoints_created += 1;
        }
        handle
    }

    /// Makes another handle to the endpoint of `handle` (seed item 59).
    pub(crate) fn duplicate(&mut self, handle: crate::Handle) -> Result<usize, NtStatus> {
        let endpoint = self.handles.endpoint(handle)?;
        self.open_handle(endpoint)
    }

    fn open_handle(&mut self, endpoint: Key) -> Result<usize, NtStatus> {
        let block = self
            .endpoints
            .get_mut(endpoint)
            .ok_or(NtStatus::FILE_CLOSED)?;
        let handle = self.handles.insert(endpoint)?;
        block.open_handles += 1;
        block.handles += 1;
        usize::try_from(handle.to_raw()).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)
    }
}

/// The transport that an open packet names, if its flags go with it.
fn transport_of(packet: &OpenPacket<'_>) -> Result<Transport, NtStatus> {
    let datagrams = EndpointFlags::CONNECTIONLESS | EndpointFlags::MESSAGE_ORIENTED;
    match packet.transport() {
        Some(Transport::Udp) if packet.flags == datagrams => Ok(Transport::Udp),
        Some(Transport::Udp) => Err(NtStatus::INVALID_PARAMETER),
        _ => Err(NtStatus::PROTOCOL_NOT_SUPPORTED),
    }
}
