//! A simulated machine with NDIS, the filters, a card and a protocol.

pub(crate) mod card;
pub(crate) mod protocol;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use executive::simulation::Simulation;
use executive::{Duration, Executive, NtStatus};
use filters::{FilterConfiguration, FilterKind, Filters};
use ndis::{AdapterHandle, BusPlatform, Configuration, InterruptService, Limits, Ndis, PacketPool};

use card::Card;
use protocol::Endpoint;

/// Locks a mutex of the test; a test that failed with it locked has failed already.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The configuration registry.
#[derive(Default)]
pub(crate) struct Registry(Mutex<HashMap<String, &'static str>>);

impl Registry {
    fn place(section: &str, key: &str) -> String {
        format!("{section}.{key}").to_ascii_lowercase()
    }

    pub(crate) fn set(&self, section: &str, key: &str, value: &'static str) {
        lock(&self.0).insert(Self::place(section, key), value);
    }
}

impl Configuration for Registry {
    fn get(&self, section: &str, key: &str) -> Option<&str> {
        lock(&self.0).get(&Self::place(section, key)).copied()
    }
}

/// One interrupt line, the card's.
#[derive(Default)]
pub(crate) struct Bus(Mutex<Option<&'static dyn InterruptService>>);

impl BusPlatform for Bus {
    fn connect_interrupt(
        &self,
        _: u8,
        _: bool,
        service: &'static dyn InterruptService,
    ) -> NtStatus {
        *lock(&self.0) = Some(service);
        NtStatus::SUCCESS
    }

    fn disconnect_interrupt(&self, _: u8, _: &'static dyn InterruptService) {
        *lock(&self.0) = None;
    }

    fn begin_interrupt_probe(&self) {}

    fn end_interrupt_probe(&self) -> u16 {
        0
    }
}

/// A machine: `card0` runs, `tcpip` is bound to it, the filters are there.
#[derive(Clone, Copy)]
pub(crate) struct World {
    pub(crate) machine: Simulation,
    pub(crate) ndis: &'static Ndis,
    bus: &'static Bus,
    pub(crate) pool: &'static PacketPool,
    pub(crate) filters: &'static Filters,
    pub(crate) card: &'static Card,
    pub(crate) adapter: AdapterHandle,
    pub(crate) tcpip: &'static Endpoint,
}

/// Runs `body` in a thread at Passive, with preemption by `seed`.
pub(crate) fn run(seed: u64, body: impl FnOnce(World) + Send + 'static) {
    run_with(seed, PacketPool::new(96, 96), |_| {}, body);
}

/// The same with a pool and a configuration.
pub(crate) fn run_with(
    seed: u64,
    pool: &'static PacketPool,
    configure: impl FnOnce(&Registry),
    body: impl FnOnce(World) + Send + 'static,
) {
    let machine = Simulation::with_limits(
        seed,
        &executive::Limits {
            dpcs: 64,
            quantum_ticks: 1,
            ..executive::Limits::default()
        },
    );
    let registry: &'static Registry = Box::leak(Box::default());
    configure(registry);
    machine.run(move || {
        let world = World::new(machine, registry, pool);
        body(world);
        world.settle();
        let usage = pool.usage();
        assert_eq!(
            (usage.packets.used, usage.buffers.used),
            (0, 0),
            "packets leaked"
        );
    });
}

impl World {
    fn new(machine: Simulation, registry: &'static Registry, pool: &'static PacketPool) -> Self {
        let executive = machine.executive();
        executive
            .start_workers(1)
            .expect("there is room for workers");
        // Until the DPC thread has run for the first time, DPCs are not limited.
        executive.yield_now();
        let bus: &'static Bus = Box::leak(Box::default());
        let ndis = Ndis::new(executive, registry, bus, Limits::default());
        let ndis = ndis.expect("there is a timer");
        let configuration = FilterConfiguration::read(registry);
        let filters = Filters::new(ndis, pool, &configuration).expect("there is room");
        filters.configure(registry);
        let tcpip = protocol::register(ndis, pool, "tcpip");
        let card = card::new();
        let adapter = card::start(ndis, card);
        filters.add_configured(registry, &adapter);
        Self {
            machine,
            ndis,
            bus,
            pool,
            filters,
            card,
            adapter,
            tcpip,
        }
    }

    pub(crate) fn executive(&self) -> &'static Executive {
        self.machine.executive()
    }

    /// Has the card interrupt `delay` from now.
    pub(crate) fn interrupt_after(&self, delay: Duration) {
        let bus = self.bus;
        let at = self.machine.now() + delay;
        self.machine.interrupt_at(at, move || {
            let service = *lock(&bus.0);
            if let Some(service) = service {
                service.service();
            }
        });
    }

    /// Has the card interrupt, and waits until everything that caused is done.
    pub(crate) fn interrupt(&self) {
        self.interrupt_after(Duration::ZERO);
        self.settle();
    }

    /// Lets time pass.
    pub(crate) fn settle(&self) {
        self.executive().sleep(Duration::from_millis(1));
    }

    /// Receives frames with these numbers.
    pub(crate) fn receive(&self, numbers: impl IntoIterator<Item = u32>) {
        lock(&self.card.ring).extend(numbers.into_iter().map(|number| card::frame(number, 200)));
        self.interrupt();
    }

    /// Adds a filter on top of the stack.
    pub(crate) fn add(&self, kind: FilterKind) -> &'static str {
        let added = self.filters.add(kind, &self.adapter.top());
        added.expect("there is one that is not in use")
    }

    /// Adds filters, from bottom to top.
    pub(crate) fn add_all(&self, kinds: &[FilterKind]) {
        for kind in kinds {
            self.add(*kind);
        }
    }

    /// The adapters of the stack, from the bottom.
    pub(crate) fn stack(&self) -> Vec<&'static str> {
        core::iter::successors(Some(self.adapter), AdapterHandle::covered_by)
            .map(|adapter| adapter.name())
            .collect()
    }
}
