//! The identification field (RFC 6864).

use alloc::boxed::Box;
use core::hash::Hasher;
use core::net::Ipv4Addr;

use siphasher::sip::SipHasher13;

use crate::random::Random;

/// How many counters there are.
const COUNTERS: usize = 256;

/// A datagram that can be fragmented needs an identification that does not
/// come again soon for the same addresses and protocol (RFC 6864 section 4.2).
/// They share counters by a keyed hash: each steps through all 65536 values,
/// and none tells how much is sent to others.
pub(super) struct Identification {
    counters: Box<[u16; COUNTERS]>,
    key: [u64; 2],
}

impl Identification {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            counters: Box::new(core::array::from_fn(|_| random.bits() as u16)),
            key: [random.bits(), random.bits()],
        }
    }

    pub(super) fn next(&mut self, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> u16 {
        let mut hasher = SipHasher13::new_with_keys(self.key[0], self.key[1]);
        hasher.write_u64(u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits()));
        hasher.write_u8(protocol);
        let at = hasher.finish() as usize % COUNTERS;
        self.counters.get_mut(at).map_or(0, |counter| {
            *counter = counter.wrapping_add(1);
            *counter
        })
    }
}
