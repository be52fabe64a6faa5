//! SetInformation: packet filter, multicast list, lookahead, measurements.

use ndis::{
    AdapterContext, HandleInterrupt, HardwareAddress, NdisStatus, Oid, PacketFilter, RequestOutcome,
};

use super::Adapter;
use crate::bus::RegisterBus;
use crate::card::State;
use crate::filter::{Multicast, ReceiveFilter, multicast_hash};
use crate::measure::{self, OID_MEASURE, Order};
use crate::receive::LOOKAHEAD_SIZE;

/// The kinds of frames the card can tell apart.
const SUPPORTED_FILTER: PacketFilter = PacketFilter::DIRECTED
    .union(PacketFilter::MULTICAST)
    .union(PacketFilter::ALL_MULTICAST)
    .union(PacketFilter::BROADCAST)
    .union(PacketFilter::PROMISCUOUS)
    .union(PacketFilter::ALL_LOCAL);

/// Passes of the deferred half that empty the ring, whatever it holds.
const PASSES_AFTER_MEASURING: usize = 8;

/// Sets what can be set. Dispatch.
pub(super) fn set_information<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    context: &mut AdapterContext,
    oid: Oid,
    buffer: &[u8],
) -> RequestOutcome {
    match oid {
        Oid::GEN_CURRENT_PACKET_FILTER => {
            RequestOutcome::set_u32(buffer, |value| adapter.set_packet_filter(value))
        }
        Oid::GEN_CURRENT_LOOKAHEAD => RequestOutcome::set_u32(buffer, |value| {
            adapter.lookahead = value.min(LOOKAHEAD_SIZE as u32);
            Ok(())
        }),
        // None of the options changes what the driver does.
        Oid::GEN_PROTOCOL_OPTIONS => RequestOutcome::set_u32(buffer, |_| Ok(())),
        Oid::IEEE_802_3_MULTICAST_LIST => adapter.set_multicast_list(buffer),
        Oid(OID_MEASURE) => adapter.measure(context, buffer),
        _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
    }
}

impl<B: RegisterBus> Adapter<B> {
    fn set_packet_filter(&mut self, value: u32) -> Result<(), NdisStatus> {
        let filter = PacketFilter::from_bits(value).ok_or(NdisStatus::NOT_SUPPORTED)?;
        if !SUPPORTED_FILTER.contains(filter) {
            return Err(NdisStatus::NOT_SUPPORTED);
        }
        self.packet_filter = filter;
        self.apply_filter();
        Ok(())
    }

    fn set_multicast_list(&mut self, buffer: &[u8]) -> RequestOutcome {
        let (addresses, rest) = buffer.as_chunks::<6>();
        if !rest.is_empty() {
            return RequestOutcome::Failure(NdisStatus::INVALID_LENGTH);
        }
        if addresses.len() > self.multicast.capacity() {
            return RequestOutcome::Failure(NdisStatus::MULTICAST_FULL);
        }
        self.multicast = addresses.iter().copied().map(HardwareAddress).collect();
        self.apply_filter();
        RequestOutcome::Done(buffer.len())
    }

    /// Tells the card what NDIS wants.
    fn apply_filter(&mut self) {
        let wanted = self.packet_filter;
        let multicast = if wanted.contains(PacketFilter::ALL_MULTICAST) {
            Multicast::All
        } else if wanted.contains(PacketFilter::MULTICAST) && !self.multicast.is_empty() {
            Multicast::Hash(multicast_hash(
                self.multicast.iter().map(|address| &address.0),
            ))
        } else {
            Multicast::None
        };
        self.card.set_filter(ReceiveFilter {
            directed: wanted.contains(PacketFilter::DIRECTED),
            broadcast: wanted.contains(PacketFilter::BROADCAST),
            multicast,
            promiscuous: wanted.contains(PacketFilter::PROMISCUOUS),
        });
    }

    /// Measures the bare card, with the processor at dispatch level for as long
    /// as that takes.
    fn measure(&mut self, context: &mut AdapterContext, buffer: &[u8]) -> RequestOutcome {
        let Some(order) = Order::from_bytes(buffer) else {
            return RequestOutcome::Failure(NdisStatus::INVALID_DATA);
        };
        if self.card.state() != State::Running {
            return RequestOutcome::Failure(NdisStatus::ADAPTER_NOT_READY);
        }
        let suspended = self.interrupt.suspend();
        self.measurement = measure::measure(&mut self.card, order, || context.now());
        context.send_resources_available();
        // What came since is the protocols' again.
        for _ in 0..PASSES_AFTER_MEASURING {
            if self.serve(context) == HandleInterrupt::Done {
                break;
            }
        }
        drop(suspended);
        RequestOutcome::Done(Order::LENGTH)
    }
}
