//! What netem does, as settings that are read from text and written as text.

use core::fmt;
use core::str::FromStr;

use super::quantity::{Delay, InvalidQuantity, Probability, Rate};
use super::{DEFAULT_LIMIT, MAXIMUM_HELD};
use crate::Direction;
use crate::text::{whole_number, words};

/// What is done to the packets of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectionSettings {
    /// How probably a packet is lost.
    pub loss: Probability,
    /// How probably a packet is passed twice.
    pub duplicate: Probability,
    /// How probably a packet goes at once while others are delayed.
    pub reorder: Probability,
    /// How probably one bit of a packet is flipped.
    pub corrupt: Probability,
    /// How long each packet is held.
    pub delay: Delay,
    /// How far the delay of a packet may be from `delay`, to either side.
    pub jitter: Delay,
    /// Bytes per second.
    pub rate: Rate,
    /// Packets that may be held, 1 to [`MAXIMUM_HELD`].
    pub limit: usize,
}

impl DirectionSettings {
    /// Everything is passed as it is.
    pub const OFF: Self = Self {
        loss: Probability::NEVER,
        duplicate: Probability::NEVER,
        reorder: Probability::NEVER,
        corrupt: Probability::NEVER,
        delay: Delay::ZERO,
        jitter: Delay::ZERO,
        rate: Rate::UNLIMITED,
        limit: DEFAULT_LIMIT,
    };

    /// Whether packets are passed as they are.
    pub(super) fn is_off(&self) -> bool {
        *self
            == Self {
                limit: self.limit,
                ..Self::OFF
            }
    }

    /// Sets what is called `name`.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Invalid> {
        match name {
            "loss" => self.loss = quantity(value, PERCENTAGE)?,
            "duplicate" => self.duplicate = quantity(value, PERCENTAGE)?,
            "reorder" => self.reorder = quantity(value, PERCENTAGE)?,
            "corrupt" => self.corrupt = quantity(value, PERCENTAGE)?,
            "delay" => self.delay = quantity(value, TIME)?,
            "jitter" => self.jitter = quantity(value, TIME)?,
            "rate" => self.rate = quantity(value, RATE)?,
            "limit" => {
                self.limit = whole_number(value)
                    .and_then(|limit| usize::try_from(limit).ok())
                    .filter(|limit| (1..=MAXIMUM_HELD).contains(limit))
                    .ok_or(Invalid::Value(LIMIT))?;
            }
            _ => return Err(Invalid::Name),
        }
        Ok(())
    }

    /// Writes what is not off, each with `prefix`.
    fn write(&self, out: &mut Words<'_, '_>, prefix: &str) -> fmt::Result {
        let off = Self::OFF;
        for (name, value, usual) in [
            ("loss", self.loss, off.loss),
            ("duplicate", self.duplicate, off.duplicate),
            ("reorder", self.reorder, off.reorder),
            ("corrupt", self.corrupt, off.corrupt),
        ] {
            out.write(prefix, name, &value, value == usual)?;
        }
        out.write(prefix, "delay", &self.delay, self.delay == off.delay)?;
        out.write(prefix, "jitter", &self.jitter, self.jitter == off.jitter)?;
        out.write(prefix, "rate", &self.rate, self.rate == off.rate)?;
        out.write(prefix, "limit", &self.limit, self.limit == off.limit)
    }
}

impl Default for DirectionSettings {
    fn default() -> Self {
        Self::OFF
    }
}

/// All settings of a netem.
///
/// As text words of the form `NAME=VALUE`, separated by spaces, commas or semicolons:
/// `loss`, `duplicate`, `reorder`, `corrupt` (percentages), `delay`, `jitter` (`us`, `ms`, `s`),
/// `rate` (bytes per second, with `K`, `M`, `G`, or `none`) and `limit`, each for both directions or
/// with `out.` or `in.` in front for one; `seed`; and `off`, which undoes every word before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// For packets on their way down.
    pub outbound: DirectionSettings,
    /// For packets on their way up.
    pub inbound: DirectionSettings,
    /// Where the sequences of chance begin.
    pub seed: u64,
}

impl Settings {
    /// Those of one direction.
    pub const fn direction(&self, direction: Direction) -> &DirectionSettings {
        match direction {
            Direction::Out => &self.outbound,
            Direction::In => &self.inbound,
        }
    }

    /// These settings with the words of `text` applied one after another, and whether a seed was
    /// among them.
    pub(super) fn changed_by(mut self, text: &str) -> Result<(Self, bool), SettingsError> {
        let mut seeded = false;
        for (index, word) in words(text).enumerate() {
            seeded |= self.apply(word).map_err(|invalid| match invalid {
                Invalid::Name => SettingsError::UnknownWord {
                    position: index + 1,
                },
                Invalid::Value(expected) => SettingsError::InvalidValue {
                    position: index + 1,
                    expected,
                },
            })?;
        }
        for direction in [Direction::Out, Direction::In] {
            let settings = self.direction(direction);
            // tc refuses this too: nothing is held that could be overtaken.
            if settings.reorder != Probability::NEVER && settings.delay.is_zero() {
                return Err(SettingsError::ReorderWithoutDelay { direction });
            }
        }
        Ok((self, seeded))
    }

    /// Applies one word; returns whether it set the seed.
    fn apply(&mut self, word: &str) -> Result<bool, Invalid> {
        if word == "off" {
            *self = Self::default();
            return Ok(true);
        }
        let (name, value) = word.split_once('=').ok_or(Invalid::Name)?;
        if name == "seed" {
            self.seed = whole_number(value).ok_or(Invalid::Value(SEED))?;
            return Ok(true);
        }
        if let Some(name) = name.strip_prefix("out.") {
            self.outbound.set(name, value)?;
        } else if let Some(name) = name.strip_prefix("in.") {
            self.inbound.set(name, value)?;
        } else {
            self.outbound.set(name, value)?;
            self.inbound.set(name, value)?;
        }
        Ok(false)
    }
}

impl FromStr for Settings {
    type Err = SettingsError;

    /// The settings that the words make of [`Settings::default`].
    fn from_str(text: &str) -> Result<Self, SettingsError> {
        Self::default()
            .changed_by(text)
            .map(|(settings, _)| settings)
    }
}

impl fmt::Display for Settings {
    /// The words that make these settings of [`Settings::default`], and `off` if there are none.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Words {
            formatter,
            any: false,
        };
        if self.outbound == self.inbound {
            self.outbound.write(&mut words, "")?;
        } else {
            self.outbound.write(&mut words, "out.")?;
            self.inbound.write(&mut words, "in.")?;
        }
        words.write("", "seed", &self.seed, self.seed == 0)?;
        if words.any {
            return Ok(());
        }
        formatter.write_str("off")
    }
}

/// Writes words with a space between two.
struct Words<'a, 'b> {
    formatter: &'a mut fmt::Formatter<'b>,
    any: bool,
}

impl Words<'_, '_> {
    /// Writes `name=value`, unless the value goes without saying.
    fn write(
        &mut self,
        prefix: &str,
        name: &str,
        value: &dyn fmt::Display,
        goes_without_saying: bool,
    ) -> fmt::Result {
        if goes_without_saying {
            return Ok(());
        }
        let space = if self.any { " " } else { "" };
        self.any = true;
        write!(self.formatter, "{space}{prefix}{name}={value}")
    }
}

const PERCENTAGE: &str = "a percentage such as 0.5%";
const TIME: &str = "a time such as 10ms, 500us or 1.5s, at most an hour";
const RATE: &str = "bytes per second such as 64K or 1.5M, or none";
const LIMIT: &str = "1 to 256 packets";
const SEED: &str = "a number";

/// What is wrong with a word.
enum Invalid {
    /// It names no setting.
    Name,
    /// Its value should have been another.
    Value(&'static str),
}

fn quantity<T: FromStr<Err = InvalidQuantity>>(
    value: &str,
    expected: &'static str,
) -> Result<T, Invalid> {
    value
        .parse()
        .map_err(|InvalidQuantity| Invalid::Value(expected))
}

/// Why settings were not taken. None of them is then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// A word is no setting.
    UnknownWord {
        /// Its place among the words, from 1.
        position: usize,
    },
    /// A setting cannot have this value.
    InvalidValue {
        /// The place of its word, from 1.
        position: usize,
        /// What it could have been.
        expected: &'static str,
    },
    /// Packets cannot overtake where none is delayed.
    ReorderWithoutDelay {
        /// The direction in which they should.
        direction: Direction,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWord { position } => write!(formatter, "word {position} is no setting"),
            Self::InvalidValue { position, expected } => {
                write!(formatter, "word {position}: expected {expected}")
            }
            Self::ReorderWithoutDelay { direction } => {
                write!(formatter, "{direction}.reorder needs a delay")
            }
        }
    }
}

impl core::error::Error for SettingsError {}
