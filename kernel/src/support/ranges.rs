//! Free ranges of physical memory, in order, with neighbours joined.

use core::ops::Range;

use heapless::Vec;

/// A set of addresses, held as at most `CAPACITY` ranges in ascending order that
/// neither overlap nor touch.
#[derive(Debug, Default)]
pub struct Ranges<const CAPACITY: usize> {
    ranges: Vec<Range<u64>, CAPACITY>,
}

impl<const CAPACITY: usize> Ranges<CAPACITY> {
    /// The empty set.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// How many addresses are in the set.
    pub fn total(&self) -> u64 {
        self.ranges
            .iter()
            .map(|range| range.end - range.start)
            .sum()
    }

    /// Length of the longest range.
    pub fn longest(&self) -> u64 {
        self.ranges
            .iter()
            .map(|range| range.end - range.start)
            .max()
            .unwrap_or(0)
    }

    /// Adds a range and joins it with what it overlaps or touches. `false`, and
    /// nothing is added, if there would be more ranges than fit.
    pub fn insert(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return true;
        }
        let first = self.ranges.partition_point(|other| other.end < range.start);
        let behind = self
            .ranges
            .partition_point(|other| other.start <= range.end);
        let Some(touched) = self.ranges.get(first..behind).filter(|all| !all.is_empty()) else {
            return self.ranges.insert(first, range).is_ok();
        };
        let start = touched
            .first()
            .map_or(range.start, |other| other.start.min(range.start));
        let end = touched
            .last()
            .map_or(range.end, |other| other.end.max(range.end));
        for _ in first + 1..behind {
            self.ranges.remove(first + 1);
        }
        if let Some(joined) = self.ranges.get_mut(first) {
            *joined = start..end;
        }
        true
    }

    /// Takes a range out; parts that are not in the set are ignored. `false`, and
    /// nothing is taken out, if there would be more ranges than fit.
    pub fn remove(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return true;
        }
        let first = self
            .ranges
            .partition_point(|other| other.end <= range.start);
        let Some(other) = self.ranges.get_mut(first) else {
            return true;
        };
        if other.start < range.start && range.end < other.end {
            let upper = range.end..other.end;
            if self.ranges.is_full() {
                return false;
            }
            if let Some(lower) = self.ranges.get_mut(first) {
                lower.end = range.start;
            }
            return self.ranges.insert(first + 1, upper).is_ok();
        }
        for other in self.ranges.iter_mut().skip(first) {
            if other.start >= range.end {
                break;
            }
            if other.start < range.start {
                other.end = range.start;
            } else {
                other.start = range.end.min(other.end);
            }
        }
        self.ranges.retain(|other| !other.is_empty());
        true
    }

    /// Takes the lowest `length` addresses out that lie together and start at a
    /// multiple of `alignment`, a power of two. `None` if there are none such.
    pub fn take(&mut self, length: u64, alignment: u64) -> Option<Range<u64>> {
        let taken = self.ranges.iter().find_map(|range| {
            let start = range.start.checked_next_multiple_of(alignment)?;
            let end = start.checked_add(length)?;
            (end <= range.end).then_some(start..end)
        })?;
        self.remove(taken.clone()).then_some(taken)
    }
}
