//! A protocol that sends and receives numbered frames.

use std::sync::Mutex;

use executive::{Duration, Instant, Irql};

use super::ledger::{Ledger, frame, numbers};
use super::lock;
use crate::{
    AdapterHandle, BindingHandle, HardwareAddress, Medium, Ndis, NdisStatus, Oid, Packet,
    PacketFilter, PacketPool, ProtocolCharacteristics, ProtocolDriver, ProtocolHandle,
    ReceiveContext, Request, Transfer,
};

/// The station frames are sent to.
const PEER: HardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 7]);

/// After so long halting gives up operations that are not completed.
const HALT_TIMEOUT: Duration = Duration::from_secs(10);

/// A protocol with one binding.
pub(super) struct Endpoint {
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    number: u8,
    ledger: &'static Ledger,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    handle: Option<BindingHandle>,
    /// When the binding began to be closed that is not closed yet.
    closing: Option<Instant>,
    /// The filter it wants.
    filter: PacketFilter,
    /// Requests under way that set one.
    filter_requests: usize,
    /// Frames to be sent from Receive, and from SendComplete.
    replies: usize,
    resends: usize,
}

pub(super) struct Protocol;

impl ProtocolDriver for Protocol {
    type Protocol = &'static Endpoint;
    type Binding = Endpoint;
}

impl Endpoint {
    pub(super) fn new(
        ndis: &'static Ndis,
        pool: &'static PacketPool,
        number: u8,
        ledger: &'static Ledger,
    ) -> Self {
        Self {
            ndis,
            pool,
            number,
            ledger,
            state: Mutex::default(),
        }
    }

    /// Has the next frames received, and sends completed, answered by a frame.
    pub(super) fn answer(&self, replies: usize, resends: usize) {
        let mut state = lock(&self.state);
        (state.replies, state.resends) = (replies, resends);
    }

    fn handle(&self) -> Option<BindingHandle> {
        lock(&self.state).handle
    }

    fn next_packet(&self, length: usize) -> Option<Packet> {
        let mut packet = self.pool.allocate(0)?;
        let number = self.ledger.next();
        packet
            .append_slice(&frame(PEER, self.number, number, length))
            .then_some(())?;
        self.ledger.sending(&packet, number);
        Some(packet)
    }

    /// Sends a frame.
    pub(super) fn send(&self, length: usize) {
        // None takes a number and is overtaken before it is sent.
        let _raised = self.ndis.executive().raise_irql(Irql::Dispatch);
        let Some(handle) = self.handle() else { return };
        let Some(packet) = self.next_packet(length) else {
            return;
        };
        let id = packet.info().id;
        let status = self.ndis.send(&handle, packet);
        if !status.is_pending() {
            self.ledger.sent(id, status);
        }
    }

    /// Sends frames by one call.
    pub(super) fn send_several(&self, count: usize) {
        let _raised = self.ndis.executive().raise_irql(Irql::Dispatch);
        let Some(handle) = self.handle() else { return };
        let packets = (0..count).map_while(|_| self.next_packet(20));
        let packets: alloc::vec::Vec<Packet> = packets.collect();
        let ids: alloc::vec::Vec<u64> = packets.iter().map(|packet| packet.info().id).collect();
        let accepted = self.ndis.send_packets(&handle, packets.into_iter());
        // All are, or none: the binding is closed.
        if accepted == 0 {
            for id in ids {
                self.ledger.sent(id, NdisStatus::CLOSING);
            }
        } else {
            assert_eq!(accepted, ids.len());
        }
    }

    /// Sets the packet filter.
    pub(super) fn set_filter(&self, filter: PacketFilter) {
        lock(&self.state).filter = filter;
        self.apply_filter(filter);
    }

    fn apply_filter(&self, filter: PacketFilter) {
        let Some(handle) = self.handle() else { return };
        // What is received while it changes may be indicated or not.
        self.ledger.filter(PacketFilter::empty());
        lock(&self.state).filter_requests += 1;
        let bytes = filter.bits().to_le_bytes();
        if let Ok(mut request) = Request::set(Oid::GEN_CURRENT_PACKET_FILTER, &bytes) {
            self.request(&handle, &mut request);
        }
    }

    /// Asks what the card may answer later.
    pub(super) fn ask(&self) {
        if let Some(handle) = self.handle() {
            self.request(
                &handle,
                &mut Request::query(Oid::IEEE_802_3_PERMANENT_ADDRESS),
            );
        }
    }

    fn request(&self, handle: &BindingHandle, request: &mut Request) {
        let _raised = self.ndis.executive().raise_irql(Irql::Dispatch);
        self.ledger.request_pending();
        let status = self.ndis.request(handle, request);
        if !status.is_pending() {
            self.request_complete(request, status);
        }
    }

    fn request_complete(&self, request: &Request, status: NdisStatus) {
        self.ledger.request_complete();
        if request.oid() != Oid::GEN_CURRENT_PACKET_FILTER {
            return;
        }
        let is_last = {
            let mut state = lock(&self.state);
            state.filter_requests -= 1;
            state.filter_requests == 0
        };
        // Not the newest one asked for: that may have been refused.
        let set = request.bytes().first_chunk().copied();
        if let Some(set) = set.filter(|_| is_last && status.is_success()) {
            let filter = u32::from_le_bytes(set);
            self.ledger.filter(PacketFilter::from_bits_retain(filter));
        }
    }

    /// Resets the adapter.
    pub(super) fn reset(&self) {
        let _raised = self.ndis.executive().raise_irql(Irql::Dispatch);
        let Some(handle) = self.handle() else { return };
        self.ledger.reset_pending();
        if !self.ndis.reset(&handle).is_pending() {
            self.ledger.reset_complete();
        }
    }

    /// Closes the binding.
    pub(super) fn close(&self) {
        let _raised = self.ndis.executive().raise_irql(Irql::Dispatch);
        let handle = lock(&self.state).handle.take();
        if let Some(handle) = handle {
            self.ledger.close();
            lock(&self.state).closing = Some(self.ndis.executive().now());
            if !self.ndis.close_adapter(&handle).is_pending() {
                self.closed();
            }
        }
    }

    fn closed(&self) {
        let began = lock(&self.state).closing.take();
        let began = began.expect("a binding is closed once");
        if self.ndis.executive().now().duration_since(began) < HALT_TIMEOUT {
            assert!(self.ledger.is_quiet(), "closed with operations under way");
        }
        self.ledger.give_up();
        lock(&self.state).filter_requests = 0;
    }

    /// Opens the adapter, unless the binding before is still there.
    pub(super) fn open(
        &'static self,
        protocol: ProtocolHandle<Protocol>,
        adapter: AdapterHandle,
    ) -> NdisStatus {
        if self.handle().is_some() || lock(&self.state).closing.is_some() {
            return NdisStatus::OPEN_FAILED;
        }
        let opened = self
            .ndis
            .open_adapter(&protocol, &adapter, &[Medium::Ieee802_3], self);
        let handle = match opened {
            Ok(handle) => handle,
            Err(status) => return status,
        };
        self.ledger.open();
        lock(&self.state).handle = Some(handle);
        let filter = lock(&self.state).filter;
        self.apply_filter(filter);
        NdisStatus::SUCCESS
    }

    /// Sends a frame if one is owed.
    fn pay(&self, owed: impl FnOnce(&mut State) -> &mut usize) {
        let is_owed = {
            let mut state = lock(&self.state);
            let owed = owed(&mut state);
            core::mem::replace(owed, owed.saturating_sub(1)) != 0
        };
        if is_owed {
            self.send(10);
        }
    }
}

pub(super) fn table() -> ProtocolCharacteristics<Protocol> {
    ProtocolCharacteristics {
        close_adapter_complete: Some(|endpoint, _status| endpoint.closed()),
        send_complete: Some(|endpoint, completion| {
            endpoint.ledger.sent(completion.id, completion.status);
            drop(completion);
            endpoint.pay(|state| &mut state.resends);
        }),
        transfer_data_complete: Some(|endpoint, _packet, _result| {
            endpoint.ledger.transfer_complete();
        }),
        reset_complete: Some(|endpoint, _status| endpoint.ledger.reset_complete()),
        request_complete: Some(|endpoint, request, status| {
            endpoint.request_complete(request, status);
        }),
        receive: Some(receive),
        receive_complete: Some(|endpoint| endpoint.ledger.receive_complete()),
        bind_adapter: Some(|endpoint, protocol, adapter| endpoint.open(*protocol, *adapter)),
        unbind_adapter: Some(Endpoint::close),
        ..ProtocolCharacteristics::new(4, 0)
    }
}

fn receive(
    endpoint: &Endpoint,
    receive: &mut ReceiveContext<'_>,
    _header: &[u8],
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let (_, number) = numbers(lookahead);
    endpoint.ledger.received(number);
    if lookahead.len() < payload_size
        && let Some(packet) = endpoint.pool.allocate(0)
        && let Transfer::Pending = receive.transfer_data(0, packet, payload_size)
    {
        endpoint.ledger.transfer_pending();
    }
    endpoint.pay(|state| &mut state.replies);
    NdisStatus::SUCCESS
}
