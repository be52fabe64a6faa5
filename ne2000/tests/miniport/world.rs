//! A simulated machine with NDIS, modelled cards on its bus, and a protocol
//! that writes down what it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use executive::simulation::Simulation;
use executive::{Duration, Irql, NtStatus};
use ndis::{
    AdapterHandle, BindingHandle, BusPlatform, Configuration, InterruptService, Limits, Medium,
    Ndis, NdisStatus, Oid, PacketFilter, PacketPool, ProtocolCharacteristics, ProtocolDriver,
    ProtocolHandle, ReceiveContext, Resources, Transfer,
};
use ne2000::model::CardModel;
use ne2000::{BusOpener, characteristics};

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
    let model = CardModel::new(ne2000::model::Configuration::QEMU);
    model.set_faults(ne2000::model::Faults {
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

    /// Has all these frames arrive before the deferred half gets to run.
    pub(crate) fn burst(&self, model: &CardModel, frames: &[Vec<u8>]) {
        let raised = self.machine.executive().raise_irql(Irql::Dispatch);
        for frame in frames {
            model.inject(frame);
        }
        drop(raised);
    }

    /// Sends a frame that is in two segments.
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

/// What the protocol was told.
#[derive(Default)]
pub(crate) struct Observer {
    pub(crate) frames: Mutex<Vec<Vec<u8>>>,
    pub(crate) statuses: Mutex<Vec<NdisStatus>>,
    pub(crate) batches: Mutex<usize>,
    /// Transfers that failed.
    pub(crate) refused: Mutex<usize>,
    pub(crate) sent: Mutex<Vec<NdisStatus>>,
    pub(crate) resets: Mutex<Vec<NdisStatus>>,
    bindings: Mutex<Vec<BindingHandle>>,
}

impl Observer {
    pub(crate) fn binding(&self) -> BindingHandle {
        *lock(&self.bindings).last().expect("the protocol is bound")
    }

    pub(crate) fn bindings(&self) -> Vec<BindingHandle> {
        lock(&self.bindings).clone()
    }

    pub(crate) fn take_frames(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *lock(&self.frames))
    }
}

/// The protocol.
pub(crate) struct Watcher;

/// One of its bindings.
pub(crate) struct Seat {
    observer: Arc<Observer>,
    pool: &'static PacketPool,
    ndis: &'static Ndis,
}

impl ProtocolDriver for Watcher {
    type Protocol = (Arc<Observer>, &'static PacketPool);
    type Binding = Seat;
}

fn table() -> ProtocolCharacteristics<Watcher> {
    ProtocolCharacteristics {
        bind_adapter: Some(bind_adapter),
        unbind_adapter: Some(|seat| {
            let handle = seat.observer.binding();
            let _ = seat.ndis.close_adapter(&handle);
        }),
        close_adapter_complete: Some(|_, _| {}),
        send_complete: Some(|seat, completion| lock(&seat.observer.sent).push(completion.status)),
        transfer_data_complete: Some(|_, _, _| {}),
        reset_complete: Some(|seat, status| lock(&seat.observer.resets).push(status)),
        request_complete: Some(|_, _, _| {}),
        receive: Some(receive),
        receive_complete: Some(|seat| *lock(&seat.observer.batches) += 1),
        status: Some(|seat, status| lock(&seat.observer.statuses).push(status)),
        status_complete: Some(|_| {}),
        ..ProtocolCharacteristics::new(4, 0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the handler's type")]
fn bind_adapter(
    (observer, pool): &(Arc<Observer>, &'static PacketPool),
    protocol: &ProtocolHandle<Watcher>,
    adapter: &AdapterHandle,
) -> NdisStatus {
    let ndis = protocol.ndis();
    let seat: &'static Seat = Box::leak(Box::new(Seat {
        observer: Arc::clone(observer),
        pool,
        ndis,
    }));
    match ndis.open_adapter(protocol, adapter, &[Medium::Ieee802_3], seat) {
        Ok(handle) => {
            lock(&observer.bindings).push(handle);
            NdisStatus::SUCCESS
        }
        Err(status) => status,
    }
}

/// Takes the whole frame: header, and the payload by transfer (seed item 20).
fn receive(
    seat: &Seat,
    context: &mut ReceiveContext<'_>,
    header: &[u8],
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let mut packet = seat.pool.allocate(0).expect("a packet");
    assert!(packet.append_slice(header));
    if lookahead.len() == payload_size {
        assert!(packet.append_slice(lookahead));
    } else {
        match context.transfer_data(0, packet, payload_size) {
            Transfer::Complete {
                packet: filled,
                result: Ok(length),
            } => {
                assert_eq!(length, payload_size);
                packet = filled;
            }
            Transfer::Complete { .. } => {
                *lock(&seat.observer.refused) += 1;
                return NdisStatus::NOT_COPIED;
            }
            Transfer::Pending => panic!("the driver's transfers never pend"),
        }
    }
    assert_eq!(packet.data()[14..][..lookahead.len()], *lookahead);
    lock(&seat.observer.frames).push(packet.data().to_vec());
    NdisStatus::SUCCESS
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
