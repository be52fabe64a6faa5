//! CREATE and the duplication of handles.

use executive::status::NtStatus;
use netstack::tdi::Transport;

use crate::device::Afd;
use crate::endpoint::{DEFAULT_WINDOW_SIZE, Endpoint};
use crate::ioctl::{EndpointFlags, OpenPacket};
use crate::request::AfdRequest;
use crate::table::Key;

impl Afd {
    /// Makes an endpoint and answers its handle's number. Without an open
    /// packet it is a handle to the device itself, through which other
    /// endpoints can be polled.
    pub(crate) fn create(&mut self, request: &AfdRequest) -> Result<usize, NtStatus> {
        let payload = request.input.as_slice();
        let (flags, group, transport) = if payload.is_empty() {
            (EndpointFlags::empty(), 0, None)
        } else {
            let packet = OpenPacket::parse(payload)?;
            (packet.flags, packet.group, Some(transport_of(&packet)?))
        };
        let vacant = self
            .endpoints
            .vacant()
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let receive = self
            .datagrams
            .take_window(DEFAULT_WINDOW_SIZE)
            .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let endpoint = vacant.fill(Endpoint::new(flags, group, transport, receive));
        let handle = self.open_handle(endpoint);
        if handle.is_err() {
            self.free_endpoint(endpoint);
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
