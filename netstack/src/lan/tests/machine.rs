//! A simulated machine with the wrapper, a card that does what the test says,
//! and the edge under test.

use std::boxed::Box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use executive::simulation::Simulation;
use executive::{Duration, Irql, NtStatus, WorkItem};
use ndis::{
    AdapterHandle, BusPlatform, Configuration, InterruptService, Limits, MiniportCharacteristics,
    Ndis, PacketPool, Resources,
};

use super::card::{Card, Fake, Way, table};
use crate::lan::{Lan, LanConfiguration, LanEvent, register};

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Nothing;

impl Configuration for Nothing {
    fn get(&self, _: &str, _: &str) -> Option<&str> {
        None
    }
}

#[derive(Default)]
struct Bus(Mutex<Option<&'static dyn InterruptService>>);

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

/// What the work item saw: the events, and how often it ran.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) events: Vec<LanEvent>,
    pub(super) runs: usize,
}

pub(super) struct Machine {
    pub(super) simulation: Simulation,
    pub(super) ndis: &'static Ndis,
    pub(super) lan: &'static Lan,
    pub(super) card: Arc<Card>,
    pub(super) adapter: AdapterHandle,
    pub(super) pool: &'static PacketPool,
    pub(super) seen: Arc<Mutex<Seen>>,
    /// Whether the work item takes the events; else they stay.
    pub(super) takes: Arc<Mutex<bool>>,
    bus: &'static Bus,
}

/// Runs `body` in a thread of a machine with one card, which is started before
/// the protocol is registered. The edge holds `frames` frames.
pub(super) fn run(frames: usize, body: impl FnOnce(&Machine) + Send + 'static) {
    let simulation = Simulation::new(1);
    simulation.run(move || {
        let machine = Machine::new(simulation, frames);
        body(&machine);
        lock(&machine.seen).events.clear();
        machine.lan.events().for_each(drop);
        let usage = machine.pool.usage();
        assert_eq!((usage.packets.used, usage.buffers.used), (0, 0));
    });
}

impl Machine {
    fn new(simulation: Simulation, frames: usize) -> Self {
        let executive = simulation.executive();
        executive.start_workers(1).expect("workers");
        let bus: &'static Bus = Box::leak(Box::default());
        let ndis = Ndis::new(executive, &Nothing, bus, Limits::default()).expect("the wrapper");
        let pool = PacketPool::new(32, 32);
        let card = Card::new(pool);
        let length = MiniportCharacteristics::<Fake>::LENGTH_5;
        let miniport = ndis
            .register_miniport("fake", &table(), length, card.clone())
            .expect("a miniport");
        let adapter = ndis
            .add_device(miniport, "ne0", Resources::isa())
            .expect("an adapter");
        ndis.start_device(&adapter).expect("a started adapter");

        let seen: Arc<Mutex<Seen>> = Arc::default();
        let takes = Arc::new(Mutex::new(true));
        let lan: Arc<Mutex<Option<&'static Lan>>> = Arc::default();
        let work = {
            let (seen, takes, lan) = (seen.clone(), takes.clone(), lan.clone());
            let routine = move || {
                assert_eq!(executive.irql(), Irql::Passive);
                lock(&seen).runs += 1;
                let lan = *lock(&lan);
                if let Some(lan) = lan.filter(|_| *lock(&takes)) {
                    lock(&seen).events.extend(lan.events());
                }
            };
            WorkItem::new(executive, "lan", routine).expect("a work item")
        };
        let configuration = LanConfiguration {
            frames,
            bindings: 1,
            ..LanConfiguration::new(pool, Some(work))
        };
        let edge = register(ndis, configuration).expect("a protocol");
        *lock(&lan) = Some(edge);
        // The adapter was bound before the routine knew of the edge.
        work.queue();
        let machine = Self {
            simulation,
            ndis,
            lan: edge,
            card,
            adapter,
            pool,
            seen,
            takes,
            bus,
        };
        machine.settle();
        machine
    }

    pub(super) fn stop(&self) {
        self.ndis.stop_device(&self.adapter).expect("stopped");
    }

    pub(super) fn start(&self) {
        self.ndis.start_device(&self.adapter).expect("started");
        self.settle();
    }

    /// Lets everything run that can.
    pub(super) fn settle(&self) {
        let executive = self.simulation.executive();
        executive.sleep(Duration::from_millis(1));
    }

    /// Puts frames into the card and has it interrupt.
    pub(super) fn receive(&self, way: Way, frames: &[&[u8]]) {
        *lock(&self.card.way) = way;
        lock(&self.card.ring).extend(frames.iter().map(|frame| frame.to_vec()));
        self.interrupt();
    }

    pub(super) fn interrupt(&self) {
        let bus = self.bus;
        self.simulation
            .interrupt_at(self.simulation.now(), move || {
                let service = *lock(&bus.0);
                assert!(service.is_some_and(InterruptService::service));
            });
        self.settle();
    }

    /// What the work item took since the last call.
    pub(super) fn events(&self) -> Vec<LanEvent> {
        core::mem::take(&mut lock(&self.seen).events)
    }

    /// The bytes of the frames it took.
    pub(super) fn frames(&self) -> Vec<Vec<u8>> {
        self.events()
            .into_iter()
            .map(|event| match event {
                LanEvent::Frame { packet, .. } => packet.data().to_vec(),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}
