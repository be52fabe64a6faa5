//! The executive that runs on this machine, and its platform.

use core::fmt;

use executive::{Executive, Instant, Limits, NtStatus, Platform, PreviousIrql, ThreadId};
use ndis::platform::{BusPlatform, InterruptService};
use spin::Once;
use x86_64::instructions::interrupts as processor;

use super::{clock, context, interrupts};
use crate::report;

static EXECUTIVE: Once<&'static Executive> = Once::new();

/// The machine as the executive and the NDIS wrapper see it.
pub(crate) struct Pc;

/// The one machine.
pub(crate) static PC: Pc = Pc;

/// Makes the executive; the caller becomes its idle thread. To be called once, after
/// the heap is there.
pub(crate) fn init(limits: &Limits) -> &'static Executive {
    EXECUTIVE.call_once(|| Executive::new(&PC, limits))
}

/// The executive, once there is one.
pub(super) fn executive() -> Option<&'static Executive> {
    EXECUTIVE.get().copied()
}

/// Begins a device interrupt.
pub(super) fn enter_interrupt() -> Option<PreviousIrql> {
    executive().map(Executive::enter_interrupt)
}

/// Ends a device interrupt. Does what it has made due, if now is the time, with
/// interrupts enabled: DPCs, and maybe a switch to another thread. Called with
/// interrupts disabled, and returns so.
pub(super) fn leave_interrupt(previous: Option<PreviousIrql>, were_enabled: bool) {
    if let (Some(executive), Some(previous)) = (executive(), previous)
        && executive.leave_interrupt(previous)
        && were_enabled
    {
        executive.dispatch_interrupt();
    }
}

/// Begins a new thread, on its own stack, with interrupts disabled.
pub(super) fn start_thread(thread: ThreadId) -> ! {
    match executive() {
        Some(executive) => executive.thread_start(thread),
        None => panic!("thread {thread} starts without an executive"),
    }
}

/// Ends all dispatching, so that the report of a fault is the last that runs.
pub(crate) fn halt() {
    if let Some(executive) = executive() {
        executive.halt();
    }
}

impl Platform for Pc {
    fn now(&self) -> Instant {
        clock::now()
    }

    fn disable_interrupts(&self) -> bool {
        let were_enabled = processor::are_enabled();
        processor::disable();
        were_enabled
    }

    fn restore_interrupts(&self, were_enabled: bool) {
        if were_enabled {
            processor::enable();
        }
    }

    fn create_context(&self, thread: ThreadId, stack_bytes: usize) -> Result<(), NtStatus> {
        context::create(thread, stack_bytes)
    }

    fn switch(&self, from: ThreadId, to: ThreadId) {
        context::switch(from, to);
    }

    fn wait_for_interrupt(&self) {
        processor::enable_and_hlt();
    }

    fn bug_check(&self, message: fmt::Arguments<'_>) -> ! {
        report::bug_check(message)
    }
}

impl BusPlatform for Pc {
    fn connect_interrupt(
        &self,
        line: u8,
        shared: bool,
        service: &'static dyn InterruptService,
    ) -> NtStatus {
        interrupts::connect(line, shared, service)
    }

    fn disconnect_interrupt(&self, line: u8, service: &'static dyn InterruptService) {
        interrupts::disconnect(line, service);
    }

    fn begin_interrupt_probe(&self) {
        interrupts::begin_probe();
    }

    fn end_interrupt_probe(&self) -> u16 {
        interrupts::end_probe()
    }
}

/// Displays what the processor was doing: level and thread.
pub(crate) struct Situation;

impl fmt::Display for Situation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match executive() {
            Some(executive) => write!(
                formatter,
                "thread {}, IRQL {:?}",
                executive.current_thread(),
                executive.irql()
            ),
            None => write!(formatter, "before the executive"),
        }
    }
}
