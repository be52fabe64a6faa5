//! socket, its duplication, and closesocket.

use executive::NtStatus;

use super::table::SocketInformation;
use super::{AfdDevice, Socket, Winsock, WsaError};
use crate::handle::Handle;
use crate::ioctl::OpenPacket;
use crate::request::MajorFunction;

impl<D: AfdDevice> Winsock<D> {
    /// Makes a socket. An argument of 0 takes what the first fitting provider
    /// has.
    ///
    /// # Errors
    /// EINVAL when all three are 0; EAFNOSUPPORT, ESOCKTNOSUPPORT,
    /// EPROTONOSUPPORT by what no provider has; ENOBUFS.
    pub fn socket(&self, family: i32, socket_type: i32, protocol: i32) -> Result<Socket, WsaError> {
        self.call(|| {
            let id = self.catalogue.locate(family, socket_type, protocol)?;
            let provider = self.catalogue.reference(id).ok_or(WsaError::EAFNOSUPPORT)?;
            let completed = self.request(
                MajorFunction::Create,
                Socket::from_handle(Handle::NULL),
                None,
                |request| {
                    let encode = |buffer: &mut [u8]| {
                        OpenPacket::encode(buffer, provider.flags, 0, provider.device)
                    };
                    request.input.fill(encode)
                },
            )?;
            self.enter(completed.into_result()?, |socket| SocketInformation {
                socket,
                provider: id,
                socket_type: provider.socket_type,
                is_bound: false,
                reuses_address: false,
                is_exclusive: false,
                receive_timeout: None,
            })
        })
    }

    /// Makes another socket for the same endpoint; the endpoint lives until
    /// the last of its sockets is closed (seed item 59).
    ///
    /// # Errors
    /// ENOTSOCK, ENOBUFS.
    pub fn duplicate_socket(&self, socket: Socket) -> Result<Socket, WsaError> {
        self.call(|| {
            let (information, _provider) = self.look_up(socket)?;
            let completed =
                self.request(MajorFunction::DuplicateHandle, socket, None, |_| Ok(()))?;
            self.enter(completed.into_result()?, |socket| SocketInformation {
                socket,
                ..information
            })
        })
    }

    /// Enters the socket of a handle that the device has just made.
    fn enter(
        &self,
        handle: usize,
        information: impl FnOnce(Socket) -> SocketInformation,
    ) -> Result<Socket, WsaError> {
        let socket = Socket::from_handle(Handle::from_raw(handle as u64));
        if !self.sockets.lock().insert(information(socket)) {
            self.close_handle(socket)?;
            return Err(WsaError::EMFILE);
        }
        Ok(socket)
    }

    /// Closes a socket. Calls that wait on it end with EINTR, a select that
    /// looks at it answers that it is readable.
    ///
    /// # Errors
    /// ENOTSOCK; ENOBUFS when no IRP is left: the socket stays open.
    pub fn closesocket(&self, socket: Socket) -> Result<(), WsaError> {
        self.call(|| self.close_endpoint(socket))
    }

    pub(super) fn close_endpoint(&self, socket: Socket) -> Result<(), WsaError> {
        let information = self.sockets.lock().remove(socket)?;
        let closed = self.close_handle(socket);
        if closed == Err(WsaError::ENOBUFS) {
            self.sockets.lock().insert(information);
        }
        closed
    }

    /// The two requests by which a handle ends. When no IRP is left for them
    /// the whole can be tried again.
    fn close_handle(&self, socket: Socket) -> Result<(), WsaError> {
        let nothing = |_: &mut _| Ok::<(), NtStatus>(());
        self.request(MajorFunction::Cleanup, socket, None, nothing)?;
        self.request(MajorFunction::Close, socket, None, nothing)?
            .into_result()?;
        Ok(())
    }
}
