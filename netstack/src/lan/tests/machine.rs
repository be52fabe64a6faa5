//! A simulated machine with the wrapper, a card that does what the test says,
//! and the edge under test.

use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use executive::simulation::Simulation;
use executive::{Duration, Irql, NtStatus, WorkItem};
use ndis::{
    AdapterContext, AdapterHandle, BusPlatform, Configuration, HandleInterrupt, InitializeContext,
    Initialized, InterruptService, IsrOutcome, Limits, Medium, MiniportCharacteristics,
    MiniportDriver, Ndis, NdisStatus, Oid, Packet, PacketPool, RequestOutcome, ResetOutcome,
    Resources, SendOutcome, Transfer, TransferData,
};

use crate::lan::{Lan, LanConfiguration, LanEvent, register};
use crate::tests::support::OUR_HARDWARE;

const LINE: u8 = 9;

/// NDIS_MAC_OPTION_NO_LOOPBACK: the card leaves loopback to the wrapper.
const NO_LOOPBACK: u32 = 0x08;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the card hands over received frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// So many bytes of lookahead, the rest by TransferData.
    Lookahead(usize),
    /// The same, but the transfer fails.
    FailingTransfer(usize),
    /// The same, but the transfer is over only later.
    PendingTransfer(usize),
    /// The transfer is over later, and has failed.
    PendingFailure(usize),
    /// As a packet.
    Packet,
}

/// The card: what it is told to do, and what it was given.
pub(super) struct Card {
    pub(super) ring: Mutex<VecDeque<Vec<u8>>>,
    pub(super) way: Mutex<Way>,
    pub(super) sent: Mutex<Vec<Vec<u8>>>,
    pub(super) keep_sends: Mutex<bool>,
    pub(super) fail_sends: Mutex<bool>,
    pub(super) refuse_filter: Mutex<bool>,
    pub(super) medium: Mutex<Medium>,
    pub(super) settings: Mutex<Vec<(Oid, Vec<u8>)>>,
    pub(super) transfers: Mutex<Vec<(usize, usize)>>,
    pool: &'static PacketPool,
}

pub(super) struct Fake;

pub(super) struct FakeAdapter {
    card: Arc<Card>,
    kept: Vec<Packet>,
    transfers: Vec<(Packet, Result<usize, NdisStatus>)>,
}

impl MiniportDriver for Fake {
    type Driver = Arc<Card>;
    type Adapter = FakeAdapter;
    type Interrupt = ();
}

fn table() -> MiniportCharacteristics<Fake> {
    MiniportCharacteristics {
        disable_interrupt: Some(|()| {}),
        enable_interrupt: Some(|()| {}),
        halt: Some(|_, _| {}),
        handle_interrupt: Some(handle_interrupt),
        initialize: Some(initialize),
        isr: Some(|()| IsrOutcome {
            recognized: true,
            queue_handle_interrupt: true,
        }),
        query_information: Some(query_information),
        reset: Some(|_, _| ResetOutcome::Done {
            addressing_reset: false,
        }),
        send: Some(send),
        set_information: Some(set_information),
        ..MiniportCharacteristics::new(3, 0)
    }
}

fn initialize(
    card: &Arc<Card>,
    context: &mut InitializeContext<'_, Fake>,
    media: &[Medium],
) -> Result<Initialized<Fake>, NdisStatus> {
    let wanted = *lock(&card.medium);
    let medium_index = media.iter().position(|&medium| medium == wanted);
    context.register_interrupt(LINE, (), false, true)?;
    Ok(Initialized {
        adapter: FakeAdapter {
            card: card.clone(),
            kept: Vec::new(),
            transfers: Vec::new(),
        },
        medium_index: medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?,
    })
}

fn query_information(
    _: &mut FakeAdapter,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    match oid {
        Oid::IEEE_802_3_CURRENT_ADDRESS => RequestOutcome::answer(buffer, &OUR_HARDWARE),
        Oid::GEN_MAXIMUM_FRAME_SIZE => RequestOutcome::answer_u32(buffer, 1500),
        Oid::GEN_MAC_OPTIONS => RequestOutcome::answer_u32(buffer, NO_LOOPBACK),
        _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
    }
}

fn set_information(
    adapter: &mut FakeAdapter,
    _: &mut AdapterContext,
    oid: Oid,
    bytes: &[u8],
) -> RequestOutcome {
    let refuse = *lock(&adapter.card.refuse_filter);
    if oid == Oid::GEN_CURRENT_PACKET_FILTER && refuse {
        return RequestOutcome::Failure(NdisStatus::FAILURE);
    }
    lock(&adapter.card.settings).push((oid, bytes.to_vec()));
    RequestOutcome::Done(bytes.len())
}

fn send(adapter: &mut FakeAdapter, _: &mut AdapterContext, packet: Packet) -> SendOutcome {
    let card = &adapter.card;
    if *lock(&card.fail_sends) {
        return SendOutcome::Failure(NdisStatus::FAILURE);
    }
    lock(&card.sent).push(packet.segments().flatten().copied().collect());
    if *lock(&card.keep_sends) {
        adapter.kept.push(packet);
        return SendOutcome::Pending;
    }
    SendOutcome::Success
}

fn handle_interrupt(adapter: &mut FakeAdapter, context: &mut AdapterContext) -> HandleInterrupt {
    for packet in adapter.kept.drain(..) {
        context.send_complete(packet, NdisStatus::SUCCESS);
    }
    for (packet, result) in adapter.transfers.drain(..) {
        context.transfer_data_complete(packet, result);
    }
    loop {
        let Some(frame) = lock(&adapter.card.ring).pop_front() else {
            return HandleInterrupt::Done;
        };
        indicate(adapter, context, &frame);
    }
}

fn indicate(adapter: &mut FakeAdapter, context: &mut AdapterContext, frame: &[u8]) {
    let way = *lock(&adapter.card.way);
    let lookahead_size = match way {
        Way::Packet => {
            let mut packet = adapter.card.pool.allocate(0).expect("a packet");
            assert!(packet.append_slice(frame));
            context.indicate_packet(packet);
            return;
        }
        Way::Lookahead(size)
        | Way::FailingTransfer(size)
        | Way::PendingTransfer(size)
        | Way::PendingFailure(size) => size,
    };
    let (header, payload) = frame.split_at(frame.len().min(14));
    let lookahead = &payload[..payload.len().min(lookahead_size)];
    let mut in_card = FrameInCard {
        adapter,
        payload,
        way,
    };
    context.indicate_receive(&mut in_card, header, lookahead, payload.len());
}

struct FrameInCard<'a> {
    adapter: &'a mut FakeAdapter,
    payload: &'a [u8],
    way: Way,
}

impl TransferData for FrameInCard<'_> {
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut Packet,
        length: usize,
    ) -> Result<usize, NdisStatus> {
        lock(&self.adapter.card.transfers).push((payload_offset, length));
        if matches!(self.way, Way::FailingTransfer(_) | Way::PendingFailure(_)) {
            return Err(NdisStatus::FAILURE);
        }
        let bytes = &self.payload[payload_offset..payload_offset + length];
        let space = destination.append(length).ok_or(NdisStatus::RESOURCES)?;
        space.copy_from_slice(bytes);
        Ok(length)
    }

    fn transfer_packet(
        &mut self,
        payload_offset: usize,
        mut packet: Packet,
        length: usize,
    ) -> Transfer {
        let result = self.transfer(payload_offset, &mut packet, length);
        if matches!(self.way, Way::PendingTransfer(_) | Way::PendingFailure(_)) {
            self.adapter.transfers.push((packet, result));
            return Transfer::Pending;
        }
        Transfer::Complete { packet, result }
    }
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
        while machine.lan.dequeue().is_some() {}
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
        let card = Arc::new(Card {
            ring: Mutex::default(),
            way: Mutex::new(Way::Lookahead(46)),
            sent: Mutex::default(),
            keep_sends: Mutex::default(),
            fail_sends: Mutex::default(),
            refuse_filter: Mutex::default(),
            medium: Mutex::new(Medium::Ieee802_3),
            settings: Mutex::default(),
            transfers: Mutex::default(),
            pool,
        });
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
                while let Some(event) = lan.filter(|_| *lock(&takes)).and_then(Lan::dequeue) {
                    lock(&seen).events.push(event);
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
