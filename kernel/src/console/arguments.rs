//! Arguments of a command, taken one by one with a clear error for each that
//! does not fit.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

use embedded_cli::arguments::{Arg, ArgList, ArgsIter};

use super::MAXIMUM_LINE;

/// Longest reason that an error gives, in bytes.
const REASON: usize = 88;

/// Longest part of an argument that an error repeats, in bytes.
const SHOWN: usize = 40;

/// Why a command did nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum CommandError {
    /// Something else was expected in the place of an argument.
    Expected {
        /// What the usage line calls it, or what is allowed.
        expected: &'static str,
        /// What stood there.
        found: Shown,
    },
    /// An argument is not there.
    Missing(&'static str),
    /// A number is outside its range.
    OutOfRange {
        /// What the usage line calls it.
        name: &'static str,
        /// Least and greatest value.
        range: RangeInclusive<u32>,
        /// What stood there.
        found: Shown,
    },
    /// An argument too many.
    Unexpected(Shown),
    /// The arguments together make no sense; why, in words.
    Invalid(Reason),
    /// The arguments are right but it could not be done.
    Failed(Failure),
}

/// A failure while a command ran: what was tried, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was tried.
    pub what: &'static str,
    /// The answer to it, in words.
    pub why: Reason,
}

impl Failure {
    /// The error of a failure with any displayable reason.
    pub fn error(what: &'static str, why: impl fmt::Display) -> CommandError {
        let why = Reason::new(why);
        CommandError::Failed(Self { what, why })
    }
}

/// Why something is wrong, in words; what is too long is cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reason(heapless::String<REASON>);

impl Reason {
    fn new(why: impl fmt::Display) -> Self {
        let mut reason = Self::default();
        // `Reason` never fails; a value that does ends early.
        let _ = fmt::write(&mut reason, format_args!("{why}"));
        reason
    }
}

impl fmt::Write for Reason {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.push(character).is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CommandError {
    /// The error of arguments that make no sense together.
    pub fn invalid(why: impl fmt::Display) -> Self {
        Self::Invalid(Reason::new(why))
    }

    /// Whether the usage line helps.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected { expected, found } => {
                write!(f, "{expected} expected, found `{found}`")
            }
            Self::Missing(expected) => write!(f, "{expected} expected"),
            Self::OutOfRange { name, range, found } => write!(
                f,
                "{name} must be {} to {}, found `{found}`",
                range.start(),
                range.end()
            ),
            Self::Unexpected(found) => write!(f, "unexpected argument `{found}`"),
            Self::Invalid(why) => write!(f, "{why}"),
            Self::Failed(failure) => write!(f, "{}: {}", failure.what, failure.why),
        }
    }
}

/// The start of an argument, as an error repeats it.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown(heapless::String<SHOWN>);

impl Shown {
    fn new(text: &str) -> Self {
        let mut shown = heapless::String::new();
        for character in text.chars() {
            if shown.push(character).is_err() {
                break;
            }
        }
        Self(shown)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

/// The words behind a command's name.
pub struct Arguments<'a> {
    rest: ArgsIter<'a>,
}

impl<'a> Arguments<'a> {
    /// All arguments of a command.
    pub fn new(list: &ArgList<'a>) -> Self {
        Self { rest: list.args() }
    }

    /// The next word, if there is one. No command has options, so one is an
    /// argument too many.
    ///
    /// # Errors
    /// The word starts with `-`.
    pub fn optional_word(&mut self) -> Result<Option<&'a str>, CommandError> {
        match self.rest.next() {
            None => Ok(None),
            Some(Ok(Arg::Value(word))) => Ok(Some(word)),
            Some(Ok(Arg::LongOption(name))) => Err(CommandError::Unexpected(Shown::new(name))),
            Some(Ok(Arg::ShortOption(_) | Arg::DoubleDash) | Err(_)) => {
                Err(CommandError::Unexpected(Shown::new("-")))
            }
        }
    }

    /// The next word; `name` is what the usage line calls it.
    ///
    /// # Errors
    /// There is none.
    pub fn word(&mut self, name: &'static str) -> Result<&'a str, CommandError> {
        self.optional_word()?.ok_or(CommandError::Missing(name))
    }

    /// The next word as a value; `name` is what the usage line calls it.
    ///
    /// # Errors
    /// There is none, or it has another form.
    pub fn value<T: FromStr>(&mut self, name: &'static str) -> Result<T, CommandError> {
        let word = self.word(name)?;
        word.parse().map_err(|_| CommandError::Expected {
            expected: name,
            found: Shown::new(word),
        })
    }

    /// The next word as a number within a range, or `default` without one.
    ///
    /// # Errors
    /// It is no number, or outside the range.
    pub fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u32>,
        default: Option<u32>,
    ) -> Result<u32, CommandError> {
        let Some(word) = self.optional_word()? else {
            return default.ok_or(CommandError::Missing(name));
        };
        match word.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(_) => Err(CommandError::OutOfRange {
                name,
                range,
                found: Shown::new(word),
            }),
            Err(_) => Err(CommandError::Expected {
                expected: name,
                found: Shown::new(word),
            }),
        }
    }

    /// The next word as one of a few; `expected` lists them.
    ///
    /// # Errors
    /// It is none of them.
    pub fn unknown(word: &str, expected: &'static str) -> CommandError {
        CommandError::Expected {
            expected,
            found: Shown::new(word),
        }
    }

    /// All words that are left, with a space between two.
    ///
    /// # Errors
    /// A word starts with `-`.
    pub fn rest(&mut self) -> Result<heapless::String<MAXIMUM_LINE>, CommandError> {
        let mut rest = heapless::String::new();
        while let Some(word) = self.optional_word()? {
            let separator = if rest.is_empty() { "" } else { " " };
            // A line's words and single spaces are no longer than the line.
            let _ = rest.push_str(separator);
            let _ = rest.push_str(word);
        }
        Ok(rest)
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// A word is left.
    pub fn end(&mut self) -> Result<(), CommandError> {
        match self.optional_word()? {
            None => Ok(()),
            Some(word) => Err(CommandError::Unexpected(Shown::new(word))),
        }
    }
}
