//! The protocol, which takes every frame whole and writes down what it is told.

use std::sync::{Arc, Mutex};

use ndis::{
    AdapterHandle, BindingHandle, Medium, Ndis, NdisStatus, PacketPool, ProtocolCharacteristics,
    ProtocolDriver, ProtocolHandle, ReceiveContext, Transfer,
};

use crate::world::lock;

/// What the protocol was told.
#[derive(Default)]
pub(crate) struct Observer {
    pub(crate) frames: Mutex<Vec<Vec<u8>>>,
    pub(crate) statuses: Mutex<Vec<NdisStatus>>,
    pub(crate) batches: Mutex<usize>,
    /// Transfers that failed.
    pub(crate) refused: Mutex<usize>,
    pub(crate) sent: Mutex<Vec<NdisStatus>>,
    pub(crate) resets: Mutex<Vec<NdisStatus>>,
    bindings: Mutex<Vec<BindingHandle>>,
}

impl Observer {
    pub(crate) fn binding(&self) -> BindingHandle {
        *lock(&self.bindings).last().expect("the protocol is bound")
    }

    pub(crate) fn bindings(&self) -> Vec<BindingHandle> {
        lock(&self.bindings).clone()
    }

    pub(crate) fn take_frames(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *lock(&self.frames))
    }
}

/// The protocol.
pub(crate) struct Watcher;

/// One of its bindings.
pub(crate) struct Seat {
    observer: Arc<Observer>,
    pool: &'static PacketPool,
    ndis: &'static Ndis,
}

impl ProtocolDriver for Watcher {
    type Protocol = (Arc<Observer>, &'static PacketPool);
    type Binding = Seat;
}

pub(crate) fn table() -> ProtocolCharacteristics<Watcher> {
    ProtocolCharacteristics {
        bind_adapter: Some(bind_adapter),
        unbind_adapter: Some(|seat| {
            let handle = seat.observer.binding();
            let _ = seat.ndis.close_adapter(&handle);
        }),
        close_adapter_complete: Some(|_, _| {}),
        send_complete: Some(|seat, completion| lock(&seat.observer.sent).push(completion.status)),
        transfer_data_complete: Some(|_, _, _| {}),
        reset_complete: Some(|seat, status| lock(&seat.observer.resets).push(status)),
        request_complete: Some(|_, _, _| {}),
        receive: Some(receive),
        receive_complete: Some(|seat| *lock(&seat.observer.batches) += 1),
        status: Some(|seat, status| lock(&seat.observer.statuses).push(status)),
        status_complete: Some(|_| {}),
        ..ProtocolCharacteristics::new(4, 0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the handler's type")]
fn bind_adapter(
    (observer, pool): &(Arc<Observer>, &'static PacketPool),
    protocol: &ProtocolHandle<Watcher>,
    adapter: &AdapterHandle,
) -> NdisStatus {
    let ndis = protocol.ndis();
    let seat: &'static Seat = Box::leak(Box::new(Seat {
        observer: Arc::clone(observer),
        pool,
        ndis,
    }));
    match ndis.open_adapter(protocol, adapter, &[Medium::Ieee802_3], seat) {
        Ok(handle) => {
            lock(&observer.bindings).push(handle);
            NdisStatus::SUCCESS
        }
        Err(status) => status,
    }
}

/// Takes the whole frame: header, and the payload by transfer (seed item 20).
fn receive(
    seat: &Seat,
    context: &mut ReceiveContext<'_>,
    header: &[u8],
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let mut packet = seat.pool.allocate(0).expect("a packet");
    assert!(packet.append_slice(header));
    if lookahead.len() == payload_size {
        assert!(packet.append_slice(lookahead));
    } else {
        match context.transfer_data(0, packet, payload_size) {
            Transfer::Complete {
                packet: filled,
                result: Ok(length),
            } => {
                assert_eq!(length, payload_size);
                packet = filled;
            }
            Transfer::Complete { .. } => {
                *lock(&seat.observer.refused) += 1;
                return NdisStatus::NOT_COPIED;
            }
            Transfer::Pending => panic!("the driver's transfers never pend"),
        }
    }
    assert_eq!(packet.data()[14..][..lookahead.len()], *lookahead);
    lock(&seat.observer.frames).push(packet.data().to_vec());
    NdisStatus::SUCCESS
}
