//! Sockets as IRP-driven state machines over TDI, and the Winsock face.
//!
//! [`Afd`] is the device: it takes requests ([`AfdIrp`]) whose payloads are
//! those of [`ioctl`], works on the transport through
//! [`netstack::tdi`], and gives completed requests back. It has no thread, lock
//! or clock of its own. [`winsock`] is what programs call; each of its calls
//! becomes requests to an [`AfdDevice`](winsock::AfdDevice).
//!
//! One file has one duty: `create`, `bind`, `connect`, `send`, `receive`,
//! `poll`, `info`, `cleanup`; `device` joins them.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bind;
mod cleanup;
mod connect;
mod counters;
mod create;
mod device;
mod endpoint;
mod fast_io;
mod handle;
mod info;
pub mod ioctl;
mod pending;
mod poll;
mod receive;
mod request;
mod send;
mod table;
mod trace;
mod transport;
pub mod winsock;

#[cfg(test)]
mod tests;

pub use counters::{AfdCounters, AfdUsage};
pub use device::{Afd, AfdConfiguration, CompletedIrp, EndpointStatus};
pub use endpoint::{DEFAULT_WINDOW_SIZE, State};
pub use fast_io::FastReceive;
pub use handle::Handle;
pub use request::{
    AfdIrp, AfdIrpPool, AfdReply, AfdRequest, AfdTicket, Datagram, MajorFunction,
    SYSTEM_BUFFER_SIZE, SystemBuffer,
};
pub use send::MAXIMUM_DATAGRAM_SIZE;
