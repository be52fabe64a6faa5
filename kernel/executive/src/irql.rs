//! Interrupt request levels.

use core::marker::PhantomData;

use crate::executive::Executive;

/// The level at which the processor runs; what is at or below it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Irql {
    /// Threads; everything may interrupt them, and they may wait.
    Passive = 0,
    /// Asynchronous procedure calls of a thread, which may wait.
    Apc = 1,
    /// The dispatcher and DPCs: no thread switch, no waiting.
    Dispatch = 2,
    /// Interrupt service routines: the processor's interrupts are disabled.
    Device = 3,
    /// Above every device.
    High = 4,
}

impl Irql {
    /// From the number that `self as u8` gave.
    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Passive,
            1 => Self::Apc,
            2 => Self::Dispatch,
            3 => Self::Device,
            _ => Self::High,
        }
    }
}

/// Levels as types, for locks.
pub mod level {
    use super::Irql;

    /// A level that a lock can have.
    pub trait Level: sealed::Sealed + 'static {
        /// The level's value.
        const IRQL: Irql;
    }

    /// [`Irql::Dispatch`]: shared between threads and DPCs.
    #[derive(Clone, Copy, Debug)]
    pub struct Dispatch;

    /// [`Irql::Device`]: shared with interrupt service routines.
    #[derive(Clone, Copy, Debug)]
    pub struct Device;

    impl Level for Dispatch {
        const IRQL: Irql = Irql::Dispatch;
    }

    impl Level for Device {
        const IRQL: Irql = Irql::Device;
    }

    mod sealed {
        pub trait Sealed {}
        impl Sealed for super::Dispatch {}
        impl Sealed for super::Device {}
    }
}

/// The level that an interrupt found, to be given back when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the interrupt must end with `leave_interrupt`"]
pub struct PreviousIrql(pub(crate) u8);

/// While it lives the level is raised; dropping it lowers the level to what it
/// was, which runs what became due meanwhile (DPCs, a thread switch).
///
/// Guards must end in the reverse order of their making.
#[derive(Debug)]
#[must_use = "the level is lowered when this is dropped"]
pub struct RaisedIrql {
    executive: &'static Executive,
    /// The level's number: it goes back where it came from unread.
    previous: u8,
    /// For `Device` and above: whether the processor's interrupts were on.
    interrupts: Option<bool>,
    /// A level belongs to the thread that raised it.
    of_this_thread: PhantomData<*const ()>,
}

impl RaisedIrql {
    #[inline]
    pub(crate) fn new(executive: &'static Executive, level: Irql) -> Self {
        let interrupts = (level >= Irql::Device).then(|| executive.platform().disable_interrupts());
        let previous = executive.exchange_irql(level as u8);
        if previous > level as u8 {
            Self::refuse(executive, Irql::from_number(previous), level);
        }
        Self {
            executive,
            previous,
            interrupts,
            of_this_thread: PhantomData,
        }
    }

    #[cold]
    fn refuse(executive: &'static Executive, previous: Irql, level: Irql) -> ! {
        executive.bug_check(format_args!(
            "IRQL {previous:?} cannot be raised to {level:?}"
        ))
    }

    /// What lowering the level seldom has to do. Apart, so that releasing a
    /// lock stays short.
    #[cold]
    fn finish_lowering(executive: &'static Executive, interrupts: Option<bool>) {
        if let Some(were_enabled) = interrupts {
            executive.platform().restore_interrupts(were_enabled);
        }
        executive.dispatch_if_due();
    }

    /// The level that will be in force again.
    pub fn previous(&self) -> Irql {
        Irql::from_number(self.previous)
    }
}

impl Drop for RaisedIrql {
    #[inline]
    fn drop(&mut self) {
        self.executive.set_irql(self.previous);
        let may_dispatch = self.previous < Irql::Dispatch as u8;
        if self.interrupts.is_some() || may_dispatch && self.executive.is_dispatch_due() {
            Self::finish_lowering(self.executive, self.interrupts);
        }
        #[cfg(any(test, feature = "simulation"))]
        if self.previous() < Irql::Dispatch {
            self.executive.platform().irql_lowered();
        }
    }
}
