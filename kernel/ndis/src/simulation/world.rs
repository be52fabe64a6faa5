//! A machine with a card, three filters and two protocols, used again for script after script.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

use executive::simulation::Simulation;
use executive::{Duration, Executive, NtStatus};

use super::card::{self, Behaviour, Card, Driver, Event, LINE};
use super::endpoint::{self, Endpoint, Protocol};
use super::filter::{Filter, FilterDriver, Way};
use super::ledger::Ledger;
use super::lock;
use crate::{
    AdapterHandle, AdapterState, BusPlatform, Configuration, InterruptService, Limits,
    MiniportCharacteristics, Ndis, NdisStatus, PacketFilter, PacketPool, ProtocolCharacteristics,
    ProtocolHandle, Resources,
};

/// The ledgers of the protocols, by their numbers.
pub(super) type Ledgers = [Ledger; 2];

/// Rounds of completing everything after which nothing may be under way.
const ROUNDS_TO_REST: usize = 16;

/// No configuration.
struct Registry;

impl Configuration for Registry {
    fn get(&self, _section: &str, _key: &str) -> Option<&str> {
        None
    }
}

/// The interrupt line of the card.
#[derive(Default)]
struct Bus(Mutex<Option<&'static dyn InterruptService>>);

impl BusPlatform for Bus {
    fn connect_interrupt(
        &self,
        line: u8,
        _shared: bool,
        service: &'static dyn InterruptService,
    ) -> NtStatus {
        assert_eq!(line, LINE);
        *lock(&self.0) = Some(service);
        NtStatus::SUCCESS
    }

    fn disconnect_interrupt(&self, _line: u8, _service: &'static dyn InterruptService) {
        *lock(&self.0) = None;
    }

    fn begin_interrupt_probe(&self) {}

    fn end_interrupt_probe(&self) -> u16 {
        0
    }
}

/// Everything there is.
pub(super) struct World {
    pub(super) machine: Simulation,
    pub(super) ndis: &'static Ndis,
    pool: &'static PacketPool,
    bus: &'static Bus,
    pub(super) card: &'static Card,
    pub(super) adapter: AdapterHandle,
    pub(super) driver: FilterDriver,
    pub(super) filters: [&'static Filter; 3],
    pub(super) endpoints: [&'static Endpoint; 2],
    pub(super) protocols: [ProtocolHandle<Protocol>; 2],
    ledgers: &'static Ledgers,
}

impl World {
    /// Makes everything. In a thread of the machine.
    pub(super) fn new(machine: Simulation) -> Self {
        Self::build(machine).expect("there is room for everything")
    }

    fn build(machine: Simulation) -> Result<Self, NdisStatus> {
        let executive = machine.executive();
        let bus: &'static Bus = Box::leak(Box::default());
        let limits = Limits {
            send_queue_length: 8,
            ..Limits::default()
        };
        let ndis = Ndis::new(executive, &Registry, bus, limits);
        let ndis = ndis.map_err(|_| NdisStatus::RESOURCES)?;
        let pool = PacketPool::new(256, 256);
        let ledgers: &'static Ledgers = Box::leak(Box::default());
        let card: &'static Card = Box::leak(Box::new(Card {
            behaviour: Mutex::default(),
            has_failed: AtomicBool::new(false),
            ledgers,
        }));
        let length = MiniportCharacteristics::<Driver>::LENGTH_5;
        let miniport = ndis.register_miniport("card", &card::table(), length, card)?;
        let adapter = ndis.add_device(miniport, "card0", Resources::isa())?;
        let driver = FilterDriver::register(ndis, "filter", pool)?;
        let filters = [
            driver.add("filter1")?,
            driver.add("filter2")?,
            driver.add("filter3")?,
        ];
        let (first, first_protocol) = endpoint(ndis, pool, "first", 0, ledgers)?;
        let (second, second_protocol) = endpoint(ndis, pool, "second", 1, ledgers)?;
        Ok(Self {
            machine,
            ndis,
            pool,
            bus,
            card,
            adapter,
            driver,
            filters,
            endpoints: [first, second],
            protocols: [first_protocol, second_protocol],
            ledgers,
        })
    }

    pub(super) fn executive(&self) -> &'static Executive {
        self.machine.executive()
    }

    /// Starts the card, with both protocols bound and receiving.
    pub(super) fn start(&self) {
        self.ledgers.iter().for_each(Ledger::clear);
        *lock(&self.card.behaviour) = well_behaved();
        self.card.has_failed.store(false, Ordering::Relaxed);
        self.ndis.start_device(&self.adapter).expect("it starts");
        for endpoint in self.endpoints {
            endpoint.answer(0, 0);
            endpoint.set_filter(PacketFilter::DIRECTED);
        }
    }

    /// Has the card interrupt.
    pub(super) fn interrupt(&self) {
        let bus = self.bus;
        self.machine.interrupt_at(self.machine.now(), move || {
            let service = *lock(&bus.0);
            if let Some(service) = service {
                service.service();
            }
        });
        self.machine.advance(Duration::from_micros(1));
    }

    /// Brings everything to its end and checks that nothing was lost, doubled or reordered, and
    /// nothing is left.
    pub(super) fn finish(&self) {
        self.come_to_rest();
        for filter in self.filters {
            if filter.adapter().below().is_some() {
                filter.remove().expect("a filter at rest can be removed");
            }
        }
        self.come_to_rest();
        let lost = self.filters.iter().any(|filter| filter.take_dropped() != 0);
        for ledger in self.ledgers {
            if lost {
                ledger.excuse();
            }
            ledger.check();
        }
        self.check_filter();
        self.ndis.stop_device(&self.adapter).expect("it runs");
        assert_eq!(self.ndis.binding_reports().count(), 0, "bindings left open");
        for adapter in self.ndis.adapter_reports() {
            let name = adapter.name;
            assert_ne!(adapter.state, AdapterState::Running, "{name}");
            assert_eq!((adapter.bindings, adapter.queued_sends), (0, 0), "{name}");
            assert_eq!((adapter.above, adapter.covered_by), (None, None), "{name}");
        }
        let usage = self.pool.usage();
        assert_eq!(
            (usage.packets.used, usage.buffers.used),
            (0, 0),
            "packets leaked"
        );
    }

    /// The card's packet filter is the union over the bindings, if it has refused no setting.
    fn check_filter(&self) {
        let bindings = self.ndis.binding_reports();
        let union = bindings.fold(PacketFilter::empty(), |union, binding| {
            union | binding.packet_filter
        });
        let mut adapters = self.ndis.adapter_reports();
        let card = adapters.next().expect("there is the card");
        assert!(card.packet_filter.contains(union));
        if !self.card.has_failed.load(Ordering::Relaxed) {
            assert_eq!(card.packet_filter, union);
        }
    }

    /// Completes whatever can be completed until nothing is under way.
    fn come_to_rest(&self) {
        for _ in 0..ROUNDS_TO_REST {
            {
                let mut behaviour = lock(&self.card.behaviour);
                let frames = core::mem::take(&mut behaviour.frames);
                *behaviour = Behaviour {
                    frames,
                    newest_frame: behaviour.newest_frame,
                    ..well_behaved()
                };
                behaviour.events.extend([
                    Event::CompleteTransfers,
                    Event::CompleteRequest(NdisStatus::SUCCESS),
                    Event::CompleteReset(false),
                    Event::CompleteSends(usize::MAX),
                    Event::ResourcesAvailable,
                ]);
            }
            self.endpoints
                .iter()
                .for_each(|endpoint| endpoint.answer(0, 0));
            self.filters
                .iter()
                .for_each(|filter| filter.set_way(Way::Through));
            self.interrupt();
            self.executive().sleep(Duration::from_millis(10));
            if self.is_at_rest() {
                return;
            }
        }
        for ledger in self.ledgers {
            ledger.check();
        }
        panic!("something is under way for good");
    }

    fn is_at_rest(&self) -> bool {
        let is_idle = |adapter: AdapterHandle| !adapter.is_resetting();
        self.ledgers.iter().all(Ledger::is_quiet)
            && lock(&self.card.behaviour).frames.is_empty()
            && self.ndis.adapters().all(is_idle)
    }
}

fn well_behaved() -> Behaviour {
    Behaviour {
        lookahead: 64,
        budget: 1024,
        ..Behaviour::default()
    }
}

fn endpoint(
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    name: &'static str,
    number: u8,
    ledgers: &'static Ledgers,
) -> Result<(&'static Endpoint, ProtocolHandle<Protocol>), NdisStatus> {
    let ledger = ledgers.get(usize::from(number));
    let ledger = ledger.ok_or(NdisStatus::RESOURCES)?;
    let endpoint = Endpoint::new(ndis, pool, number, ledger);
    let endpoint: &'static Endpoint = Box::leak(Box::new(endpoint));
    let length = ProtocolCharacteristics::<Protocol>::LENGTH_5;
    let protocol = ndis.register_protocol(name, &endpoint::table(), length, endpoint)?;
    Ok((endpoint, protocol))
}
