//! The identification field (RFC 6864).

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use crate::random::Random;
use crate::table::hash;

/// A datagram that can be fragmented needs an identification that does not
/// come again soon for the same addresses and protocol (RFC 6864 section 4.2).
/// They share 256 counters by a keyed hash: each steps through all 65536
/// values, and none tells how much is sent to others.
pub(super) struct Identification {
    counters: Box<[u16; 256]>,
    secrets: [u64; 2],
}

impl Identification {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            counters: Box::new(core::array::from_fn(|_| random.bits() as u16)),
            secrets: [random.bits(), random.bits() | 1],
        }
    }

    pub(super) fn next(&mut self, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> u16 {
        let addresses = u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
        let key = addresses ^ self.secrets[0] ^ u64::from(protocol) << 56;
        let [at, ..] = hash(key, self.secrets[1]).to_be_bytes();
        let counter = &mut self.counters[usize::from(at)];
        *counter = counter.wrapping_add(1);
        *counter
    }
}
