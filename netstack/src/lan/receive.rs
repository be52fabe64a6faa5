//! Received frames: from the adapter's memory into a packet of ours, and into
//! the queue.

use core::sync::atomic::{AtomicU64, Ordering};

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

/// Bytes of the longest frame that fits into a packet's buffer.
const LONGEST: usize = BUFFER_SIZE - HEADROOM;

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

/// The same without the reason, for most frames.
#[inline(always)]
pub(super) fn is_ours(header: &[u8]) -> bool {
    let bytes = header.get(ethernet::field::ETHER_TYPE);
    let ether_type = bytes.and_then(<[u8]>::first_chunk).copied();
    ether_type.is_some_and(|bytes| {
        matches!(
            EtherType(u16::from_be_bytes(bytes)),
            EtherType::IPV4 | EtherType::ARP
        )
    })
}

impl Lan {
    /// The name of the binding, if a frame of `length` bytes with this header
    /// is taken; else it is counted why not. Before anything is copied: under
    /// load most frames end here.
    #[inline(always)]
    fn accept(
        &self,
        adapter: &LanAdapter,
        header: &[u8],
        length: usize,
    ) -> Result<LanBinding, NdisStatus> {
        let (binding, is_taking) = adapter.taking();
        let is_accepted =
            is_taking && is_ours(header) && length <= LONGEST && !self.events.is_full();
        if is_accepted {
            Ok(binding)
        } else {
            Err(self.count_not_accepted(adapter, header, length))
        }
    }

    #[cold]
    fn count_not_accepted(&self, adapter: &LanAdapter, header: &[u8], length: usize) -> NdisStatus {
        let counters = &self.counters;
        let (counter, status) = match check(adapter.receiving(), header) {
            Err(refusal) => {
                let counter = match refusal {
                    Refusal::NotStarted => &counters.not_accepted_not_started,
                    Refusal::Medium => &counters.not_accepted_medium,
                    Refusal::ShortHeader => &counters.not_accepted_short_header,
                    Refusal::EtherType => &counters.not_accepted_ether_type,
                };
                (counter, NdisStatus::NOT_ACCEPTED)
            }
            Ok(_) if length > LONGEST => (&counters.dropped_too_long, NdisStatus::INVALID_LENGTH),
            Ok(_) => (&counters.dropped_queue_full, NdisStatus::RESOURCES),
        };
        count(counter);
        status
    }

    /// Queues a frame and counts it as `way`, or drops it.
    #[inline(always)]
    fn queue(&self, binding: LanBinding, packet: Packet, way: &AtomicU64) -> NdisStatus {
        if log::max_level() == log::LevelFilter::Trace {
            trace_in(&packet);
        }
        if self.events.push_frame(binding, packet) {
            count(way);
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

/// Copies `from` to `to`, which is as long: `FIRST` to `FIRST + LAST` bytes by
/// the first and the last ones, without a call.
#[inline(always)]
fn copy<const FIRST: usize, const LAST: usize>(from: &[u8], to: &mut [u8]) {
    let is_ordinary = (FIRST..=FIRST + LAST).contains(&from.len());
    match (from.first_chunk::<FIRST>(), from.last_chunk::<LAST>()) {
        (Some(first), Some(last)) if is_ordinary && from.len() == to.len() => {
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
    let length = header.len().saturating_add(payload_size);
    let binding = match lan.accept(adapter, header, length) {
        Ok(binding) => binding,
        Err(status) => return status,
    };
    let (lookahead, _) = lookahead.split_at(lookahead.len().min(payload_size));
    let counters = &lan.counters;
    let (mut way, mut result) = (&counters.copied, Ok(()));
    let packet = lan.pool.allocate_with(HEADROOM, length, |space| {
        let (front, payload) = space.split_at_mut(header.len());
        let (known, rest) = payload.split_at_mut(lookahead.len());
        copy::<8, 8>(header, front);
        copy::<32, 16>(lookahead, known);
        if !rest.is_empty() {
            way = &counters.transferred;
            result = context.transfer(lookahead.len(), rest);
        }
    });
    let Some(packet) = packet else {
        count(&counters.dropped_no_packet);
        return NdisStatus::RESOURCES;
    };
    match result {
        Ok(()) => lan.queue(binding, packet, way),
        Err(NdisStatus::PENDING) => {
            let rest = payload_size - lookahead.len();
            lan.transfer_later(binding, context, packet, lookahead.len(), rest)
        }
        Err(status) => lan.not_transferred(packet, status),
    }
}

impl Lan {
    /// Drops a packet whose rest could not be transferred.
    #[cold]
    fn not_transferred(&self, _packet: Packet, status: NdisStatus) -> NdisStatus {
        count(&self.counters.dropped_transfer_failed);
        status
    }

    /// Has the last `rest` bytes of a frame transferred by a miniport that
    /// needs time for it.
    #[cold]
    fn transfer_later(
        &self,
        binding: LanBinding,
        context: &mut ReceiveContext<'_>,
        mut packet: Packet,
        payload_offset: usize,
        rest: usize,
    ) -> NdisStatus {
        packet.truncate(packet.len() - rest);
        self.transfers_under_way.fetch_add(1, Ordering::Relaxed);
        let Transfer::Complete { packet, result } =
            context.transfer_data(payload_offset, packet, rest)
        else {
            count(&self.counters.transfers_pended);
            return NdisStatus::PENDING;
        };
        self.transfers_under_way.fetch_sub(1, Ordering::Relaxed);
        if result == Ok(rest) {
            return self.queue(binding, packet, &self.counters.transferred);
        }
        self.not_transferred(packet, result.err().unwrap_or(NdisStatus::FAILURE))
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
    lan.transfers_under_way.fetch_sub(1, Ordering::Relaxed);
    match (result, adapter.receiving()) {
        (Ok(_), Some((binding, _))) => {
            // Counted when it is dropped; nobody waits for the status.
            let _ = lan.queue(binding, packet, &lan.counters.transferred);
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
    let binding = match lan.accept(adapter, packet.data(), 0) {
        Ok(binding) => binding,
        Err(status) => return status,
    };
    let Some(shared) = packet.share() else {
        count(&lan.counters.dropped_no_packet);
        return NdisStatus::RESOURCES;
    };
    lan.queue(binding, shared, &lan.counters.shared)
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
