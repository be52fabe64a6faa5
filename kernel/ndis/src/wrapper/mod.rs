//! The wrapper: what is registered, started and bound, and the calls of protocols and of the
//! system into it.

mod bind;
mod device;
mod operations;
mod register;
mod report;
mod stack;
mod table;

use alloc::boxed::Box;
use core::sync::atomic::AtomicU32;

use executive::time::Duration;
use executive::{Executive, NtStatus, SpinLock, Timer};
use spin::Once;

pub use device::{DeviceRequest, IOCTL_NDIS_QUERY_GLOBAL_STATS};
pub use register::MiniportHandle;
pub use report::{AdapterReport, BindingReport, ProtocolReport};

use crate::adapter::{Adapter, AdapterHandle};
use crate::binding::{Binding, Target};
use crate::miniport::ErasedDriver;
use crate::packet::Sender;
use crate::platform::{BusPlatform, Configuration};
use crate::protocol::ErasedProtocol;
use stack::Association;
use table::Table;

/// How often CheckForHang is called.
const HANG_CHECK_PERIOD: Duration = Duration::from_secs(2);

/// Bindings being made at the same time: one in another, for intermediate drivers.
const MAXIMUM_CLAIMS: usize = 16;

/// The sizes of the wrapper's tables and queues, all made at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Miniport drivers.
    pub miniports: usize,
    /// Adapters.
    pub adapters: usize,
    /// Protocols.
    pub protocols: usize,
    /// Bindings of all protocols together.
    pub bindings: usize,
    /// Packets that wait for one adapter.
    pub send_queue_length: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            miniports: 8,
            adapters: 16,
            protocols: 16,
            bindings: 32,
            send_queue_length: 256,
        }
    }
}

impl Limits {
    /// With tables whose places have 16 bits.
    fn bounded(self) -> Self {
        let longest = usize::from(u16::MAX);
        Self {
            adapters: self.adapters.min(longest),
            bindings: self.bindings.min(longest),
            ..self
        }
    }
}

/// A protocol and an adapter, by their places, that are being bound.
type Claim = (u32, u32);

/// The wrapper.
pub struct Ndis {
    executive: &'static Executive,
    configuration: &'static dyn Configuration,
    platform: &'static dyn BusPlatform,
    limits: Limits,
    miniports: Table<&'static dyn ErasedDriver>,
    adapters: Table<&'static Adapter>,
    /// The global list of protocols.
    protocols: Table<&'static dyn ErasedProtocol>,
    /// The intermediate drivers.
    associations: Table<Association>,
    bindings: Box<[Binding]>,
    next_protocol: AtomicU32,
    claims: SpinLock<heapless::Vec<Claim, MAXIMUM_CLAIMS>>,
    hang_timer: Once<Timer>,
}

impl Ndis {
    /// Makes the wrapper. At start only: it allocates its tables and never frees them.
    ///
    /// # Errors
    /// INSUFFICIENT_RESOURCES when the executive has no timer or DPC left.
    pub fn new(
        executive: &'static Executive,
        configuration: &'static dyn Configuration,
        platform: &'static dyn BusPlatform,
        limits: Limits,
    ) -> Result<&'static Self, NtStatus> {
        let limits = limits.bounded();
        let bindings = (0..limits.bindings).map(|slot| Binding::new(executive, slot as u32));
        let ndis: &'static Self = Box::leak(Box::new(Self {
            executive,
            configuration,
            platform,
            limits,
            miniports: Table::new(limits.miniports),
            adapters: Table::new(limits.adapters),
            protocols: Table::new(limits.protocols),
            associations: Table::new(limits.miniports),
            bindings: bindings.collect(),
            next_protocol: AtomicU32::new(0),
            claims: SpinLock::new(executive, heapless::Vec::new()),
            hang_timer: Once::new(),
        }));
        let timer = Timer::new(executive, "check for hang", || ndis.check_for_hang())?;
        ndis.hang_timer.call_once(|| timer);
        Ok(ndis)
    }

    /// The executive.
    pub fn executive(&self) -> &'static Executive {
        self.executive
    }

    /// The adapter called `name`, compared without regard to case.
    pub fn adapter(&self, name: &str) -> Option<AdapterHandle> {
        let mut adapters = self.adapters.iter();
        adapters
            .find(|adapter| adapter.name.eq_ignore_ascii_case(name))
            .map(AdapterHandle)
    }

    /// Every adapter, in the order they were added.
    pub fn adapters(&self) -> impl Iterator<Item = AdapterHandle> {
        self.adapters.iter().map(AdapterHandle)
    }

    /// The adapter at a place of the table.
    pub(crate) fn adapter_at(&self, place: u32) -> Option<&'static Adapter> {
        self.adapters.get(place)
    }

    pub(crate) fn configuration(&self) -> &'static dyn Configuration {
        self.configuration
    }

    pub(crate) fn platform(&self) -> &'static dyn BusPlatform {
        self.platform
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The global list of protocols, without those deregistered.
    fn registered_protocols(&self) -> impl Iterator<Item = &'static dyn ErasedProtocol> {
        self.protocols
            .iter()
            .filter(|protocol| protocol.is_registered())
    }

    /// The two sides of the binding `sender` stands for, while operations keep it.
    pub(crate) fn target(&self, sender: Sender) -> Option<Target> {
        self.bindings
            .get(sender.slot as usize)?
            .target(sender.generation)
    }

    /// The same at Dispatch, where it costs less.
    #[inline]
    pub(crate) fn target_at_level(&self, sender: Sender) -> Option<Target> {
        self.bindings
            .get(sender.slot as usize)?
            .target_at_level(sender.generation)
    }

    /// Moves the bindings to `from` that are being closed, to which operations below may still
    /// return, to `to`; answers how many. Dispatch.
    pub(crate) fn move_bindings(&self, from: &'static Adapter, to: &'static Adapter) -> usize {
        let is_to = |binding: &&Binding| {
            let target = binding.any_target();
            target.is_some_and(|target| core::ptr::eq(target.adapter, from))
        };
        let bindings = self.bindings.iter().filter(is_to);
        bindings.map(|binding| binding.move_to(to)).count()
    }

    /// Ends every operation of the bindings to `adapter`, which has been halted.
    pub(crate) fn abandon_bindings(&self, adapter: &'static Adapter) {
        self.bindings
            .iter()
            .for_each(|binding| binding.abandon(adapter));
    }

    /// The two-second timer. Dispatch.
    fn check_for_hang(&self) {
        self.adapters.iter().for_each(Adapter::check_for_hang_due);
    }
}
