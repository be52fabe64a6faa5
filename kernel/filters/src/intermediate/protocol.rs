//! The lower edge: the protocol, which binds to the adapter below.

use core::marker::PhantomData;

use ndis::packet::{self, BUFFER_SIZE};
use ndis::{
    AdapterContext, AdapterHandle, NdisStatus, Packet, PnpEvent, ProtocolCharacteristics,
    ProtocolDriver, ProtocolHandle, ReceiveContext, Request, RequestKind, Transfer,
};

use super::PacketHandler;
use super::counters::count;
use super::driver::Driver;
use super::edge::Edge;

/// Room in front of a received frame, such that the payload of a UDP datagram (14 + 20 + 8 bytes
/// further on) begins at a multiple of 8.
const HEADROOM: usize = 22;
const _: () = assert!(HEADROOM + 1514 <= BUFFER_SIZE && HEADROOM <= packet::HEADROOM);

/// The driver's types.
pub(super) struct Lower<H>(PhantomData<H>);

impl<H: PacketHandler> ProtocolDriver for Lower<H> {
    type Protocol = &'static Driver<H>;
    type Binding = Edge<H>;
}

/// A version 4 table.
pub(super) fn characteristics<H: PacketHandler>() -> ProtocolCharacteristics<Lower<H>> {
    ProtocolCharacteristics {
        close_adapter_complete: Some(|_, _| {}),
        send_complete: Some(|edge, completion| send_complete(edge, completion.status)),
        transfer_data_complete: Some(transfer_data_complete),
        reset_complete: Some(reset_complete),
        request_complete: Some(request_complete),
        receive: Some(receive),
        receive_complete: Some(Edge::receive_complete),
        status: Some(status),
        status_complete: Some(status_complete),
        receive_packet: Some(receive_packet),
        bind_adapter: Some(bind_adapter),
        unbind_adapter: Some(unbind_adapter),
        pnp_event: Some(|_, edge, event| pnp_event(edge, event)),
        unload: Some(|_| {}),
        ..ProtocolCharacteristics::new(4, 0)
    }
}

/// The adapter below starts again: so does the virtual one. Passive.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type of the handler")]
fn bind_adapter<H: PacketHandler>(
    driver: &&'static Driver<H>,
    _: &ProtocolHandle<Lower<H>>,
    adapter: &AdapterHandle,
) -> NdisStatus {
    driver.bind(*adapter)
}

/// The adapter below stops; the virtual one has been halted. Passive.
fn unbind_adapter<H: PacketHandler>(edge: &Edge<H>) {
    edge.close();
}

/// The edge completed the send to its protocol when it passed the packet on.
fn send_complete<H: PacketHandler>(edge: &Edge<H>, status: NdisStatus) {
    if !status.is_success() {
        count(&edge.counters.sends_failed);
    }
}

/// A frame, of which the first bytes are here and the rest is in the card (seed item 20). Dispatch.
fn receive<H: PacketHandler>(
    edge: &Edge<H>,
    context: &mut ReceiveContext<'_>,
    header: &[u8],
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let Some(mut packet) = edge.pool().allocate(HEADROOM) else {
        count(&edge.counters.dropped_no_packet);
        return NdisStatus::RESOURCES;
    };
    if header.len().saturating_add(payload_size) > packet.tailroom() {
        count(&edge.counters.dropped_too_long);
        return NdisStatus::INVALID_LENGTH;
    }
    let lookahead = lookahead.get(..payload_size).unwrap_or(lookahead);
    for bytes in [header, lookahead] {
        let Some(space) = packet.append(bytes.len()) else {
            return NdisStatus::RESOURCES;
        };
        space.copy_from_slice(bytes);
    }
    let rest = payload_size - lookahead.len();
    if rest == 0 {
        return edge.receive(packet);
    }
    match context.transfer_data(lookahead.len(), packet, rest) {
        Transfer::Complete { packet, result } if result == Ok(rest) => edge.receive(packet),
        Transfer::Complete { result, .. } => {
            count(&edge.counters.dropped_transfer_failed);
            result.err().unwrap_or(NdisStatus::FAILURE)
        }
        Transfer::Pending => NdisStatus::PENDING,
    }
}

/// The rest of a frame was transferred at last, or not. Dispatch.
fn transfer_data_complete<H: PacketHandler>(
    edge: &Edge<H>,
    packet: Packet,
    result: Result<usize, NdisStatus>,
) {
    if result.is_err() {
        count(&edge.counters.dropped_transfer_failed);
        return;
    }
    // Counted where it is dropped; nobody waits for the status.
    let _ = edge.receive(packet);
    edge.receive_complete();
}

/// A frame that is a packet already is shared, not copied. Dispatch.
fn receive_packet<H: PacketHandler>(edge: &Edge<H>, packet: &Packet) -> NdisStatus {
    let Some(shared) = packet.share() else {
        count(&edge.counters.dropped_no_packet);
        return NdisStatus::RESOURCES;
    };
    count(&edge.counters.shared);
    edge.receive(shared)
}

fn status<H: PacketHandler>(edge: &Edge<H>, status: NdisStatus) {
    edge.act_above(|context| context.indicate_status(status));
}

/// While the virtual adapter is being reset it tells of that by itself, and there is nothing to
/// complete.
fn status_complete<H: PacketHandler>(edge: &Edge<H>) {
    if !edge.upper().is_some_and(AdapterHandle::is_resetting) {
        edge.act_above(AdapterContext::indicate_status_complete);
    }
}

/// A reset of the adapter below is over, and that of the virtual one if it caused it. The adapter
/// below keeps the filters of its bindings.
fn reset_complete<H: PacketHandler>(edge: &Edge<H>, status: NdisStatus) {
    edge.act_above(|context| context.reset_complete(status, false));
}

/// A request that the virtual adapter passed on is over.
fn request_complete<H: PacketHandler>(edge: &Edge<H>, request: &Request, status: NdisStatus) {
    edge.act_above(|context| match request.kind() {
        RequestKind::Query => context.query_information_complete(status, request.bytes()),
        RequestKind::Set => context.set_information_complete(status),
    });
}

/// What happens to the adapter below happens to the virtual one. Passive.
fn pnp_event<H: PacketHandler>(edge: Option<&Edge<H>>, event: PnpEvent) -> NdisStatus {
    if let (Some(upper), PnpEvent::Reconfigure) = (edge.and_then(Edge::upper), event) {
        upper.ndis().reconfigure(upper);
    }
    NdisStatus::SUCCESS
}
