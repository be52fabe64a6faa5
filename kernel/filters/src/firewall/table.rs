//! The rules in their order, with what each was applied to.

use core::fmt;

use super::rule::{Action, Rule};
use super::subject::Subject;
use crate::Direction;

/// Rules there can be.
pub const MAXIMUM_RULES: usize = 64;

/// What a rule was applied to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Frames.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why a rule could not be added or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// There are [`MAXIMUM_RULES`] already.
    Full,
    /// There is no such place.
    NoSuchPosition,
}

impl fmt::Display for TableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(
                formatter,
                "there are {MAXIMUM_RULES} rules, which is the most"
            ),
            Self::NoSuchPosition => formatter.write_str("there is no rule with that number"),
        }
    }
}

impl core::error::Error for TableError {}

/// Which rule decided, as its place from 0; `None` for the default.
pub(super) type Decider = Option<usize>;

#[derive(Clone, Debug)]
struct Entry {
    rule: Rule,
    hits: Hits,
}

/// The rules, and what is done when none applies.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: heapless::Vec<Entry, MAXIMUM_RULES>,
    default: Action,
    default_hits: Hits,
}

impl Table {
    /// The place in the vector that a number from 1 means.
    fn index(position: usize) -> Result<usize, TableError> {
        position.checked_sub(1).ok_or(TableError::NoSuchPosition)
    }

    /// Puts a rule in front of the one that is at `position`, from 1; behind the last for one more.
    pub(super) fn insert(&mut self, position: usize, rule: Rule) -> Result<(), TableError> {
        let index = Self::index(position)?;
        if index > self.entries.len() {
            return Err(TableError::NoSuchPosition);
        }
        let entry = Entry {
            rule,
            hits: Hits::default(),
        };
        self.entries
            .insert(index, entry)
            .map_err(|_| TableError::Full)
    }

    /// Puts a rule behind the last.
    pub(super) fn add(&mut self, rule: Rule) -> Result<(), TableError> {
        self.insert(self.entries.len() + 1, rule)
    }

    /// Takes out the rule at `position`, from 1.
    pub(super) fn delete(&mut self, position: usize) -> Result<Rule, TableError> {
        let index = Self::index(position)?;
        if index >= self.entries.len() {
            return Err(TableError::NoSuchPosition);
        }
        Ok(self.entries.remove(index).rule)
    }

    /// Takes out all rules; the default stays.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) const fn set_default(&mut self, action: Action) {
        self.default = action;
    }

    pub(super) const fn default_action(&self) -> Action {
        self.default
    }

    pub(super) const fn default_hits(&self) -> Hits {
        self.default_hits
    }

    /// The rules in order, with their hits.
    pub(super) fn rules(&self) -> impl ExactSizeIterator<Item = (&Rule, &Hits)> {
        self.entries.iter().map(|entry| (&entry.rule, &entry.hits))
    }

    /// Which rule is the first that applies.
    pub(super) fn decide(&self, direction: Direction, subject: &Subject) -> Decider {
        self.entries
            .iter()
            .position(|entry| entry.rule.applies(direction, subject))
    }

    /// What the decider says about a frame of `length` bytes, which is counted with it.
    pub(super) fn hit(&mut self, decider: Decider, length: usize) -> Action {
        let entry = decider.and_then(|index| self.entries.get_mut(index));
        let (action, hits) = match entry {
            Some(entry) => (entry.rule.action, &mut entry.hits),
            None => (self.default, &mut self.default_hits),
        };
        hits.packets += 1;
        hits.bytes += length as u64;
        action
    }
}
