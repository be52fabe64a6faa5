//! CONNECT, and the names of both ends.

use executive::status::NtStatus;
use netstack::{SocketAddress, Stack};

use crate::device::Afd;
use crate::endpoint::State;
use crate::ioctl::{ConnectInfo, TRANSPORT_ADDRESS_SIZE, encode_transport_address};
use crate::request::AfdIrp;
use crate::table::Key;

impl Afd {
    /// Sets the peer of a datagram endpoint: sends go to it, and only its
    /// datagrams are received. The unspecified address with port 0 ends the
    /// association.
    pub(crate) fn connect(
        &mut self,
        endpoint: Key,
        irp: &AfdIrp,
        stack: &mut Stack,
    ) -> Result<usize, NtStatus> {
        let block = self
            .endpoints
            .get_mut(endpoint)
            .ok_or(NtStatus::FILE_CLOSED)?;
        let info = ConnectInfo::parse(irp.request().input.as_slice())?;
        let address = block.address.ok_or(NtStatus::INVALID_PARAMETER)?;
        let remote = Some(info.remote).filter(|remote| *remote != SocketAddress::UNSPECIFIED);
        stack.connect_datagram(address, remote).ok()?;
        block.remote = remote;
        block.state = if remote.is_some() {
            State::Connected
        } else {
            State::Bound
        };
        self.signal(endpoint);
        Ok(0)
    }

    /// GET_SOCK_NAME: the local address.
    pub(crate) fn sock_name(
        &self,
        endpoint: Key,
        irp: &mut AfdIrp,
        stack: &Stack,
    ) -> Result<usize, NtStatus> {
        let block = self.endpoints.get(endpoint).ok_or(NtStatus::FILE_CLOSED)?;
        let address = block.address.ok_or(NtStatus::INVALID_PARAMETER)?;
        let local = stack.local_address(address)?;
        answer_address(irp, local)
    }

    /// GET_PEER_NAME: the address that CONNECT has set.
    pub(crate) fn peer_name(&self, endpoint: Key, irp: &mut AfdIrp) -> Result<usize, NtStatus> {
        let block = self.endpoints.get(endpoint).ok_or(NtStatus::FILE_CLOSED)?;
        answer_address(irp, block.remote.ok_or(NtStatus::INVALID_CONNECTION)?)
    }
}

fn answer_address(irp: &mut AfdIrp, address: SocketAddress) -> Result<usize, NtStatus> {
    if irp.request().output_length < TRANSPORT_ADDRESS_SIZE {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    irp.reply_mut()
        .output
        .fill_within(TRANSPORT_ADDRESS_SIZE, |buffer| {
            encode_transport_address(buffer, address)
        })
}
