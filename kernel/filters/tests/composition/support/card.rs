//! A miniport whose card does as it is told.

use std::collections::VecDeque;
use std::sync::Mutex;

use ndis::{
    AdapterContext, AdapterHandle, HandleInterrupt, InitializeContext, Initialized, IsrOutcome,
    Medium, MiniportCharacteristics, MiniportDriver, Ndis, NdisStatus, Oid, Packet, PacketPool,
    RequestOutcome, ResetOutcome, Resources, SendOutcome, Transfer, TransferData,
};

use super::lock;

pub(crate) const ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub(crate) const PEER: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// A frame for the card with a number and `length` bytes in all.
pub(crate) fn frame(number: u32, length: usize) -> Vec<u8> {
    frame_to(ADDRESS, PEER, number, length)
}

/// A frame from the card.
pub(crate) fn frame_out(number: u32, length: usize) -> Vec<u8> {
    frame_to(PEER, ADDRESS, number, length)
}

fn frame_to(destination: [u8; 6], source: [u8; 6], number: u32, length: usize) -> Vec<u8> {
    let mut frame = [&destination[..], &source, &[0x88, 0xB5]].concat();
    frame.extend(number.to_be_bytes());
    frame.extend((0..length.saturating_sub(18)).map(|index| index as u8 ^ number as u8));
    frame
}

/// The number of a frame.
pub(crate) fn number(frame: &[u8]) -> u32 {
    let bytes = frame.get(14..18).expect("the frame has a number");
    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

/// What Send answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Success,
    Pending,
    Failure,
    Resources,
}

/// What HandleInterrupt does besides receiving.
pub(crate) enum Deferred {
    CompleteSends,
    CompleteTransfers,
    AnswerRequest(NdisStatus, Vec<u8>),
    CompleteReset,
    ResourcesAvailable,
    Status(NdisStatus),
    /// Indicates the frame as a packet of this pool.
    IndicatePacket(&'static PacketPool, Vec<u8>),
}

/// How the card behaves.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) sends: VecDeque<Answer>,
    pub(crate) pend_transfers: bool,
    pub(crate) fail_transfers: bool,
    pub(crate) pend_requests: bool,
    pub(crate) pend_reset: bool,
    pub(crate) deferred: VecDeque<Deferred>,
}

#[derive(Default)]
pub(crate) struct Card {
    pub(crate) script: Mutex<Script>,
    /// Frames in the card's memory.
    pub(crate) ring: Mutex<VecDeque<Vec<u8>>>,
    pub(crate) sent: Mutex<Vec<Vec<u8>>>,
    /// Where the first bytes of each frame sent were.
    pub(crate) sent_from: Mutex<Vec<usize>>,
    /// What was set last.
    pub(crate) packet_filter: Mutex<u32>,
    pub(crate) multicast: Mutex<[u8; 6]>,
    pub(crate) resets: Mutex<usize>,
}

impl Card {
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.script).sends.extend(answers);
    }

    pub(crate) fn defer(&self, deferred: Deferred) {
        lock(&self.script).deferred.push_back(deferred);
    }

    /// The numbers of the frames sent since the last call.
    pub(crate) fn take_sent(&self) -> Vec<u32> {
        lock(&self.sent)
            .drain(..)
            .map(|frame| number(&frame))
            .collect()
    }
}

struct Driver;

struct Adapter {
    card: &'static Card,
    kept: Vec<Packet>,
    transfers: Vec<(Packet, Result<usize, NdisStatus>)>,
}

impl MiniportDriver for Driver {
    type Driver = &'static Card;
    type Adapter = Adapter;
    type Interrupt = ();
}

pub(super) fn new() -> &'static Card {
    Box::leak(Box::default())
}

/// Starts `card0`.
pub(super) fn start(ndis: &'static Ndis, card: &'static Card) -> AdapterHandle {
    let table = MiniportCharacteristics::<Driver> {
        isr: Some(|()| IsrOutcome {
            recognized: true,
            queue_handle_interrupt: true,
        }),
        initialize: Some(initialize),
        halt: Some(|adapter, context| {
            for packet in adapter.kept {
                context.send_complete(packet, NdisStatus::REQUEST_ABORTED);
            }
        }),
        handle_interrupt: Some(handle_interrupt),
        check_for_hang: Some(|_, _| false),
        reset: Some(|adapter, context| {
            *lock(&adapter.card.resets) += 1;
            for packet in adapter.kept.drain(..) {
                context.send_complete(packet, NdisStatus::REQUEST_ABORTED);
            }
            if lock(&adapter.card.script).pend_reset {
                ResetOutcome::Pending
            } else {
                ResetOutcome::Done {
                    addressing_reset: true,
                }
            }
        }),
        send: Some(|adapter, _, packet| send(adapter, packet)),
        query_information: Some(query),
        set_information: Some(set),
        ..MiniportCharacteristics::new(4, 0)
    };
    let length = MiniportCharacteristics::<Driver>::LENGTH_5;
    let miniport = ndis.register_miniport("card", &table, length, card);
    let miniport = miniport.expect("the table is good");
    let adapter = ndis.add_device(miniport, "card0", Resources::isa());
    let adapter = adapter.expect("there is room for the adapter");
    ndis.start_device(&adapter).expect("the card starts");
    adapter
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type of the handler")]
fn initialize(
    driver: &&'static Card,
    context: &mut InitializeContext<'_, Driver>,
    media: &[Medium],
) -> Result<Initialized<Driver>, NdisStatus> {
    context.register_interrupt(9, (), true, false)?;
    let medium_index = media.iter().position(|&medium| medium == Medium::Ieee802_3);
    Ok(Initialized {
        adapter: Adapter {
            card: driver,
            kept: Vec::new(),
            transfers: Vec::new(),
        },
        medium_index: medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?,
    })
}

fn handle_interrupt(adapter: &mut Adapter, context: &mut AdapterContext) -> HandleInterrupt {
    let card = adapter.card;
    loop {
        let Some(deferred) = lock(&card.script).deferred.pop_front() else {
            break;
        };
        perform(adapter, context, deferred);
    }
    loop {
        let Some(frame) = lock(&card.ring).pop_front() else {
            return HandleInterrupt::Done;
        };
        let (header, payload) = frame.split_at(14);
        let lookahead = &payload[..46.min(payload.len())];
        let mut transfer = FrameInCard { adapter, payload };
        context.indicate_receive(&mut transfer, header, lookahead, payload.len());
    }
}

fn perform(adapter: &mut Adapter, context: &mut AdapterContext, deferred: Deferred) {
    match deferred {
        Deferred::CompleteSends => {
            for packet in adapter.kept.drain(..) {
                context.send_complete(packet, NdisStatus::SUCCESS);
            }
        }
        Deferred::CompleteTransfers => {
            for (packet, result) in adapter.transfers.drain(..) {
                context.transfer_data_complete(packet, result);
            }
        }
        Deferred::AnswerRequest(status, bytes) => {
            context.query_information_complete(status, &bytes);
        }
        Deferred::CompleteReset => context.reset_complete(NdisStatus::SUCCESS, true),
        Deferred::ResourcesAvailable => context.send_resources_available(),
        Deferred::Status(status) => {
            context.indicate_status(status);
            context.indicate_status_complete();
        }
        Deferred::IndicatePacket(pool, bytes) => {
            let mut packet = pool.allocate(0).expect("the pool has packets");
            assert!(packet.append_slice(&bytes));
            context.indicate_packet(packet);
        }
    }
}

struct FrameInCard<'a> {
    adapter: &'a mut Adapter,
    payload: &'a [u8],
}

impl FrameInCard<'_> {
    fn copy(&self, payload_offset: usize, destination: &mut [u8]) -> Result<(), NdisStatus> {
        if lock(&self.adapter.card.script).fail_transfers {
            return Err(NdisStatus::FAILURE);
        }
        let rest = self.payload.get(payload_offset..);
        let bytes = rest.and_then(|rest| rest.get(..destination.len()));
        destination.copy_from_slice(bytes.ok_or(NdisStatus::INVALID_LENGTH)?);
        Ok(())
    }

    fn pends(&self) -> bool {
        lock(&self.adapter.card.script).pend_transfers
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

fn send(adapter: &mut Adapter, packet: Packet) -> SendOutcome {
    let answer = lock(&adapter.card.script).sends.pop_front();
    let answer = answer.unwrap_or(Answer::Success);
    match answer {
        Answer::Resources => return SendOutcome::Resources(packet),
        Answer::Failure => return SendOutcome::Failure(NdisStatus::FAILURE),
        Answer::Success | Answer::Pending => {}
    }
    lock(&adapter.card.sent).push(packet.segments().flatten().copied().collect());
    lock(&adapter.card.sent_from).push(packet.data().as_ptr().addr());
    if answer == Answer::Pending {
        adapter.kept.push(packet);
        return SendOutcome::Pending;
    }
    SendOutcome::Success
}

fn query(
    adapter: &mut Adapter,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    match oid {
        Oid::IEEE_802_3_CURRENT_ADDRESS => RequestOutcome::answer(buffer, &ADDRESS),
        Oid::GEN_MAXIMUM_FRAME_SIZE => RequestOutcome::answer_u32(buffer, 1500),
        // NDIS_MAC_OPTION_NO_LOOPBACK.
        Oid::GEN_MAC_OPTIONS => RequestOutcome::answer_u32(buffer, 8),
        Oid::GEN_VENDOR_DESCRIPTION if lock(&adapter.card.script).pend_requests => {
            RequestOutcome::Pending
        }
        Oid::GEN_VENDOR_DESCRIPTION => RequestOutcome::answer(buffer, b"a card of the tests"),
        _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
    }
}

fn set(adapter: &mut Adapter, _: &mut AdapterContext, oid: Oid, buffer: &[u8]) -> RequestOutcome {
    match (oid, buffer) {
        (Oid::GEN_CURRENT_PACKET_FILTER, &[a, b, c, d]) => {
            *lock(&adapter.card.packet_filter) = u32::from_le_bytes([a, b, c, d]);
        }
        (Oid::IEEE_802_3_MULTICAST_LIST, _) => {
            let first = buffer.first_chunk().copied();
            *lock(&adapter.card.multicast) = first.unwrap_or_default();
        }
        _ => {}
    }
    RequestOutcome::Done(buffer.len())
}
