//! The handlers of the card, which do what its script says.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use executive::Irql;
use ndis::{
    AdapterContext, HandleInterrupt, InitializeContext, Initialized, Medium, NdisStatus, Oid,
    Packet, RequestOutcome, SendBatch, SendOutcome, Transfer, TransferData,
};

use super::{ADDRESS, Answer, Card, Deferred, Fake, FakeAdapter};
use crate::support::lock;

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

pub(super) fn halt(mut adapter: FakeAdapter, context: &mut AdapterContext) {
    adapter.card.write("halt");
    perform_deferred(&mut adapter, context);
}

pub(super) fn handle_interrupt(
    adapter: &mut FakeAdapter,
    context: &mut AdapterContext,
) -> HandleInterrupt {
    let card = adapter.card.clone();
    card.write("handle_interrupt");
    perform_deferred(adapter, context);
    for _ in 0..card.script(|script| script.budget) {
        let Some(frame) = lock(&card.ring).pop_front() else {
            return HandleInterrupt::Done;
        };
        indicate(adapter, context, &frame);
    }
    HandleInterrupt::MoreWork
}

fn perform_deferred(adapter: &mut FakeAdapter, context: &mut AdapterContext) {
    let card = adapter.card.clone();
    while let Some(deferred) = card.script(|script| script.deferred.pop_front()) {
        perform(adapter, context, deferred);
    }
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

impl FrameInCard<'_> {
    fn copy(&self, payload_offset: usize, destination: &mut [u8]) -> Result<(), NdisStatus> {
        let length = destination.len();
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
        destination.copy_from_slice(bytes.ok_or(NdisStatus::INVALID_LENGTH)?);
        Ok(())
    }
}

impl TransferData for FrameInCard<'_> {
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut [u8],
    ) -> Result<(), NdisStatus> {
        if self.pend {
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
        if self.pend {
            self.adapter.transfers.push((packet, result));
            return Transfer::Pending;
        }
        Transfer::Complete { packet, result }
    }
}

pub(super) fn send(
    adapter: &mut FakeAdapter,
    context: &mut AdapterContext,
    packet: Packet,
) -> SendOutcome {
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

pub(super) fn send_packets(
    adapter: &mut FakeAdapter,
    context: &mut AdapterContext,
    batch: &mut SendBatch<'_>,
) {
    adapter.card.write(format!("send_packets {}", batch.len()));
    batch.send_each(context, |context, packet| send(adapter, context, packet));
}

pub(super) fn query_information(
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

pub(super) fn set_information(
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
