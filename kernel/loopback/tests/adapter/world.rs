//! A simulated machine with a loopback adapter, and protocols that write down what they are told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use executive::simulation::Simulation;
use executive::{Duration, Executive, Instant, Irql, NtStatus};
use ndis::{
    AdapterHandle, BindingHandle, BusPlatform, Configuration, InterruptService, Limits, Medium,
    Ndis, NdisStatus, Oid, Packet, PacketFilter, PacketFlags, PacketPool, ProtocolCharacteristics,
    ProtocolDriver, ProtocolHandle, ReceiveContext, Resources, Transfer,
};

/// Frames that the wrapper keeps for the adapter.
pub(crate) const SEND_QUEUE_LENGTH: usize = 100;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct NoConfiguration;

impl Configuration for NoConfiguration {
    fn get(&self, _: &str, _: &str) -> Option<&str> {
        None
    }
}

/// A machine without an interrupt line.
struct NoBus;

impl BusPlatform for NoBus {
    fn connect_interrupt(&self, _: u8, _: bool, _: &'static dyn InterruptService) -> NtStatus {
        panic!("the adapter has no hardware");
    }

    fn disconnect_interrupt(&self, _: u8, _: &'static dyn InterruptService) {
        panic!("the adapter has no hardware");
    }

    fn begin_interrupt_probe(&self) {}

    fn end_interrupt_probe(&self) -> u16 {
        0
    }
}

/// A protocol with its binding.
#[derive(Clone)]
pub(crate) struct Peer(Arc<State>);

struct State {
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    media: Vec<Medium>,
    handle: Mutex<Option<BindingHandle>>,
    received: Mutex<Vec<Vec<u8>>>,
    completed: Mutex<Vec<NdisStatus>>,
    batches: AtomicUsize,
    /// How often Receive sends the frame on.
    replies: AtomicUsize,
    /// Calls of Receive that run, and the most that ever ran.
    depth: AtomicUsize,
    greatest_depth: AtomicUsize,
}

pub(crate) struct Driver;

impl ProtocolDriver for Driver {
    type Protocol = Peer;
    type Binding = Peer;
}

impl Peer {
    /// Registers the protocol `name`. Version 4 gets packets, version 3 gets lookaheads; it opens
    /// the adapter if that has one of the `media`, and asks for nothing yet.
    pub(crate) fn register(
        world: &World,
        name: &'static str,
        version: u8,
        media: &[Medium],
    ) -> (Self, Result<(), NdisStatus>) {
        let peer = Self(Arc::new(State {
            ndis: world.ndis,
            pool: world.pool,
            media: media.to_vec(),
            handle: Mutex::default(),
            received: Mutex::default(),
            completed: Mutex::default(),
            batches: AtomicUsize::new(0),
            replies: AtomicUsize::new(0),
            depth: AtomicUsize::new(0),
            greatest_depth: AtomicUsize::new(0),
        }));
        let table = ProtocolCharacteristics {
            send_complete: Some(|peer: &Self, completion| {
                lock(&peer.0.completed).push(completion.status);
            }),
            receive: Some(receive),
            receive_complete: Some(|peer: &Self| {
                peer.0.batches.fetch_add(1, Ordering::Relaxed);
            }),
            receive_packet: Some(receive_packet),
            unbind_adapter: Some(|peer: &Self| {
                if let Some(handle) = lock(&peer.0.handle).take() {
                    let _ = peer.0.ndis.close_adapter(&handle);
                }
            }),
            ..ProtocolCharacteristics::<Driver>::new(version, 0)
        };
        let length = ProtocolCharacteristics::<Driver>::LENGTH_5;
        let protocol = world
            .ndis
            .register_protocol(name, &table, length, peer.clone())
            .expect("a protocol");
        let opened = peer.open(protocol, world.adapter);
        (peer, opened)
    }

    fn open(
        &self,
        protocol: ProtocolHandle<Driver>,
        adapter: AdapterHandle,
    ) -> Result<(), NdisStatus> {
        let binding: &'static Self = Box::leak(Box::new(self.clone()));
        let ndis = self.0.ndis;
        let handle = ndis.open_adapter(&protocol, &adapter, &self.0.media, binding)?;
        *lock(&self.0.handle) = Some(handle);
        Ok(())
    }

    pub(crate) fn handle(&self) -> BindingHandle {
        lock(&self.0.handle).expect("the binding is open")
    }

    pub(crate) fn set_filter(&self, filter: PacketFilter) {
        let bits = filter.bits().to_le_bytes();
        let oid = Oid::GEN_CURRENT_PACKET_FILTER;
        let set = self.0.ndis.set_information(&self.handle(), oid, &bits);
        assert_eq!(set, Ok(()));
    }

    pub(crate) fn send(&self, frame: &[u8]) -> NdisStatus {
        let packet = self.packet(frame);
        self.0.ndis.send(&self.handle(), packet)
    }

    pub(crate) fn packet(&self, frame: &[u8]) -> Packet {
        let mut packet = self.0.pool.allocate(0).expect("a packet");
        assert!(packet.append_slice(frame));
        packet
    }

    /// Has Receive send so many of the frames that it is given.
    pub(crate) fn reply(&self, times: usize) {
        self.0.replies.store(times, Ordering::Relaxed);
    }

    /// Takes the frames that were received.
    pub(crate) fn received(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut lock(&self.0.received))
    }

    /// Takes the statuses of the sends that were pending.
    pub(crate) fn completed(&self) -> Vec<NdisStatus> {
        std::mem::take(&mut lock(&self.0.completed))
    }

    pub(crate) fn batches(&self) -> usize {
        self.0.batches.load(Ordering::Relaxed)
    }

    pub(crate) fn greatest_depth(&self) -> usize {
        self.0.greatest_depth.load(Ordering::Relaxed)
    }

    fn take(&self, frame: Vec<u8>) -> NdisStatus {
        assert_eq!(self.0.ndis.executive().irql(), Irql::Dispatch);
        let depth = self.0.depth.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.greatest_depth.fetch_max(depth, Ordering::Relaxed);
        let again = self
            .0
            .replies
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        if again.is_ok() {
            let status = self.send(&frame);
            assert!(status.is_success() || status.is_pending(), "{status}");
        }
        lock(&self.0.received).push(frame);
        self.0.depth.fetch_sub(1, Ordering::Relaxed);
        NdisStatus::SUCCESS
    }
}

fn receive(
    peer: &Peer,
    context: &mut ReceiveContext<'_>,
    header: &[u8],
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let mut packet = peer.packet(header);
    assert!(packet.append_slice(lookahead));
    let rest = payload_size - lookahead.len();
    if rest > 0 {
        // A buffer's tail is what one transfer can fill.
        let piece = rest.min(1024);
        let (mut from, mut left) = (lookahead.len(), rest);
        while left > 0 {
            let length = left.min(piece);
            let transfer = context.transfer_data(from, peer.packet(&[]), length);
            let Transfer::Complete {
                packet: part,
                result,
            } = transfer
            else {
                panic!("a transfer from a packet never pends");
            };
            assert_eq!(result, Ok(length));
            assert!(packet.append_packet(part).is_ok());
            (from, left) = (from + length, left - length);
        }
    }
    peer.take(bytes(&packet))
}

fn receive_packet(peer: &Peer, packet: &Packet) -> NdisStatus {
    let info = packet.info();
    assert_eq!(info.flags, PacketFlags::IS_LOOPBACK_PACKET);
    let now = peer.0.ndis.executive().now();
    assert!(info.timestamp > Instant::ZERO && info.timestamp <= now);
    peer.take(bytes(packet))
}

fn bytes(packet: &Packet) -> Vec<u8> {
    packet.segments().collect::<Vec<_>>().concat()
}

pub(crate) struct World {
    pub(crate) executive: &'static Executive,
    pub(crate) ndis: &'static Ndis,
    pub(crate) adapter: AdapterHandle,
    pub(crate) pool: &'static PacketPool,
}

/// Runs `body` in a thread of a machine with a started adapter; afterwards no packet is in use.
pub(crate) fn run<R: Send + 'static>(body: impl FnOnce(&World) -> R + Send + 'static) -> R {
    let simulation = Simulation::new(1);
    let executive = simulation.executive();
    simulation.run(move || {
        let limits = Limits {
            send_queue_length: SEND_QUEUE_LENGTH,
            ..Limits::default()
        };
        let ndis = Ndis::new(executive, &NoConfiguration, &NoBus, limits).expect("the wrapper");
        let pool = PacketPool::new(400, 400);
        let (table, length) = loopback::characteristics();
        let miniport = ndis.register_miniport("loopback", &table, length, ());
        let adapter = ndis
            .add_device(
                miniport.expect("a miniport"),
                "Loopback",
                Resources::internal(),
            )
            .expect("an adapter");
        ndis.start_device(&adapter).expect("a started adapter");
        let world = World {
            executive,
            ndis,
            adapter,
            pool,
        };
        // Away from the time zero, which stands for none.
        world.settle();
        let result = body(&world);
        world.settle();
        let usage = pool.usage();
        assert_eq!((usage.packets.used, usage.buffers.used), (0, 0));
        result
    })
}

impl World {
    /// A protocol that hears what is sent to the adapter.
    pub(crate) fn listener(&self, name: &'static str, version: u8) -> Peer {
        let (peer, opened) = Peer::register(self, name, version, &[Medium::Loopback]);
        assert_eq!(opened, Ok(()));
        peer.set_filter(PacketFilter::DIRECTED | PacketFilter::BROADCAST);
        peer
    }

    /// Lets everything run that can.
    pub(crate) fn settle(&self) {
        self.executive.sleep(Duration::from_millis(1));
    }

    /// The adapter's own answer, as a number.
    pub(crate) fn number(&self, oid: Oid) -> u32 {
        let mut bytes = [0; 4];
        let answered = self.ndis.query_adapter(&self.adapter, oid, &mut bytes);
        assert_eq!(answered, Ok(4), "{oid}");
        u32::from_le_bytes(bytes)
    }
}
