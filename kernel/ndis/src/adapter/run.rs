//! Running a miniport's handlers, one at a time and without a lock.

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use executive::Irql;

use super::Adapter;
use super::state::{Due, Reset, Work};
use crate::counters::count;
use crate::miniport::{AdapterContext, ErasedMiniport, HandleInterrupt};

/// Handlers called in a row before the rest is left to a DPC, so that protocols that send from
/// SendComplete cannot keep the processor at Dispatch for good.
const WORK_BUDGET: usize = 64;

impl Adapter {
    /// Asks for the deferred half of the interrupt. Any IRQL.
    pub(crate) fn queue_deferred_call(&self) {
        self.interrupt_due.store(true, Ordering::Relaxed);
        self.queue_dpc();
    }

    fn queue_dpc(&self) {
        if let Some(deferred) = self.deferred.get() {
            deferred.queue();
        }
    }

    /// The adapter's DPC. Dispatch.
    pub(super) fn deferred_call(&'static self) {
        let due = if self.interrupt_due.swap(false, Ordering::Relaxed) {
            Due::INTERRUPT
        } else {
            Due::empty()
        };
        self.run_due(due);
    }

    /// Does what is due, `due` included, unless that is being done. At or below Dispatch.
    pub(super) fn run_due(&'static self, due: Due) {
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let miniport = {
            let mut core = self.core.lock();
            core.due |= due;
            if !core.state.is_started() {
                return;
            }
            core.miniport.take()
        };
        if let Some(miniport) = miniport {
            self.work_through(miniport, &mut AdapterContext::new(self));
        }
    }

    /// Runs `body` as if it were a handler of the miniport, which may be at work. At or below
    /// Dispatch.
    pub(crate) fn switch_to_miniport<R>(
        &'static self,
        body: impl FnOnce(&mut AdapterContext) -> R,
    ) -> R {
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let mut context = AdapterContext::new(self);
        let result = body(&mut context);
        context.end_switch();
        let is_idle = {
            let mut core = self.core.lock_at_level();
            if context.take_resources_available() {
                core.stalled = false;
            }
            core.is_idle()
        };
        if !is_idle {
            // A completion can let queued requests and sends go on.
            self.run_due(Due::empty());
        }
        result
    }

    /// Puts the miniport back after a send, when mostly nothing is due; else as
    /// [`Adapter::work_through`]. Dispatch.
    #[inline(always)]
    pub(super) fn put_miniport_back(
        &'static self,
        miniport: Box<dyn ErasedMiniport>,
        context: &mut AdapterContext,
    ) {
        let mut core = self.core.lock_at_level();
        core.stalled &= !context.take_resources_available();
        if core.is_idle() {
            core.put_miniport(miniport);
        } else {
            drop(core);
            self.work_through(miniport, context);
        }
    }

    /// Does what is due and puts the miniport back. Dispatch.
    #[inline(never)]
    pub(super) fn work_through(
        &'static self,
        mut miniport: Box<dyn ErasedMiniport>,
        context: &mut AdapterContext,
    ) {
        for _ in 0..=WORK_BUDGET {
            let mut core = self.core.lock_at_level();
            core.stalled &= !context.take_resources_available();
            let Some(work) = core.next_work(|| context.now()) else {
                core.put_miniport(miniport);
                return;
            };
            drop(core);
            self.perform(work, &mut *miniport, context);
        }
        self.core.lock_at_level().put_miniport(miniport);
        self.queue_dpc();
    }

    fn perform(
        &'static self,
        work: Work,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        match work {
            Work::Interrupt => self.handle_interrupt(miniport, context),
            Work::Timer => miniport.timer(context),
            Work::HangCheck => self.check_for_hang(miniport, context),
            Work::Loopback => self.perform_loopback(context),
            Work::Reconfigure => miniport.reconfigure(context),
            Work::Reset => self.perform_reset(miniport, context),
            Work::Apply(oid) => self.apply(oid, miniport, context),
            Work::Request => self.perform_queued_request(miniport, context),
            Work::Send => self.perform_queued_sends(miniport, context),
        }
        context.end_handler();
    }

    /// The deferred half of the interrupt (seed item 15): the card is masked until
    /// EnableInterrupt.
    fn handle_interrupt(&self, miniport: &mut dyn ErasedMiniport, context: &mut AdapterContext) {
        count(&self.counters.deferred_calls);
        let handled = miniport.handle_interrupt(context);
        // The batch of frames is over before the next one can begin.
        context.end_handler();
        match handled {
            HandleInterrupt::Done => miniport.enable_interrupt(),
            HandleInterrupt::MoreWork => {
                count(&self.counters.deferred_more_work);
                self.queue_deferred_call();
            }
        }
    }

    /// Whether a reset is due or under way.
    pub(crate) fn is_resetting(&self) -> bool {
        self.core.lock().reset != Reset::Idle
    }
}
