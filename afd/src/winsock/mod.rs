//! The Winsock face: what programs call.
//!
//! Every call becomes IRPs to the AFD device and waits for them, except
//! transfers that the device's fast I/O carries out at once; no call goes round
//! the device. The calls are made by threads at Passive. What Winsock
//! writes through pointers is written to slices and references here, and
//! `SOCKET_ERROR` with `WSAGetLastError` is an `Err` whose value is also the
//! thread's last error.

mod catalogue;
pub mod constants;
mod error;
mod fd_set;
mod io;
mod last_error;
mod name;
mod option;
mod select;
mod socket;
mod startup;
mod table;
mod transfer;

#[cfg(test)]
mod tests;

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use executive::{Executive, NtStatus, SpinLock};
use ndis::packet::PacketPool;
use netstack::SocketAddress;
use netstack::tdi::{Payload, ReceiveFlags};

use catalogue::Catalogue;
pub use catalogue::Provider;
pub use error::WsaError;
pub use fd_set::{FD_SETSIZE, FdSet};
use last_error::LastErrors;
pub use startup::WsaData;
use table::{Outlines, SocketTable};

#[cfg(doc)]
use crate::Afd;
use crate::FastReceive;
use crate::handle::Handle;
use crate::request::{AfdIrp, AfdIrpPool};

/// The AFD device as Winsock sees it.
pub trait AfdDevice: Sync {
    /// Hands an IRP to the device. It is completed before this returns, or
    /// later. Called at Passive with no lock held.
    fn submit(&self, irp: AfdIrp);

    /// Fast I/O: receives a datagram that waits, see [`Afd::fast_receive`].
    /// `None`: an IRP has to be made.
    fn fast_receive(
        &self,
        handle: Handle,
        capacity: usize,
        flags: ReceiveFlags,
        from: Option<&mut SocketAddress>,
    ) -> Option<FastReceive>;

    /// Fast I/O: sends a datagram, see [`Afd::fast_send`].
    ///
    /// # Errors
    /// The payload as it was: an IRP has to be made.
    fn fast_send(
        &self,
        handle: Handle,
        remote: Option<SocketAddress>,
        data: Payload,
    ) -> Result<NtStatus, Payload>;
}

/// A socket: the handle of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Socket(Handle);

impl Socket {
    /// The endpoint's handle.
    pub const fn handle(self) -> Handle {
        self.0
    }

    /// The socket with this handle, which may be none.
    pub const fn from_handle(handle: Handle) -> Self {
        Self(handle)
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// Winsock, one for all threads, on a device that it knows, so that fast I/O
/// need not look up what to call.
pub struct Winsock<D: 'static> {
    executive: &'static Executive,
    device: &'static D,
    irps: &'static AfdIrpPool,
    packets: &'static PacketPool,
    catalogue: Catalogue,
    sockets: SpinLock<SocketTable>,
    outlines: Outlines,
    /// Calls of `startup` without their `cleanup`.
    startups: AtomicU32,
    last_errors: LastErrors,
}

impl<D: AfdDevice> Winsock<D> {
    /// Allocates room for sockets with handles of a table of `handles` (see
    /// [`AfdConfiguration::handles`](crate::AfdConfiguration::handles)), and
    /// for the last error of every thread. Sent data is copied to packets of
    /// `packets`.
    pub fn new(
        executive: &'static Executive,
        device: &'static D,
        irps: &'static AfdIrpPool,
        packets: &'static PacketPool,
        handles: u32,
    ) -> Self {
        let sockets = SocketTable::new(handles as usize);
        Self {
            executive,
            device,
            irps,
            packets,
            catalogue: Catalogue::new(),
            outlines: sockets.outlines(),
            sockets: SpinLock::new(executive, sockets),
            startups: AtomicU32::new(0),
            last_errors: LastErrors::new(executive.limits().threads),
        }
    }

    /// The providers, in the order in which `socket` tries them.
    pub fn providers(&self) -> &[Provider] {
        self.catalogue.providers()
    }

    /// The error of the calling thread's last call, if it failed.
    pub fn get_last_error(&self) -> Option<WsaError> {
        self.last_errors.get(self.executive.current_thread())
    }

    /// Sets the calling thread's last error.
    pub fn set_last_error(&self, error: Option<WsaError>) {
        self.last_errors.set(self.executive.current_thread(), error);
    }

    /// Makes `body` a call: it fails before `startup`, and its outcome is the
    /// thread's last error.
    fn call<T>(&self, body: impl FnOnce() -> Result<T, WsaError>) -> Result<T, WsaError> {
        self.end(self.begin().and_then(|()| body()))
    }

    /// Begins a call, which fails before `startup`.
    #[inline(always)]
    fn begin(&self) -> Result<(), WsaError> {
        let is_started = self.startups.load(Ordering::Relaxed) > 0;
        is_started.then_some(()).ok_or(WsaError::NOTINITIALISED)
    }

    /// Ends a call: its outcome is the thread's last error; success is no error.
    #[inline(always)]
    fn end<T>(&self, outcome: Result<T, WsaError>) -> Result<T, WsaError> {
        self.set_last_error(outcome.as_ref().err().copied());
        outcome
    }
}

impl<D> fmt::Debug for Winsock<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Winsock").finish_non_exhaustive()
    }
}
