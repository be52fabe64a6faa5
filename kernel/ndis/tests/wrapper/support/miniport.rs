//! A miniport whose card is a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use executive::{Duration, Irql};
use ndis::{
    AdapterContext, HandleInterrupt, InitializeContext, Initialized, IsrOutcome, Medium,
    MiniportCharacteristics, MiniportDriver, Ndis, NdisStatus, Oid, Packet, RequestOutcome,
    ResetOutcome, SendBatch, SendOutcome, Transfer, TransferData,
};

use super::{Log, lock};

/// The address of every card of the tests.
pub(crate) const ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// What Send answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Success,
    Pending,
    Failure(NdisStatus),
    Resources,
}

/// What HandleInterrupt does besides receiving.
#[derive(Clone, Debug)]
pub(crate) enum Deferred {
    CompleteSends(NdisStatus),
    CompleteTransfers,
    AnswerQuery(NdisStatus, Vec<u8>),
    CompleteSet(NdisStatus),
    CompleteReset(NdisStatus, bool),
    ResourcesAvailable,
    Status(NdisStatus),
    /// Indicates the frame as a packet of the pool.
    IndicatePacket(Vec<u8>),
    ReceiveComplete,
    SetTimer(Duration),
}

/// How the card behaves.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Script {
    pub(crate) media: Vec<Medium>,
    pub(crate) initialize_error: Option<NdisStatus>,
    /// Line, request_isr, shared.
    pub(crate) interrupt: Option<(u8, bool, bool)>,
    pub(crate) register_twice: bool,
    pub(crate) isr: IsrOutcome,
    pub(crate) sends: VecDeque<Answer>,
    /// Frames a call of HandleInterrupt receives at most.
    pub(crate) budget: usize,
    /// Bytes of lookahead.
    pub(crate) lookahead: usize,
    pub(crate) pend_transfers: bool,
    pub(crate) fail_transfers: bool,
    pub(crate) deferred: VecDeque<Deferred>,
    /// Answers to queries and sets of identifiers the card does not know, and to sets of any.
    pub(crate) requests: VecDeque<RequestOutcome>,
    pub(crate) reset: ResetOutcome,
    pub(crate) timer: bool,
    /// What the card answers to GEN_MAC_OPTIONS; `None`: it does not know that.
    pub(crate) mac_options: Option<u32>,
    /// Indicate, in Send, the frame that is sent: a virtual card's way.
    pub(crate) echo: bool,
}

pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) log: Log,
    ndis: &'static Ndis,
    pub(crate) script: Mutex<Script>,
    /// Frames in the card's memory.
    pub(crate) ring: Mutex<VecDeque<Vec<u8>>>,
    pub(crate) sent: Mutex<Vec<Vec<u8>>>,
    /// What Initialize saw: resources, configured address, a configured value.
    pub(crate) seen: Mutex<Vec<String>>,
    /// Adapter contexts that exist.
    pub(crate) adapters: AtomicUsize,
}

impl Card {
    pub(crate) fn new(name: &str, log: Log, ndis: &'static Ndis) -> Arc<Self> {
        let script = Script {
            media: vec![Medium::Ieee802_3],
            initialize_error: None,
            interrupt: Some((9, false, true)),
            register_twice: false,
            isr: IsrOutcome {
                recognized: true,
                queue_handle_interrupt: true,
            },
            sends: VecDeque::new(),
            budget: usize::MAX,
            lookahead: 46,
            pend_transfers: false,
            fail_transfers: false,
            deferred: VecDeque::new(),
            requests: VecDeque::new(),
            reset: ResetOutcome::Done {
                addressing_reset: false,
            },
            timer: false,
            mac_options: None,
            echo: false,
        };
        Arc::new(Self {
            name: name.to_owned(),
            log,
            ndis,
            script: Mutex::new(script),
            ring: Mutex::default(),
            sent: Mutex::default(),
            seen: Mutex::default(),
            adapters: AtomicUsize::new(0),
        })
    }

    /// Changes the script.
    pub(crate) fn script<R>(&self, change: impl FnOnce(&mut Script) -> R) -> R {
        change(&mut lock(&self.script))
    }

    fn write(&self, event: impl AsRef<str>) {
        // The interrupt handlers run with the lock of their interrupt, and Passive ones hold none.
        if self.ndis.executive().irql() == Irql::Dispatch {
            super::take_every_lock(self.ndis);
        }
        self.log.write(format!("{} {}", self.name, event.as_ref()));
    }

    /// Frames that come in.
    pub(crate) fn receive(&self, frames: impl IntoIterator<Item = Vec<u8>>) {
        lock(&self.ring).extend(frames);
    }

    pub(crate) fn defer(&self, deferred: Deferred) {
        self.script(|script| script.deferred.push_back(deferred));
    }

    pub(crate) fn answer_sends(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script(|script| script.sends.extend(answers));
    }

    pub(crate) fn sent_count(&self) -> usize {
        lock(&self.sent).len()
    }
}

pub(crate) struct Fake;

/// The adapter's context: lives from Initialize to Halt.
pub(crate) struct FakeAdapter {
    card: Arc<Card>,
    kept: Vec<Packet>,
    transfers: Vec<(Packet, Result<usize, NdisStatus>)>,
}

impl Drop for FakeAdapter {
    fn drop(&mut self) {
        self.card.adapters.fetch_sub(1, Ordering::SeqCst);
    }
}

impl MiniportDriver for Fake {
    type Driver = Arc<Card>;
    type Adapter = FakeAdapter;
    type Interrupt = Arc<Card>;
}

/// A version 3 table with every handler but CheckForHang.
pub(crate) fn table() -> MiniportCharacteristics<Fake> {
    MiniportCharacteristics {
        disable_interrupt: Some(|card| card.write("disable")),
        enable_interrupt: Some(|card| card.write("enable")),
        halt: Some(halt),
        handle_interrupt: Some(handle_interrupt),
        initialize: Some(initialize),
        isr: Some(|card| {
            card.write("isr");
            card.script(|script| script.isr)
        }),
        query_information: Some(query_information),
        reconfigure: Some(|adapter, _| {
            adapter.card.write("reconfigure");
            NdisStatus::SUCCESS
        }),
        reset: Some(|adapter, context| {
            adapter.card.write("reset");
            for packet in adapter.kept.drain(..) {
                context.send_complete(packet, NdisStatus::REQUEST_ABORTED);
            }
            adapter.card.script(|script| script.reset)
        }),
        send: Some(send),
        set_information: Some(set_information),
        shutdown: Some(|adapter| adapter.card.write("shutdown")),
        ..MiniportCharacteristics::new(3, 0)
    }
}

/// A version 4 table with SendPackets instead of Send.
pub(crate) fn table_4() -> MiniportCharacteristics<Fake> {
    MiniportCharacteristics {
        major_ndis_version: 4,
        send: None,
        send_packets: Some(send_packets),
        ..table()
    }
}

pub(crate) fn initialize(
    driver: &Arc<Card>,
    context: &mut InitializeContext<'_, Fake>,
    media: &[Medium],
) -> Result<Initialized<Fake>, NdisStatus> {
    let card = driver.clone();
    card.write("initialize");
    assert_eq!(context.executive().irql(), Irql::Passive);
    let seen = [
        format!("{:?}", context.resources()),
        format!("address {:?}", context.read_network_address()),
        format!("words {:?}", context.read_configuration("Words")),
    ];
    lock(&card.seen).extend(seen);
    if let Some(status) = card.script(|script| script.initialize_error) {
        return Err(status);
    }
    let (wanted, interrupt, twice, timer) = card.script(|script| {
        (
            script.media.clone(),
            script.interrupt,
            script.register_twice,
            script.timer,
        )
    });
    let medium_index = media.iter().position(|medium| wanted.contains(medium));
    let medium_index = medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?;
    if let Some((line, request_isr, shared)) = interrupt {
        context.register_interrupt(line, card.clone(), request_isr, shared)?;
        if twice {
            context.register_interrupt(line, card.clone(), request_isr, shared)?;
        }
    }
    if timer {
        context.register_timer(|adapter, _| adapter.card.write("timer"))?;
    }
    card.adapters.fetch_add(1, Ordering::SeqCst);
    let adapter = FakeAdapter {
        card,
        kept: Vec::new(),
        transfers: Vec::new(),
    };
    Ok(Initialized {
        adapter,
        medium_index,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the context ends here")]
fn halt(adapter: FakeAdapter, _: &mut AdapterContext) {
    adapter.card.write("halt");
}

fn handle_interrupt(adapter: &mut FakeAdapter, context: &mut AdapterContext) -> HandleInterrupt {
    let card = adapter.card.clone();
    card.write("handle_interrupt");
    while let Some(deferred) = card.script(|script| script.deferred.pop_front()) {
        perform(adapter, context, deferred);
    }
    for _ in 0..card.script(|script| script.budget) {
        let Some(frame) = lock(&card.ring).pop_front() else {
            return HandleInterrupt::Done;
        };
        indicate(adapter, context, &frame);
    }
    HandleInterrupt::MoreWork
}

fn perform(adapter: &mut FakeAdapter, context: &mut AdapterContext, deferred: Deferred) {
    match deferred {
        Deferred::CompleteSends(status) => {
            for packet in adapter.kept.drain(..) {
                context.send_complete(packet, status);
            }
        }
        Deferred::CompleteTransfers => {
            for (packet, result) in adapter.transfers.drain(..) {
                context.transfer_data_complete(packet, result);
            }
        }
        Deferred::AnswerQuery(status, bytes) => context.query_information_complete(status, &bytes),
        Deferred::CompleteSet(status) => context.set_information_complete(status),
        Deferred::CompleteReset(status, addressing) => context.reset_complete(status, addressing),
        Deferred::ResourcesAvailable => context.send_resources_available(),
        Deferred::Status(status) => {
            context.indicate_status(status);
            context.indicate_status_complete();
        }
        Deferred::IndicatePacket(bytes) => {
            let pool = ndis::PacketPool::new(1, 2);
            let mut packet = pool.allocate(0).expect("the pool is fresh");
            assert!(packet.append_slice(&bytes));
            context.indicate_packet(packet);
            assert_eq!(pool.usage().packets.used, 0, "the packet came back");
        }
        Deferred::ReceiveComplete => context.indicate_receive_complete(),
        Deferred::SetTimer(delay) => context.set_timer(delay),
    }
}

fn indicate(adapter: &mut FakeAdapter, context: &mut AdapterContext, frame: &[u8]) {
    let (header, payload) = frame.split_at(frame.len().min(14));
    let (size, pend, fail) = adapter.card.script(|script| {
        (
            script.lookahead,
            script.pend_transfers,
            script.fail_transfers,
        )
    });
    let lookahead = &payload[..size.min(payload.len())];
    let mut receive = FrameInCard {
        adapter,
        payload,
        pend,
        fail,
    };
    context.indicate_receive(&mut receive, header, lookahead, payload.len());
}

struct FrameInCard<'a> {
    adapter: &'a mut FakeAdapter,
    payload: &'a [u8],
    pend: bool,
    fail: bool,
}

impl TransferData for FrameInCard<'_> {
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut Packet,
        length: usize,
    ) -> Result<usize, NdisStatus> {
        self.adapter
            .card
            .write(format!("transfer {payload_offset} {length}"));
        if self.fail {
            return Err(NdisStatus::FAILURE);
        }
        let bytes = self
            .payload
            .get(payload_offset..)
            .and_then(|rest| rest.get(..length));
        let bytes = bytes.ok_or(NdisStatus::INVALID_LENGTH)?;
        destination
            .append(length)
            .ok_or(NdisStatus::RESOURCES)?
            .copy_from_slice(bytes);
        Ok(length)
    }

    fn transfer_packet(
        &mut self,
        payload_offset: usize,
        mut packet: Packet,
        length: usize,
    ) -> Transfer {
        let result = self.transfer(payload_offset, &mut packet, length);
        if self.pend {
            self.adapter.transfers.push((packet, result));
            return Transfer::Pending;
        }
        Transfer::Complete { packet, result }
    }
}

fn send(adapter: &mut FakeAdapter, context: &mut AdapterContext, packet: Packet) -> SendOutcome {
    let card = adapter.card.clone();
    let answer = card
        .script(|script| script.sends.pop_front())
        .unwrap_or(Answer::Success);
    card.write(format!("send {} {answer:?}", packet.len()));
    match answer {
        Answer::Resources => return SendOutcome::Resources(packet),
        Answer::Failure(status) => return SendOutcome::Failure(status),
        Answer::Success | Answer::Pending => {}
    }
    lock(&card.sent).push(packet.segments().flatten().copied().collect());
    if card.script(|script| script.echo) {
        let echo = packet.share().expect("there is a descriptor");
        context.indicate_packet(echo);
    }
    if answer == Answer::Pending {
        adapter.kept.push(packet);
        return SendOutcome::Pending;
    }
    SendOutcome::Success
}

fn send_packets(
    adapter: &mut FakeAdapter,
    context: &mut AdapterContext,
    batch: &mut SendBatch<'_>,
) {
    adapter.card.write(format!("send_packets {}", batch.len()));
    batch.send_each(context, |context, packet| send(adapter, context, packet));
}

fn query_information(
    adapter: &mut FakeAdapter,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    let card = &adapter.card;
    match oid {
        Oid::IEEE_802_3_CURRENT_ADDRESS => RequestOutcome::answer(buffer, &ADDRESS),
        Oid::GEN_MAXIMUM_FRAME_SIZE => RequestOutcome::answer_u32(buffer, 1500),
        Oid::GEN_MAC_OPTIONS => match card.script(|script| script.mac_options) {
            Some(options) => RequestOutcome::answer_u32(buffer, options),
            None => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
        },
        Oid::GEN_VENDOR_DESCRIPTION => RequestOutcome::answer(buffer, card.name.as_bytes()),
        _ => {
            card.write(format!("query {oid}"));
            let scripted = card.script(|script| script.requests.pop_front());
            scripted.unwrap_or(RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED))
        }
    }
}

fn set_information(
    adapter: &mut FakeAdapter,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &[u8],
) -> RequestOutcome {
    let card = &adapter.card;
    card.write(format!("set {oid} {buffer:02x?}"));
    let scripted = card.script(|script| script.requests.pop_front());
    scripted.unwrap_or(RequestOutcome::Done(buffer.len()))
}
