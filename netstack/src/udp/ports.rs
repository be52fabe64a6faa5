//! Ports for address objects that ask for none.

use core::net::Ipv4Addr;

use crate::stack::Stack;
use crate::tdi::Target;

impl Stack {
    /// A port that no address object uses at `address`: the first one free
    /// from a random one on (RFC 6056 section 3.3.1). `None` if all are in
    /// use.
    pub(crate) fn udp_ephemeral_port(&mut self, address: Ipv4Addr) -> Option<u16> {
        let (first, last) = (
            *self.udp.ephemeral_ports.start(),
            *self.udp.ephemeral_ports.end(),
        );
        let count = u64::from(last.checked_sub(first)?) + 1;
        let start = self.random.below(count);
        (0..count)
            .map(|step| first + ((start + step) % count) as u16)
            .find(|&port| port != 0 && !self.tdi_is_in_use(Target::Udp(port), address))
    }
}
