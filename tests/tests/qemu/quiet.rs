//! What is left behind after traffic: pools must come back to their level, and what was dropped must have been counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tests::console::Console;
use tests::report::{Growth, Memory};

/// Longer than anything is held: packets wait for a neighbour for a few seconds at most.
const HELD: Duration = Duration::from_secs(15);
/// Looks without a change after which a level is steady.
const STEADY: usize = 4;
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// How many entries of each pool are taken while nothing goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Level(BTreeMap<String, u64>);

impl Level {
    /// The level once it is steady: the tasks may still be starting.
    #[track_caller]
    pub(crate) fn of(console: &mut Console) -> Self {
        let mut level = Self::now(console);
        let mut same = 0;
        let steady = Self::wait_until(console, |now| {
            same = if *now == level { same + 1 } else { 0 };
            level = Self(now.0.clone());
            same == STEADY
        });
        steady.unwrap_or_else(|last| panic!("never steady, last {last:?}"))
    }

    /// Waits until the pools are at this level again.
    #[track_caller]
    pub(crate) fn comes_back(&self, console: &mut Console) {
        if let Err(last) = Self::wait_until(console, |now| now == self) {
            panic!("taken before {self:?}, and {HELD:?} after the traffic {last:?}");
        }
    }

    /// Looks until a level fits, which is given; else the last one seen.
    #[track_caller]
    fn wait_until(
        console: &mut Console,
        mut fits: impl FnMut(&Self) -> bool,
    ) -> Result<Self, Self> {
        let deadline = Instant::now() + HELD;
        loop {
            let now = Self::now(console);
            if fits(&now) {
                return Ok(now);
            }
            if Instant::now() >= deadline {
                return Err(now);
            }
            std::thread::sleep(PAUSE);
        }
    }

    #[track_caller]
    fn now(console: &mut Console) -> Self {
        let memory = Memory::read(console);
        let used = memory.used().into_iter();
        let level = Self(used.map(|(name, used)| (name.to_owned(), used)).collect());
        assert!(
            level.0.len() >= 3,
            "the pools for packets, buffers and requests are not among {memory:?}"
        );
        level
    }
}

/// The counters of drops that have grown, each named after its reason: `layer.counter`, whichever adapter it was.
pub(crate) fn drops(grown: &Growth) -> Vec<(String, u64)> {
    let dropped = grown.iter().filter(|(name, _)| name.contains(".dropped_"));
    dropped
        .map(|(name, count)| (without_instance(name), count))
        .collect()
}

fn without_instance(name: &str) -> String {
    match (name.split_once('.'), name.rsplit_once('.')) {
        (Some((layer, _)), Some((_, counter))) => format!("{layer}.{counter}"),
        _ => name.to_owned(),
    }
}
