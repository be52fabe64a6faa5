//! startup and cleanup.

use core::sync::atomic::Ordering;

use super::{AfdDevice, Winsock, WsaError};

/// The version of Winsock that this is: 2.2, minor version in the high byte.
const VERSION: u16 = 0x0202;

/// What `startup` answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WsaData {
    /// The version the caller is to use: the asked one or 2.2, whichever is
    /// lower; the minor version is in the high byte.
    pub version: u16,
    /// The highest version there is.
    pub high_version: u16,
}

impl<D: AfdDevice> Winsock<D> {
    /// WSAStartup: must come before any other call, and be followed by as many
    /// calls of [`Winsock::cleanup`]. `version` has the minor version in its
    /// high byte.
    ///
    /// # Errors
    /// VERNOTSUPPORTED for versions before 1.0.
    pub fn startup(&self, version: u16) -> Result<WsaData, WsaError> {
        let [major, _minor] = version.to_le_bytes();
        if major == 0 {
            return Err(WsaError::VERNOTSUPPORTED);
        }
        self.startups
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                count.checked_add(1)
            })
            .map_err(|_| WsaError::ENOBUFS)?;
        let lower = version.swap_bytes().min(VERSION.swap_bytes());
        Ok(WsaData {
            version: lower.swap_bytes(),
            high_version: VERSION,
        })
    }

    /// WSACleanup: the call that matches the first startup closes every
    /// socket, and whoever waits on one is woken.
    ///
    /// # Errors
    /// NOTINITIALISED without a startup; ENOBUFS when there is no IRP left to
    /// close with: the startup counts as not undone.
    pub fn cleanup(&self) -> Result<(), WsaError> {
        self.call(|| {
            let before = self
                .startups
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                    count.checked_sub(1)
                })
                .map_err(|_| WsaError::NOTINITIALISED)?;
            if before > 1 {
                return Ok(());
            }
            self.close_all().inspect_err(|_| {
                self.startups.fetch_add(1, Ordering::Relaxed);
            })
        })
    }

    fn close_all(&self) -> Result<(), WsaError> {
        while let Some(socket) = { self.sockets.lock().any() } {
            match self.close_endpoint(socket) {
                // Somebody else has closed it.
                Ok(()) | Err(WsaError::ENOTSOCK) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
