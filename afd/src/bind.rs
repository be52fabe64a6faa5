//! BIND.

use executive::status::NtStatus;
use executive::time::Instant;
use netstack::Stack;
use netstack::tdi::{AddressOptions, ShareAccess};

use crate::device::Afd;
use crate::endpoint::State;
use crate::ioctl::{BindData, ShareType, TRANSPORT_ADDRESS_SIZE, encode_transport_address};
use crate::request::AfdIrp;
use crate::table::Key;

impl Afd {
    /// Makes the address object of an endpoint and posts its receive at once
    /// (seed item 41). When the caller has room for it, the answer is the
    /// address that was given, with the chosen port.
    pub(crate) fn bind(
        &mut self,
        endpoint: Key,
        irp: &mut AfdIrp,
        stack: &mut Stack,
        now: Instant,
    ) -> Result<usize, NtStatus> {
        let block = self
            .endpoints
            .get_mut(endpoint)
            .ok_or(NtStatus::FILE_CLOSED)?;
        let transport = block.transport.ok_or(NtStatus::INVALID_PARAMETER)?;
        let data = BindData::parse(irp.request().input.as_slice())?;
        if block.state != State::Created {
            return Err(NtStatus::ADDRESS_ALREADY_ASSOCIATED);
        }
        let options = AddressOptions {
            share: share_access(data.share),
            broadcast: block.may_broadcast,
            ..AddressOptions::default()
        };
        let address = stack
            .open_address(transport, data.address, options)
            .map_err(bind_status)?;
        block.address = Some(address);
        block.share = data.share;
        block.state = State::Bound;
        self.post_receive(endpoint, stack, now);
        let local = stack.local_address(address).unwrap_or(data.address);
        log::debug!(target: "afd", "bound to {local}");
        if irp.request().output_length < TRANSPORT_ADDRESS_SIZE {
            return Ok(0);
        }
        irp.reply_mut()
            .output
            .fill_within(TRANSPORT_ADDRESS_SIZE, |buffer| {
                encode_transport_address(buffer, local)
            })
    }
}

/// What a share type means to the transport (seed item 42).
const fn share_access(share: ShareType) -> ShareAccess {
    match share {
        ShareType::Unique => ShareAccess::Unique,
        ShareType::Reuse => ShareAccess::Reuse,
        ShareType::Wildcard => ShareAccess::Wildcard,
        ShareType::Exclusive => ShareAccess::Exclusive,
    }
}

/// The transport's refusals as Windows' AFD reports them.
const fn bind_status(status: NtStatus) -> NtStatus {
    match status {
        NtStatus::ADDRESS_ALREADY_EXISTS => NtStatus::SHARING_VIOLATION,
        other => other,
    }
}
