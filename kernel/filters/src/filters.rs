//! All filters there are: adding them to stacks, taking them out, reaching their handlers.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use ndis::{AdapterHandle, Configuration, Ndis, NdisStatus, PacketPool};

use crate::capture::Capture;
use crate::configuration::FilterConfiguration;
use crate::expression::Expression;
use crate::firewall::Firewall;
use crate::intermediate::{Driver, EdgeCounters, FilterDriver};
use crate::netem::Netem;
use crate::text::words;

/// What a filter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterKind {
    /// Keeps and shows packets.
    Capture,
    /// Makes the network worse.
    Netem,
    /// Keeps packets out.
    Firewall,
}

impl FilterKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Capture, Self::Netem, Self::Firewall];

    /// The name, which is that of the driver too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Netem => "netem",
            Self::Firewall => "firewall",
        }
    }
}

impl fmt::Display for FilterKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for FilterKind {
    type Err = FilterError;

    fn from_str(name: &str) -> Result<Self, FilterError> {
        let is_it = |kind: &Self| kind.name().eq_ignore_ascii_case(name);
        let kind = Self::ALL.into_iter().find(is_it);
        kind.ok_or(FilterError::UnknownKind)
    }
}

/// Why something could not be done with a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// There is no such kind of filter.
    UnknownKind,
    /// There is no filter of that name, or it is of another kind.
    NotFound,
    /// Every filter of the kind is in use.
    AllInUse(FilterKind),
    /// The filter stands on no adapter.
    NotInUse,
    /// What NDIS says.
    Ndis(NdisStatus),
}

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind => formatter.write_str("no such kind of filter"),
            Self::NotFound => formatter.write_str("no such filter"),
            Self::AllInUse(kind) => write!(formatter, "every {kind} filter is in use"),
            Self::NotInUse => formatter.write_str("the filter is not in use"),
            Self::Ndis(status) => write!(formatter, "{status}"),
        }
    }
}

/// A filter as it is now.
#[derive(Clone, Copy, Debug)]
pub struct FilterReport {
    /// What it does.
    pub kind: FilterKind,
    /// Its name, which is that of its virtual adapter.
    pub name: &'static str,
    /// The adapter it stands on; `None` when it is not in use.
    pub below: Option<&'static str>,
    /// Whether that adapter runs, and so does the filter.
    pub is_running: bool,
    /// What its edges counted.
    pub counters: EdgeCounters,
}

/// Every filter of the machine.
pub struct Filters {
    capture: &'static Driver<Capture>,
    netem: &'static Driver<Netem>,
    firewall: &'static Driver<Firewall>,
}

impl Filters {
    /// Registers the three drivers and adds the virtual adapters: `capture1`, `capture2` ..,
    /// `netem1` .., `firewall1` .. . Passive, at start: it allocates.
    ///
    /// # Errors
    /// RESOURCES, when a table of the wrapper or the executive is full, and what else the wrapper
    /// says.
    pub fn new(
        ndis: &'static Ndis,
        pool: &'static PacketPool,
        configuration: &FilterConfiguration,
    ) -> Result<&'static Self, NdisStatus> {
        let FilterConfiguration {
            store_size,
            live_size,
            ..
        } = *configuration;
        let names = |kind| names(kind, configuration.count(kind));
        let (capture, netem, firewall) =
            (FilterKind::Capture, FilterKind::Netem, FilterKind::Firewall);
        let filters = Self {
            capture: Driver::new(ndis, pool, capture.name(), &names(capture), || {
                Capture::new(store_size, live_size)
            })?,
            netem: Driver::new(ndis, pool, netem.name(), &names(netem), Netem::new)?,
            firewall: Driver::new(ndis, pool, firewall.name(), &names(firewall), Firewall::new)?,
        };
        Ok(Box::leak(Box::new(filters)))
    }

    fn driver(&self, kind: FilterKind) -> &'static dyn FilterDriver {
        match kind {
            FilterKind::Capture => self.capture,
            FilterKind::Netem => self.netem,
            FilterKind::Firewall => self.firewall,
        }
    }

    /// Takes the settings of every filter from the configuration: the keys `Filter` of
    /// `Capture1` .., `Settings` of `Netem1` .. and `Rules` of `Firewall1` .. . What cannot be
    /// taken is logged.
    pub fn configure(&self, configuration: &dyn Configuration) {
        for filter in self.list() {
            let key = match filter.kind {
                FilterKind::Capture => "Filter",
                FilterKind::Netem => "Settings",
                FilterKind::Firewall => "Rules",
            };
            let name = filter.name;
            if let Some(text) = configuration.get(name, key)
                && let Err(why) = self.set(filter, text)
            {
                log::error!(target: "filters", "{name}.{key} left out: {why}");
            }
        }
    }

    /// Has one filter read its settings. What is wrong with them becomes text: at start only.
    fn set(&self, filter: FilterReport, text: &str) -> Result<(), alloc::string::String> {
        let name = filter.name;
        let set = match filter.kind {
            FilterKind::Capture => match Expression::parse(text) {
                Ok(expression) => self.with_capture(name, |capture| {
                    capture.set_filter(expression);
                    Ok(())
                }),
                Err(why) => return Err(format!("{why}")),
            },
            FilterKind::Netem => self.with_netem(name, |netem| {
                netem.set(text).map_err(|why| format!("{why}"))
            }),
            FilterKind::Firewall => self.with_firewall(name, |firewall| {
                firewall.load(text).map_err(|why| format!("{why}"))
            }),
        };
        set.unwrap_or_else(|why| Err(format!("{why}")))
    }

    /// Adds the filters that the configuration lists for an adapter that has been started: the
    /// key `Filters` of its name, kinds separated by commas, from bottom to top. What cannot be
    /// added is logged. Passive.
    pub fn add_configured(&self, configuration: &dyn Configuration, adapter: &AdapterHandle) {
        let Some(list) = configuration.get(adapter.name(), "Filters") else {
            return;
        };
        for word in words(list) {
            let added = word.parse().and_then(|kind| self.add(kind, &adapter.top()));
            if let Err(why) = added {
                let (name, word) = (adapter.name(), word.escape_debug());
                log::error!(target: "filters", "{name}: {word} not added: {why}");
            }
        }
    }

    /// Puts a filter that is not in use directly above `adapter`; returns its name. The traffic
    /// of the adapter goes on without a loss. Passive; allocates nothing.
    ///
    /// # Errors
    /// [`FilterError::AllInUse`], or what the wrapper says.
    pub fn add(
        &self,
        kind: FilterKind,
        adapter: &AdapterHandle,
    ) -> Result<&'static str, FilterError> {
        match self.driver(kind).insert(*adapter) {
            None => Err(FilterError::AllInUse(kind)),
            Some(inserted) => inserted.map_err(FilterError::Ndis),
        }
    }

    /// Takes a filter out; it passes on what it holds first. The traffic goes on without a loss.
    /// Passive; allocates nothing.
    ///
    /// # Errors
    /// [`FilterError::NotFound`], [`FilterError::NotInUse`], or what the wrapper says.
    pub fn remove(&self, name: &str) -> Result<(), FilterError> {
        let remove = |kind| self.driver(kind).remove(name);
        match FilterKind::ALL.into_iter().find_map(remove) {
            None => Err(FilterError::NotFound),
            Some(Err(NdisStatus::ADAPTER_NOT_OPEN)) => Err(FilterError::NotInUse),
            Some(removed) => removed.map_err(FilterError::Ndis),
        }
    }

    /// Every filter as it is now, in use or not. At or below Dispatch.
    pub fn list(&self) -> impl Iterator<Item = FilterReport> {
        FilterKind::ALL.into_iter().flat_map(|kind| {
            let driver = self.driver(kind);
            (0..).map_while(move |index| {
                let report = driver.report(index)?;
                Some(FilterReport {
                    kind,
                    name: report.name,
                    below: report.below,
                    is_running: report.is_running,
                    counters: report.counters,
                })
            })
        })
    }

    /// Names and tells what a filter's handler counts, with no lock held. Below Dispatch.
    ///
    /// # Errors
    /// [`FilterError::NotFound`].
    pub fn counters(
        &self,
        name: &str,
        each: &mut dyn FnMut(&'static str, u64),
    ) -> Result<(), FilterError> {
        let visit = |kind| self.driver(kind).visit_counters(name, each);
        FilterKind::ALL
            .into_iter()
            .find_map(visit)
            .ok_or(FilterError::NotFound)
    }

    /// Looks at a capture or changes it, at Dispatch and under its lock: for a short time, and
    /// without calling anything of the network. Called below Dispatch.
    ///
    /// # Errors
    /// [`FilterError::NotFound`].
    pub fn with_capture<R>(
        &self,
        name: &str,
        look: impl FnOnce(&mut Capture) -> R,
    ) -> Result<R, FilterError> {
        let looked = self.capture.with_handler(name, look);
        looked.ok_or(FilterError::NotFound)
    }

    /// The same with a netem.
    ///
    /// # Errors
    /// [`FilterError::NotFound`].
    pub fn with_netem<R>(
        &self,
        name: &str,
        look: impl FnOnce(&mut Netem) -> R,
    ) -> Result<R, FilterError> {
        let looked = self.netem.with_handler(name, look);
        looked.ok_or(FilterError::NotFound)
    }

    /// The same with a firewall.
    ///
    /// # Errors
    /// [`FilterError::NotFound`].
    pub fn with_firewall<R>(
        &self,
        name: &str,
        look: impl FnOnce(&mut Firewall) -> R,
    ) -> Result<R, FilterError> {
        let looked = self.firewall.with_handler(name, look);
        looked.ok_or(FilterError::NotFound)
    }
}

/// The names of so many filters of a kind. They are kept for good.
fn names(kind: FilterKind, count: usize) -> Vec<&'static str> {
    (1..=count)
        .map(|number| &*format!("{kind}{number}").leak())
        .collect()
}
