//! The errors of Winsock calls.

use core::fmt;

use executive::status::NtStatus;

/// Why a Winsock call failed, with the number it has in `winsock2.h`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct WsaError(pub u32);

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl WsaError {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// The name as in `winsock2.h` without the leading `WSA`; `None`
            /// for a number that is not listed here.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

errors! {
    /// Overlapped operation aborted.
    OPERATION_ABORTED = 995;
    /// Overlapped operation goes on.
    IO_PENDING = 997;
    /// A blocking call was interrupted, as by closing its socket.
    EINTR = 10004;
    /// Permission denied: an address that is held exclusively, or a broadcast
    /// without SO_BROADCAST.
    EACCES = 10013;
    /// A buffer is missing or too small for its purpose.
    EFAULT = 10014;
    /// An argument makes no sense, or not in the socket's state.
    EINVAL = 10022;
    /// Too many sockets.
    EMFILE = 10024;
    /// A nonblocking call would have to wait.
    EWOULDBLOCK = 10035;
    /// Not a socket.
    ENOTSOCK = 10038;
    /// A destination address is needed.
    EDESTADDRREQ = 10039;
    /// The datagram is larger than the buffer or than the transport carries.
    EMSGSIZE = 10040;
    /// The option or level is unknown, or not for this kind of socket.
    ENOPROTOOPT = 10042;
    /// The protocol is not there, or does not go with the type.
    EPROTONOSUPPORT = 10043;
    /// The socket type is not there.
    ESOCKTNOSUPPORT = 10044;
    /// The operation is not for this kind of socket.
    EOPNOTSUPP = 10045;
    /// The address family is not there.
    EAFNOSUPPORT = 10047;
    /// The address is in use.
    EADDRINUSE = 10048;
    /// The address is not one of this machine, or cannot be sent to.
    EADDRNOTAVAIL = 10049;
    /// The network is down.
    ENETDOWN = 10050;
    /// There is no route to the network.
    ENETUNREACH = 10051;
    /// The connection was aborted here.
    ECONNABORTED = 10053;
    /// The connection was reset; for datagrams: an earlier one met a port
    /// where nobody listens.
    ECONNRESET = 10054;
    /// No buffers left.
    ENOBUFS = 10055;
    /// The socket is connected already.
    EISCONN = 10056;
    /// The socket is not connected.
    ENOTCONN = 10057;
    /// The direction was shut down.
    ESHUTDOWN = 10058;
    /// The time ran out.
    ETIMEDOUT = 10060;
    /// The peer refused.
    ECONNREFUSED = 10061;
    /// The host cannot be reached.
    EHOSTUNREACH = 10065;
    /// The asked version of Winsock is not there.
    VERNOTSUPPORTED = 10092;
    /// `startup` has not been called.
    NOTINITIALISED = 10093;
    /// Later it may work.
    TRY_AGAIN = 11002;
}

/// The table by which a status of the AFD device becomes an error. A status
/// that is not in it means that the network failed.
impl From<NtStatus> for WsaError {
    fn from(status: NtStatus) -> Self {
        match status {
            NtStatus::CANT_WAIT | NtStatus::DEVICE_NOT_READY => Self::EWOULDBLOCK,
            NtStatus::TIMEOUT | NtStatus::IO_TIMEOUT => Self::ETIMEDOUT,
            NtStatus::FILE_CLOSED | NtStatus::CONNECTION_RESET | NtStatus::PORT_UNREACHABLE => {
                Self::ECONNRESET
            }
            NtStatus::END_OF_FILE | NtStatus::PIPE_DISCONNECTED => Self::ESHUTDOWN,
            NtStatus::PENDING => Self::IO_PENDING,
            NtStatus::BUFFER_TOO_SMALL | NtStatus::BUFFER_OVERFLOW => Self::EMSGSIZE,
            NtStatus::NO_MEMORY | NtStatus::INSUFFICIENT_RESOURCES => Self::ENOBUFS,
            NtStatus::INVALID_CONNECTION => Self::ENOTCONN,
            NtStatus::PROTOCOL_NOT_SUPPORTED => Self::EAFNOSUPPORT,
            NtStatus::INVALID_ADDRESS | NtStatus::INVALID_ADDRESS_COMPONENT => Self::EADDRNOTAVAIL,
            NtStatus::REMOTE_NOT_LISTENING
            | NtStatus::REMOTE_DISCONNECT
            | NtStatus::CONNECTION_REFUSED => Self::ECONNREFUSED,
            NtStatus::NETWORK_UNREACHABLE => Self::ENETUNREACH,
            NtStatus::HOST_UNREACHABLE | NtStatus::PROTOCOL_UNREACHABLE => Self::EHOSTUNREACH,
            NtStatus::INVALID_PARAMETER | NtStatus::ADDRESS_ALREADY_ASSOCIATED => Self::EINVAL,
            NtStatus::CANCELLED | NtStatus::REQUEST_ABORTED => Self::OPERATION_ABORTED,
            NtStatus::ADDRESS_ALREADY_EXISTS | NtStatus::SHARING_VIOLATION => Self::EADDRINUSE,
            NtStatus::LOCAL_DISCONNECT => Self::ECONNABORTED,
            NtStatus::ACCESS_VIOLATION => Self::EFAULT,
            NtStatus::ACCESS_DENIED => Self::EACCES,
            NtStatus::INVALID_HANDLE | NtStatus::OBJECT_TYPE_MISMATCH => Self::ENOTSOCK,
            NtStatus::NOT_IMPLEMENTED
            | NtStatus::NOT_SUPPORTED
            | NtStatus::INVALID_DEVICE_REQUEST => Self::EOPNOTSUPP,
            _ => Self::ENETDOWN,
        }
    }
}

impl fmt::Display for WsaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(formatter, "WSA{name}"),
            None => write!(formatter, "error {}", self.0),
        }
    }
}

impl fmt::Debug for WsaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl core::error::Error for WsaError {}
