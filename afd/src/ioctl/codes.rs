//! The control codes of the AFD device.

use core::fmt;

/// A device control code as it stands in a request.
///
/// The layout is AFD's own, not that of `CTL_CODE`: the device type 0x12 in
/// bits 12 and up, the operation in bits 2 to 11, the transfer method in bits
/// 0 and 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct ControlCode(pub u32);

/// FILE_DEVICE_NETWORK.
const DEVICE_NETWORK: u32 = 0x12;

/// METHOD_BUFFERED: input and output pass through the system buffer.
const BUFFERED: u32 = 0;

/// METHOD_NEITHER: the driver reads the caller's structure itself.
const NEITHER: u32 = 3;

const fn code(operation: u32, method: u32) -> ControlCode {
    ControlCode(DEVICE_NETWORK << 12 | operation << 2 | method)
}

macro_rules! control_codes {
    ($($(#[$doc:meta])* $name:ident = $operation:literal, $method:ident;)*) => {
        impl ControlCode {
            $($(#[$doc])* pub const $name: Self = code($operation, $method);)*

            /// The name of a code of this device, `None` for a foreign one.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

control_codes! {
    /// Gives an endpoint its local address.
    BIND = 0, NEITHER;
    /// Sets the peer.
    CONNECT = 1, NEITHER;
    /// Begins to listen.
    START_LISTEN = 2, NEITHER;
    /// Waits for an incoming connection.
    WAIT_FOR_LISTEN = 3, BUFFERED;
    /// Moves an incoming connection into an endpoint.
    ACCEPT = 4, BUFFERED;
    /// Receives from the peer.
    RECV = 5, NEITHER;
    /// Receives a datagram with its source.
    RECV_DATAGRAM = 6, NEITHER;
    /// Sends to the peer.
    SEND = 7, NEITHER;
    /// Sends a datagram to a given address.
    SEND_DATAGRAM = 8, NEITHER;
    /// Polls endpoints for events.
    SELECT = 9, BUFFERED;
    /// Ends one or both directions of a connection.
    DISCONNECT = 10, NEITHER;
    /// Reads the local address.
    GET_SOCK_NAME = 11, NEITHER;
    /// Reads the peer's address.
    GET_PEER_NAME = 12, NEITHER;
    /// Reads the transport's handles.
    GET_TDI_HANDLES = 13, NEITHER;
    /// Sets a value of the endpoint.
    SET_INFO = 14, NEITHER;
    /// Reads the size of the caller's context.
    GET_CONTEXT_SIZE = 15, NEITHER;
    /// Reads the caller's context.
    GET_CONTEXT = 16, NEITHER;
    /// Stores the caller's context.
    SET_CONTEXT = 17, NEITHER;
    /// Stores data for the connection request.
    SET_CONNECT_DATA = 18, NEITHER;
    /// Stores options for the connection request.
    SET_CONNECT_OPTIONS = 19, NEITHER;
    /// Stores data for the disconnection.
    SET_DISCONNECT_DATA = 20, NEITHER;
    /// Stores options for the disconnection.
    SET_DISCONNECT_OPTIONS = 21, NEITHER;
    /// Reads the peer's connection data.
    GET_CONNECT_DATA = 22, NEITHER;
    /// Reads the peer's connection options.
    GET_CONNECT_OPTIONS = 23, NEITHER;
    /// Reads the peer's disconnection data.
    GET_DISCONNECT_DATA = 24, NEITHER;
    /// Reads the peer's disconnection options.
    GET_DISCONNECT_OPTIONS = 25, NEITHER;
    /// Bounds the connection data.
    SET_CONNECT_DATA_SIZE = 26, NEITHER;
    /// Bounds the connection options.
    SET_CONNECT_OPTIONS_SIZE = 27, NEITHER;
    /// Bounds the disconnection data.
    SET_DISCONNECT_DATA_SIZE = 28, NEITHER;
    /// Bounds the disconnection options.
    SET_DISCONNECT_OPTIONS_SIZE = 29, NEITHER;
    /// Reads a value of the endpoint.
    GET_INFO = 30, NEITHER;
    /// Signals an event object when given things happen.
    EVENT_SELECT = 33, NEITHER;
    /// Reads and consumes what EVENT_SELECT recorded.
    ENUM_NETWORK_EVENTS = 34, NEITHER;
    /// Puts an incoming connection off.
    DEFER_ACCEPT = 35, NEITHER;
    /// Reads the connection data of an incoming connection.
    GET_PENDING_CONNECT_DATA = 41, NEITHER;
    /// Checks a socket group.
    VALIDATE_GROUP = 42, NEITHER;
}

impl fmt::Display for ControlCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "{:#x}", self.0),
        }
    }
}

impl fmt::Debug for ControlCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ControlCode({self})")
    }
}
