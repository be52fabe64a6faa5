//! UDP (RFC 768, RFC 1122 section 4.1).

mod input;
mod output;
mod ports;
#[cfg(test)]
mod tests;

use core::ops::RangeInclusive;

use crate::configuration::StackConfiguration;

executive::counters! {
    /// What became of the datagrams.
    pub struct UdpCounters {
        /// Datagrams taken in.
        received,
        /// Datagrams that matched an address object.
        delivered,
        /// Datagrams that came without a checksum.
        received_without_checksum,
        /// Dropped: shorter than the header.
        dropped_too_short,
        /// Dropped: the length field is less than 8 or more than there is.
        dropped_length,
        /// Dropped: the checksum is wrong.
        dropped_checksum,
        /// Dropped: the destination port is zero.
        dropped_port_zero,
        /// Dropped: no address object matches.
        dropped_no_port,
        /// Not delivered to one of several address objects: no descriptor to
        /// share the packet.
        dropped_share,
        /// ICMP errors given to connected address objects.
        errors_delivered,
        /// Datagrams sent, or queued for a neighbour.
        sent,
        /// Not sent: the remote port is zero.
        unsent_port_zero,
        /// Not sent: too long for UDP.
        unsent_too_long,
        /// Not sent: a broadcast from an address object that may not.
        unsent_broadcast,
        /// Not sent: no buffer for the header.
        unsent_no_buffer,
        /// Not sent: a lower layer refused it.
        unsent_lower,
    }
}

/// The state of this layer.
pub(crate) struct Udp {
    ephemeral_ports: RangeInclusive<u16>,
}

impl Udp {
    pub(crate) fn new(configuration: &StackConfiguration) -> Self {
        Self {
            ephemeral_ports: configuration.ephemeral_ports.clone(),
        }
    }
}
