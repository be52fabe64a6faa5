//! Numbers that Winsock programs use, as in `winsock2.h`.

/// Any address family the other arguments allow.
pub const AF_UNSPEC: i32 = 0;
/// IPv4.
pub const AF_INET: i32 = 2;

/// A stream of bytes.
pub const SOCK_STREAM: i32 = 1;
/// Datagrams.
pub const SOCK_DGRAM: i32 = 2;
/// The network layer's own packets.
pub const SOCK_RAW: i32 = 3;

/// TCP's number among the IP protocols.
pub const IPPROTO_TCP: i32 = 6;
/// UDP's number among the IP protocols.
pub const IPPROTO_UDP: i32 = 17;

/// Out-of-band data.
pub const MSG_OOB: u32 = 0x1;
/// The data stays in the socket.
pub const MSG_PEEK: u32 = 0x2;
/// The message was, or may be, only part of one.
pub const MSG_PARTIAL: u32 = 0x8000;

/// Options of the socket itself.
pub const SOL_SOCKET: i32 = 0xFFFF;
/// The address may be shared with sockets that allow it too (a boolean).
pub const SO_REUSEADDR: i32 = 0x0004;
/// Datagrams may go to broadcast addresses (a boolean).
pub const SO_BROADCAST: i32 = 0x0020;
/// Closing waits for data in flight; not for datagram sockets.
pub const SO_LINGER: i32 = 0x0080;
/// The send window in bytes.
pub const SO_SNDBUF: i32 = 0x1001;
/// The receive window in bytes.
pub const SO_RCVBUF: i32 = 0x1002;
/// How long a receive may wait, in milliseconds; 0 is for ever.
pub const SO_RCVTIMEO: i32 = 0x1006;
/// The error that waits to be reported; reading clears it.
pub const SO_ERROR: i32 = 0x1007;
/// The socket's type.
pub const SO_TYPE: i32 = 0x1008;
/// Nobody else may take the address (a boolean).
pub const SO_EXCLUSIVEADDRUSE: i32 = !SO_REUSEADDR;
/// The largest datagram that can be sent, in bytes.
pub const SO_MAX_MSG_SIZE: i32 = 0x2003;

/// Bytes that wait to be received.
pub const FIONREAD: u32 = 0x4004_667F;
/// Whether calls wait (0) or not.
pub const FIONBIO: u32 = 0x8004_667E;
