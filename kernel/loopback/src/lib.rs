//! The loopback adapter: an NDIS miniport without hardware, which receives what it sends.
//!
//! Its medium is [`Medium::Loopback`](ndis::Medium::Loopback): frames have Ethernet's header, with
//! the address of all zeros on both sides, so that filter drivers read them like any other.
//!
//! A frame that is sent is done with at once: it goes into a bounded queue, and the send is a
//! success. The deferred half of an interrupt that no hardware makes indicates it, so a protocol
//! that sends from its Receive handler is never called again from within. A full queue is no loss:
//! the wrapper keeps the frame until there is room. No byte is copied.
//!
//! ```text
//! Send             DISPATCH   queues the packet, asks for the deferred half
//! HandleInterrupt  DISPATCH   indicates what is in the queue
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod adapter;
mod information;

pub use adapter::{Adapter, Loopback, QUEUE_LENGTH, characteristics};
pub use information::{HARDWARE_ADDRESS, MAXIMUM_FRAME_SIZE};
