//! A miniport whose card is a script.

mod handlers;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use executive::{Duration, Irql};
use ndis::{
    IsrOutcome, Medium, MiniportCharacteristics, MiniportDriver, Ndis, NdisStatus, Packet,
    RequestOutcome, ResetOutcome,
};

pub(crate) use handlers::initialize;
use handlers::{halt, handle_interrupt, query_information, send, send_packets, set_information};

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

    pub(crate) fn answer_requests(&self, answers: impl IntoIterator<Item = RequestOutcome>) {
        self.script(|script| script.requests.extend(answers));
    }

    /// Bytes of each frame sent.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        lock(&self.sent).iter().map(Vec::len).collect()
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

/// A version 3 table of a card that says it does not hang, so nothing is reset.
pub(crate) fn table_that_never_hangs() -> MiniportCharacteristics<Fake> {
    MiniportCharacteristics {
        check_for_hang: Some(|_, _| false),
        ..table()
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
