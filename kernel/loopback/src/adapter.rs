//! The handlers that move frames, and the state of an adapter.

use heapless::{Deque, Vec};
use ndis::{
    AdapterContext, HandleInterrupt, HardwareAddress, InitializeContext, Initialized,
    MULTICAST_LIST_SIZE, Medium, MiniportCharacteristics, MiniportDriver, NdisStatus, Packet,
    PacketFilter, PacketFlags, ResetOutcome, SendBatch, SendOutcome,
};

use crate::information::{MAXIMUM_FRAME_SIZE, query_information, set_information};

/// NDIS version the driver is written for.
pub(crate) const NDIS_VERSION: (u8, u8) = (5, 0);

/// Frames that are sent and not yet received; the wrapper keeps those that come after them.
pub const QUEUE_LENGTH: usize = 64;

/// The miniport driver.
#[derive(Debug)]
pub struct Loopback;

impl MiniportDriver for Loopback {
    type Driver = ();
    type Adapter = Adapter;
    type Interrupt = ();
}

/// The context of one adapter (seed item 12).
#[derive(Debug)]
pub struct Adapter {
    /// Sent, and to be received.
    queue: Deque<Packet, QUEUE_LENGTH>,
    pub(crate) packet_filter: PacketFilter,
    pub(crate) multicast: Vec<HardwareAddress, MULTICAST_LIST_SIZE>,
    /// Bytes.
    pub(crate) lookahead: u32,
    /// Frames sent.
    pub(crate) sent: u32,
    /// Frames indicated.
    pub(crate) received: u32,
}

impl Adapter {
    const fn new() -> Self {
        Self {
            queue: Deque::new(),
            packet_filter: PacketFilter::empty(),
            multicast: Vec::new(),
            lookahead: MAXIMUM_FRAME_SIZE,
            sent: 0,
            received: 0,
        }
    }
}

/// The table of handlers and its length, for
/// [`Ndis::register_miniport`](ndis::Ndis::register_miniport); the driver needs nothing besides.
pub fn characteristics() -> (MiniportCharacteristics<Loopback>, usize) {
    let (major, minor) = NDIS_VERSION;
    let table = MiniportCharacteristics {
        halt: Some(halt),
        handle_interrupt: Some(handle_interrupt),
        initialize: Some(initialize),
        query_information: Some(query_information),
        reset: Some(reset),
        send: Some(send),
        set_information: Some(set_information),
        send_packets: Some(send_packets),
        ..MiniportCharacteristics::new(major, minor)
    };
    (table, MiniportCharacteristics::<Loopback>::LENGTH_5)
}

/// Makes an adapter (seed items 9 and 10). Passive.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type of the handler")]
fn initialize(
    (): &(),
    _: &mut InitializeContext<'_, Loopback>,
    media: &[Medium],
) -> Result<Initialized<Loopback>, NdisStatus> {
    let medium_index = media
        .iter()
        .position(|&medium| medium == Medium::Loopback)
        .ok_or(NdisStatus::UNSUPPORTED_MEDIA)?;
    Ok(Initialized {
        adapter: Adapter::new(),
        medium_index,
    })
}

/// Sends a frame: from now on it is the adapter's, and the send is over. RESOURCES if the queue
/// is full, which [`handle_interrupt`] ends.
fn send(adapter: &mut Adapter, context: &mut AdapterContext, packet: Packet) -> SendOutcome {
    let was_empty = adapter.queue.is_empty();
    if let Err(packet) = adapter.queue.push_back(packet) {
        return SendOutcome::Resources(packet);
    }
    adapter.sent = adapter.sent.wrapping_add(1);
    // Otherwise it is asked for already.
    if was_empty {
        context.queue_handle_interrupt();
    }
    SendOutcome::Success
}

fn send_packets(adapter: &mut Adapter, context: &mut AdapterContext, batch: &mut SendBatch<'_>) {
    batch.send_each(context, |context, packet| send(adapter, context, packet));
}

/// Indicates what was sent. Frames that protocols send meanwhile wait for the next call: the
/// wrapper gives them to [`send`] when this one is over, so one call is at most one queue long.
fn handle_interrupt(adapter: &mut Adapter, context: &mut AdapterContext) -> HandleInterrupt {
    while let Some(mut packet) = adapter.queue.pop_front() {
        adapter.received = adapter.received.wrapping_add(1);
        let info = packet.info_mut();
        info.timestamp = context.now();
        info.flags = PacketFlags::IS_LOOPBACK_PACKET;
        context.indicate_packet(packet);
    }
    context.send_resources_available();
    HandleInterrupt::Done
}

/// There is nothing that could hang: the frames that wait stay.
fn reset(_: &mut Adapter, _: &mut AdapterContext) -> ResetOutcome {
    ResetOutcome::Done {
        addressing_reset: false,
    }
}

/// Frames that were sent and not received are lost with the adapter. Passive.
#[expect(clippy::needless_pass_by_value, reason = "the type of the handler")]
fn halt(adapter: Adapter, context: &mut AdapterContext) {
    let lost = adapter.queue.len();
    if lost > 0 {
        log::debug!(target: "loopback", "{}: {lost} frames lost", context.adapter_name());
    }
}
