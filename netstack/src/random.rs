//! Numbers that nobody outside can foresee.

use core::hash::Hasher;

use siphasher::sip::SipHasher24;

/// A generator: a keyed pseudo-random function of a counter.
pub(crate) struct Random {
    key: [u64; 2],
    counter: u64,
}

impl Random {
    /// A generator whose secret is `seed`.
    pub(crate) const fn new(seed: [u64; 2]) -> Self {
        Self {
            key: seed,
            counter: 0,
        }
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        let mut hasher = SipHasher24::new_with_keys(self.key[0], self.key[1]);
        hasher.write_u64(self.counter);
        hasher.finish()
    }

    /// A number from 0 up to, not including, `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }
}
