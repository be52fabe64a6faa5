//! A card that does what it is told.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

use super::ledger::{ADDRESS, numbers};
use super::lock;
use super::world::Ledgers;
use crate::{
    AdapterContext, HandleInterrupt, InitializeContext, Initialized, IsrOutcome, Medium,
    MiniportCharacteristics, MiniportDriver, NdisStatus, Oid, Packet, PacketFilter, RequestOutcome,
    ResetOutcome, SendOutcome, Transfer, TransferData,
};

/// The line of the card's interrupt.
pub(super) const LINE: u8 = 9;

/// What Send answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Success,
    Pending,
    Failure,
    Resources,
}

/// What HandleInterrupt is to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    CompleteSends(usize),
    CompleteTransfers,
    CompleteRequest(NdisStatus),
    CompleteReset(bool),
    ResourcesAvailable,
}

/// How the card behaves from now on.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Behaviour {
    pub(super) answers: VecDeque<Answer>,
    pub(super) events: VecDeque<Event>,
    /// Frames received and not indicated.
    pub(super) frames: VecDeque<Vec<u8>>,
    /// Number of the newest frame received.
    pub(super) newest_frame: u32,
    pub(super) pends_transfers: bool,
    pub(super) pends_requests: bool,
    pub(super) pends_resets: bool,
    pub(super) resets_addressing: bool,
    /// Bytes of lookahead.
    pub(super) lookahead: usize,
    /// Frames indicated in one call of HandleInterrupt.
    pub(super) budget: usize,
}

/// What the card and its tests share.
pub(super) struct Card {
    pub(super) behaviour: Mutex<Behaviour>,
    /// A request has failed since the start: the packet filter may be wider than it has to be.
    pub(super) has_failed: AtomicBool,
    pub(super) ledgers: &'static Ledgers,
}

pub(super) struct Driver;

/// The driver's context.
pub(super) struct Context {
    card: &'static Card,
    filter: PacketFilter,
    /// The packet filter was lost in a reset and has not been set again.
    filter_lost: bool,
    kept: VecDeque<Packet>,
    transfers: Vec<(Packet, Result<usize, NdisStatus>)>,
    /// A request is pending; it may set this packet filter.
    is_asked: bool,
    asked_filter: Option<PacketFilter>,
    is_resetting: bool,
}

impl MiniportDriver for Driver {
    type Driver = &'static Card;
    type Adapter = Context;
    type Interrupt = ();
}

pub(super) fn table() -> MiniportCharacteristics<Driver> {
    MiniportCharacteristics {
        isr: Some(|()| IsrOutcome {
            recognized: true,
            queue_handle_interrupt: true,
        }),
        initialize: Some(initialize),
        halt: Some(|mut context, adapter| {
            context.complete_sends(adapter, usize::MAX, NdisStatus::REQUEST_ABORTED);
            context.complete_transfers(adapter);
        }),
        handle_interrupt: Some(handle_interrupt),
        check_for_hang: Some(|_, _| false),
        reset: Some(reset),
        send: Some(send),
        query_information: Some(query),
        set_information: Some(set),
        ..MiniportCharacteristics::new(4, 0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type of the handler")]
fn initialize(
    card: &&'static Card,
    context: &mut InitializeContext<'_, Driver>,
    media: &[Medium],
) -> Result<Initialized<Driver>, NdisStatus> {
    context.register_interrupt(LINE, (), true, false)?;
    let medium_index = media.iter().position(|&medium| medium == Medium::Ieee802_3);
    Ok(Initialized {
        adapter: Context {
            card,
            filter: PacketFilter::empty(),
            filter_lost: false,
            kept: VecDeque::new(),
            transfers: Vec::new(),
            is_asked: false,
            asked_filter: None,
            is_resetting: false,
        },
        medium_index: medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?,
    })
}

fn handle_interrupt(context: &mut Context, adapter: &mut AdapterContext) -> HandleInterrupt {
    let card = context.card;
    loop {
        let Some(event) = lock(&card.behaviour).events.pop_front() else {
            break;
        };
        context.perform(adapter, event);
    }
    let budget = lock(&card.behaviour).budget;
    for _ in 0..budget {
        let Some(frame) = lock(&card.behaviour).frames.pop_front() else {
            return HandleInterrupt::Done;
        };
        context.indicate(adapter, &frame);
    }
    if lock(&card.behaviour).frames.is_empty() {
        HandleInterrupt::Done
    } else {
        HandleInterrupt::MoreWork
    }
}

impl Context {
    fn perform(&mut self, adapter: &mut AdapterContext, event: Event) {
        match event {
            Event::CompleteSends(count) => {
                self.complete_sends(adapter, count, NdisStatus::SUCCESS);
            }
            Event::CompleteTransfers => self.complete_transfers(adapter),
            Event::CompleteRequest(status) => self.complete_request(adapter, status),
            Event::CompleteReset(addressing) => {
                if core::mem::take(&mut self.is_resetting) {
                    self.finish_reset(addressing);
                    adapter.reset_complete(NdisStatus::SUCCESS, addressing);
                }
            }
            Event::ResourcesAvailable => adapter.send_resources_available(),
        }
    }

    fn complete_sends(&mut self, adapter: &mut AdapterContext, count: usize, status: NdisStatus) {
        for _ in 0..count {
            let Some(packet) = self.kept.pop_front() else {
                return;
            };
            adapter.send_complete(packet, status);
        }
    }

    fn complete_transfers(&mut self, adapter: &mut AdapterContext) {
        for (packet, result) in core::mem::take(&mut self.transfers) {
            adapter.transfer_data_complete(packet, result);
        }
    }

    fn complete_request(&mut self, adapter: &mut AdapterContext, status: NdisStatus) {
        if !core::mem::take(&mut self.is_asked) {
            return;
        }
        if !status.is_success() {
            self.card.has_failed.store(true, Ordering::Relaxed);
        }
        if let Some(filter) = self.asked_filter.filter(|_| status.is_success()) {
            self.set_filter(filter);
        }
        adapter.query_information_complete(status, &ADDRESS.0);
    }

    fn set_filter(&mut self, filter: PacketFilter) {
        self.filter = filter;
        self.filter_lost = false;
    }

    fn finish_reset(&mut self, addressing: bool) {
        if addressing {
            self.filter = PacketFilter::empty();
            self.filter_lost = true;
        }
    }

    fn indicate(&mut self, adapter: &mut AdapterContext, frame: &[u8]) {
        let (header, payload) = frame.split_at(14);
        let by_card = self.filter.contains(PacketFilter::DIRECTED);
        let (_, number) = numbers(payload);
        for ledger in self.card.ledgers {
            ledger.indicated(number, by_card, self.filter_lost);
        }
        if !by_card {
            return;
        }
        let lookahead = lock(&self.card.behaviour).lookahead.max(5);
        let lookahead = &payload[..lookahead.min(payload.len())];
        let mut transfer = FrameInCard {
            payload,
            pends: lock(&self.card.behaviour).pends_transfers,
            transfers: &mut self.transfers,
        };
        adapter.indicate_receive(&mut transfer, header, lookahead, payload.len());
    }
}

fn reset(context: &mut Context, adapter: &mut AdapterContext) -> ResetOutcome {
    context.complete_sends(adapter, usize::MAX, NdisStatus::REQUEST_ABORTED);
    context.is_asked = false;
    let (pends, addressing_reset) = {
        let behaviour = lock(&context.card.behaviour);
        (behaviour.pends_resets, behaviour.resets_addressing)
    };
    if pends {
        context.is_resetting = true;
        return ResetOutcome::Pending;
    }
    context.finish_reset(addressing_reset);
    ResetOutcome::Done { addressing_reset }
}

fn send(context: &mut Context, _: &mut AdapterContext, packet: Packet) -> SendOutcome {
    let answer = lock(&context.card.behaviour).answers.pop_front();
    match answer.unwrap_or(Answer::Success) {
        Answer::Resources => return SendOutcome::Resources(packet),
        Answer::Failure => return SendOutcome::Failure(NdisStatus::FAILURE),
        Answer::Success => context.reached(&packet),
        Answer::Pending => {
            context.reached(&packet);
            context.kept.push_back(packet);
            return SendOutcome::Pending;
        }
    }
    SendOutcome::Success
}

impl Context {
    fn reached(&self, packet: &Packet) {
        let mut payload = [0; 5];
        assert_eq!(packet.copy_to(14, &mut payload), 5);
        let (protocol, number) = numbers(&payload);
        let ledger = self.card.ledgers.get(usize::from(protocol));
        ledger.expect("the packet is one of ours").reached(number);
    }

    /// Keeps a request pending if the card is told to.
    fn keeps(&mut self, filter: Option<PacketFilter>) -> bool {
        let keeps = lock(&self.card.behaviour).pends_requests;
        if keeps {
            (self.is_asked, self.asked_filter) = (true, filter);
        }
        keeps
    }
}

fn query(
    context: &mut Context,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    match oid {
        Oid::IEEE_802_3_PERMANENT_ADDRESS if context.keeps(None) => RequestOutcome::Pending,
        Oid::IEEE_802_3_PERMANENT_ADDRESS | Oid::IEEE_802_3_CURRENT_ADDRESS => {
            RequestOutcome::answer(buffer, &ADDRESS.0)
        }
        Oid::GEN_MAXIMUM_FRAME_SIZE => RequestOutcome::answer_u32(buffer, 1500),
        _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
    }
}

fn set(context: &mut Context, _: &mut AdapterContext, oid: Oid, buffer: &[u8]) -> RequestOutcome {
    let filter = (oid == Oid::GEN_CURRENT_PACKET_FILTER)
        .then(|| buffer.first_chunk().copied().map(u32::from_le_bytes))
        .flatten()
        .map(PacketFilter::from_bits_retain);
    if context.keeps(filter) {
        return RequestOutcome::Pending;
    }
    if let Some(filter) = filter {
        context.set_filter(filter);
    }
    RequestOutcome::Done(buffer.len())
}

/// A frame that is being indicated.
struct FrameInCard<'a> {
    payload: &'a [u8],
    pends: bool,
    transfers: &'a mut Vec<(Packet, Result<usize, NdisStatus>)>,
}

impl FrameInCard<'_> {
    fn payload(&self, offset: usize, length: usize) -> Result<&[u8], NdisStatus> {
        let rest = self.payload.get(offset..);
        let bytes = rest.and_then(|rest| rest.get(..length));
        bytes.ok_or(NdisStatus::INVALID_LENGTH)
    }
}

impl TransferData for FrameInCard<'_> {
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut [u8],
    ) -> Result<(), NdisStatus> {
        if self.pends {
            return Err(NdisStatus::PENDING);
        }
        destination.copy_from_slice(self.payload(payload_offset, destination.len())?);
        Ok(())
    }

    fn transfer_packet(
        &mut self,
        payload_offset: usize,
        mut packet: Packet,
        length: usize,
    ) -> Transfer {
        let result = self.payload(payload_offset, length).and_then(|bytes| {
            let is_appended = packet.append_slice(bytes);
            is_appended.then_some(length).ok_or(NdisStatus::RESOURCES)
        });
        if self.pends {
            self.transfers.push((packet, result));
            return Transfer::Pending;
        }
        Transfer::Complete { packet, result }
    }
}
