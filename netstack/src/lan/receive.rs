//! Received frames: from the adapter's memory into a packet of ours, and into
//! the queue.

use ndis::packet::{BUFFER_SIZE, Packet};
use ndis::protocol::ReceiveContext;
use ndis::status::NdisStatus;
use ndis::{Transfer, packet};

use super::binding::LanAdapter;
use super::protocol::MEDIA;
use super::{Lan, LanBinding, count};
use crate::wire::ethernet::{self, EtherType, HEADER_LENGTH};

/// Room in front of a received frame, such that the payload of a UDP datagram
/// (14 + 20 + 8 bytes further on) begins at a multiple of 8.
pub(super) const HEADROOM: usize = 22;
const _: () = assert!((HEADROOM + HEADER_LENGTH + 20 + 8).is_multiple_of(8));
const _: () =
    assert!(HEADROOM + HEADER_LENGTH + 1500 <= BUFFER_SIZE && HEADROOM <= packet::HEADROOM);

/// Why a frame is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NotStarted,
    Medium,
    ShortHeader,
    EtherType,
}

/// Whether a frame with this header, of the medium of this number, is ours to
/// take (seed item 19).
pub(super) fn check(
    receiving: Option<(LanBinding, u32)>,
    header: &[u8],
) -> Result<LanBinding, Refusal> {
    let (binding, medium) = receiving.ok_or(Refusal::NotStarted)?;
    if !MEDIA.iter().any(|&ours| ours as u32 == medium) {
        return Err(Refusal::Medium);
    }
    match ethernet::Packet::new_checked(header) {
        Err(ethernet::Error::TooShort) => Err(Refusal::ShortHeader),
        Err(ethernet::Error::Length) => Err(Refusal::EtherType),
        Ok(header) => match header.ether_type() {
            EtherType::IPV4 | EtherType::ARP => Ok(binding),
            _ => Err(Refusal::EtherType),
        },
    }
}

impl Lan {
    #[inline(always)]
    fn accept(&self, adapter: &LanAdapter, header: &[u8]) -> Result<LanBinding, NdisStatus> {
        let counters = &self.counters;
        count(&counters.indicated);
        check(adapter.receiving(), header).map_err(|refusal| {
            count(match refusal {
                Refusal::NotStarted => &counters.not_accepted_not_started,
                Refusal::Medium => &counters.not_accepted_medium,
                Refusal::ShortHeader => &counters.not_accepted_short_header,
                Refusal::EtherType => &counters.not_accepted_ether_type,
            });
            NdisStatus::NOT_ACCEPTED
        })
    }

    /// A packet with the header and the first bytes of the payload, and room
    /// for all of it.
    #[inline(always)]
    fn packet_for(
        &self,
        header: &[u8],
        lookahead: &[u8],
        payload_size: usize,
    ) -> Result<Packet, NdisStatus> {
        // Before anything is copied: under load most frames end here.
        if self.events.is_full() {
            count(&self.counters.dropped_queue_full);
            return Err(NdisStatus::RESOURCES);
        }
        if header.len().saturating_add(payload_size) > BUFFER_SIZE - HEADROOM {
            count(&self.counters.dropped_too_long);
            return Err(NdisStatus::INVALID_LENGTH);
        }
        let length = header.len() + lookahead.len();
        let packet = self.pool.allocate_with(HEADROOM, length, |space| {
            let (front, rest) = space.split_at_mut(header.len());
            copy::<8>(header, front);
            copy::<32>(lookahead, rest);
        });
        packet.ok_or_else(|| {
            count(&self.counters.dropped_no_packet);
            NdisStatus::RESOURCES
        })
    }

    #[inline(always)]
    fn queue(&self, binding: LanBinding, packet: Packet) -> NdisStatus {
        if log::max_level() == log::LevelFilter::Trace {
            trace_in(&packet);
        }
        if self.events.push_frame(binding, packet) {
            count(&self.counters.queued);
            NdisStatus::SUCCESS
        } else {
            count(&self.counters.dropped_queue_full);
            NdisStatus::RESOURCES
        }
    }
}

#[cold]
fn trace_in(packet: &Packet) {
    log::trace!(target: "lan", "packet {} in", packet.info().id);
}

/// Copies `from` to `to`, which is as long: `N` to `2 * N` bytes by the first
/// and the last `N`, without a call.
#[inline(always)]
fn copy<const N: usize>(from: &[u8], to: &mut [u8]) {
    match (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        (Some(first), Some(last)) if from.len() <= 2 * N && from.len() == to.len() => {
            if let Some(space) = to.first_chunk_mut() {
                *space = *first;
            }
            if let Some(space) = to.last_chunk_mut() {
                *space = *last;
            }
        }
        _ => to.copy_from_slice(from),
    }
}

/// A frame, of which the first bytes are here and the rest is in the card
/// (seed items 19 and 20). DISPATCH.
pub(super) fn receive(
    adapter: &LanAdapter,
    context: &mut ReceiveContext<'_>,
    header: &[u8],
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let Some(lan) = adapter.lan() else {
        return NdisStatus::NOT_ACCEPTED;
    };
    let received = lan.accept(adapter, header).and_then(|binding| {
        let lookahead = lookahead.get(..payload_size).unwrap_or(lookahead);
        let packet = lan.packet_for(header, lookahead, payload_size)?;
        Ok((binding, packet, payload_size - lookahead.len()))
    });
    let (binding, packet, rest) = match received {
        Ok(received) => received,
        Err(status) => return status,
    };
    if rest == 0 {
        count(&lan.counters.copied);
        return lan.queue(binding, packet);
    }
    match context.transfer_data(payload_size - rest, packet, rest) {
        Transfer::Complete { packet, result } if result == Ok(rest) => {
            count(&lan.counters.transferred);
            lan.queue(binding, packet)
        }
        Transfer::Complete { result, .. } => {
            count(&lan.counters.dropped_transfer_failed);
            result.err().unwrap_or(NdisStatus::FAILURE)
        }
        Transfer::Pending => {
            count(&lan.counters.transfers_pended);
            NdisStatus::PENDING
        }
    }
}

/// The rest of a frame was transferred at last, or not (seed items 20 and 21).
/// DISPATCH.
pub(super) fn transfer_data_complete(
    adapter: &LanAdapter,
    packet: Packet,
    result: Result<usize, NdisStatus>,
) {
    let Some(lan) = adapter.lan() else {
        return;
    };
    match (result, adapter.receiving()) {
        (Ok(_), Some((binding, _))) => {
            count(&lan.counters.transferred);
            // Counted when it is dropped; nobody waits for the status.
            let _ = lan.queue(binding, packet);
            lan.finish_batch();
        }
        (Ok(_), None) => count(&lan.counters.not_accepted_not_started),
        (Err(_), _) => count(&lan.counters.dropped_transfer_failed),
    }
}

/// A frame that is a packet already is shared, not copied. DISPATCH.
pub(super) fn receive_packet(adapter: &LanAdapter, packet: &Packet) -> NdisStatus {
    let Some(lan) = adapter.lan() else {
        return NdisStatus::NOT_ACCEPTED;
    };
    let binding = match lan.accept(adapter, packet.data()) {
        Ok(binding) => binding,
        Err(status) => return status,
    };
    if lan.events.is_full() {
        count(&lan.counters.dropped_queue_full);
        return NdisStatus::RESOURCES;
    }
    let Some(shared) = packet.share() else {
        count(&lan.counters.dropped_no_packet);
        return NdisStatus::RESOURCES;
    };
    count(&lan.counters.shared);
    lan.queue(binding, shared)
}

/// The batch is over: the work item takes it from here (seed item 21).
/// DISPATCH.
pub(super) fn receive_complete(adapter: &LanAdapter) {
    if let Some(lan) = adapter.lan() {
        lan.finish_batch();
    }
}

impl Lan {
    fn finish_batch(&self) {
        if !self.events.is_empty() {
            count(&self.counters.batches);
            self.wake();
        }
    }
}
