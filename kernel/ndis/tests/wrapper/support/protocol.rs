//! A protocol whose answers are a script.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use executive::Irql;
use ndis::{
    AdapterHandle, BindingHandle, Medium, Ndis, NdisStatus, Oid, Packet, PacketFilter, PacketPool,
    ProtocolCharacteristics, ProtocolDriver, ProtocolHandle, ReceiveContext, Request, Transfer,
};

use super::{Log, frame_to, lock};

/// How the protocol answers.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Script {
    pub(crate) media: Vec<Medium>,
    pub(crate) receive: NdisStatus,
    /// Get the whole payload (seed item 20).
    pub(crate) take: bool,
    /// Get the whole payload, into memory of its own.
    pub(crate) take_at_once: bool,
    /// Frames to send from Receive.
    pub(crate) reply: bool,
    /// How often SendComplete sends another frame.
    pub(crate) send_again: usize,
    /// Close the binding in UnbindAdapter.
    pub(crate) close: bool,
    /// Close the binding in Receive.
    pub(crate) close_in_receive: bool,
}

pub(crate) struct Observer {
    pub(crate) name: &'static str,
    pub(crate) log: Log,
    pub(crate) pool: &'static PacketPool,
    pub(crate) script: Mutex<Script>,
    pub(crate) seats: Mutex<Vec<&'static Seat>>,
    /// Payloads taken.
    pub(crate) received: Mutex<Vec<Vec<u8>>>,
    pub(crate) unloaded: AtomicBool,
    hook: Mutex<Option<Hook>>,
}

/// What a handler of a table of a test's own does besides.
type Hook = Arc<dyn Fn() + Send + Sync>;

/// A binding of the protocol.
pub(crate) struct Seat {
    pub(crate) observer: Arc<Observer>,
    pub(crate) ndis: &'static Ndis,
    pub(crate) adapter: AdapterHandle,
    handle: Mutex<Option<BindingHandle>>,
    /// Handlers of this binding that run, and the most that ever ran.
    pub(crate) closed: AtomicUsize,
}

impl Seat {
    pub(crate) fn handle(&self) -> BindingHandle {
        lock(&self.handle).expect("the binding is open")
    }

    fn write(&self, event: impl AsRef<str>) {
        let executive = self.ndis.executive();
        assert_eq!(executive.irql(), Irql::Dispatch, "{}", event.as_ref());
        super::take_every_lock(self.ndis);
        self.observer.write(event);
    }

    pub(crate) fn set_filter(&self, filter: PacketFilter) {
        let oid = Oid::GEN_CURRENT_PACKET_FILTER;
        self.ndis
            .set_information(&self.handle(), oid, &filter.bits().to_le_bytes())
            .expect("the card takes the filter");
    }

    pub(crate) fn send(&self, packet: Packet) -> NdisStatus {
        self.ndis.send(&self.handle(), packet)
    }

    pub(crate) fn send_frame(&self, payload: usize) -> NdisStatus {
        self.send(self.frame(payload))
    }

    /// A frame to another station.
    pub(crate) fn frame(&self, payload: usize) -> Packet {
        let mut packet = self
            .observer
            .pool
            .allocate(0)
            .expect("the pool has packets");
        assert!(packet.append_slice(&frame_to([2, 0, 0, 0, 0, 7], payload)));
        packet
    }

    pub(crate) fn close(&self) -> NdisStatus {
        self.ndis.close_adapter(&self.handle())
    }
}

impl Observer {
    pub(crate) fn new(name: &'static str, log: Log, pool: &'static PacketPool) -> Arc<Self> {
        let script = Script {
            media: vec![Medium::Ieee802_3],
            receive: NdisStatus::SUCCESS,
            take: false,
            take_at_once: false,
            reply: false,
            send_again: 0,
            close: true,
            close_in_receive: false,
        };
        Arc::new(Self {
            name,
            log,
            pool,
            script: Mutex::new(script),
            seats: Mutex::default(),
            received: Mutex::default(),
            unloaded: AtomicBool::new(false),
            hook: Mutex::default(),
        })
    }

    pub(crate) fn set_hook(&self, hook: impl Fn() + Send + Sync + 'static) {
        *lock(&self.hook) = Some(Arc::new(hook));
    }

    pub(crate) fn clear_hook(&self) {
        *lock(&self.hook) = None;
    }

    pub(crate) fn run_hook(&self) {
        let hook = lock(&self.hook).clone();
        if let Some(hook) = hook {
            hook();
        }
    }

    pub(crate) fn script<R>(&self, change: impl FnOnce(&mut Script) -> R) -> R {
        change(&mut lock(&self.script))
    }

    fn write(&self, event: impl AsRef<str>) {
        self.log.write(format!("{} {}", self.name, event.as_ref()));
    }

    /// The newest binding.
    pub(crate) fn seat(&self) -> &'static Seat {
        lock(&self.seats)
            .last()
            .copied()
            .expect("the protocol is bound")
    }

    /// Opens an adapter.
    pub(crate) fn open(
        self: &Arc<Self>,
        protocol: ProtocolHandle<Fake>,
        adapter: AdapterHandle,
    ) -> NdisStatus {
        let seat: &'static Seat = Box::leak(Box::new(Seat {
            observer: self.clone(),
            ndis: protocol.ndis(),
            adapter,
            handle: Mutex::new(None),
            closed: AtomicUsize::new(0),
        }));
        let media = self.script(|script| script.media.clone());
        match protocol
            .ndis()
            .open_adapter(&protocol, &adapter, &media, seat)
        {
            Ok(handle) => {
                assert_eq!(media[handle.medium_index()], adapter.medium());
                *lock(&seat.handle) = Some(handle);
                lock(&self.seats).push(seat);
                NdisStatus::SUCCESS
            }
            Err(status) => status,
        }
    }
}

/// What the binding is answered.
pub(crate) fn query(seat: &Seat, oid: Oid) -> Result<Vec<u8>, NdisStatus> {
    let mut buffer = [0; 256];
    let length = seat
        .ndis
        .query_information(&seat.handle(), oid, &mut buffer)?;
    Ok(buffer[..length].to_vec())
}

pub(crate) struct Fake;

impl ProtocolDriver for Fake {
    type Protocol = Arc<Observer>;
    type Binding = Seat;
}

/// A version 4 table with every handler but ReceivePacket.
pub(crate) fn table() -> ProtocolCharacteristics<Fake> {
    ProtocolCharacteristics {
        close_adapter_complete: Some(|seat, status| {
            seat.closed.fetch_add(1, Ordering::SeqCst);
            seat.observer.write(format!("close_complete {status}"));
        }),
        send_complete: Some(|seat, completion| {
            seat.write(format!("send_complete {}", completion.status));
            let again = seat.observer.script(|script| {
                script.send_again = script.send_again.saturating_sub(1);
                script.send_again > 0
            });
            drop(completion);
            if again {
                let status = seat.send_frame(100);
                seat.write(format!("sent again {status}"));
            }
        }),
        transfer_data_complete: Some(|seat, packet, result| {
            seat.write(format!("transfer_complete {result:?}"));
            if result.is_ok() {
                keep(seat, &packet);
            }
        }),
        reset_complete: Some(|seat, status| seat.write(format!("reset_complete {status}"))),
        request_complete: Some(|seat, request: &Request, status| {
            let oid = request.oid();
            let bytes = request.bytes();
            seat.write(format!("request_complete {oid} {status} {bytes:02x?}"));
        }),
        receive: Some(receive),
        receive_complete: Some(|seat| seat.write("receive_complete")),
        status: Some(|seat, status| seat.write(format!("status {status}"))),
        status_complete: Some(|seat| seat.write("status_complete")),
        bind_adapter: Some(|observer, protocol, adapter| {
            assert_eq!(protocol.ndis().executive().irql(), Irql::Passive);
            observer.write(format!("bind {}", adapter.name()));
            observer.open(*protocol, *adapter)
        }),
        unbind_adapter: Some(|seat| {
            assert_eq!(seat.ndis.executive().irql(), Irql::Passive);
            seat.observer
                .write(format!("unbind {}", seat.adapter.name()));
            if seat.observer.script(|script| script.close) {
                let status = seat.close();
                seat.observer.write(format!("close {status}"));
            }
        }),
        pnp_event: Some(|observer, seat, event| {
            let adapter = seat.map_or("none", |seat| seat.adapter.name());
            observer.write(format!("pnp {event:?} {adapter}"));
            NdisStatus::SUCCESS
        }),
        unload: Some(|observer| observer.unloaded.store(true, Ordering::SeqCst)),
        ..ProtocolCharacteristics::new(4, 0)
    }
}

/// The same with ReceivePacket.
pub(crate) fn table_with_receive_packet() -> ProtocolCharacteristics<Fake> {
    ProtocolCharacteristics {
        receive_packet: Some(|seat, packet| {
            seat.write(format!("receive_packet {}", packet.len()));
            keep(seat, packet);
            seat.observer.script(|script| script.receive)
        }),
        ..table()
    }
}

fn keep(seat: &Seat, packet: &Packet) {
    lock(&seat.observer.received).push(packet.segments().flatten().copied().collect());
}

fn receive(
    seat: &Seat,
    context: &mut ReceiveContext<'_>,
    header: &[u8],
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    seat.write(format!(
        "receive {} {} {payload_size}",
        header.len(),
        lookahead.len()
    ));
    let (answer, take, reply, close) = seat.observer.script(|script| {
        (
            script.receive,
            script.take,
            script.reply,
            script.close_in_receive,
        )
    });
    if reply {
        let status = seat.send_frame(payload_size);
        seat.write(format!("replied {status}"));
    }
    if close {
        let status = seat.close();
        seat.write(format!("close {status}"));
    }
    if seat.observer.script(|script| script.take_at_once) {
        let mut payload = vec![0; payload_size];
        let result = context.transfer(0, &mut payload);
        seat.write(format!("transferred {result:?}"));
        if result.is_ok() {
            lock(&seat.observer.received).push(payload);
        }
    }
    if take {
        return take_payload(seat, context, lookahead, payload_size);
    }
    answer
}

/// Seed item 20: the lookahead if it is the whole payload, else a transfer.
fn take_payload(
    seat: &Seat,
    context: &mut ReceiveContext<'_>,
    lookahead: &[u8],
    payload_size: usize,
) -> NdisStatus {
    let Some(mut packet) = seat.observer.pool.allocate(0) else {
        return NdisStatus::RESOURCES;
    };
    if lookahead.len() == payload_size {
        assert!(packet.append_slice(lookahead));
        keep(seat, &packet);
        return NdisStatus::SUCCESS;
    }
    match context.transfer_data(0, packet, payload_size) {
        Transfer::Complete { packet, result } => {
            seat.write(format!("transferred {result:?}"));
            if result.is_ok() {
                keep(seat, &packet);
            }
        }
        Transfer::Pending => seat.write("transfer pending"),
    }
    NdisStatus::SUCCESS
}
