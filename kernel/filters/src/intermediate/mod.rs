//! The edges every filter has in common, and what a filter is to them.

mod counters;
mod driver;
mod edge;
mod miniport;
mod path;
mod protocol;

#[cfg(test)]
pub(crate) mod testing;

pub use counters::EdgeCounters;
pub(crate) use driver::{Driver, FilterDriver};
pub use path::{Path, Way};

use core::fmt;

use ndis::Packet;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Down: sent by a protocol.
    Out,
    /// Up: received by the adapter.
    In,
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Out => "out",
            Self::In => "in",
        })
    }
}

/// What a filter does with packets.
///
/// Every method is called at Dispatch with no lock held, and never while one of the same handler
/// runs: what comes in meanwhile waits. A packet that a handler neither passes on nor keeps is
/// dropped; the handler counts why.
pub trait PacketHandler: Send + 'static {
    /// Whether the handler uses [`Path::set_timer`]; one that does not costs no timer.
    const USES_TIMER: bool = true;

    /// A packet from the protocols on its way down: a whole frame, link-layer header first.
    ///
    /// It is the handler's; to the protocol the send is over when this returns. It may be shared
    /// with its sender, so its bytes may be read-only.
    fn send(&mut self, packet: Packet, path: &mut Path<'_>);

    /// A received packet on its way up: a whole frame, link-layer header first.
    ///
    /// It may be shared with other protocols, so its bytes may be read-only.
    fn receive(&mut self, packet: Packet, path: &mut Path<'_>);

    /// The time given to [`Path::set_timer`] has come.
    fn timer(&mut self, path: &mut Path<'_>) {
        let _ = path;
    }

    /// The filter is being taken out, or its adapter stops: everything held is passed on or
    /// dropped now, in order.
    fn flush(&mut self, path: &mut Path<'_>) {
        let _ = path;
    }

    /// Names and tells what the handler counts.
    fn counters(&self, each: &mut dyn FnMut(&'static str, u64));
}
