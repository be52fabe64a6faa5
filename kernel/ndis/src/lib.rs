//! The contract between network miniports and protocols: registration, binding, packets.
//!
//! A *miniport* drives an adapter, a *protocol* uses it through a *binding*; neither knows the
//! other. Between them stands the wrapper, [`Ndis`]. The names, versions, statuses and object
//! identifiers are those of the Network Driver Interface Specification, versions 3 to 5.
//!
//! ```text
//! protocol     Receive, SendComplete ..   <-- ProtocolCharacteristics
//!                ^               |
//! binding        | packet filter | send, request
//!                |               v
//! adapter      AdapterContext  queue
//!                ^               |
//! miniport     HandleInterrupt  Send ..   <-- MiniportCharacteristics
//! ```
//!
//! Everything is allocated while drivers register and adapters start; after that a full table or
//! queue is a status, and counted.
//!
//! No handler is called with a lock held, except a miniport's three interrupt handlers, which
//! cannot call the wrapper and run with the lock of their interrupt (Device level). The other
//! locks are at Dispatch; their order, outermost first: an adapter's (that of the adapter below
//! before that of the one above), its note of the binding below, a binding's, a binding's multicast
//! list. The lock of the console's question and that of the bindings being made are taken alone.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "simulation"))]
extern crate std;

pub mod adapter;
pub mod address;
mod binding;
pub mod counters;
pub mod filter;
pub mod medium;
pub mod miniport;
pub mod oid;
pub mod packet;
pub mod platform;
pub mod protocol;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod status;
mod wrapper;

pub use adapter::{AdapterHandle, AdapterState};
pub use address::HardwareAddress;
pub use binding::{BindingHandle, MULTICAST_LIST_SIZE, PROTOCOL_OPTION_NO_LOOPBACK};
pub use filter::PacketFilter;
pub use medium::Medium;
pub use miniport::{
    AdapterContext, BusType, HandleInterrupt, InitializeContext, Initialized, IsrOutcome,
    MiniportCharacteristics, MiniportDriver, RequestOutcome, ResetOutcome, Resources, SendBatch,
    SendOutcome, Transfer, TransferData,
};
pub use oid::Oid;
pub use packet::{Packet, PacketFlags, PacketPool};
pub use platform::{BusPlatform, Configuration, InterruptService};
pub use protocol::{
    PnpEvent, ProtocolCharacteristics, ProtocolDriver, ProtocolHandle, ReceiveContext, Request,
    RequestKind, SendCompletion,
};
pub use status::NdisStatus;
pub use wrapper::{
    AdapterReport, BindingReport, DeviceRequest, IOCTL_NDIS_QUERY_GLOBAL_STATS, Limits,
    MiniportHandle, Ndis, ProtocolReport,
};
