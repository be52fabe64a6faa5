//! Device interrupts: which service handles which line, and the probe for the line of
//! a card.

use core::sync::atomic::{AtomicU64, Ordering};

use executive::NtStatus;
use heapless::Vec;
use ndis::platform::InterruptService;
use x86_64::instructions::interrupts;

use super::clock;
use super::frame::{INTERRUPT_FLAG, InterruptFrame};
use super::idt::FIRST_LINE_VECTOR;
use super::lock::InterruptLock;
use super::pic::{LINES, Pics};
use super::system;

/// Most services of one line.
const MAX_SHARED: usize = 4;

/// Unclaimed interrupts in a row after which a line is masked: nobody could do anything
/// else while they go on.
const MAX_UNCLAIMED_IN_A_ROW: u32 = 10_000;

/// Lines that a card cannot have: the clock, the cascade of the controllers.
const SYSTEM_LINES: u16 = 1 << 0 | 1 << 2;

/// How long a probe waits for requests from before it, in microseconds.
const PROBE_SETTLE: u64 = 20;

static CONTROLLER: InterruptLock<Controller> = InterruptLock::new(Controller::new());

/// Interrupts of the local APIC whose cause had gone.
static APIC_SPURIOUS: AtomicU64 = AtomicU64::new(0);

/// What is known of one line.
struct Line {
    services: Vec<&'static dyn InterruptService, MAX_SHARED>,
    shared: bool,
    unclaimed_in_a_row: u32,
    counters: LineCounters,
}

/// Interrupts of one line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineCounters {
    /// All but the spurious ones.
    pub(crate) interrupts: u64,
    /// Of these, the ones that no service recognised.
    pub(crate) unclaimed: u64,
    /// Requests that had gone by the time the processor took them.
    pub(crate) spurious: u64,
    /// Times the line was masked because nobody recognised its interrupts.
    pub(crate) disabled: u64,
}

/// The controllers and all lines.
struct Controller {
    pics: Pics,
    lines: [Line; LINES as usize],
    /// A bit for each line that fired, while a probe runs.
    probe: Option<u16>,
}

impl Line {
    const fn new() -> Self {
        Self {
            services: Vec::new(),
            shared: false,
            unclaimed_in_a_row: 0,
            counters: LineCounters {
                interrupts: 0,
                unclaimed: 0,
                spurious: 0,
                disabled: 0,
            },
        }
    }

    /// Asks every service. A request on a line that several cards pull is one edge, so
    /// one of them recognising it does not mean that the others are quiet.
    fn service(&self) -> bool {
        self.services
            .iter()
            .fold(false, |recognised, service| service.service() | recognised)
    }
}

impl Controller {
    const fn new() -> Self {
        Self {
            pics: Pics::new(),
            lines: [const { Line::new() }; LINES as usize],
            probe: None,
        }
    }

    /// Handles an interrupt of `line`.
    fn interrupt(&mut self, number: u8) {
        let Some(line) = self.lines.get_mut(usize::from(number)) else {
            return;
        };
        if self.pics.is_spurious(number) {
            line.counters.spurious += 1;
            self.pics.end_of_spurious_interrupt(number);
            return;
        }
        line.counters.interrupts += 1;
        if let Some(fired) = self.probe.as_mut().filter(|_| line.services.is_empty()) {
            *fired |= 1 << number;
            self.pics.set_masked(number, true);
        } else if line.service() {
            line.unclaimed_in_a_row = 0;
        } else {
            line.counters.unclaimed += 1;
            line.unclaimed_in_a_row += 1;
            if line.unclaimed_in_a_row == MAX_UNCLAIMED_IN_A_ROW {
                line.unclaimed_in_a_row = 0;
                line.counters.disabled += 1;
                self.pics.set_masked(number, true);
            }
        }
        self.pics.end_of_interrupt(number);
    }

    /// Masks or unmasks every line that a probe may watch.
    fn set_probed_masked(&mut self, except: u16, masked: bool) {
        for (number, line) in (0..).zip(&self.lines) {
            if line.services.is_empty() && (SYSTEM_LINES | except) & 1 << number == 0 {
                self.pics.set_masked(number, masked);
            }
        }
    }

    /// What fired since the last time it was asked.
    fn take_fired(&mut self) -> u16 {
        self.probe.as_mut().map_or(0, core::mem::take)
    }
}

/// Called by the interrupt stubs, with interrupts disabled, on the stack of the
/// interrupted thread.
pub(super) extern "C" fn interrupt_entry(frame: &InterruptFrame) {
    let previous = system::enter_interrupt();
    match u8::try_from(frame.vector) {
        Ok(vector @ FIRST_LINE_VECTOR..0x30) => {
            CONTROLLER.lock().interrupt(vector - FIRST_LINE_VECTOR);
        }
        // The local APIC wants no end of interrupt for this.
        _ => {
            APIC_SPURIOUS.fetch_add(1, Ordering::Relaxed);
        }
    }
    system::leave_interrupt(previous, frame.rflags & INTERRUPT_FLAG != 0);
}

/// Sets the interrupt controllers up and connects the clock. Interrupts stay disabled
/// in the processor. To be called once, before anything else is connected.
///
/// # Panics
/// When it is called again.
pub(crate) fn init() {
    CONTROLLER.lock().pics.initialize();
    let status = connect(clock::LINE, true, &clock::INTERRUPT);
    assert!(status.is_success(), "the clock's line is taken: {status}");
}

/// Connects a service to a line; see `ndis::BusPlatform::connect_interrupt`.
pub(crate) fn connect(
    number: u8,
    shared: bool,
    service: &'static dyn InterruptService,
) -> NtStatus {
    let mut controller = CONTROLLER.lock();
    let Some(line) = controller.lines.get_mut(usize::from(number)) else {
        return NtStatus::INVALID_PARAMETER;
    };
    let exclusive = !(line.shared && shared);
    if exclusive && !line.services.is_empty() {
        return NtStatus::SHARING_VIOLATION;
    }
    if line.services.push(service).is_err() {
        return NtStatus::INSUFFICIENT_RESOURCES;
    }
    line.shared = shared;
    line.unclaimed_in_a_row = 0;
    controller.pics.set_masked(number, false);
    NtStatus::SUCCESS
}

/// Takes a service off a line; see `ndis::BusPlatform::disconnect_interrupt`. Services
/// are told apart by their address, so they must not be of size 0.
pub(crate) fn disconnect(number: u8, service: &'static dyn InterruptService) {
    let mut controller = CONTROLLER.lock();
    let Some(line) = controller.lines.get_mut(usize::from(number)) else {
        return;
    };
    line.services
        .retain(|other| !core::ptr::addr_eq(*other, service));
    if line.services.is_empty() {
        controller.pics.set_masked(number, true);
    }
}

/// Begins to watch the lines nobody is connected to. Interrupts must be enabled.
///
/// A controller keeps a request that came while the line was masked. Such old requests
/// are taken first. A line that then fires again at once is held by something else and
/// is not watched.
pub(crate) fn begin_probe() {
    if !interrupts::are_enabled() {
        log::error!(target: "hal", "interrupt probe with interrupts disabled");
        return;
    }
    let mut stuck = 0;
    for _ in 0..2 {
        {
            let mut controller = CONTROLLER.lock();
            controller.probe = Some(0);
            controller.set_probed_masked(0, false);
        }
        clock::stall(PROBE_SETTLE);
        stuck = CONTROLLER.lock().take_fired();
    }
    CONTROLLER.lock().set_probed_masked(stuck, false);
}

/// Ends the probe: a bit for each line that fired meanwhile.
pub(crate) fn end_probe() -> u16 {
    let mut controller = CONTROLLER.lock();
    controller.set_probed_masked(0, true);
    controller.probe.take().unwrap_or(0)
}

/// Interrupts of one line, 0 to 15.
pub(crate) fn counters(number: u8) -> LineCounters {
    CONTROLLER
        .lock()
        .lines
        .get(usize::from(number))
        .map(|line| line.counters)
        .unwrap_or_default()
}

/// Interrupts of the local APIC whose cause had gone.
pub(crate) fn apic_spurious() -> u64 {
    APIC_SPURIOUS.load(Ordering::Relaxed)
}
