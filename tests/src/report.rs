//! What the console's commands print, as values.

use crate::PATIENCE;
use crate::console::Console;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

/// Every counter of the guest, by its full name (`ip.bad_checksum`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<String, u64>);

impl Counters {
    /// Asks the console.
    ///
    /// # Panics
    /// When a line is neither a counter nor the closing line.
    #[track_caller]
    pub fn read(console: &mut Console) -> Self {
        Self::parse(&console.command("stats all"))
            .unwrap_or_else(|line| panic!("not a counter: {line}"))
    }

    /// Asks for the counters of one layer only.
    ///
    /// # Panics
    /// When a line is neither a counter nor the closing line.
    #[track_caller]
    pub fn read_layer(console: &mut Console, layer: &str) -> Self {
        Self::parse(&console.command(&format!("stats {layer}")))
            .unwrap_or_else(|line| panic!("not a counter: {line}"))
    }

    /// Looks until the growth fits, and gives it.
    ///
    /// # Panics
    /// When it does not fit in time.
    #[track_caller]
    pub fn grown_until(
        console: &mut Console,
        earlier: &Self,
        fits: impl Fn(&Growth) -> bool,
    ) -> Growth {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let growth = Self::read(console).since(earlier);
            if fits(&growth) {
                return growth;
            }
            assert!(Instant::now() < deadline, "it stays at {growth:?}");
        }
    }

    fn parse(lines: &[String]) -> Result<Self, String> {
        let (closing, counters) = lines.split_last().ok_or("no output")?;
        if !closing.contains(" counters, ") {
            return Err(closing.clone());
        }
        counters
            .iter()
            .map(|line| name_and_value(line).ok_or_else(|| line.clone()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A counter's value.
    ///
    /// # Panics
    /// When there is no counter of that name.
    #[track_caller]
    pub fn get(&self, name: &str) -> u64 {
        *self
            .0
            .get(name)
            .unwrap_or_else(|| panic!("no counter `{name}` in {:?}", self.0.keys()))
    }

    /// By how much each has grown since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Growth {
        let growth = self.0.iter().map(|(name, value)| {
            let before = earlier.0.get(name).unwrap_or(&0);
            (name.clone(), value.wrapping_sub(*before))
        });
        Growth(growth.collect())
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// By how much the counters have grown between two looks.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Growth(BTreeMap<String, u64>);

impl Growth {
    /// The growth of one counter.
    ///
    /// # Panics
    /// When there is no counter of that name.
    #[track_caller]
    pub fn get(&self, name: &str) -> u64 {
        *self
            .0
            .get(name)
            .unwrap_or_else(|| panic!("no counter `{name}` in {:?}", self.0.keys()))
    }

    /// The growth of one counter of NDIS, over all adapters (`ndis.ADAPTER.name`).
    pub fn of_adapter(&self, name: &str) -> u64 {
        let of_ndis = self.0.iter().filter(|(path, _)| path.starts_with("ndis."));
        of_ndis
            .filter(|(path, _)| path.rsplit('.').next() == Some(name))
            .map(|(_, growth)| growth)
            .sum()
    }

    /// The growth of all counters that fit a pattern: words between dots, each of which may be `*` or end in one (`ndis.*.dropped_*`).
    ///
    /// # Panics
    /// When there is no such counter.
    #[track_caller]
    pub fn sum(&self, pattern: &str) -> u64 {
        let mut fitting = self
            .0
            .iter()
            .filter(|(name, _)| fits(pattern, name))
            .peekable();
        assert!(fitting.peek().is_some(), "no counter fits `{pattern}`");
        fitting.map(|(_, growth)| growth).sum()
    }

    /// Those that have grown at all.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let grown = self.0.iter().filter(|(_, growth)| **growth != 0);
        grown.map(|(name, growth)| (name.as_str(), *growth))
    }
}

impl fmt::Debug for Growth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let (mut wanted, mut words) = (pattern.split('.'), name.split('.'));
    loop {
        match (wanted.next(), words.next()) {
            (None, None) => return true,
            (Some(wanted), Some(word)) if word_fits(wanted, word) => {}
            _ => return false,
        }
    }
}

fn word_fits(pattern: &str, word: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => pattern == word,
    }
}

fn name_and_value(line: &str) -> Option<(String, u64)> {
    let (name, value) = line.trim().split_once(char::is_whitespace)?;
    let value = value.trim().parse().ok()?;
    name.contains('.').then(|| (name.to_owned(), value))
}

/// The state of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// How many entries are taken.
    pub used: u64,
    /// The most that ever were.
    pub peak: u64,
    /// How many there are.
    pub size: u64,
    /// How often there was none left.
    pub failures: u64,
}

/// What `mem` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The pools by name.
    pub pools: BTreeMap<String, PoolUse>,
    /// Whether the heap is sealed: an allocation would end the kernel.
    pub sealed: bool,
}

impl Memory {
    /// Asks the console.
    ///
    /// # Panics
    /// When there is no line about the heap.
    #[track_caller]
    pub fn read(console: &mut Console) -> Self {
        let lines = console.command("mem");
        Self::parse(&lines).unwrap_or_else(|| panic!("not what `mem` prints: {lines:#?}"))
    }

    fn parse(lines: &[String]) -> Option<Self> {
        let heap = lines.iter().find(|line| line.starts_with("heap "))?;
        let pools = lines
            .iter()
            .filter(|line| line.starts_with("pool "))
            .map(|line| pool(line))
            .collect::<Option<_>>()?;
        Some(Self {
            pools,
            sealed: word_after(heap, "sealed")? == "yes",
        })
    }

    /// How many entries of each pool are taken.
    pub fn used(&self) -> BTreeMap<&str, u64> {
        self.pools
            .iter()
            .map(|(name, pool)| (name.as_str(), pool.used))
            .collect()
    }
}

fn pool(line: &str) -> Option<(String, PoolUse)> {
    let number = |word| number_after(line, word);
    let state = PoolUse {
        used: number("used")?,
        peak: number("peak")?,
        size: number("size")?,
        failures: number("failures")?,
    };
    Some((word_after(line, "pool")?.to_owned(), state))
}

/// The word that follows another one.
pub fn word_after<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    line.split_whitespace()
        .skip_while(|&found| found.trim_end_matches(',') != word)
        .nth(1)
        .map(|found| found.trim_end_matches(','))
}

/// The number that follows a word.
pub fn number_after(line: &str, word: &str) -> Option<u64> {
    word_after(line, word)?.parse().ok()
}

/// A table: one heading line in capitals, then rows, columns separated by white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Runs a command that prints a table.
    ///
    /// # Panics
    /// When the output is no table.
    #[track_caller]
    pub fn read(console: &mut Console, command: &str) -> Self {
        let lines = console.command(command);
        Self::parse(&lines).unwrap_or_else(|| panic!("`{command}` prints no table: {lines:#?}"))
    }

    fn parse(lines: &[String]) -> Option<Self> {
        let words = |line: &String| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (heading, rows) = lines.split_first()?;
        if heading.trim().is_empty() || heading.chars().any(char::is_lowercase) {
            return None;
        }
        let table = Self {
            heading: words(heading),
            rows: rows.iter().map(words).collect(),
        };
        // The last column may hold several words.
        table
            .rows
            .iter()
            .all(|row| row.len() >= table.heading.len())
            .then_some(table)
    }

    /// A column from top to bottom.
    ///
    /// # Panics
    /// When the heading has no such word.
    #[track_caller]
    pub fn column(&self, name: &str) -> Vec<&str> {
        let index = self.heading.iter().position(|word| word == name);
        let index = index.unwrap_or_else(|| panic!("no column {name} in {:?}", self.heading));
        self.rows.iter().map(|row| row[index].as_str()).collect()
    }

    /// The value of a column in the first row where another column has this value.
    #[track_caller]
    pub fn find(&self, key: &str, value: &str, wanted: &str) -> Option<&str> {
        let row = self.column(key).iter().position(|&found| found == value)?;
        Some(self.column(wanted)[row])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn counters_are_read_by_name_and_compared() {
        let before =
            Counters::parse(&lines("ip.received 3\nudp.no_port 0\n2 counters, 1 at 0")).unwrap();
        let after =
            Counters::parse(&lines("ip.received 5\nudp.no_port 0\n2 counters, 1 at 0")).unwrap();
        assert_eq!(after.get("ip.received"), 5);
        assert_eq!(after.since(&before).get("udp.no_port"), 0);
        assert_eq!(
            after.since(&before).iter().collect::<Vec<_>>(),
            [("ip.received", 2)]
        );
    }

    #[test]
    fn counters_are_added_up_by_a_pattern() {
        let text =
            "ip.dropped_a 1\nip.dropped_b 2\nip.kept 4\nndis.x.dropped_a 8\n4 counters, 0 at 0";
        let growth = Counters::parse(&lines(text))
            .unwrap()
            .since(&Counters::default());
        assert_eq!(growth.sum("ip.dropped_*"), 3);
        assert_eq!(growth.sum("ndis.*.dropped_a"), 8);
    }

    #[test]
    fn anything_but_counters_is_told() {
        assert_eq!(
            Counters::parse(&lines("ip.received x\n1 counters, 0 at 0")),
            Err("ip.received x".into())
        );
        assert_eq!(
            Counters::parse(&lines("error: no")),
            Err("error: no".into())
        );
        assert!(Counters::parse(&[]).is_err());
    }

    #[test]
    fn pools_and_heap_are_read() {
        let text = "pool packets used 1 peak 2 size 64 failures 0\nheap used 10 size 20 sealed yes\nframes free 1 total 2";
        let memory = Memory::parse(&lines(text)).unwrap();
        assert_eq!(
            memory.pools["packets"],
            PoolUse {
                used: 1,
                peak: 2,
                size: 64,
                failures: 0
            }
        );
        assert!(memory.sealed);
        assert_eq!(
            Memory::parse(&lines("pool x used y\nheap used 1 size 1 sealed yes")),
            None
        );
    }

    #[test]
    fn a_table_has_a_heading_in_capitals_and_full_rows() {
        let table = Table::parse(&lines("ADDRESS  STATE\n10.0.2.2  reachable")).unwrap();
        assert_eq!(
            table.find("ADDRESS", "10.0.2.2", "STATE"),
            Some("reachable")
        );
        assert_eq!(table.find("ADDRESS", "10.0.2.3", "STATE"), None);
        assert_eq!(Table::parse(&lines("error: x")), None);
        assert_eq!(Table::parse(&lines("A B\n1")), None);
    }
}
