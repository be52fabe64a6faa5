//! Starting an adapter, closing its bindings, halting it.

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use executive::Irql;
use executive::time::Duration;

use super::state::{Core, Due, Reset};
use super::{Adapter, AdapterState};
use crate::binding::{Bound, Close, Target};
use crate::counters::add;
use crate::filter::PacketFilter;
use crate::medium::Medium;
use crate::miniport::{AdapterContext, ErasedMiniport, RequestOutcome};
use crate::oid::Oid;
use crate::status::NdisStatus;

/// How long halting waits for the bindings' pending operations.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(10);

/// The event can be taken by another waiter; the condition is looked at again after this.
const UNBIND_POLL: Duration = Duration::from_millis(10);

/// Bytes of payload in a frame, for a miniport that does not say.
const DEFAULT_FRAME_SIZE: u32 = 1500;

impl Adapter {
    /// Calls Initialize (seed item 9). What the miniport does not tell of an adapter that is to
    /// stand `above` another one is taken from that. Passive.
    ///
    /// # Errors
    /// ADAPTER_NOT_READY unless the adapter is not started, UNSUPPORTED_MEDIA, or the miniport's
    /// own status.
    pub(crate) fn start(&'static self, above: Option<&Adapter>) -> Result<(), NdisStatus> {
        let mut miniport = self.take_for_start()?;
        let initialized = miniport.initialize(self);
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        match initialized {
            Ok(medium) => {
                let mut context = AdapterContext::new(self);
                self.learn(medium, above, &mut *miniport, &mut context);
                self.set_state(&mut self.core.lock(), AdapterState::Running);
                self.work_through(miniport, &mut context);
                Ok(())
            }
            Err(status) => {
                let mut core = self.core.lock();
                core.miniport = Some(miniport);
                self.set_state(&mut core, AdapterState::Failed);
                Err(status)
            }
        }
    }

    fn take_for_start(&self) -> Result<Box<dyn ErasedMiniport>, NdisStatus> {
        let mut core = self.core.lock();
        let startable = matches!(
            core.state,
            AdapterState::Added | AdapterState::Halted | AdapterState::Failed
        );
        if !startable {
            return Err(NdisStatus::ADAPTER_NOT_READY);
        }
        let miniport = core.miniport.take().ok_or(NdisStatus::ADAPTER_NOT_READY)?;
        core.forget_operations();
        self.set_state(&mut core, AdapterState::Starting);
        Ok(miniport)
    }

    /// Asks the miniport for what the wrapper and the console want to know at any time.
    fn learn(
        &self,
        medium: Medium,
        above: Option<&Adapter>,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        self.medium.store(medium as u8, Ordering::Relaxed);
        self.header_size
            .store(medium.header_size() as u32, Ordering::Relaxed);
        let mut ask = |oid, bytes: &mut [u8]| {
            // That of an intermediate driver may have to wait for the adapter below; then what that
            // one has told is good enough, and the answer is nobody's.
            if self.core.lock().pending_request.is_some() {
                return false;
            }
            let outcome = miniport.query(context, oid, bytes);
            if outcome == RequestOutcome::Pending {
                self.keep_unanswered(oid);
            }
            outcome == RequestOutcome::Done(bytes.len())
        };
        let mut bytes = [0; 8];
        let address = bytes.get_mut(..6).unwrap_or_default();
        let known = ask(Oid::IEEE_802_3_CURRENT_ADDRESS, address);
        let address = match above {
            _ if known => u64::from_le_bytes(bytes),
            Some(below) => below.address.load(Ordering::Relaxed),
            None => {
                log::warn!(target: "ndis", "{}: the miniport gives no address", self.name);
                0
            }
        };
        self.address.store(address, Ordering::Relaxed);
        let mut bytes = [0; 4];
        let size = if ask(Oid::GEN_MAXIMUM_FRAME_SIZE, &mut bytes) {
            u32::from_le_bytes(bytes)
        } else {
            above.map_or(DEFAULT_FRAME_SIZE, |below| {
                below.maximum_frame_size.load(Ordering::Relaxed)
            })
        };
        self.maximum_frame_size.store(size, Ordering::Relaxed);
        let options = ask(Oid::GEN_MAC_OPTIONS, &mut bytes);
        self.learn_loopback(options.then(|| u32::from_le_bytes(bytes)), above);
        context.end_handler();
    }

    /// Adds a binding to the adapter's list (seed item 13).
    ///
    /// # Errors
    /// ADAPTER_NOT_FOUND when the adapter is not running, OPEN_LIST_FULL when it has
    /// [`super::MAXIMUM_BINDINGS`].
    pub(crate) fn add_binding(
        &self,
        open: impl FnOnce() -> Option<Target>,
    ) -> Result<Target, NdisStatus> {
        let mut core = self.core.lock();
        if core.state != AdapterState::Running {
            return Err(NdisStatus::ADAPTER_NOT_FOUND);
        }
        if core.bindings.is_full() {
            return Err(NdisStatus::OPEN_LIST_FULL);
        }
        let target = open().ok_or(NdisStatus::OPEN_LIST_FULL)?;
        // There is room.
        let _ = core.bindings.push(target.bound);
        core.update_loopback();
        core.binding_count += 1;
        Ok(target)
    }

    /// Closes a binding to this or another adapter: it is off the list at once; the rest waits for
    /// its operations.
    pub(crate) fn close_binding(&self, bound: &Bound) -> Close {
        // It cannot be moved to another adapter meanwhile.
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let mut adapter = None;
        let close = bound.binding.close(bound.sender.generation, |target| {
            let mut core = target.adapter.core.lock();
            core.bindings
                .retain(|other| other.sender != target.bound.sender);
            core.update_loopback();
            adapter = Some(target.adapter);
        });
        if let Some(adapter) = adapter {
            // The union over the bindings that remain.
            adapter.run_due(Due::ADDRESSING);
        }
        close
    }

    /// A binding has come to its end.
    pub(crate) fn binding_closed(&self) {
        {
            let mut core = self.core.lock();
            core.binding_count = core.binding_count.saturating_sub(1);
        }
        self.unbound.set();
    }

    /// Halts what stands on this adapter, closes every binding, waits for their operations, and
    /// calls Halt. Passive.
    ///
    /// # Errors
    /// ADAPTER_NOT_READY unless the adapter is running.
    pub(crate) fn stop(&'static self) -> Result<(), NdisStatus> {
        {
            let mut core = self.core.lock();
            if core.state != AdapterState::Running {
                return Err(NdisStatus::ADAPTER_NOT_READY);
            }
            self.set_state(&mut core, AdapterState::Stopping);
        }
        if let Some(upper) = self.cover() {
            upper.stop_above();
        }
        self.set_spliced(false);
        self.unbind();
        if self.below().is_some() {
            self.wait_until_quiet();
        } else {
            self.wait_for_bindings();
        }
        self.halt();
        Ok(())
    }

    /// Stops an adapter because the one below it stops. Passive.
    fn stop_above(&'static self) {
        match self.stop() {
            Ok(()) => log::info!(target: "ndis", "{} halted", self.name),
            // Another thread does it; it has to be done before the adapter below goes on.
            Err(_) => {
                self.wait_until_closed(|| self.state() != AdapterState::Stopping);
            }
        }
    }

    /// Asks every protocol to close its binding, and closes what it does not close.
    fn unbind(&'static self) {
        let bindings = self.core.lock().bindings.clone();
        bindings.iter().for_each(|bound| self.unbind_one(bound));
    }

    /// Calls UnbindAdapter, and closes the binding if the protocol has not. Passive.
    pub(crate) fn unbind_one(&'static self, bound: &Bound) {
        // One that another thread closed meanwhile must not be touched any more.
        if bound.binding.acquire(bound.sender.generation) {
            bound.protocol.unbind_adapter(bound.context);
            self.close_binding(bound);
            bound.binding.release();
        }
    }

    /// Waits until every binding is closed.
    fn wait_for_bindings(&'static self) {
        self.expect_closed(|| self.core.lock().binding_count == 0);
    }

    /// Waits until no binding is left, nor anything that an intermediate driver has passed on.
    pub(super) fn wait_until_quiet(&'static self) {
        self.expect_closed(|| self.core.lock().is_quiet());
    }

    fn expect_closed(&'static self, is_done: impl FnMut() -> bool) {
        if !self.wait_until_closed(is_done) {
            log::warn!(target: "ndis", "{}: halting with operations pending", self.name);
        }
    }

    /// Waits for bindings to this adapter to be closed until `is_done`; false after ten seconds.
    /// Passive.
    pub(crate) fn wait_until_closed(&'static self, mut is_done: impl FnMut() -> bool) -> bool {
        let deadline = self.executive().now() + UNBIND_TIMEOUT;
        while !is_done() {
            let left = deadline - self.executive().now();
            if left.is_zero() {
                return false;
            }
            // Whether it was signalled or not, the count decides.
            let _ = self
                .executive()
                .wait(&self.unbound, Some(left.min(UNBIND_POLL)));
        }
        true
    }

    /// Halts the miniport and gives up what is left.
    pub(super) fn halt(&'static self) {
        let taken = {
            let mut core = self.core.lock();
            self.set_state(&mut core, AdapterState::Halted);
            core.miniport.take()
        };
        self.cancel_timer();
        if let Some(mut miniport) = taken {
            let mut context = AdapterContext::new(self);
            {
                let _raised = self.executive().raise_irql(Irql::Dispatch);
                miniport.flush(&mut context);
            }
            miniport.halt(&mut context);
            context.end_handler();
            self.core.lock().miniport = Some(miniport);
        }
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        self.abort_sends();
        self.abort_requests();
        self.abandon_pending_sends();
    }

    /// Ends the operations of packets that the miniport took into its grave.
    fn abandon_pending_sends(&'static self) {
        let pending = {
            let mut core = self.core.lock();
            core::mem::take(&mut core.pending_sends)
        };
        add(&self.counters.sends_aborted, pending as usize);
        if self.core.lock().binding_count != 0 {
            self.ndis.abandon_bindings(self);
        }
    }

    /// Calls Shutdown: the machine stops.
    pub(crate) fn shutdown(&self) {
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let taken = {
            let mut core = self.core.lock();
            if core.state.is_started() {
                core.miniport.take()
            } else {
                None
            }
        };
        if let Some(mut miniport) = taken {
            miniport.shutdown();
            let mut core = self.core.lock();
            core.miniport = Some(miniport);
            self.set_state(&mut core, AdapterState::Halted);
        }
    }
}

impl Core {
    /// What an earlier life of the adapter left.
    fn forget_operations(&mut self) {
        self.stalled = false;
        self.reset = Reset::Idle;
        self.due = Due::empty();
        self.hardware_filter = PacketFilter::empty();
        self.filter_unknown = false;
        self.pending_sends = 0;
    }
}
