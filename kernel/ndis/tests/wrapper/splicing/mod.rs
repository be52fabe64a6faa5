//! Filters spliced into and out of live bindings (seed item 58).

mod operations;
mod order;
mod places;
mod refusals;
mod requests;

use std::sync::Arc;

use ndis::simulation::{Filter, FilterDriver};
use ndis::{AdapterHandle, PacketFilter};

use crate::support::miniport::Card;
use crate::support::protocol::{Observer, Seat};
use crate::support::{World, lock};

/// A started card, a protocol bound to it that gets every payload whole, and three filters.
struct Stacks {
    card: Arc<Card>,
    adapter: AdapterHandle,
    observer: Arc<Observer>,
    seat: &'static Seat,
    driver: FilterDriver,
    filters: [&'static Filter; 3],
}

const NAMES: [&str; 3] = ["filter1", "filter2", "filter3"];

impl Stacks {
    fn new(world: &World) -> Self {
        let driver = FilterDriver::register(world.ndis, "filter", world.pool);
        let driver = driver.expect("the tables are good");
        let filters = NAMES.map(|name| driver.add(name).expect("there is room"));
        let card = world.card("card");
        let adapter = world.start("card0", &card);
        let (observer, seat) = world.bound("tcpip");
        observer.script(|script| script.take = true);
        Self {
            card,
            adapter,
            observer,
            seat,
            driver,
            filters,
        }
    }

    fn insert(&self, filter: usize, below: AdapterHandle) {
        let inserted = self.driver.insert(self.filters[filter], &below);
        assert_eq!(inserted, Ok(()), "{}", NAMES[filter]);
    }

    /// Puts filters on top, one after the other.
    fn pile(&self, filters: impl IntoIterator<Item = usize>) {
        for filter in filters {
            self.insert(filter, self.adapter.top());
        }
    }

    /// The lengths of the frames that came to the card.
    fn sent(&self) -> Vec<usize> {
        lock(&self.card.sent)
            .iter()
            .map(|frame| frame.len() - 14)
            .collect()
    }

    /// The lengths of the payloads received.
    fn received(&self) -> Vec<usize> {
        let received = lock(&self.observer.received);
        received.iter().map(Vec::len).collect()
    }
}

/// The names of the adapters of a stack, from below.
fn stack(bottom: AdapterHandle) -> Vec<&'static str> {
    let next = |adapter: &AdapterHandle| adapter.covered_by();
    let adapters = std::iter::successors(Some(bottom), next);
    adapters.map(|adapter| adapter.name()).collect()
}

/// The packet filter that an adapter has.
fn filter_of(world: &World, adapter: AdapterHandle) -> PacketFilter {
    let mut reports = world.ndis.adapter_reports();
    let report = reports.find(|report| report.name == adapter.name());
    report.expect("every adapter is reported").packet_filter
}

/// The adapter that a protocol is bound to.
fn bound_to(world: &World, protocol: &str) -> Vec<&'static str> {
    let of_protocol = world
        .ndis
        .binding_reports()
        .filter(|binding| binding.protocol == protocol);
    of_protocol.map(|binding| binding.adapter).collect()
}
