//! A protocol that sends numbered frames and writes down those it receives.

use std::collections::HashMap;
use std::sync::Mutex;

use executive::Irql;
use ndis::{
    AdapterHandle, BindingHandle, Medium, Ndis, NdisStatus, Oid, Packet, PacketFilter, PacketPool,
    ProtocolCharacteristics, ProtocolDriver, ProtocolHandle, ReceiveContext, Request, Transfer,
};

use super::card::{frame_out, number};
use super::lock;

/// A protocol with one binding.
pub(crate) struct Endpoint {
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    handle: Mutex<Option<BindingHandle>>,
    /// Numbers of the frames received.
    received: Mutex<Vec<u32>>,
    /// Received frames of other protocols than the numbered ones'.
    pub(crate) others: Mutex<Vec<Vec<u8>>>,
    /// Where the first bytes of each packet received were.
    pub(crate) received_from: Mutex<Vec<usize>>,
    /// Batches of frames that are over.
    pub(crate) batches: Mutex<usize>,
    /// Sends that pend, by packet.
    pending: Mutex<HashMap<u64, u32>>,
    /// How each send ended.
    ended: Mutex<Vec<(u32, NdisStatus)>>,
    /// What else was told.
    events: Mutex<Vec<String>>,
    /// Frames to send from Receive: the first of their numbers.
    pub(crate) replies_from: Mutex<Option<u32>>,
}

pub(crate) struct Protocol;

impl ProtocolDriver for Protocol {
    type Protocol = &'static Endpoint;
    type Binding = Endpoint;
}

pub(crate) fn register(
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    name: &'static str,
) -> &'static Endpoint {
    let endpoint: &'static Endpoint = Box::leak(Box::new(Endpoint {
        ndis,
        pool,
        handle: Mutex::new(None),
        received: Mutex::default(),
        others: Mutex::default(),
        received_from: Mutex::default(),
        batches: Mutex::default(),
        pending: Mutex::default(),
        ended: Mutex::default(),
        events: Mutex::default(),
        replies_from: Mutex::default(),
    }));
    let table = ProtocolCharacteristics::<Protocol> {
        close_adapter_complete: Some(|_, _| {}),
        send_complete: Some(|endpoint, completion| {
            let number = lock(&endpoint.pending).remove(&completion.id);
            let number = number.expect("a pending send is completed once");
            lock(&endpoint.ended).push((number, completion.status));
        }),
        transfer_data_complete: Some(|endpoint, packet, result| {
            assert!(result.is_ok());
            endpoint.take(&packet);
        }),
        reset_complete: Some(|endpoint, status| endpoint.write(format!("reset complete {status}"))),
        request_complete: Some(|endpoint, request, status| {
            let bytes = String::from_utf8_lossy(request.bytes()).into_owned();
            endpoint.write(format!(
                "request complete {} {status} {bytes}",
                request.oid()
            ));
        }),
        receive: Some(receive),
        receive_complete: Some(|endpoint| *lock(&endpoint.batches) += 1),
        status: Some(|endpoint, status| endpoint.write(format!("status {status}"))),
        status_complete: Some(|endpoint| endpoint.write("status complete")),
        receive_packet: Some(|endpoint, packet| {
            lock(&endpoint.received_from).push(packet.data().as_ptr().addr());
            endpoint.take(packet);
            NdisStatus::SUCCESS
        }),
        bind_adapter: Some(|endpoint, protocol, adapter| endpoint.bind(*protocol, *adapter)),
        unbind_adapter: Some(|endpoint| {
            endpoint.write("unbind");
            let handle = lock(&endpoint.handle).take();
            let closed = handle.map(|handle| endpoint.ndis.close_adapter(&handle));
            assert!(closed.is_some_and(NdisStatus::is_success));
        }),
        pnp_event: Some(|_, endpoint, event| {
            if let Some(endpoint) = endpoint {
                endpoint.write(format!("{event:?}"));
            }
            NdisStatus::SUCCESS
        }),
        ..ProtocolCharacteristics::new(4, 0)
    };
    let length = ProtocolCharacteristics::<Protocol>::LENGTH_5;
    ndis.register_protocol(name, &table, length, endpoint)
        .expect("the table is good");
    endpoint
}

fn receive(
    endpoint: &Endpoint,
    context: &mut ReceiveContext<'_>,
    header: &[u8],
    _: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let Some(mut packet) = endpoint.pool.allocate(0) else {
        return NdisStatus::RESOURCES;
    };
    assert!(packet.append_slice(header));
    match context.transfer_data(0, packet, payload_size) {
        Transfer::Complete { packet, result } if result.is_ok() => {
            endpoint.take(&packet);
            NdisStatus::SUCCESS
        }
        Transfer::Complete { .. } => NdisStatus::FAILURE,
        Transfer::Pending => NdisStatus::PENDING,
    }
}

impl Endpoint {
    fn bind(
        &'static self,
        protocol: ProtocolHandle<Protocol>,
        adapter: AdapterHandle,
    ) -> NdisStatus {
        self.write(format!("bind {}", adapter.name()));
        let media = [Medium::Ieee802_3, Medium::Loopback];
        let opened = self.ndis.open_adapter(&protocol, &adapter, &media, self);
        match opened {
            Ok(handle) => {
                *lock(&self.handle) = Some(handle);
                self.set_filter(PacketFilter::DIRECTED | PacketFilter::BROADCAST);
                NdisStatus::SUCCESS
            }
            Err(status) => status,
        }
    }

    pub(crate) fn handle(&self) -> BindingHandle {
        lock(&self.handle).expect("the protocol is bound")
    }

    pub(crate) fn set_filter(&self, filter: PacketFilter) {
        let bytes = filter.bits().to_le_bytes();
        self.ndis
            .set_information(&self.handle(), Oid::GEN_CURRENT_PACKET_FILTER, &bytes)
            .expect("the card takes the filter");
    }

    fn write(&self, event: impl Into<String>) {
        lock(&self.events).push(event.into());
    }

    fn take(&self, packet: &Packet) {
        assert_eq!(self.ndis.executive().irql(), Irql::Dispatch);
        let frame: Vec<u8> = packet.segments().flatten().copied().collect();
        if frame.get(12..14) != Some(&[0x88, 0xB5]) {
            lock(&self.others).push(frame);
            return;
        }
        let number = number(&frame);
        let expected = super::card::frame(number, frame.len());
        assert_eq!(frame.get(14..), expected.get(14..));
        lock(&self.received).push(number);
        let mut replies = lock(&self.replies_from);
        if let Some(reply) = *replies {
            *replies = Some(reply + 1);
            drop(replies);
            self.send(reply);
        }
    }

    /// Sends a frame with a number; its status.
    pub(crate) fn send(&self, number: u32) -> NdisStatus {
        self.send_frame(&frame_out(number, 200))
    }

    pub(crate) fn send_frame(&self, frame: &[u8]) -> NdisStatus {
        // No completion comes before it is noted that it pends.
        let _raised = self.ndis.executive().raise_irql(Irql::Dispatch);
        let number = number(frame);
        let Some(mut packet) = self.pool.allocate(0) else {
            lock(&self.ended).push((number, NdisStatus::RESOURCES));
            return NdisStatus::RESOURCES;
        };
        assert!(packet.append_slice(frame));
        let id = packet.info().id;
        lock(&self.pending).insert(id, number);
        let status = self.ndis.send(&self.handle(), packet);
        if !status.is_pending() {
            let pending = lock(&self.pending).remove(&id);
            assert!(pending.is_some(), "completed twice");
            lock(&self.ended).push((number, status));
        }
        status
    }

    /// Asks for the name of the card.
    pub(crate) fn ask(&self) -> (NdisStatus, Request) {
        let mut request = Request::query(Oid::GEN_VENDOR_DESCRIPTION);
        let status = self.ndis.request(&self.handle(), &mut request);
        (status, request)
    }

    pub(crate) fn take_received(&self) -> Vec<u32> {
        std::mem::take(&mut lock(&self.received))
    }

    pub(crate) fn take_events(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.events))
    }

    /// How the sends ended since the last call; none of them pends any more.
    pub(crate) fn take_ended(&self) -> Vec<(u32, NdisStatus)> {
        assert!(lock(&self.pending).is_empty());
        std::mem::take(&mut lock(&self.ended))
    }

    /// The numbers of the frames sent, none of which failed.
    pub(crate) fn take_sent(&self) -> Vec<u32> {
        self.take_ended()
            .into_iter()
            .map(|(number, status)| {
                assert_eq!(status, NdisStatus::SUCCESS);
                number
            })
            .collect()
    }
}
