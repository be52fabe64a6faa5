//! The registry: `Section.Key=value` words of the kernel command line.
//!
//! A driver asks for its values by section and key, compared without regard to
//! case as in the Windows registry. Values that nobody has asked for by the end
//! of the start are reported by name, so a misspelt key does not pass in
//! silence.

mod value;

#[cfg(test)]
mod tests;

pub use value::FromText;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

/// Words taken from one command line; more are reported and left out.
pub const MAXIMUM_ENTRIES: usize = 128;

struct Entry {
    section: Box<str>,
    key: Box<str>,
    value: Box<str>,
    read: AtomicBool,
}

impl Entry {
    fn is(&self, section: &str, key: &str) -> bool {
        self.section.eq_ignore_ascii_case(section) && self.key.eq_ignore_ascii_case(key)
    }
}

/// A word of the command line that could not be taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The word has no `Section.Key=value` form.
    Malformed(Box<str>),
    /// The word is not UTF-8; its place in bytes from the start of the line.
    NotText {
        /// Offset of the word in bytes.
        offset: usize,
    },
    /// The key was given before; the later value holds.
    Repeated(Box<str>),
    /// There are more than [`MAXIMUM_ENTRIES`] words; this one was left out.
    TooMany(Box<str>),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(word) => write!(f, "not Key=value: `{}`", word.escape_debug()),
            Self::NotText { offset } => write!(f, "the word at byte {offset} is not UTF-8"),
            Self::Repeated(name) => write!(
                f,
                "`{}` is given twice, the later value holds",
                name.escape_debug()
            ),
            Self::TooMany(word) => write!(
                f,
                "`{}` left out: more than {MAXIMUM_ENTRIES} words",
                word.escape_debug()
            ),
        }
    }
}

/// The parsed command line. Read-only once made.
pub struct Registry {
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

impl Registry {
    /// Parses a command line of words separated by ASCII white space. Anything
    /// may stand in it; what cannot be used is kept in [`Registry::problems`].
    pub fn parse(command_line: &[u8]) -> Self {
        let mut registry = Self {
            entries: Vec::new(),
            problems: Vec::new(),
        };
        let start = command_line.as_ptr() as usize;
        command_line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty() && *word != [0])
            .for_each(|word| match core::str::from_utf8(word) {
                Ok(word) => registry.take_word(word.trim_end_matches('\0')),
                Err(_) => registry.problems.push(Problem::NotText {
                    offset: word.as_ptr() as usize - start,
                }),
            });
        registry
    }

    fn take_word(&mut self, word: &str) {
        let Some((section, key, value)) = split_word(word) else {
            self.problems.push(Problem::Malformed(word.into()));
            return;
        };
        let entry = Entry {
            section: section.into(),
            key: key.into(),
            value: value.into(),
            read: AtomicBool::new(false),
        };
        if let Some(earlier) = self.entries.iter_mut().find(|e| e.is(section, key)) {
            let name = alloc::format!("{section}.{key}");
            self.problems.push(Problem::Repeated(name.into()));
            *earlier = entry;
        } else if self.entries.len() == MAXIMUM_ENTRIES {
            self.problems.push(Problem::TooMany(word.into()));
        } else {
            self.entries.push(entry);
        }
    }

    /// The text of a value, if the command line has it.
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|e| e.is(section, key))?;
        entry.read.store(true, Ordering::Relaxed);
        Some(&entry.value)
    }

    /// A value of a type. One that does not parse is logged with what was
    /// expected and counts as not given.
    pub fn get_as<T: FromText>(&self, section: &str, key: &str) -> Option<T> {
        let text = self.get(section, key)?;
        let value = T::from_text(text);
        if value.is_none() {
            log::error!(
                target: "boot",
                "bad value `{}` for {section}.{key}: {} expected; the default is used",
                text.escape_debug(),
                T::EXPECTED
            );
        }
        value
    }

    /// What was wrong with the command line.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Names of the values that nobody has read so far, as `(section, key)`.
    pub fn unread(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter(|entry| !entry.read.load(Ordering::Relaxed))
            .map(|entry| (&*entry.section, &*entry.key))
    }

    /// Logs every problem and every unread value by name.
    pub fn report(&self) {
        for problem in &self.problems {
            log::warn!(target: "boot", "{problem}");
        }
        for (section, key) in self.unread() {
            log::warn!(
                target: "boot",
                "unknown key `{}.{}`",
                section.escape_debug(),
                key.escape_debug()
            );
        }
    }
}

fn split_word(word: &str) -> Option<(&str, &str, &str)> {
    let (name, value) = word.split_once('=')?;
    let (section, key) = name.split_once('.')?;
    (!section.is_empty() && !key.is_empty()).then_some((section, key, value))
}

impl ndis::Configuration for Registry {
    fn get(&self, section: &str, key: &str) -> Option<&str> {
        Registry::get(self, section, key)
    }
}
