//! The upper edge: the virtual miniport, which the protocols bind to.

use core::marker::PhantomData;

use ndis::{
    AdapterContext, InitializeContext, Initialized, Medium, MiniportCharacteristics,
    MiniportDriver, NdisStatus, Oid, Packet, Request, RequestOutcome, ResetOutcome, SendOutcome,
};

use super::PacketHandler;
use super::counters::count;
use super::driver::{Driver, MEDIA};
use super::edge::Edge;

/// The driver's types.
pub(super) struct Upper<H>(PhantomData<H>);

impl<H: PacketHandler> MiniportDriver for Upper<H> {
    type Driver = &'static Driver<H>;
    type Adapter = &'static Edge<H>;
    type Interrupt = ();
}

/// A version 4 table: frames come one by one, since each may go another way.
pub(super) fn characteristics<H: PacketHandler>() -> MiniportCharacteristics<Upper<H>> {
    MiniportCharacteristics {
        // The adapter below is watched by itself.
        check_for_hang: Some(|_, _| false),
        // Flush has gone before.
        halt: Some(|_, _| {}),
        initialize: Some(initialize),
        query_information: Some(query_information),
        reset: Some(reset),
        send: Some(send),
        set_information: Some(set_information),
        ..MiniportCharacteristics::new(4, 0)
    }
}

/// The virtual adapter has the medium of the one below, which has been opened already.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type of the handler")]
fn initialize<H: PacketHandler>(
    driver: &&'static Driver<H>,
    context: &mut InitializeContext<'_, Upper<H>>,
    media: &[Medium],
) -> Result<Initialized<Upper<H>>, NdisStatus> {
    let edge = driver.edge(context.adapter_name());
    let edge = edge.ok_or(NdisStatus::ADAPTER_NOT_FOUND)?;
    let lower = edge.lower().ok_or(NdisStatus::ADAPTER_NOT_OPEN)?;
    let medium = MEDIA.get(lower.medium_index());
    context.register_flush(|edge, context| edge.flush(context));
    let medium_index = media.iter().position(|offered| Some(offered) == medium);
    Ok(Initialized {
        adapter: edge,
        medium_index: medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?,
    })
}

fn send<H: PacketHandler>(
    edge: &mut &'static Edge<H>,
    context: &mut AdapterContext,
    packet: Packet,
) -> SendOutcome {
    edge.send(context, packet)
}

/// What the adapter below answers is the answer.
fn query_information<H: PacketHandler>(
    edge: &mut &'static Edge<H>,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    let mut request = Request::query_of(oid, buffer.len());
    match pass_request(edge, &mut request) {
        RequestOutcome::Done(_) => RequestOutcome::answer(buffer, request.bytes()),
        outcome => outcome,
    }
}

fn set_information<H: PacketHandler>(
    edge: &mut &'static Edge<H>,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &[u8],
) -> RequestOutcome {
    match Request::set(oid, buffer) {
        Ok(mut request) => pass_request(edge, &mut request),
        Err(status) => RequestOutcome::Failure(status),
    }
}

fn pass_request<H: PacketHandler>(edge: &Edge<H>, request: &mut Request) -> RequestOutcome {
    let Some(lower) = edge.lower() else {
        return RequestOutcome::Failure(NdisStatus::CLOSING);
    };
    count(&edge.counters.requests);
    match edge.ndis.request(&lower, request) {
        // The lower edge's RequestComplete passes it on.
        NdisStatus::PENDING => RequestOutcome::Pending,
        NdisStatus::INVALID_LENGTH if request.needed() != 0 => {
            RequestOutcome::TooShort(request.needed())
        }
        status if status.is_success() => RequestOutcome::Done(request.information()),
        status => RequestOutcome::Failure(status),
    }
}

/// A reset is one of the adapter below, whose ResetComplete ends it.
fn reset<H: PacketHandler>(edge: &mut &'static Edge<H>, _: &mut AdapterContext) -> ResetOutcome {
    let Some(lower) = edge.lower() else {
        return ResetOutcome::Failure(NdisStatus::CLOSING);
    };
    match edge.ndis.reset(&lower) {
        // One that somebody else began ends with the same call.
        NdisStatus::PENDING | NdisStatus::RESET_IN_PROGRESS => ResetOutcome::Pending,
        status if status.is_success() => ResetOutcome::Done {
            addressing_reset: false,
        },
        status => ResetOutcome::Failure(status),
    }
}
