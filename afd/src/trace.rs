//! The log of every datagram, apart from the way that the datagrams take.

use ndis::packet::Packet;
use netstack::SocketAddress;

/// Logs a datagram that comes "from" or goes "to" a peer.
#[inline(always)]
pub(crate) fn datagram(packet: &Packet, direction: &str, peer: SocketAddress) {
    if log::log_enabled!(target: "afd", log::Level::Trace) {
        write(packet.info().id, packet.len(), direction, peer);
    }
}

#[cold]
fn write(id: u64, length: usize, direction: &str, peer: SocketAddress) {
    log::trace!(target: "afd", "packet {id} of {length} bytes {direction} {peer}");
}
