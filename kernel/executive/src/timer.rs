//! Timers: DPCs that become due by the clock.

use crate::dpc::Dpc;
use crate::executive::Executive;
use crate::status::NtStatus;
use crate::time::{Duration, Instant};

/// A timer that queues a DPC when it is due, once or periodically. It is as
/// exact as the platform's clock tick.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    executive: &'static Executive,
    index: u32,
}

impl Timer {
    /// Makes a timer with a routine, called at Dispatch. Allocates (a DPC), so
    /// call it while starting.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when `Limits::timers` or `Limits::dpcs` exist.
    pub fn new(
        executive: &'static Executive,
        name: &'static str,
        routine: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, NtStatus> {
        Self::for_dpc(executive, Dpc::new(executive, name, routine)?)
    }

    /// Makes a timer that queues `dpc`.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when `Limits::timers` exist.
    pub fn for_dpc(executive: &'static Executive, dpc: &'static Dpc) -> Result<Self, NtStatus> {
        let index = executive.with_database(|database| database.create_timer(dpc.index()));
        let index = index.ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { executive, index })
    }

    /// Arms the timer to be due once, `delay` from now; answers whether it was
    /// armed before. At or below Dispatch, like all that follow.
    pub fn set(&self, delay: Duration) -> bool {
        self.set_at(self.executive.now() + delay)
    }

    /// Arms the timer to be due once, at `due`; answers whether it was armed
    /// before.
    pub fn set_at(&self, due: Instant) -> bool {
        self.arm(due, Duration::ZERO)
    }

    /// Arms the timer to be due `delay` from now and then once each `period`;
    /// answers whether it was armed before. Periods that are missed while the
    /// machine is busy are skipped. A period of zero means once.
    pub fn set_periodic(&self, delay: Duration, period: Duration) -> bool {
        self.arm(self.executive.now() + delay, period)
    }

    /// Disarms the timer; answers whether it was armed. The DPC may still be
    /// queued from an expiry just before.
    pub fn cancel(&self) -> bool {
        self.executive
            .with_database(|database| database.cancel_timer(self.index))
    }

    fn arm(&self, due: Instant, period: Duration) -> bool {
        self.executive
            .with_database(|database| database.arm_timer(self.index, due, period))
    }
}
