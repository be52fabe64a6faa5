//! A simulated machine with fake miniports and protocols, which write what happens to them into
//! one log.

pub(crate) mod miniport;
pub(crate) mod protocol;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use executive::simulation::Simulation;
use executive::{Duration, Executive, NtStatus};
use ndis::counters::BindingCounters;
use ndis::{
    AdapterHandle, AdapterReport, BusPlatform, Configuration, InterruptService, Limits,
    MiniportCharacteristics, MiniportHandle, Ndis, NdisStatus, Packet, PacketPool,
    ProtocolCharacteristics, ProtocolHandle, Resources,
};

use miniport::{Card, Fake};
use protocol::{Observer, Seat};

/// Locks a mutex of the test; a test that failed with it locked has failed already.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn write(&self, event: impl Into<String>) {
        lock(&self.0).push(event.into());
    }

    /// What happened since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// What happened since the last call and contains `part`.
    pub(crate) fn take_with(&self, part: &str) -> Vec<String> {
        self.take()
            .into_iter()
            .filter(|event| event.contains(part))
            .collect()
    }
}

/// The configuration registry.
#[derive(Default)]
pub(crate) struct Registry(Mutex<HashMap<String, &'static str>>);

impl Registry {
    fn place(section: &str, key: &str) -> String {
        format!("{section}.{key}").to_ascii_lowercase()
    }

    pub(crate) fn set(&self, section: &str, key: &str, value: &str) {
        lock(&self.0).insert(Self::place(section, key), value.to_owned().leak());
    }
}

impl Configuration for Registry {
    fn get(&self, section: &str, key: &str) -> Option<&str> {
        lock(&self.0).get(&Self::place(section, key)).copied()
    }
}

/// A connected interrupt service: its line, whether it shares it, and its routine.
#[derive(Clone, Copy)]
struct Connection {
    line: u8,
    shared: bool,
    service: &'static dyn InterruptService,
}

/// The interrupt lines.
#[derive(Default)]
pub(crate) struct Bus {
    connections: Mutex<Vec<Connection>>,
    /// What the next probe finds.
    pub(crate) probed: Mutex<u16>,
}

impl Bus {
    pub(crate) fn lines(&self) -> Vec<u8> {
        lock(&self.connections)
            .iter()
            .map(|connection| connection.line)
            .collect()
    }

    /// Calls the line's service routines until one recognises the interrupt.
    pub(crate) fn service_line(&self, line: u8) -> bool {
        let connections = lock(&self.connections).clone();
        let mut of_line = connections
            .iter()
            .filter(|connection| connection.line == line);
        of_line.any(|connection| connection.service.service())
    }
}

impl BusPlatform for Bus {
    fn connect_interrupt(
        &self,
        line: u8,
        shared: bool,
        service: &'static dyn InterruptService,
    ) -> NtStatus {
        if line > 15 {
            return NtStatus::INVALID_PARAMETER;
        }
        let mut connections = lock(&self.connections);
        let taken = |other: &Connection| other.line == line && !(shared && other.shared);
        if connections.iter().any(taken) {
            return NtStatus::SHARING_VIOLATION;
        }
        connections.push(Connection {
            line,
            shared,
            service,
        });
        NtStatus::SUCCESS
    }

    fn disconnect_interrupt(&self, line: u8, service: &'static dyn InterruptService) {
        let is_it =
            |other: &Connection| other.line == line && std::ptr::addr_eq(other.service, service);
        lock(&self.connections).retain(|other| !is_it(other));
    }

    fn begin_interrupt_probe(&self) {}

    fn end_interrupt_probe(&self) -> u16 {
        *lock(&self.probed)
    }
}

/// Takes the locks of every adapter and binding: a bug check if a handler is called with one held.
pub(crate) fn take_every_lock(ndis: &Ndis) {
    assert!(ndis.adapter_reports().count() > 0);
    ndis.binding_reports().for_each(drop);
}

/// A machine with the wrapper.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) machine: Simulation,
    pub(crate) ndis: &'static Ndis,
    pub(crate) registry: &'static Registry,
    pub(crate) bus: &'static Bus,
    pub(crate) pool: &'static PacketPool,
    pub(crate) log: Log,
}

/// Runs `body` in a thread of a machine at Passive.
pub(crate) fn run(body: impl FnOnce(World) + Send + 'static) {
    run_with(
        0,
        Limits {
            send_queue_length: 8,
            ..Limits::default()
        },
        body,
    );
}

/// The same, with preemption by `seed` and with `limits`.
pub(crate) fn run_with(seed: u64, limits: Limits, body: impl FnOnce(World) + Send + 'static) {
    let machine = Simulation::new(seed);
    let registry: &'static Registry = Box::leak(Box::default());
    let bus: &'static Bus = Box::leak(Box::default());
    let pool = PacketPool::new(64, 64);
    machine.run(move || {
        let executive = machine.executive();
        executive
            .start_workers(1)
            .expect("there is room for workers");
        // Until the DPC thread has run for the first time, DPCs are not limited.
        executive.yield_now();
        let ndis = Ndis::new(executive, registry, bus, limits).expect("there is a timer");
        body(World {
            machine,
            ndis,
            registry,
            bus,
            pool,
            log: Log::default(),
        });
        let usage = pool.usage();
        assert_eq!(
            (usage.packets.used, usage.buffers.used),
            (0, 0),
            "packets leaked"
        );
    });
}

impl World {
    pub(crate) fn executive(&self) -> &'static Executive {
        self.machine.executive()
    }

    /// A new card that writes into the log under `name`.
    pub(crate) fn card(&self, name: &str) -> Arc<Card> {
        Card::new(name, self.log.clone(), self.ndis)
    }

    /// Registers a miniport with the whole version 3 table.
    pub(crate) fn register(&self, card: &Arc<Card>) -> MiniportHandle {
        self.register_table(card, &miniport::table())
    }

    pub(crate) fn register_table(
        &self,
        card: &Arc<Card>,
        table: &MiniportCharacteristics<Fake>,
    ) -> MiniportHandle {
        let length = MiniportCharacteristics::<Fake>::LENGTH_5;
        let registered = self
            .ndis
            .register_miniport("fake", table, length, card.clone());
        registered.expect("the table is good")
    }

    /// What registering a card with `length` bytes of `table` answers.
    pub(crate) fn register_status(
        &self,
        table: &MiniportCharacteristics<Fake>,
        length: usize,
    ) -> NdisStatus {
        let card = self.card("card");
        let registered = self.ndis.register_miniport("fake", table, length, card);
        registered.err().unwrap_or(NdisStatus::SUCCESS)
    }

    /// An adapter called `section` with the version 3 table, not started.
    pub(crate) fn add(&self, section: &'static str, card: &Arc<Card>) -> AdapterHandle {
        self.add_table(section, card, &miniport::table())
    }

    pub(crate) fn add_table(
        &self,
        section: &'static str,
        card: &Arc<Card>,
        table: &MiniportCharacteristics<Fake>,
    ) -> AdapterHandle {
        let miniport = self.register_table(card, table);
        let adapter = self.ndis.add_device(miniport, section, Resources::isa());
        adapter.expect("there is room for the adapter")
    }

    /// A started adapter called `section` with the version 3 table.
    pub(crate) fn start(&self, section: &'static str, card: &Arc<Card>) -> AdapterHandle {
        self.start_table(section, card, &miniport::table())
    }

    pub(crate) fn start_table(
        &self,
        section: &'static str,
        card: &Arc<Card>,
        table: &MiniportCharacteristics<Fake>,
    ) -> AdapterHandle {
        let adapter = self.add_table(section, card, table);
        self.ndis.start_device(&adapter).expect("the card starts");
        adapter
    }

    /// A registered protocol with the whole version 4 table.
    pub(crate) fn protocol(&self, name: &'static str) -> Arc<Observer> {
        let observer = Observer::new(name, self.log.clone(), self.pool);
        self.protocol_table(&observer, &protocol::table());
        observer
    }

    pub(crate) fn protocol_table(
        &self,
        observer: &Arc<Observer>,
        table: &ProtocolCharacteristics<protocol::Fake>,
    ) -> ProtocolHandle<protocol::Fake> {
        let length = ProtocolCharacteristics::<protocol::Fake>::LENGTH_5;
        let registered =
            self.ndis
                .register_protocol(observer.name, table, length, observer.clone());
        registered.expect("the table is good")
    }

    /// A protocol bound to one adapter that takes what is for it and broadcasts.
    pub(crate) fn bound(&self, name: &'static str) -> (Arc<Observer>, &'static Seat) {
        let observer = self.protocol(name);
        let seat = observer.seat();
        seat.set_filter(ndis::PacketFilter::DIRECTED | ndis::PacketFilter::BROADCAST);
        self.log.take();
        (observer, seat)
    }

    /// The first adapter as it is now.
    pub(crate) fn report(&self) -> AdapterReport {
        let first = self.ndis.adapter_reports().next();
        first.expect("there is an adapter")
    }

    /// Counters of the first binding.
    pub(crate) fn binding(&self) -> BindingCounters {
        let first = self.ndis.binding_reports().next();
        first.expect("there is a binding").counters
    }

    /// Who is bound to what, in order of the names.
    pub(crate) fn bindings(&self) -> Vec<(&'static str, &'static str)> {
        let reports = self.ndis.binding_reports();
        let mut pairs: Vec<_> = reports
            .map(|report| (report.protocol, report.adapter))
            .collect();
        pairs.sort_unstable();
        pairs
    }

    /// A packet with these bytes.
    pub(crate) fn packet(&self, bytes: &[u8]) -> Packet {
        let mut packet = self.pool.allocate(0).expect("the pool has packets");
        assert!(packet.append_slice(bytes));
        packet
    }

    /// Has an interrupt on `line`, and waits until everything it caused is done.
    pub(crate) fn interrupt(&self, line: u8) -> bool {
        let bus = self.bus;
        let recognized = Arc::new(Mutex::new(false));
        let answer = recognized.clone();
        self.machine.interrupt_at(self.machine.now(), move || {
            let is_recognized = bus.service_line(line);
            *lock(&answer) = is_recognized;
        });
        self.machine.advance(Duration::from_micros(1));
        *lock(&recognized)
    }

    pub(crate) fn sleep(&self, seconds: u64) {
        self.executive().sleep(Duration::from_secs(seconds));
    }
}

/// A started card, and a protocol bound to it.
pub(crate) fn bound(world: &World) -> (Arc<Card>, AdapterHandle, Arc<Observer>, &'static Seat) {
    bound_to(world, &miniport::table())
}

/// The same with a table of the card's own.
pub(crate) fn bound_to(
    world: &World,
    table: &MiniportCharacteristics<Fake>,
) -> (Arc<Card>, AdapterHandle, Arc<Observer>, &'static Seat) {
    let card = world.card("card");
    let adapter = world.start_table("card0", &card, table);
    let (observer, seat) = world.bound("tcpip");
    (card, adapter, observer, seat)
}

/// An Ethernet frame to `destination` with `length` bytes of payload.
pub(crate) fn frame_to(destination: [u8; 6], length: usize) -> Vec<u8> {
    let mut frame = destination.to_vec();
    frame.extend([2, 0, 0, 0, 0, 9, 8, 0]);
    frame.extend((0..length).map(|index| index as u8));
    frame
}

/// The same to a card of this test.
pub(crate) fn frame(length: usize) -> Vec<u8> {
    frame_to(miniport::ADDRESS, length)
}
