//! A simulated machine with NDIS, modelled cards on its bus, and a protocol
//! that writes down what it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use executive::simulation::Simulation;
use executive::{Duration, Irql, NtStatus};
use ndis::{
    AdapterHandle, BindingHandle, BusPlatform, Configuration, InterruptService, Limits, Ndis,
    NdisStatus, Oid, PacketFilter, PacketPool, ProtocolCharacteristics, Resources,
};
use ne2000::model::{self, CardModel};
use ne2000::{BusOpener, characteristics};

use crate::watcher::{Observer, Watcher, table};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The registry: `Section.Key` in lower case.
#[derive(Default)]
struct Registry(HashMap<String, &'static str>);

impl Configuration for Registry {
    fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.0
            .get(&format!("{section}.{key}").to_ascii_lowercase())
            .copied()
    }
}

/// The interrupt lines: services connected, and what a probe has seen.
#[derive(Default)]
pub(crate) struct Bus {
    connections: Mutex<Vec<(u8, &'static dyn InterruptService)>>,
    fired: Mutex<u16>,
    /// Lines that other devices raise during each probe.
    pub(crate) noise: Mutex<Vec<u16>>,
}

impl Bus {
    fn fire(&self, line: u8) {
        *lock(&self.fired) |= 1 << line;
        let connections = lock(&self.connections).clone();
        for (_, service) in connections.iter().filter(|(other, _)| *other == line) {
            if service.service() {
                return;
            }
        }
    }

    pub(crate) fn lines(&self) -> Vec<u8> {
        lock(&self.connections)
            .iter()
            .map(|(line, _)| *line)
            .collect()
    }
}

impl BusPlatform for Bus {
    fn connect_interrupt(
        &self,
        line: u8,
        shared: bool,
        service: &'static dyn InterruptService,
    ) -> NtStatus {
        assert!(shared, "the driver knows its interrupts, so it shares");
        lock(&self.connections).push((line, service));
        NtStatus::SUCCESS
    }

    fn disconnect_interrupt(&self, line: u8, service: &'static dyn InterruptService) {
        lock(&self.connections)
            .retain(|(other, known)| *other != line || !std::ptr::addr_eq(*known, service));
    }

    fn begin_interrupt_probe(&self) {
        *lock(&self.fired) = 0;
    }

    fn end_interrupt_probe(&self) -> u16 {
        *lock(&self.fired) | lock(&self.noise).pop().unwrap_or(0)
    }
}

/// A card on the bus.
pub(crate) struct Slot {
    pub(crate) port: u16,
    pub(crate) line: u8,
    pub(crate) model: CardModel,
}

pub(crate) struct World {
    pub(crate) machine: Simulation,
    pub(crate) ndis: &'static Ndis,
    pub(crate) bus: &'static Bus,
    pub(crate) pool: &'static PacketPool,
    pub(crate) opener: Option<BusOpener<CardModel>>,
    pub(crate) observer: Arc<Observer>,
}

/// Runs `body` at passive level on a machine with these cards and configuration
/// words (`Section.Key=value`).
pub(crate) fn run(
    slots: Vec<Slot>,
    words: &[&'static str],
    body: impl FnOnce(World) + Send + 'static,
) {
    let words = words.iter().filter_map(|word| word.split_once('='));
    let registry = Registry(
        words
            .map(|(key, value)| (key.to_ascii_lowercase(), value))
            .collect(),
    );
    let registry: &'static Registry = Box::leak(Box::new(registry));
    let bus: &'static Bus = Box::leak(Box::default());
    let pool = PacketPool::new(256, 256);
    let machine = Simulation::new(0);
    for slot in &slots {
        let line = slot.line;
        slot.model.set_interrupt_hook(move |up| {
            if up {
                machine.interrupt_at(machine.now(), move || bus.fire(line));
            }
        });
    }
    machine.run(move || {
        let executive = machine.executive();
        executive.start_workers(1).expect("room for workers");
        let ndis = Ndis::new(executive, registry, bus, Limits::default()).expect("a wrapper");
        let opener = BusOpener::new(move |_, port| {
            let slot = slots.iter().find(|slot| slot.port == port);
            // Nothing answers at the other ports.
            Some(slot.map_or_else(nothing, |slot| slot.model.clone()))
        });
        body(World {
            machine,
            ndis,
            bus,
            pool,
            opener: Some(opener),
            observer: Arc::default(),
        });
        let usage = pool.usage();
        assert_eq!(
            (usage.packets.used, usage.buffers.used),
            (0, 0),
            "packets leaked"
        );
    });
}

fn nothing() -> CardModel {
    let model = CardModel::new(model::Configuration::QEMU);
    model.set_faults(model::Faults {
        absent: true,
        ..Default::default()
    });
    model
}

impl World {
    /// Registers the driver and starts adapters of it with these sections and
    /// resources; what each start answered.
    pub(crate) fn start_all(
        &mut self,
        devices: &[(&'static str, Resources)],
    ) -> Vec<Result<AdapterHandle, NdisStatus>> {
        let (table, length) = characteristics::<CardModel>();
        let opener = self.opener.take().expect("the driver is registered once");
        let miniport = self
            .ndis
            .register_miniport("ne2000", &table, length, opener)
            .expect("the table is good");
        devices
            .iter()
            .map(|(section, resources)| {
                let adapter = self.ndis.add_device(miniport, section, *resources)?;
                self.ndis.start_device(&adapter).map(|()| adapter)
            })
            .collect()
    }

    /// One ISA adapter in section `Ne2000`.
    pub(crate) fn start(&mut self) -> AdapterHandle {
        let [started] = <[_; 1]>::try_from(self.start_all(&[("Ne2000", Resources::isa())]))
            .expect("one adapter");
        started.expect("the adapter starts")
    }

    /// Registers the protocol, which binds to every adapter, and sets its filter.
    pub(crate) fn bind(&self) -> BindingHandle {
        let length = ProtocolCharacteristics::<Watcher>::LENGTH_5;
        let context = (Arc::clone(&self.observer), self.pool);
        self.ndis
            .register_protocol("watcher", &table(), length, context)
            .expect("the table is good");
        let binding = self.observer.binding();
        self.set_filter(&binding, PacketFilter::DIRECTED | PacketFilter::BROADCAST);
        binding
    }

    pub(crate) fn set_filter(&self, binding: &BindingHandle, filter: PacketFilter) {
        self.ndis
            .set_information(
                binding,
                Oid::GEN_CURRENT_PACKET_FILTER,
                &filter.bits().to_le_bytes(),
            )
            .expect("the card takes the filter");
    }

    /// Lets time pass.
    pub(crate) fn sleep(&self, milliseconds: u64) {
        self.machine
            .executive()
            .sleep(Duration::from_millis(milliseconds));
    }

    /// Has a frame arrive that goes to the protocol, and nothing else.
    pub(crate) fn receives(&self, model: &CardModel, frame: &[u8]) {
        model.inject(frame);
        self.sleep(1);
        assert_eq!(self.observer.take_frames(), [frame]);
    }

    /// Has all these frames arrive before the deferred half gets to run.
    pub(crate) fn burst(&self, model: &CardModel, frames: &[Vec<u8>]) {
        let raised = self.machine.executive().raise_irql(Irql::Dispatch);
        for frame in frames {
            model.inject(frame);
        }
        drop(raised);
    }

    /// Sends a frame, which is in two segments if a third of it is more than the headroom.
    pub(crate) fn send(&self, binding: &BindingHandle, frame: &[u8]) -> NdisStatus {
        let (front, back) = frame.split_at(frame.len() / 3);
        let mut packet = self
            .pool
            .allocate(ndis::packet::HEADROOM)
            .expect("a packet");
        assert!(packet.append_slice(back));
        packet
            .prepend(front.len())
            .expect("room in front")
            .copy_from_slice(front);
        self.ndis.send(binding, packet)
    }

    pub(crate) fn query(&self, adapter: AdapterHandle, oid: Oid) -> Result<Vec<u8>, NdisStatus> {
        let mut buffer = [0; 256];
        let length = self.ndis.query_adapter(&adapter, oid, &mut buffer)?;
        Ok(buffer[..length].to_vec())
    }

    pub(crate) fn query_number(&self, adapter: AdapterHandle, oid: Oid) -> u32 {
        let bytes = self.query(adapter, oid).expect("an answer");
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    }
}

/// One card, at 0x300 and on line 9.
pub(crate) fn with_card(
    configuration: model::Configuration,
    body: impl FnOnce(World, CardModel) + Send + 'static,
) {
    let model = CardModel::new(configuration);
    let slot = Slot {
        port: 0x300,
        line: 9,
        model: model.clone(),
    };
    run(vec![slot], &["Ne2000.Irq=9"], move |world| {
        body(world, model);
    });
}

/// A frame to `destination`, its payload made from `seed`.
pub(crate) fn frame(destination: [u8; 6], length: usize, seed: u32) -> Vec<u8> {
    let mut frame = destination.to_vec();
    frame.extend([0x02, 0, 0, 0, 0, 1, 0x08, 0x00]);
    let mut state = seed.wrapping_mul(2) | 1;
    while frame.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        frame.push((state >> 24) as u8);
    }
    frame
}
