//! The wrapper's interrupt service routine (seed item 14).

use executive::{Executive, SpinLock, level};

use super::{IsrOutcome, MiniportCharacteristics, MiniportDriver};
use crate::adapter::Adapter;
use crate::counters::count;
use crate::platform::InterruptService;

/// An adapter's interrupt, kept for good once it has been registered.
pub(super) struct InterruptBlock<D: MiniportDriver> {
    adapter: &'static Adapter,
    characteristics: MiniportCharacteristics<D>,
    registration: SpinLock<Option<Registration<D>>, level::Device>,
}

/// What is registered while the adapter is started.
pub(super) struct Registration<D: MiniportDriver> {
    /// The driver's interrupt part.
    pub(super) interrupt: D::Interrupt,
    /// Whether the driver's own service routine is to be called.
    pub(super) request_isr: bool,
}

impl<D: MiniportDriver> InterruptBlock<D> {
    pub(super) fn new(
        executive: &'static Executive,
        adapter: &'static Adapter,
        characteristics: MiniportCharacteristics<D>,
    ) -> Self {
        Self {
            adapter,
            characteristics,
            registration: SpinLock::new(executive, None),
        }
    }

    /// Sets or takes back what is registered; returns what was.
    pub(super) fn register(
        &self,
        registration: Option<Registration<D>>,
    ) -> Option<Registration<D>> {
        core::mem::replace(&mut *self.registration.lock(), registration)
    }

    /// Calls EnableInterrupt. At or below Device.
    pub(super) fn enable(&self) {
        let registration = self.registration.lock();
        if let (Some(registration), Some(enable)) =
            (registration.as_ref(), self.characteristics.enable_interrupt)
        {
            enable(&registration.interrupt);
        }
    }

    /// Calls the driver's service routine if it asked for that, else DisableInterrupt, after
    /// which the interrupt counts as recognised and the deferred half is queued.
    fn call(&self) -> Option<IsrOutcome> {
        let registration = self.registration.lock();
        let Registration {
            interrupt,
            request_isr,
        } = registration.as_ref()?;
        if *request_isr {
            return Some(self.characteristics.isr?(interrupt));
        }
        self.characteristics.disable_interrupt?(interrupt);
        Some(IsrOutcome {
            recognized: true,
            queue_handle_interrupt: true,
        })
    }
}

impl<D: MiniportDriver> InterruptService for InterruptBlock<D> {
    fn service(&self) -> bool {
        count(&self.adapter.counters.interrupts);
        let nothing = IsrOutcome {
            recognized: false,
            queue_handle_interrupt: false,
        };
        let outcome = self.call().unwrap_or(nothing);
        if outcome.queue_handle_interrupt {
            self.adapter.queue_deferred_call();
        }
        if !outcome.recognized {
            count(&self.adapter.counters.interrupts_not_recognized);
        }
        outcome.recognized
    }
}
