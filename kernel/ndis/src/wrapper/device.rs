//! The entry points of the devices, which the wrapper owns for every miniport (seed item 7).

use executive::NtStatus;

use super::{HANG_CHECK_PERIOD, Ndis};
use crate::adapter::{AdapterHandle, AdapterState};
use crate::oid::Oid;
use crate::status::NdisStatus;

/// The control code that asks an adapter: the input is an object identifier of 4 bytes, the
/// lowest first; the output is the answer. The value of the Windows `ntddndis.h` header.
pub const IOCTL_NDIS_QUERY_GLOBAL_STATS: u32 = 0x0017_0002;

/// What the system asks of an adapter's device. A miniport has no part in these but the handlers
/// the wrapper calls.
#[derive(Debug)]
pub enum DeviceRequest<'a> {
    /// Opens the device for control requests.
    Create,
    /// Closes it.
    Close,
    /// Plug and play: starts the device.
    StartDevice,
    /// Plug and play: stops it.
    StopDevice,
    /// The machine stops.
    Shutdown,
    /// A control request.
    DeviceControl {
        /// The control code.
        code: u32,
        /// The input.
        input: &'a [u8],
        /// Room for the output.
        output: &'a mut [u8],
    },
}

impl Ndis {
    /// The entry point of every adapter's device. Returns the status and the bytes of output.
    /// Passive.
    pub fn dispatch(
        &'static self,
        adapter: &AdapterHandle,
        request: DeviceRequest<'_>,
    ) -> (NtStatus, usize) {
        let result = match request {
            DeviceRequest::Create | DeviceRequest::Close => Ok(0),
            DeviceRequest::StartDevice => self.start_device(adapter).map(|()| 0),
            DeviceRequest::StopDevice => self.stop_device(adapter).map(|()| 0),
            DeviceRequest::Shutdown => {
                adapter.0.shutdown();
                Ok(0)
            }
            DeviceRequest::DeviceControl {
                code: IOCTL_NDIS_QUERY_GLOBAL_STATS,
                input,
                output,
            } => {
                let oid = input
                    .first_chunk()
                    .copied()
                    .map(u32::from_le_bytes)
                    .map(Oid);
                oid.ok_or(NdisStatus::INVALID_LENGTH)
                    .and_then(|oid| self.query_adapter(adapter, oid, output))
            }
            DeviceRequest::DeviceControl { .. } => {
                return (NtStatus::INVALID_DEVICE_REQUEST, 0);
            }
        };
        match result {
            Ok(information) => (NtStatus::SUCCESS, information),
            Err(status) => (status.into(), 0),
        }
    }

    /// Starts an adapter, what stood on it before it was halted, and binds every registered protocol
    /// to it (seed item 9). Passive, at start.
    ///
    /// # Errors
    /// ADAPTER_NOT_READY when it is started, UNSUPPORTED_MEDIA (seed item 10), or what Initialize
    /// answered; NOT_SUPPORTED for an adapter of an intermediate driver that is in no stack.
    pub fn start_device(&'static self, adapter: &AdapterHandle) -> Result<(), NdisStatus> {
        let adapter = adapter.0;
        let started = if self.is_intermediate(adapter) {
            self.start_in_stack(adapter)
        } else {
            adapter.start(None)
        };
        if let Err(status) = started {
            log::error!(target: "ndis", "{} not started: {status}", adapter.name);
            return Err(status);
        }
        log::info!(
            target: "ndis",
            "{} started, {} {}",
            adapter.name,
            adapter.medium(),
            adapter.hardware_address()
        );
        if let Some(timer) = self.hang_timer.get() {
            timer.set_periodic(HANG_CHECK_PERIOD, HANG_CHECK_PERIOD);
        }
        self.restore_stack(adapter);
        self.bind_adapter(adapter.bottom());
        Ok(())
    }

    /// Halts what stands on an adapter, closes its bindings, waits for their pending operations,
    /// and halts it. The stack is remembered for [`Ndis::start_device`]. Passive.
    ///
    /// # Errors
    /// ADAPTER_NOT_READY when it is not started.
    pub fn stop_device(&'static self, adapter: &AdapterHandle) -> Result<(), NdisStatus> {
        adapter.0.stop()?;
        log::info!(target: "ndis", "{} halted", adapter.name());
        let is_running = |adapter: AdapterHandle| adapter.state() == AdapterState::Running;
        if !self.adapters().any(is_running)
            && let Some(timer) = self.hang_timer.get()
        {
            timer.cancel();
        }
        Ok(())
    }

    /// Has every started miniport quiet its hardware, because the machine stops. At or below
    /// Dispatch.
    pub fn shutdown(&'static self) {
        self.adapters().for_each(|adapter| adapter.0.shutdown());
    }

    /// Has the miniport read the adapter's configuration again, and tells the protocols. Passive.
    pub fn reconfigure(&'static self, adapter: &AdapterHandle) {
        adapter.0.reconfigure();
    }
}
