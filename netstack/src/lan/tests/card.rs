//! A card that does what the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use ndis::{
    AdapterContext, HandleInterrupt, InitializeContext, Initialized, IsrOutcome, Medium,
    MiniportCharacteristics, MiniportDriver, NdisStatus, Oid, Packet, PacketPool, RequestOutcome,
    ResetOutcome, SendOutcome, Transfer, TransferData,
};

use super::machine::lock;
use crate::tests::support::OUR_HARDWARE;

const LINE: u8 = 9;

/// NDIS_MAC_OPTION_NO_LOOPBACK: the card leaves loopback to the wrapper.
const NO_LOOPBACK: u32 = 0x08;

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

impl Card {
    pub(super) fn new(pool: &'static PacketPool) -> Arc<Self> {
        Arc::new(Self {
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
        })
    }
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

pub(super) fn table() -> MiniportCharacteristics<Fake> {
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

impl FrameInCard<'_> {
    fn copy(&self, payload_offset: usize, destination: &mut [u8]) -> Result<(), NdisStatus> {
        let length = destination.len();
        lock(&self.adapter.card.transfers).push((payload_offset, length));
        if matches!(self.way, Way::FailingTransfer(_) | Way::PendingFailure(_)) {
            return Err(NdisStatus::FAILURE);
        }
        destination.copy_from_slice(&self.payload[payload_offset..payload_offset + length]);
        Ok(())
    }

    fn pends(&self) -> bool {
        matches!(self.way, Way::PendingTransfer(_) | Way::PendingFailure(_))
    }
}

impl TransferData for FrameInCard<'_> {
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut [u8],
    ) -> Result<(), NdisStatus> {
        if self.pends() {
            return Err(NdisStatus::PENDING);
        }
        self.copy(payload_offset, destination)
    }

    fn transfer_packet(
        &mut self,
        payload_offset: usize,
        mut packet: Packet,
        length: usize,
    ) -> Transfer {
        let result = match packet.append(length) {
            Some(space) => self.copy(payload_offset, space).map(|()| length),
            None => Err(NdisStatus::RESOURCES),
        };
        if self.pends() {
            self.adapter.transfers.push((packet, result));
            return Transfer::Pending;
        }
        Transfer::Complete { packet, result }
    }
}
