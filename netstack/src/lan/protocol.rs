//! The protocol's handlers, except those that receive.

use ndis::medium::Medium;
use ndis::oid::Oid;
use ndis::protocol::{PnpEvent, ProtocolCharacteristics, ProtocolDriver, ProtocolHandle, Request};
use ndis::{AdapterHandle, BindingHandle, NdisStatus, PROTOCOL_OPTION_NO_LOOPBACK, PacketFilter};

use super::binding::LanAdapter;
use super::{Lan, LanEvent, count, receive};
use crate::ip::ALL_HOSTS;
use crate::wire::ethernet;

/// The name under which the configuration knows the protocol.
pub(super) const NAME: &str = "Tcpip";

/// The media that the protocol can use: both have Ethernet's header.
pub(super) const MEDIA: [Medium; 2] = [Medium::Ieee802_3, Medium::Loopback];

/// The driver's types.
pub(super) struct Tcpip;

impl ProtocolDriver for Tcpip {
    type Protocol = &'static Lan;
    type Binding = LanAdapter;
}

/// A version 4 table.
pub(super) fn characteristics() -> ProtocolCharacteristics<Tcpip> {
    ProtocolCharacteristics {
        close_adapter_complete: Some(close_adapter_complete),
        send_complete: Some(|binding, completion| send_complete(binding, completion.status)),
        transfer_data_complete: Some(receive::transfer_data_complete),
        reset_complete: Some(reset_complete),
        request_complete: Some(request_complete),
        receive: Some(receive::receive),
        receive_complete: Some(receive::receive_complete),
        status: Some(status),
        status_complete: Some(|_| {}),
        receive_packet: Some(receive::receive_packet),
        bind_adapter: Some(|lan, protocol, adapter| bind_adapter(lan, *protocol, *adapter)),
        unbind_adapter: Some(unbind_adapter),
        pnp_event: Some(|_, _, event| pnp_event(event)),
        unload: Some(|_| {}),
        ..ProtocolCharacteristics::new(4, 0)
    }
}

/// Opens an adapter (seed item 13). PASSIVE.
fn bind_adapter(
    lan: &'static Lan,
    protocol: ProtocolHandle<Tcpip>,
    adapter: AdapterHandle,
) -> NdisStatus {
    let binding = match lan.claim() {
        Ok(binding) => binding,
        Err(status) => {
            count(&lan.counters.refused_bindings);
            return status;
        }
    };
    let handle = match lan.ndis.open_adapter(&protocol, &adapter, &MEDIA, binding) {
        Ok(handle) => handle,
        Err(status) => {
            lan.events.release();
            binding.free();
            return status;
        }
    };
    let medium = MEDIA.get(handle.medium_index()).copied();
    let medium = medium.unwrap_or_else(|| adapter.medium());
    binding.start(handle, medium);
    count(&lan.counters.bound);
    lan.events.push_reserved(LanEvent::Bound {
        binding: binding.name(),
        name: adapter.name(),
        medium,
        hardware_address: adapter.hardware_address(),
        mtu: adapter.maximum_frame_size(),
    });
    lan.wake();
    match set_filters(lan, &handle) {
        Ok(()) => NdisStatus::SUCCESS,
        Err(status) => {
            log::warn!(target: "lan", "{}: no packet filter: {status}", adapter.name());
            unbind_adapter(binding);
            status
        }
    }
}

/// Asks for frames: those to the card, to everybody, and to the group of all
/// hosts, but not those that the protocol has sent. What the adapter answers
/// later is told to `request_complete`.
fn set_filters(lan: &Lan, handle: &BindingHandle) -> Result<(), NdisStatus> {
    let groups = ethernet::of_multicast(ALL_HOSTS).0;
    let filter = PacketFilter::DIRECTED | PacketFilter::BROADCAST | PacketFilter::MULTICAST;
    let filter = filter.bits().to_le_bytes();
    // The stack loops back itself what it sends to itself.
    let options = PROTOCOL_OPTION_NO_LOOPBACK.to_le_bytes();
    let settings: [(Oid, &[u8]); 3] = [
        (Oid::GEN_PROTOCOL_OPTIONS, &options),
        (Oid::IEEE_802_3_MULTICAST_LIST, &groups),
        (Oid::GEN_CURRENT_PACKET_FILTER, &filter),
    ];
    for (oid, bytes) in settings {
        match lan.ndis.set_information(handle, oid, bytes) {
            Ok(()) | Err(NdisStatus::PENDING) => {}
            Err(status) => return Err(status),
        }
    }
    Ok(())
}

/// Closes an adapter. PASSIVE.
fn unbind_adapter(binding: &LanAdapter) {
    let Some((lan, handle)) = binding.lan().zip(binding.stop()) else {
        return;
    };
    count(&lan.counters.unbound);
    lan.events.push_reserved(LanEvent::Unbound {
        binding: binding.name(),
    });
    lan.wake();
    if !lan.ndis.close_adapter(&handle).is_pending() {
        binding.free();
    }
}

fn close_adapter_complete(binding: &LanAdapter, _status: NdisStatus) {
    binding.free();
}

/// A frame that NDIS kept has been sent, or not; its packet goes back to the
/// pool.
fn send_complete(binding: &LanAdapter, status: NdisStatus) {
    if let Some(lan) = binding.lan() {
        count(if status.is_success() {
            &lan.counters.sends_completed
        } else {
            &lan.counters.unsent_failed
        });
    }
}

fn reset_complete(_binding: &LanAdapter, status: NdisStatus) {
    log::debug!(target: "lan", "the adapter was reset: {status}");
}

fn request_complete(_binding: &LanAdapter, request: &Request, status: NdisStatus) {
    if !status.is_success() {
        log::warn!(target: "lan", "{:?} failed: {status}", request.oid());
    }
}

fn status(_binding: &LanAdapter, status: NdisStatus) {
    log::debug!(target: "lan", "the adapter tells {status}");
}

fn pnp_event(event: PnpEvent) -> NdisStatus {
    log::debug!(target: "lan", "{event:?}");
    NdisStatus::SUCCESS
}
