//! The start: builds every layer from the bottom up, then the console.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use afd::{Afd, AfdConfiguration, AfdIrpPool};
use executive::{Duration, Executive, Instant, NtStatus, Priority};
use filters::{FilterConfiguration, FilterKind, Filters};
use ndis::miniport::{BusType, Resources};
use ndis::packet::PacketPool;
use ndis::platform::BusPlatform;
use ndis::status::NdisStatus;
use ndis::{Limits, MiniportHandle, Ndis};
use ne2000::identify::Limits as CardLimits;
use ne2000::{BusOpener, RegisterBus};
use netstack::lan::{self, LanConfiguration};
use netstack::{Stack, StackConfiguration};

use crate::configuration::Registry;
use crate::console;
use crate::machine::{Machine, Verdict};
use crate::network::{Interfaces, Network, Winsock};
use crate::system::System;
use crate::tasks::{self, Load, Services};

/// Threads that run work items.
const WORKERS: usize = 1;
const STACK_BYTES: usize = 64 * 1024;

/// Above tasks that compute without end and above the thread that runs what DPC passes
/// leave over, so that the console answers while they are busy; below the workers, which
/// keep the network going while the console prints.
const CONSOLE_PRIORITY: Priority = match Priority::new(Priority::NORMAL.number() as u8 + 1) {
    Some(priority) => priority,
    None => Priority::NORMAL,
};

/// Packets and buffers, about 2.3 KiB each: what the card's ring, the queues
/// below the stack and the windows of a dozen busy sockets hold together. Each
/// page touched at the start costs microseconds under emulation.
const PACKETS: usize = 320;
/// Requests under way at one time.
const IRPS: u32 = 64;
/// Section of the registry for the loopback adapter.
const LOOPBACK_SECTION: &str = "Loopback";
/// Sections of the registry for cards, in the order in which they are found.
const CARD_SECTIONS: [&str; 4] = ["Ne2000", "Ne2000-2", "Ne2000-3", "Ne2000-4"];

/// A card that the PCI bus has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciCard {
    /// First I/O port.
    pub port: u16,
    /// Interrupt line, if the firmware gave it one.
    pub interrupt: Option<u8>,
    /// What this kind of card is known not to do.
    pub limits: CardLimits,
}

/// What the machine brings to the start.
pub struct Hardware<B> {
    /// Console, power, memory.
    pub machine: &'static dyn Machine,
    /// Threads and time.
    pub executive: &'static Executive,
    /// Interrupt lines.
    pub bus: &'static dyn BusPlatform,
    /// How to reach a card's registers.
    pub opener: BusOpener<B>,
    /// The cards on the PCI bus.
    pub pci_cards: Vec<PciCard>,
    /// The kernel's command line.
    pub command_line: &'static [u8],
}

/// Has a thread build the system, which begins once the executive runs. If it
/// cannot be built the reason is logged and the run ends with a failure.
/// Called by the idle thread.
///
/// # Errors
/// The thread could not be made.
pub fn start<B: RegisterBus>(hardware: Hardware<B>) -> Result<(), NtStatus> {
    let executive = hardware.executive;
    let machine = hardware.machine;
    executive.start_workers(WORKERS)?;
    executive.spawn("start", Priority::NORMAL, STACK_BYTES, move || {
        if let Err(error) = build(hardware).and_then(run) {
            log::error!(target: "boot", "start failed: {error}");
            machine.power_off(Verdict::Fail);
        }
    })?;
    Ok(())
}

/// Builds every layer. PASSIVE_LEVEL.
///
/// # Errors
/// A layer could not be made.
pub fn build<B: RegisterBus>(hardware: Hardware<B>) -> Result<&'static System, StartError> {
    let executive = hardware.executive;
    let machine = hardware.machine;
    let registry: &'static Registry = Box::leak(Box::new(Registry::parse(hardware.command_line)));
    if let Some(level) = registry.get_as("Log", "Level") {
        machine.set_log_level(None, level);
    }
    // The machine has read this one before there was a heap for a registry.
    let _ = registry.get("Kernel", "Heap");

    let packets = PacketPool::new(PACKETS, PACKETS);
    let filters = FilterConfiguration::read(registry);
    let ndis = Ndis::new(executive, registry, hardware.bus, ndis_limits(&filters))?;
    let afd_configuration = AfdConfiguration {
        irps: IRPS,
        ..AfdConfiguration::default()
    };
    let seed = [machine.entropy(), machine.entropy()];
    let stack = Stack::new(&StackConfiguration::default(), packets, seed);
    let network = Network::new(
        executive,
        stack,
        Afd::new(&afd_configuration),
        Interfaces::new(registry),
    )?;
    let lan = lan::register(ndis, LanConfiguration::new(packets, network.work()))?;
    network.attach(lan);

    let filters = Filters::new(ndis, packets, &filters)?;
    filters.configure(registry);

    let irps = AfdIrpPool::new(executive, IRPS as usize, Default::default)?;
    let winsock: &'static Winsock = Box::leak(Box::new(Winsock::new(
        executive,
        network,
        irps,
        packets,
        afd_configuration.handles,
    )));
    let system: &'static System = Box::leak(Box::new(System {
        machine,
        executive,
        registry,
        ndis,
        filters,
        epoch: epoch(executive, machine),
        lan,
        network,
        winsock,
        packets,
        irps,
        services: Services::new(),
        load: Load::new(executive)?,
    }));
    start_loopback(ndis)?;
    start_cards(ndis, hardware.opener, &hardware.pci_cards, registry)?;
    add_filters(ndis, filters, registry);
    system.services.start(executive, machine, winsock)?;
    Ok(system)
}

/// From 1970 to the start of the machine; zero where no clock keeps the date.
fn epoch(executive: &'static Executive, machine: &'static dyn Machine) -> Duration {
    let now = machine.date().map_or(0, |date| date.seconds_since_1970());
    Duration::from_secs(now) - executive.now().duration_since(Instant::ZERO)
}

/// The adapter without hardware, by which the machine talks to itself.
fn start_loopback(ndis: &'static Ndis) -> Result<(), StartError> {
    let (characteristics, length) = loopback::characteristics();
    let miniport = ndis.register_miniport("loopback", &characteristics, length, ())?;
    start_adapter(ndis, miniport, LOOPBACK_SECTION, Resources::internal());
    Ok(())
}

/// Room for every card, the loopback adapter and every filter, and for a binding of each
/// filter and of the protocol on each adapter.
fn ndis_limits(filters: &FilterConfiguration) -> Limits {
    let filters: usize = FilterKind::ALL
        .iter()
        .map(|kind| filters.count(*kind))
        .sum();
    let usual = Limits::default();
    Limits {
        adapters: usual.adapters.max(CARD_SECTIONS.len() + 1 + filters),
        bindings: usual.bindings.max(CARD_SECTIONS.len() + 1 + 2 * filters),
        ..usual
    }
}

/// The executive's limits for everything that [`build`] may make: each adapter and each
/// netem has a DPC and a timer with another one, at most.
pub fn executive_limits() -> executive::Limits {
    let usual = executive::Limits::default();
    executive::Limits {
        dpcs: 128,
        timers: 64,
        events: usual.events.max(512),
        ..usual
    }
}

/// Puts the filters that the configuration lists on the adapters that are no filters.
fn add_filters(ndis: &'static Ndis, filters: &'static Filters, registry: &Registry) {
    let is_filter = |name| filters.list().any(|filter| filter.name == name);
    for adapter in ndis.adapters().filter(|adapter| !is_filter(adapter.name())) {
        filters.add_configured(registry, &adapter);
    }
}

/// Each PCI card is an adapter; an ISA card is looked for where its port is
/// configured, or where there is no PCI card.
fn start_cards<B: RegisterBus>(
    ndis: &'static Ndis,
    opener: BusOpener<B>,
    pci_cards: &[PciCard],
    registry: &Registry,
) -> Result<(), StartError> {
    let (characteristics, length) = ne2000::characteristics::<B>();
    let known = pci_cards.to_vec();
    let opener = opener.with_limits(move |port| {
        let card = known.iter().find(|card| card.port == port);
        card.map_or(CardLimits::NONE, |card| card.limits)
    });
    let miniport = ndis.register_miniport("ne2000", &characteristics, length, opener)?;
    let mut sections = CARD_SECTIONS.into_iter();
    for card in pci_cards {
        let resources = Resources {
            bus: BusType::Pci,
            port: Some(card.port),
            interrupt: card.interrupt,
        };
        let Some(section) = sections.next() else {
            let port = card.port;
            log::warn!(target: "boot", "no section for another card: {port:#x} left out");
            break;
        };
        start_adapter(ndis, miniport, section, resources);
    }
    for section in sections {
        let is_first = pci_cards.is_empty() && section == CARD_SECTIONS[0];
        if is_first || registry.get(section, "Port").is_some() {
            let resources = Resources {
                bus: BusType::Isa,
                port: None,
                interrupt: None,
            };
            start_adapter(ndis, miniport, section, resources);
        }
    }
    Ok(())
}

/// An adapter that does not start is no reason to give up: the console can say why.
fn start_adapter(
    ndis: &'static Ndis,
    miniport: MiniportHandle,
    section: &'static str,
    resources: Resources,
) {
    // NDIS logs why an adapter does not start.
    let started = ndis
        .add_device(miniport, section, resources)
        .and_then(|adapter| ndis.start_device(&adapter));
    if let Err(status) = started {
        log::warn!(target: "boot", "{section}: no network: {status}");
    }
}

/// Reports what the command line left open, ends allocation, runs the self test
/// that was asked for, and opens the console.
fn run(system: &'static System) -> Result<(), StartError> {
    let machine = system.machine;
    let selftest = system.registry.get("Kernel", "Selftest");
    system.registry.report();
    let console = console::Console::new(system);
    system
        .executive
        .spawn("console", CONSOLE_PRIORITY, STACK_BYTES, move || {
            if let Some(name) = selftest {
                machine.power_off(console::run_self_tests(system, name));
            }
            console.run()
        })?;
    machine.seal_heap();
    Ok(())
}

/// Why the system could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// A part of the executive could not be had.
    Executive(NtStatus),
    /// NDIS refused a driver.
    Ndis(NdisStatus),
    /// The test tasks do not run.
    Tasks(tasks::StartError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Executive(status) => write!(f, "executive: {status}"),
            Self::Ndis(status) => write!(f, "ndis: {status}"),
            Self::Tasks(error) => write!(f, "tasks: {error}"),
        }
    }
}

impl From<NtStatus> for StartError {
    fn from(status: NtStatus) -> Self {
        Self::Executive(status)
    }
}

impl From<NdisStatus> for StartError {
    fn from(status: NdisStatus) -> Self {
        Self::Ndis(status)
    }
}

impl From<tasks::StartError> for StartError {
    fn from(error: tasks::StartError) -> Self {
        Self::Tasks(error)
    }
}
