mod completions;
mod open;
mod requests;

use executive::status::NtStatus;

use super::{AddressOptions, ShareAccess, Transport};
use crate::tests::support::{Host, socket};

fn open(
    host: &mut Host,
    transport: Transport,
    address: [u8; 4],
    port: u16,
    share: ShareAccess,
) -> Result<super::AddressHandle, NtStatus> {
    let options = AddressOptions {
        share,
        ..AddressOptions::default()
    };
    host.stack
        .open_address(transport, socket(address, port), options)
}
