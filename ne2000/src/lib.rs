//! A driver for Ethernet cards with National Semiconductor's DP8390 or one of
//! its many clones, as an NDIS miniport: NE1000, NE2000, RTL8019AS, RTL8029.
//!
//! From the card upwards:
//!
//! - [`bus`]: the 32 ports, behind a trait;
//! - [`registers`]: the chip's registers, a file for each page;
//! - [`memory`]: the card's memory behind the remote DMA;
//! - [`ring`], [`receive`], [`transmit`], [`filter`]: what the memory and the
//!   registers are used for;
//! - [`identify`], [`card`], [`service`], [`interrupt`]: one card: finding it,
//!   starting it, serving its interrupts;
//! - [`miniport`]: the face to NDIS.
//!
//! References to the *datasheet* are to National Semiconductor's DP8390D/NS32490D
//! NIC datasheet, July 1995.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod bus;
pub mod card;
pub mod counters;
pub mod filter;
pub mod identify;
pub mod interrupt;
pub mod measure;
pub mod memory;
pub mod miniport;
#[cfg(feature = "model")]
pub mod model;
pub mod pci;
pub mod receive;
pub mod registers;
pub mod report;
pub mod ring;
pub mod service;
pub mod transmit;

pub use bus::{DATA_PORT, DataWidth, PORT_COUNT, RESET_PORT, RegisterBus};
pub use miniport::{BusKind, BusOpener, Ne2000, characteristics};
