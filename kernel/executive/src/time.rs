//! Time as a value: every layer takes it as an argument, so that a host test
//! can use a virtual clock. The unit is the microsecond.

use core::fmt;
use core::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

/// A point in time: microseconds since the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A length of time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

const MICROS_PER_MILLI: u64 = 1_000;
const MICROS_PER_SECOND: u64 = 1_000_000;

macro_rules! conversions {
    ($type:ident) => {
        impl $type {
            /// The zero of the scale.
            pub const ZERO: Self = Self(0);
            /// The end of the scale: half a million years.
            pub const MAX: Self = Self(u64::MAX);

            /// From whole microseconds.
            pub const fn from_micros(micros: u64) -> Self {
                Self(micros)
            }

            /// From whole milliseconds; saturates.
            pub const fn from_millis(millis: u64) -> Self {
                Self(millis.saturating_mul(MICROS_PER_MILLI))
            }

            /// From whole seconds; saturates.
            pub const fn from_secs(seconds: u64) -> Self {
                Self(seconds.saturating_mul(MICROS_PER_SECOND))
            }

            /// In microseconds.
            pub const fn as_micros(self) -> u64 {
                self.0
            }

            /// In milliseconds, rounded down.
            pub const fn as_millis(self) -> u64 {
                self.0 / MICROS_PER_MILLI
            }

            /// In seconds, rounded down.
            pub const fn as_secs(self) -> u64 {
                self.0 / MICROS_PER_SECOND
            }
        }

        impl fmt::Display for $type {
            /// Seconds with six decimals.
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let fraction = self.0 % MICROS_PER_SECOND;
                write!(formatter, "{}.{fraction:06}", self.as_secs())
            }
        }
    };
}

conversions!(Instant);
conversions!(Duration);

impl Instant {
    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// The time from `earlier` to `self`; `None` if `earlier` is later.
    pub const fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(micros) => Some(Duration(micros)),
            None => None,
        }
    }
}

impl Duration {
    /// `self - other`, not below zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self * factor`, not above `MAX`.
    #[must_use]
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Saturates at `Instant::MAX`, so that "never" stays "never".
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// Saturates at the machine's start.
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.0))
    }
}

/// The same as [`Instant::duration_since`].
impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

/// Saturates.
impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Saturates at zero.
impl Sub for Duration {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl SubAssign for Duration {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// Saturates.
impl Mul<u64> for Duration {
    type Output = Self;

    fn mul(self, factor: u64) -> Self {
        self.saturating_mul(factor)
    }
}

impl Div<u64> for Duration {
    type Output = Self;

    /// Rounds down.
    ///
    /// # Panics
    /// When the divisor is zero, as integer division does.
    fn div(self, divisor: u64) -> Self {
        Self(self.0 / divisor)
    }
}

impl From<core::time::Duration> for Duration {
    /// Rounds down to microseconds; saturates.
    fn from(duration: core::time::Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Duration> for core::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_micros(duration.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant};
    use alloc::string::ToString;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::MAX + Duration::from_secs(1), Instant::MAX);
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
        let earlier = Instant::from_millis(5);
        let later = Instant::from_millis(7);
        assert_eq!(later - earlier, Duration::from_millis(2));
        assert_eq!(earlier - later, Duration::ZERO);
        assert_eq!(earlier.checked_duration_since(later), None);
        assert_eq!(Duration::from_secs(u64::MAX), Duration::MAX);
        assert_eq!(Duration::from_secs(3) * 2, Duration::from_secs(6));
        assert_eq!(Duration::from_secs(3) / 2, Duration::from_millis(1500));
    }

    #[test]
    fn display_is_in_seconds() {
        assert_eq!(Instant::from_micros(12_000_345).to_string(), "12.000345");
    }

    #[test]
    fn converts_from_and_to_core() {
        let core = core::time::Duration::from_micros(1_234_567);
        assert_eq!(Duration::from(core).as_micros(), 1_234_567);
        assert_eq!(core::time::Duration::from(Duration::from(core)), core);
    }
}
