//! Adapters: the devices that miniports drive, hardware or not.
//!
//! One handler of a miniport runs at a time and no lock is held meanwhile: the miniport's context
//! is taken out of the adapter, and what comes in meanwhile is queued and done before the context
//! is put back. So a protocol may send from its Receive handler and from SendComplete.

mod answers;
mod lifecycle;
mod loopback;
mod passing;
mod receive;
mod request;
mod reset;
mod run;
mod send;
mod settings;
mod splicing;
mod stacking;
mod state;

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use executive::time::Duration;
use executive::{Dpc, Event, EventKind, Executive, NtStatus, SpinLock, Timer};
use spin::Once;

use self::passing::Passing;
use self::stacking::Stacking;
use self::state::{Core, Due};
use crate::Ndis;
use crate::address::HardwareAddress;
use crate::counters::{AdapterCounters, AtomicAdapterCounters};
use crate::medium::Medium;
use crate::miniport::{ErasedDriver, Resources};
use crate::protocol::PnpEvent;
use crate::status::NdisStatus;
use crate::wrapper::AdapterReport;

pub(crate) use receive::{Batch, FrameKind};
use request::Console;

/// Most bindings of one adapter.
pub const MAXIMUM_BINDINGS: usize = 8;

/// Requests that wait for an adapter while another one is pending.
pub const REQUEST_QUEUE_LENGTH: usize = 8;

/// What an adapter is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AdapterState {
    /// It was added and never started.
    Added,
    /// Its Initialize handler runs.
    Starting,
    /// It is started.
    Running,
    /// Its bindings are being closed.
    Stopping,
    /// It was halted.
    Halted,
    /// It could not be started.
    Failed,
}

impl AdapterState {
    const ALL: [Self; 6] = [
        Self::Added,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Halted,
        Self::Failed,
    ];

    /// Whether handlers of the miniport may be called.
    const fn is_started(self) -> bool {
        matches!(self, Self::Running | Self::Stopping)
    }
}

impl core::fmt::Display for AdapterState {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.pad(match self {
            Self::Added => "added",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Halted => "halted",
            Self::Failed => "failed",
        })
    }
}

/// An adapter. Handles stay valid for good, started or not.
#[derive(Clone, Copy)]
pub struct AdapterHandle(pub(crate) &'static Adapter);

impl AdapterHandle {
    /// The adapter's name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The wrapper.
    pub fn ndis(&self) -> &'static Ndis {
        self.0.ndis
    }

    /// What the adapter is doing.
    pub fn state(&self) -> AdapterState {
        self.0.state()
    }

    /// The medium that Initialize chose, once the adapter is started.
    pub fn medium(&self) -> Medium {
        self.0.medium()
    }

    /// The address the adapter receives under.
    pub fn hardware_address(&self) -> HardwareAddress {
        self.0.hardware_address()
    }

    /// Most bytes of payload in a frame, in the way of an MTU.
    pub fn maximum_frame_size(&self) -> usize {
        self.0.maximum_frame_size()
    }

    /// Whether a reset of it is due or under way. At or below Dispatch.
    pub fn is_resetting(&self) -> bool {
        self.0.is_resetting()
    }

    /// The adapter's counters.
    pub fn counters(&self) -> AdapterCounters {
        self.0.counters.snapshot()
    }
}

impl PartialEq for AdapterHandle {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }
}

impl Eq for AdapterHandle {}

impl core::fmt::Debug for AdapterHandle {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_tuple("AdapterHandle")
            .field(&self.0.name)
            .finish()
    }
}

/// The adapter object: the wrapper's state of a device (seed item 8).
pub(crate) struct Adapter {
    pub(crate) ndis: &'static Ndis,
    /// Place in the wrapper's table of adapters.
    pub(crate) place: u32,
    pub(crate) name: &'static str,
    /// Section of the configuration that has the device's keys.
    pub(crate) section: &'static str,
    pub(crate) driver: &'static dyn ErasedDriver,
    pub(crate) resources: Resources,
    pub(crate) core: SpinLock<Core>,
    pub(crate) counters: AtomicAdapterCounters,
    /// What `core.state` is, for reading without its lock.
    state: AtomicU8,
    medium: AtomicU8,
    /// The six bytes of the address in use, the first one lowest.
    address: AtomicU64,
    header_size: AtomicU32,
    maximum_frame_size: AtomicU32,
    disconnected: AtomicBool,
    /// Interrupt line plus one; 0: none is connected.
    line: AtomicU8,
    /// The interrupt service routine, or a budget that was used up, asks for HandleInterrupt.
    interrupt_due: AtomicBool,
    deferred: Once<&'static Dpc>,
    timer: Once<Timer>,
    /// Set when a binding has been closed.
    unbound: Event,
    /// Set when the console's request is done.
    answered: Event,
    console: SpinLock<Console>,
    stacking: Stacking,
    passing: Passing,
}

impl Adapter {
    pub(crate) fn new(
        ndis: &'static Ndis,
        place: u32,
        driver: &'static dyn ErasedDriver,
        name: &'static str,
        section: &'static str,
        resources: Resources,
    ) -> Result<&'static Self, NtStatus> {
        let executive = ndis.executive();
        let core = Core::new(driver.new_adapter(), ndis.limits().send_queue_length);
        let event = || Event::new(executive, EventKind::Synchronization, false);
        let adapter: &'static Self = Box::leak(Box::new(Self {
            ndis,
            place,
            name,
            section,
            driver,
            resources,
            core: SpinLock::new(executive, core),
            counters: AtomicAdapterCounters::default(),
            state: AtomicU8::new(AdapterState::Added as u8),
            medium: AtomicU8::new(Medium::Ieee802_3 as u8),
            address: AtomicU64::new(0),
            header_size: AtomicU32::new(Medium::Ieee802_3.header_size() as u32),
            maximum_frame_size: AtomicU32::new(0),
            disconnected: AtomicBool::new(false),
            line: AtomicU8::new(0),
            interrupt_due: AtomicBool::new(false),
            deferred: Once::new(),
            timer: Once::new(),
            unbound: event()?,
            answered: event()?,
            console: SpinLock::new(executive, Console::new()),
            stacking: Stacking::new(executive),
            passing: Passing::default(),
        }));
        let deferred = Dpc::new(executive, name, || adapter.deferred_call())?;
        adapter.deferred.call_once(|| deferred);
        Ok(adapter)
    }

    pub(crate) fn executive(&self) -> &'static Executive {
        self.ndis.executive()
    }

    pub(crate) fn state(&self) -> AdapterState {
        let number = usize::from(self.state.load(Ordering::Relaxed));
        AdapterState::ALL
            .get(number)
            .copied()
            .unwrap_or(AdapterState::Failed)
    }

    /// Sets the state; the adapter's lock is held.
    fn set_state(&self, core: &mut Core, state: AdapterState) {
        core.state = state;
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn medium(&self) -> Medium {
        let number = u32::from(self.medium.load(Ordering::Relaxed));
        let medium = Medium::ALL.iter().find(|&&medium| medium as u32 == number);
        medium.copied().unwrap_or(Medium::Ieee802_3)
    }

    /// Bytes of the link-layer header.
    pub(crate) fn header_size(&self) -> usize {
        self.header_size.load(Ordering::Relaxed) as usize
    }

    /// Whether a frame to send can be so long, its header included.
    pub(crate) fn is_frame_length(&self, length: usize) -> bool {
        let header = self.header_size();
        (header..=header + self.maximum_frame_size()).contains(&length)
    }

    pub(crate) fn hardware_address(&self) -> HardwareAddress {
        let bytes = self.address.load(Ordering::Relaxed).to_le_bytes();
        HardwareAddress::from_slice(&bytes).unwrap_or_default()
    }

    pub(crate) fn maximum_frame_size(&self) -> usize {
        self.maximum_frame_size.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn is_media_connected(&self) -> bool {
        !self.disconnected.load(Ordering::Relaxed)
    }

    /// Notes what a status indication says of the medium.
    pub(crate) fn media_status(&self, status: NdisStatus) {
        match status {
            NdisStatus::MEDIA_CONNECT => self.disconnected.store(false, Ordering::Relaxed),
            NdisStatus::MEDIA_DISCONNECT => self.disconnected.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    /// The interrupt line, while one is connected.
    pub(crate) fn interrupt_line(&self) -> Option<u8> {
        self.line.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(crate) fn set_interrupt_line(&self, line: Option<u8>) {
        self.line.store(
            line.map_or(0, |line| line.saturating_add(1)),
            Ordering::Relaxed,
        );
    }

    /// Makes the driver's timer, once. Passive, at start.
    pub(crate) fn create_timer(&'static self) -> Result<(), NtStatus> {
        if self.timer.is_completed() {
            return Ok(());
        }
        let timer = Timer::new(self.executive(), self.name, || self.run_due(Due::TIMER))?;
        self.timer.call_once(|| timer);
        Ok(())
    }

    pub(crate) fn set_timer(&self, delay: Duration) {
        if let Some(timer) = self.timer.get() {
            timer.set(delay);
        }
    }

    pub(crate) fn cancel_timer(&self) {
        if let Some(timer) = self.timer.get() {
            timer.cancel();
        }
    }

    /// CheckForHang is due, if the adapter is started. At or below Dispatch.
    pub(crate) fn check_for_hang_due(&'static self) {
        self.run_due(Due::HANG_CHECK);
    }

    /// Calls Reconfigure, then the PnPEvent handlers of the bindings. Passive.
    pub(crate) fn reconfigure(&'static self) {
        self.run_due(Due::RECONFIGURE);
        let mut batch = Batch::new(None);
        batch.begin(self);
        for bound in batch.bindings() {
            bound
                .protocol
                .pnp_event(Some(bound.context), PnpEvent::Reconfigure);
        }
        batch.end();
    }

    /// The adapter as it is now.
    pub(crate) fn report(&'static self) -> AdapterReport {
        let core = self.core.lock();
        AdapterReport {
            name: self.name,
            driver: self.driver.name(),
            version: self.driver.version(),
            state: core.state,
            bus: self.resources.bus,
            above: self.below().map(|below| below.name),
            covered_by: self.covered_by().map(|upper| upper.name),
            medium: self.medium(),
            is_media_connected: self.is_media_connected(),
            hardware_address: self.hardware_address(),
            maximum_frame_size: self.maximum_frame_size(),
            interrupt_line: self.interrupt_line(),
            packet_filter: core.hardware_filter,
            bindings: core.binding_count,
            queued_sends: core.sends.len(),
            pending_sends: core.pending_sends as usize,
            counters: self.counters.snapshot(),
        }
    }
}
