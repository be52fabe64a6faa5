//! bind, connect, getsockname, getpeername.

use netstack::SocketAddress;

use super::io::Completed;
use super::table::{Outline, SocketInformation};
use super::{AfdDevice, Socket, Winsock, WsaError};
use crate::ioctl::{
    BindData, ConnectInfo, ControlCode, ShareType, TRANSPORT_ADDRESS_SIZE, parse_transport_address,
};

impl<D: AfdDevice> Winsock<D> {
    /// Gives a socket its local address; the unspecified address stands for
    /// every local one, port 0 for an ephemeral one.
    ///
    /// # Errors
    /// EADDRINUSE when the address is taken, EACCES when one that is held
    /// exclusively is to be reused, EADDRNOTAVAIL when it is not local, EINVAL
    /// when the socket has one already.
    pub fn bind(&self, socket: Socket, address: SocketAddress) -> Result<(), WsaError> {
        self.call(|| {
            let (information, _provider) = self.look_up(socket)?;
            self.bind_endpoint(&information, address)
        })
    }

    fn bind_endpoint(
        &self,
        information: &SocketInformation,
        address: SocketAddress,
    ) -> Result<(), WsaError> {
        let socket = information.socket;
        let data = BindData {
            share: share_type(information, address),
            address,
        };
        let bound = self.control(socket, ControlCode::BIND, 0, |buffer| data.encode(buffer))?;
        bound.into_result()?;
        // A socket that was closed meanwhile is no longer in the table.
        let _ = self.sockets.lock().change(socket, |information| {
            information.is_bound = true;
            Ok(())
        });
        Ok(())
    }

    /// Binds a socket that has no address to the wildcard address (seed item
    /// 43). Of several threads that do this at once one binds; the others find
    /// the socket bound, which is as good.
    #[inline(always)]
    pub(super) fn bind_if_unbound(&self, socket: Socket, outline: Outline) -> Result<(), WsaError> {
        if outline.is_bound {
            return Ok(());
        }
        self.bind_to_wildcard(socket)
    }

    #[cold]
    fn bind_to_wildcard(&self, socket: Socket) -> Result<(), WsaError> {
        let information = *self.sockets.lock().get(socket)?;
        match self.bind_endpoint(&information, SocketAddress::UNSPECIFIED) {
            Err(WsaError::EINVAL) => self.local_name(socket).map(|_| ()),
            result => result,
        }
    }

    /// Sets the peer of a datagram socket: `send` goes to it, and only its
    /// datagrams are received. The unspecified address with port 0 undoes it.
    ///
    /// # Errors
    /// EADDRNOTAVAIL for an address that cannot be sent to.
    pub fn connect(&self, socket: Socket, remote: SocketAddress) -> Result<(), WsaError> {
        self.call(|| {
            let (outline, _provider) = self.outline(socket)?;
            self.bind_if_unbound(socket, outline)?;
            let info = ConnectInfo { remote };
            self.control(socket, ControlCode::CONNECT, 0, |buffer| {
                info.encode(buffer)
            })?
            .into_result()?;
            Ok(())
        })
    }

    /// The local address.
    ///
    /// # Errors
    /// EINVAL when the socket has none.
    pub fn getsockname(&self, socket: Socket) -> Result<SocketAddress, WsaError> {
        self.call(|| {
            let (_, _provider) = self.outline(socket)?;
            self.local_name(socket)
        })
    }

    fn local_name(&self, socket: Socket) -> Result<SocketAddress, WsaError> {
        let code = ControlCode::GET_SOCK_NAME;
        answered_address(self.control(socket, code, TRANSPORT_ADDRESS_SIZE, |_| Ok(0))?)
    }

    /// The address that `connect` has set.
    ///
    /// # Errors
    /// ENOTCONN when the socket has no peer.
    pub fn getpeername(&self, socket: Socket) -> Result<SocketAddress, WsaError> {
        self.call(|| {
            let (_, _provider) = self.outline(socket)?;
            let code = ControlCode::GET_PEER_NAME;
            answered_address(self.control(socket, code, TRANSPORT_ADDRESS_SIZE, |_| Ok(0))?)
        })
    }
}

fn answered_address(completed: Completed) -> Result<SocketAddress, WsaError> {
    Ok(parse_transport_address(completed.success()?.output())?)
}

/// The share type of a socket's options and address: exclusive goes before
/// wildcard (a port that the transport chooses), wildcard before reuse, reuse
/// before unique (seed item 42).
fn share_type(information: &SocketInformation, address: SocketAddress) -> ShareType {
    if information.is_exclusive {
        ShareType::Exclusive
    } else if address.port == 0 {
        ShareType::Wildcard
    } else if information.reuses_address {
        ShareType::Reuse
    } else {
        ShareType::Unique
    }
}
