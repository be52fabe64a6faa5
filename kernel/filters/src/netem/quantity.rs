//! The quantities in netem's settings, each with the text it is read from and written as.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

use executive::Duration;

use super::random::Random;

/// The text is not such a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidQuantity;

/// Reads a decimal number with at most `decimals` digits behind its point, in units of
/// 10^-`decimals`.
fn fixed_point(text: &str, decimals: u32) -> Option<u64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    if whole.is_empty() {
        return None;
    }
    let digits = whole.bytes().chain(fraction.bytes());
    let number = digits.into_iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    let missing = decimals.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    number.checked_mul(10_u64.checked_pow(missing)?)
}

/// How probable something is, in millionths.
///
/// As text a percentage with up to four decimals: `0.5%`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

impl Probability {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1_000_000);

    /// Digits behind the point of a percentage.
    const DECIMALS: u32 = 4;

    /// From millionths; `None` for more than a million of them.
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths <= Self::ALWAYS.0 {
            Some(Self(millionths))
        } else {
            None
        }
    }

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// Decides once. A probability of zero takes no number from `random`.
    pub(super) const fn happens(self, random: &mut Random) -> bool {
        self.0 != 0 && random.below(Self::ALWAYS.0 as u64) < self.0 as u64
    }
}

impl FromStr for Probability {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        text.strip_suffix('%')
            .and_then(|percent| fixed_point(percent, Self::DECIMALS))
            .and_then(|millionths| Self::from_millionths(u32::try_from(millionths).ok()?))
            .ok_or(InvalidQuantity)
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut fraction, mut width) = (self.0 % 10_000, Self::DECIMALS as usize);
        write!(formatter, "{}", self.0 / 10_000)?;
        if fraction != 0 {
            while fraction % 10 == 0 {
                (fraction, width) = (fraction / 10, width - 1);
            }
            write!(formatter, ".{fraction:0width$}")?;
        }
        formatter.write_str("%")
    }
}

/// A length of time of at most an hour.
///
/// As text a number with `s`, `ms` or `us`, with decimals down to the microsecond: `1.5ms`; or
/// `0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delay(Duration);

impl Delay {
    /// None at all.
    pub const ZERO: Self = Self(Duration::ZERO);
    /// The longest.
    pub const MAXIMUM: Self = Self(Duration::from_secs(3600));

    /// From a duration; `None` for more than an hour.
    pub fn new(duration: Duration) -> Option<Self> {
        (duration <= Self::MAXIMUM.0).then_some(Self(duration))
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whether it is none at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl FromStr for Delay {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        if text == "0" {
            return Ok(Self::ZERO);
        }
        [("us", 0), ("ms", 3), ("s", 6)]
            .into_iter()
            .find_map(|(unit, decimals)| fixed_point(text.strip_suffix(unit)?, decimals))
            .and_then(|micros| Self::new(Duration::from_micros(micros)))
            .ok_or(InvalidQuantity)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_micros() {
            0 => formatter.write_str("0"),
            micros if micros % 1_000_000 == 0 => write!(formatter, "{}s", micros / 1_000_000),
            micros if micros % 1_000 == 0 => write!(formatter, "{}ms", micros / 1_000),
            micros => write!(formatter, "{micros}us"),
        }
    }
}

/// Bytes per second, or no limit.
///
/// As text a number, with decimals and `K`, `M` or `G` for a thousand, a million or a thousand
/// million: `1.5M`; or `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate(Option<NonZeroU64>);

impl Rate {
    /// As fast as packets come.
    pub const UNLIMITED: Self = Self(None);

    /// A limit in bytes per second; `None` when that is zero.
    pub const fn new(bytes_per_second: u64) -> Option<Self> {
        match NonZeroU64::new(bytes_per_second) {
            Some(rate) => Some(Self(Some(rate))),
            None => None,
        }
    }

    /// The limit in bytes per second.
    pub const fn bytes_per_second(self) -> Option<NonZeroU64> {
        self.0
    }

    const UNITS: [(char, u32); 3] = [('G', 9), ('M', 6), ('K', 3)];
}

impl FromStr for Rate {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        if text == "none" {
            return Ok(Self::UNLIMITED);
        }
        let in_unit = Self::UNITS.into_iter().find_map(|(unit, decimals)| {
            let either_case = [unit, unit.to_ascii_lowercase()];
            Some((text.strip_suffix(either_case)?, decimals))
        });
        let (number, decimals) = in_unit.unwrap_or((text, 0));
        fixed_point(number, decimals)
            .and_then(Self::new)
            .ok_or(InvalidQuantity)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rate) = self.0 else {
            return formatter.write_str("none");
        };
        for (unit, decimals) in Self::UNITS {
            let size = 10_u64.pow(decimals);
            if rate.get() % size == 0 {
                return write!(formatter, "{}{unit}", rate.get() / size);
            }
        }
        write!(formatter, "{rate}")
    }
}
