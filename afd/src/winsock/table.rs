//! What Winsock itself knows of the sockets.

use alloc::boxed::Box;

use executive::Duration;

use super::catalogue::ProviderId;
use super::{Socket, WsaError};

/// One socket. What the endpoint knows (windows, mode, addresses) is not kept
/// here a second time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SocketInformation {
    pub(super) socket: Socket,
    pub(super) provider: ProviderId,
    pub(super) socket_type: i32,
    /// Whether the endpoint got an address, so that a send need not bind it.
    pub(super) is_bound: bool,
    /// SO_REUSEADDR.
    pub(super) reuses_address: bool,
    /// SO_EXCLUSIVEADDRUSE.
    pub(super) is_exclusive: bool,
    /// SO_RCVTIMEO; `None` is for ever.
    pub(super) receive_timeout: Option<Duration>,
}

/// The sockets, each in the place that its handle's index gives.
#[derive(Debug)]
pub(super) struct SocketTable {
    sockets: Box<[Option<SocketInformation>]>,
}

impl SocketTable {
    pub(super) fn new(size: usize) -> Self {
        Self {
            sockets: alloc::vec![None; size].into(),
        }
    }

    /// Enters a socket; `false` when its handle is beyond the table.
    pub(super) fn insert(&mut self, information: SocketInformation) -> bool {
        let place = self.sockets.get_mut(information.socket.handle().slot());
        place.map(|place| *place = Some(information)).is_some()
    }

    /// What is known of a socket.
    pub(super) fn get(&self, socket: Socket) -> Result<&SocketInformation, WsaError> {
        let information = self
            .sockets
            .get(socket.handle().slot())
            .and_then(Option::as_ref);
        information
            .filter(|information| information.socket == socket)
            .ok_or(WsaError::ENOTSOCK)
    }

    /// What is known of a socket, for writing.
    pub(super) fn get_mut(&mut self, socket: Socket) -> Result<&mut SocketInformation, WsaError> {
        let information = self
            .sockets
            .get_mut(socket.handle().slot())
            .and_then(Option::as_mut);
        information
            .filter(|information| information.socket == socket)
            .ok_or(WsaError::ENOTSOCK)
    }

    /// Takes a socket out.
    pub(super) fn remove(&mut self, socket: Socket) -> Result<SocketInformation, WsaError> {
        self.get(socket)?;
        let place = self.sockets.get_mut(socket.handle().slot());
        place.and_then(Option::take).ok_or(WsaError::ENOTSOCK)
    }

    /// Any socket.
    pub(super) fn any(&self) -> Option<Socket> {
        self.sockets
            .iter()
            .flatten()
            .map(|information| information.socket)
            .next()
    }
}
