//! How many filters there are, and how much memory they have.

use ndis::Configuration;

use crate::FilterKind;

/// Most filters of one kind.
const MAXIMUM_COUNT: usize = 8;

/// The smallest and the largest ring.
const RING_SIZES: core::ops::RangeInclusive<usize> = 4 * 1024..=64 * 1024 * 1024;

/// How many filters there are, and how much memory they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterConfiguration {
    /// Captures.
    pub captures: usize,
    /// Netems.
    pub netems: usize,
    /// Firewalls.
    pub firewalls: usize,
    /// Bytes of each capture's store.
    pub store_size: usize,
    /// Bytes of each capture's queue for the live view.
    pub live_size: usize,
}

impl Default for FilterConfiguration {
    fn default() -> Self {
        Self {
            captures: 2,
            netems: 2,
            firewalls: 2,
            store_size: 256 * 1024,
            live_size: 32 * 1024,
        }
    }
}

impl FilterConfiguration {
    /// What the configuration says: `Filters.Capture`, `Filters.Netem` and `Filters.Firewall`
    /// (0 to 8), `Capture.Buffer` and `Capture.Live` (bytes, with `K` or `M` behind for units of
    /// 1024 or 1024 times that; at least 4K). What it does not say, or does not say right, is as
    /// by default; the latter is logged.
    pub fn read(configuration: &dyn Configuration) -> Self {
        let usual = Self::default();
        let count = |kind: FilterKind, usual| {
            let count = |text: &str| text.parse().ok().filter(|&count| count <= MAXIMUM_COUNT);
            read(configuration, ("Filters", kind.name()), count).unwrap_or(usual)
        };
        let size = |key, usual| {
            let size = |text: &str| size(text).filter(|size| RING_SIZES.contains(size));
            read(configuration, ("Capture", key), size).unwrap_or(usual)
        };
        Self {
            captures: count(FilterKind::Capture, usual.captures),
            netems: count(FilterKind::Netem, usual.netems),
            firewalls: count(FilterKind::Firewall, usual.firewalls),
            store_size: size("Buffer", usual.store_size),
            live_size: size("Live", usual.live_size),
        }
    }

    /// How many filters of a kind there are.
    pub const fn count(&self, kind: FilterKind) -> usize {
        match kind {
            FilterKind::Capture => self.captures,
            FilterKind::Netem => self.netems,
            FilterKind::Firewall => self.firewalls,
        }
    }
}

fn read<T>(
    configuration: &dyn Configuration,
    (section, key): (&str, &str),
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = configuration.get(section, key)?;
    let value = parse(text);
    if value.is_none() {
        let text = text.escape_debug();
        log::error!(target: "filters", "{section}.{key}={text} is not possible: left out");
    }
    value
}

/// Bytes: a number, and `K` or `M` behind it.
fn size(text: &str) -> Option<usize> {
    let (digits, unit) = match text.as_bytes().last()?.to_ascii_uppercase() {
        b'K' => (text.get(..text.len() - 1)?, 1024),
        b'M' => (text.get(..text.len() - 1)?, 1024 * 1024),
        _ => (text, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}
