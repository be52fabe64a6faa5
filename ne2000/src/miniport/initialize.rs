//! Initialize: from resources and configuration to a running card.

use executive::time::Duration;
use ndis::{
    BusType, HardwareAddress, InitializeContext, Initialized, Medium, NdisStatus, PacketFilter,
};

use super::opener::Claim;
use super::{Adapter, BusKind, BusOpener, Ne2000, handlers};
use crate::bus::RegisterBus;
use crate::card::Card;
use crate::measure::Measurement;
use crate::receive::LOOKAHEAD_SIZE;
use crate::report::Placement;

/// Where ISA cards are looked for when no port is given, in this order.
const ISA_PORTS: [u16; 6] = [0x300, 0x280, 0x320, 0x340, 0x360, 0x380];

/// How long an interrupt may take from the card to the processor while its line
/// is being looked for.
const INTERRUPT_PROBE_TIME: Duration = Duration::from_micros(500);

/// How often the line is looked for.
const INTERRUPT_PROBES: usize = 3;

/// Makes an adapter of a card (seed items 9 to 12).
pub(super) fn initialize<B: RegisterBus>(
    opener: &BusOpener<B>,
    context: &mut InitializeContext<'_, Ne2000<B>>,
    media: &[Medium],
) -> Result<Initialized<Ne2000<B>>, NdisStatus> {
    let medium_index = media
        .iter()
        .position(|medium| *medium == Medium::Ieee802_3)
        .ok_or(NdisStatus::UNSUPPORTED_MEDIA)?;
    let (mut card, ports, bus, port) = find_card(opener, context)?;
    if let Some(address) = context.read_network_address() {
        card.set_station_address(address.0);
    }
    let quirk = context.read_integer("ReadBeforeWrite");
    card.set_read_before_write(quirk.is_some_and(|value| value != 0));
    card.start();
    let (interrupt, interrupt_probed) = match context.resources().interrupt {
        Some(line) => (line, false),
        None => (find_interrupt(&mut card, context)?, true),
    };
    let placement = Placement {
        bus,
        port,
        interrupt,
        interrupt_probed,
    };
    let half = card.interrupt_half();
    let registered = context
        .register_timer(handlers::timer)
        .and_then(|()| context.register_interrupt(interrupt, half.clone(), true, true));
    if let Err(status) = registered {
        card.stop();
        return Err(status);
    }
    announce(context.adapter_name(), &card, placement);
    half.enable();
    let adapter = Adapter {
        interrupt: half,
        card,
        placement,
        packet_filter: PacketFilter::empty(),
        multicast: heapless::Vec::new(),
        lookahead: LOOKAHEAD_SIZE as u32,
        measurement: Measurement::default(),
        timer_set: false,
        reported_absent: false,
        _ports: ports,
    };
    Ok(Initialized {
        adapter,
        medium_index,
    })
}

type Found<B> = (Card<B>, Claim, BusKind, u16);

/// The card at the port given, or the first one at the usual ports that no
/// other adapter has.
fn find_card<B: RegisterBus>(
    opener: &BusOpener<B>,
    context: &InitializeContext<'_, Ne2000<B>>,
) -> Result<Found<B>, NdisStatus> {
    let resources = context.resources();
    let kind = match resources.bus {
        BusType::Isa => BusKind::Isa,
        BusType::Pci => BusKind::Pci,
        BusType::Internal => return Err(NdisStatus::ADAPTER_NOT_FOUND),
    };
    let name = context.adapter_name();
    let given = resources.port.as_slice();
    let ports = match (kind, given) {
        (BusKind::Isa, []) => &ISA_PORTS[..],
        _ => given,
    };
    for &port in ports {
        let Some((bus, claim)) = opener.open(kind, port) else {
            log::debug!(target: "ne2000", "{name}: the ports from {port:#x} on are taken");
            continue;
        };
        match Card::probe(bus, opener.limits(kind, port)) {
            Ok(card) => return Ok((card, claim, kind, port)),
            Err(error) => log::debug!(target: "ne2000", "{name}: {kind} port {port:#x}: {error}"),
        }
    }
    log::warn!(target: "ne2000", "{name}: no card at {kind} ports {ports:#x?}");
    Err(NdisStatus::ADAPTER_NOT_FOUND)
}

/// Has the card interrupt and sees which line fires.
fn find_interrupt<B: RegisterBus>(
    card: &mut Card<B>,
    context: &InitializeContext<'_, Ne2000<B>>,
) -> Result<u8, NdisStatus> {
    for _ in 0..INTERRUPT_PROBES {
        context.begin_interrupt_probe();
        card.provoke_interrupt(true);
        context.stall(INTERRUPT_PROBE_TIME);
        card.provoke_interrupt(false);
        let lines = context.end_interrupt_probe();
        // With several lines up, another device interrupted by chance: again.
        if lines.is_power_of_two() {
            return Ok(lines.trailing_zeros() as u8);
        }
    }
    let name = context.adapter_name();
    log::error!(target: "ne2000", "{name}: the card's interrupt line cannot be found; give Irq");
    card.stop();
    Err(NdisStatus::RESOURCE_CONFLICT)
}

fn announce<B: RegisterBus>(name: &str, card: &Card<B>, placement: Placement) {
    let identity = card.identity();
    let address = HardwareAddress(card.station_address());
    log::info!(
        target: "ne2000",
        "{name}: {} at {} port {:#x}, irq {}{}, {address}, {} KiB, {} bit data port",
        identity.chip,
        placement.bus,
        placement.port,
        placement.interrupt,
        if placement.interrupt_probed { " (probed)" } else { "" },
        identity.memory_size() / 1024,
        identity.width.bits(),
    );
}
