//! GET_INFO and SET_INFO.

use executive::status::NtStatus;
use netstack::Stack;

use crate::device::Afd;
use crate::endpoint::Endpoint;
use crate::ioctl::{Information, InformationClass};
use crate::request::AfdIrp;
use crate::send::MAXIMUM_DATAGRAM_SIZE;
use crate::table::Key;

/// The largest window in bytes that can be set.
const MAXIMUM_WINDOW_SIZE: u64 = i32::MAX as u64;

impl Afd {
    /// Answers a value of an endpoint.
    pub(crate) fn get_info(&mut self, endpoint: Key, irp: &mut AfdIrp) -> Result<usize, NtStatus> {
        let class = Information::parse(irp.request().input.as_slice())?.class;
        if irp.request().output_length < Information::SIZE {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        let value = self.value_of(endpoint, class)?;
        irp.reply_mut()
            .output
            .fill_within(Information::SIZE, |buffer| {
                Information { class, value }.encode(buffer)
            })
    }

    fn value_of(&mut self, endpoint: Key, class: InformationClass) -> Result<u64, NtStatus> {
        let block = self
            .endpoints
            .get_mut(endpoint)
            .ok_or(NtStatus::FILE_CLOSED)?;
        Ok(match class {
            InformationClass::BLOCKING => u64::from(!block.is_nonblocking),
            InformationClass::MAX_SEND_SIZE => MAXIMUM_DATAGRAM_SIZE as u64,
            InformationClass::SENDS_IN_PROGRESS => u64::from(block.send.count()),
            InformationClass::RECEIVE_WINDOW => block.receive.size as u64,
            InformationClass::SEND_WINDOW => block.send.size as u64,
            InformationClass::GROUP => u64::from(block.group),
            InformationClass::RECEIVE_CONTENT => block.receive.content() as u64,
            InformationClass::BROADCAST => u64::from(block.may_broadcast),
            InformationClass::ERROR => block.error.take().map_or(0, |error| u64::from(error.0)),
            _ => return Err(NtStatus::INVALID_PARAMETER),
        })
    }

    /// Sets a value of an endpoint.
    pub(crate) fn set_info(
        &mut self,
        endpoint: Key,
        irp: &AfdIrp,
        stack: &mut Stack,
    ) -> Result<usize, NtStatus> {
        let block = self
            .endpoints
            .get_mut(endpoint)
            .ok_or(NtStatus::FILE_CLOSED)?;
        let Information { class, value } = Information::parse(irp.request().input.as_slice())?;
        match class {
            InformationClass::BLOCKING => block.is_nonblocking = value == 0,
            InformationClass::BROADCAST => set_broadcast(block, value != 0, stack)?,
            InformationClass::RECEIVE_WINDOW => block.receive.size = window_size(value)?,
            InformationClass::SEND_WINDOW => {
                block.send.size = window_size(value)?;
                self.signal(endpoint);
            }
            _ => return Err(NtStatus::INVALID_PARAMETER),
        }
        Ok(0)
    }
}

/// Allows or forbids broadcasts, at the address object too if there is one.
fn set_broadcast(
    block: &mut Endpoint,
    may_broadcast: bool,
    stack: &mut Stack,
) -> Result<(), NtStatus> {
    if let Some(address) = block.address {
        let mut options = stack.address_options(address)?;
        options.broadcast = may_broadcast;
        stack.set_address_options(address, options).ok()?;
    }
    block.may_broadcast = may_broadcast;
    Ok(())
}

fn window_size(value: u64) -> Result<usize, NtStatus> {
    let size = Some(value).filter(|value| *value <= MAXIMUM_WINDOW_SIZE);
    size.and_then(|value| usize::try_from(value).ok())
        .ok_or(NtStatus::INVALID_PARAMETER)
}
