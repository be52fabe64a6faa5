//! Intermediate drivers: filters between protocols and miniports (seed item 58).
//!
//! An intermediate driver is a protocol to the adapter below it and a miniport to the protocols
//! above it, and neither of the two knows. [`intermediate`] is those two edges, once; what a
//! filter does with packets is a [`PacketHandler`].
//!
//! Everything is allocated when the filters are made; putting one to use allocates nothing.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod capture;
pub mod configuration;
pub mod decode;
pub mod expression;
mod filters;
pub mod firewall;
pub mod intermediate;
pub mod netem;
mod text;

pub use configuration::FilterConfiguration;
pub use filters::{FilterError, FilterKind, FilterReport, Filters};
pub use intermediate::{Direction, PacketHandler, Path};
