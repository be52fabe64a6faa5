//! The face to NDIS: the table of handlers, and what they do.

use core::marker::PhantomData;

use ndis::{
    AdapterContext, HandleInterrupt, HardwareAddress, MULTICAST_LIST_SIZE, MiniportCharacteristics,
    MiniportDriver, PacketFilter,
};

use crate::bus::RegisterBus;
use crate::card::Card;
use crate::interrupt::InterruptHalf;
use crate::measure::Measurement;
use crate::report::Placement;

mod handlers;
mod initialize;
mod opener;
mod query;
mod set;

use opener::Claim;
pub use opener::{BusKind, BusOpener};

/// NDIS version the driver is written for.
const NDIS_VERSION: (u8, u8) = (5, 0);

/// The miniport driver for cards behind a bus `B`.
#[derive(Debug)]
pub struct Ne2000<B>(PhantomData<B>);

impl<B: RegisterBus> MiniportDriver for Ne2000<B> {
    type Driver = BusOpener<B>;
    type Adapter = Adapter<B>;
    type Interrupt = InterruptHalf<B>;
}

/// The context of one adapter (seed item 12).
#[derive(Debug)]
pub struct Adapter<B> {
    card: Card<B>,
    interrupt: InterruptHalf<B>,
    placement: Placement,
    packet_filter: PacketFilter,
    multicast: heapless::Vec<HardwareAddress, MULTICAST_LIST_SIZE>,
    lookahead: u32,
    measurement: Measurement,
    /// The timer has been set for a pass of the deferred half.
    timer_set: bool,
    /// The protocols were told that the card is gone.
    reported_absent: bool,
    _ports: Claim,
}

/// The table of handlers and its length, for
/// [`Ndis::register_miniport`](ndis::Ndis::register_miniport).
pub fn characteristics<B: RegisterBus>() -> (MiniportCharacteristics<Ne2000<B>>, usize) {
    let (major, minor) = NDIS_VERSION;
    let table = MiniportCharacteristics {
        check_for_hang: Some(handlers::check_for_hang),
        disable_interrupt: Some(InterruptHalf::disable),
        enable_interrupt: Some(InterruptHalf::enable),
        halt: Some(handlers::halt),
        handle_interrupt: Some(handlers::handle_interrupt),
        initialize: Some(initialize::initialize),
        isr: Some(handlers::isr),
        query_information: Some(query::query_information),
        reset: Some(handlers::reset),
        send: Some(handlers::send),
        set_information: Some(set::set_information),
        shutdown: Some(handlers::shutdown),
        send_packets: Some(handlers::send_packets),
        ..MiniportCharacteristics::new(major, minor)
    };
    (table, MiniportCharacteristics::<Ne2000<B>>::LENGTH_5)
}

impl<B: RegisterBus> Adapter<B> {
    /// One pass of the deferred half, and what follows from how it ended.
    fn serve(&mut self, context: &mut AdapterContext) -> HandleInterrupt {
        handlers::serve(self, context)
    }
}
