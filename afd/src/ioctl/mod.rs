//! What travels in the requests to the AFD device: control codes and the
//! byte-level layout of every payload.
//!
//! Parsing is total: any bytes give a value or a status, never a panic, and
//! never touch anything but themselves. The layouts are those of AFD with user
//! pointers replaced: lengths stand where buffers are named, and the data
//! itself travels as a packet beside the payload.

mod address;
mod codes;
mod endpoint;
mod field;
mod select;
mod transfer;

#[cfg(test)]
mod tests;

pub use address::{
    ADDRESS_LENGTH_IP, ADDRESS_TYPE_IP, TRANSPORT_ADDRESS_SIZE, encode_transport_address,
    parse_transport_address,
};
pub use codes::ControlCode;
pub use endpoint::{
    BindData, ConnectInfo, EndpointFlags, Information, InformationClass, OpenPacket, RAW_DEVICE,
    ShareType, TCP_DEVICE, UDP_DEVICE,
};
pub use select::{
    MAXIMUM_POLL_HANDLES, POLL_HANDLE_SIZE, POLL_HEADER_SIZE, PollEvents, PollHandle, PollInfo,
    PollTimeout, PollWriter, poll_size,
};
pub use transfer::{AfdFlags, ReceiveInfo, SendInfo};
