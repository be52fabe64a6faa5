//! Conversion of counts of a fast counter to microseconds.

/// How long a count takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeScale {
    /// Microseconds per count, in units of 2^-64.
    factor: u64,
}

impl TimeScale {
    /// For a counter of `hertz`; `None` for 1 MHz and less, which is no use here.
    pub const fn from_hertz(hertz: u64) -> Option<Self> {
        if hertz <= 1_000_000 {
            return None;
        }
        Some(Self {
            factor: ((1_000_000_u128 << 64) / hertz as u128) as u64,
        })
    }

    /// From the number that [`Self::factor`] gave.
    pub const fn from_factor(factor: u64) -> Self {
        Self { factor }
    }

    /// The conversion as one number.
    pub const fn factor(self) -> u64 {
        self.factor
    }

    /// `counts` in microseconds, rounded down. Takes one multiplication, and no number
    /// of counts is too large.
    pub const fn microseconds(self, counts: u64) -> u64 {
        ((counts as u128 * self.factor as u128) >> 64) as u64
    }
}
