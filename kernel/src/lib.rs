//! Joins the layers of the network subsystem into one system: who drains whose
//! outputs, under which lock, on which thread; and the console and the test
//! tasks on top. It is independent of the machine ([`machine::Machine`] and
//! `executive::Platform` stand for it), so host tests run the same composition.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod configuration;
pub mod console;
pub mod machine;
pub mod network;
mod start;
pub mod support;
pub mod system;
pub mod tasks;

#[cfg(test)]
mod tests;

pub use start::{Hardware, PciCard, StartError, build, executive_limits, start};
