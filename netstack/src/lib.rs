//! TCP/IP as one state machine, with its TDI face above and its NDIS protocol
//! edge below.
//!
//! [`Stack`] has no threads, locks or clock of its own: frames, requests and
//! the time are arguments; frames to send, completed requests and echo events
//! are values that the caller fetches. All tables are allocated when the stack
//! is made; from then on nothing allocates, and a full table is a status.
//!
//! Received bytes are hostile: parsing is total, and each reason to drop a
//! packet has its own counter in the layer that drops it.
//!
//! RFCs: Ethernet 894; ARP 826, 5227; neighbour states 4861 section 7.3; IPv4
//! 791, 1112, 1122, 1812, 6864; ICMP 792, 1122, 1812; UDP 768, 1122, 6056;
//! checksums 1071, 1624.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address;
pub mod arp;
pub mod checksum;
pub mod configuration;
pub mod ethernet;
mod flow;
pub mod icmp;
pub mod ip;
pub mod lan;
mod random;
mod stack;
mod table;
pub mod tdi;
pub mod udp;
pub mod wire;

#[cfg(test)]
mod tests;

pub use address::{Prefix, SocketAddress};
pub use configuration::{InterfaceConfiguration, StackConfiguration};
pub use stack::interface::{InterfaceId, InterfaceInformation};
pub use stack::{Counters, Stack};
pub use wire::ethernet::HardwareAddress;
