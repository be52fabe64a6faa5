//! What an IRP needs of the executive.

use crate::event::Event;
use crate::irp::IrpId;
use crate::status::NtStatus;
use crate::time::Duration;

pub(crate) struct Executive;

pub(crate) static EXECUTIVE: Executive = Executive;

impl Executive {
    pub(crate) fn irp_abandoned(&self, id: IrpId) {
        panic!("IRP {id} was dropped");
    }

    pub(crate) fn wait(&'static self, event: &Event, timeout: Option<Duration>) -> NtStatus {
        assert_eq!(timeout, None, "a model has no clock");
        event.wait();
        NtStatus::SUCCESS
    }
}
