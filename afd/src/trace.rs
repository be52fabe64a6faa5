//! The log of every datagram, apart from the way that the datagrams take.

use ndis::packet::Packet;
use netstack::SocketAddress;

/// Logs a datagram that comes "from" or goes "to" a peer.
#[inline(always)]
pub(crate) fn datagram(packet: &Packet, direction: &str, peer: SocketAddress) {
    if log::log_enabled!(target: "afd", log::Level::Trace) {
        write(packet, direction, peer);
    }
}

#[cold]
fn write(packet: &Packet, direction: &str, peer: SocketAddress) {
    let (id, length) = (packet.info().id, packet.len());
    log::trace!(target: "afd", "packet {id} of {length} bytes {direction} {peer}");
}
