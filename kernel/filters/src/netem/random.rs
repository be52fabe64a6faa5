//! The source of chance: the same seed gives the same numbers.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
///
/// It is repeatable and fast, and foreseeable by design; nothing secret may come of it.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// What the state grows by: 2^64 divided by the golden ratio, made odd.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

    /// The sequence number `stream` of `seed`.
    pub(super) const fn new(seed: u64, stream: u64) -> Self {
        // Streams begin at points that the mixing function spreads over the whole period.
        Self {
            state: seed ^ mix(stream.wrapping_mul(Self::STEP)),
        }
    }

    /// The next 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(Self::STEP);
        mix(self.state)
    }

    /// A number from 0 up to, not including, `bound`; 0 when `bound` is 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        ((self.bits() as u128 * bound as u128) >> 64) as u64
    }
}

/// The output function of SplitMix64.
const fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    /// The values that the reference implementation gives for the seed 1234567.
    #[test]
    fn agrees_with_the_published_generator() {
        let mut random = Random::new(1_234_567, 0);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
        assert_eq!(random.bits(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Random::new(7, 0).bits(), Random::new(7, 1).bits());
    }

    #[test]
    fn a_bound_is_kept() {
        let mut random = Random::new(1, 0);
        assert_eq!(random.below(0), 0);
        assert!((0..1000).all(|_| random.below(6) < 6));
        assert!((0..6).all(|side| (0..100).any(|_| random.below(6) == side)));
    }
}
