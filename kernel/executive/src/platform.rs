//! What the executive needs of the machine.

use core::fmt;

use crate::status::NtStatus;
use crate::time::Instant;

/// A thread's identity: its slot in the table and how often the slot was
/// reused, so that data kept per slot elsewhere can tell a new thread from the
/// old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId {
    index: u32,
    generation: u32,
}

impl ThreadId {
    /// The idle thread: the one that made the executive.
    pub const IDLE: Self = Self {
        index: 0,
        generation: 0,
    };

    pub(crate) const fn new(index: u32, generation: u32) -> Self {
        Self { index, generation }
    }

    /// The slot, below `Limits::threads`.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// Which use of the slot this is.
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.index, self.generation)
    }
}

/// The machine below the executive: one processor with a clock, interrupts
/// that can be disabled, and execution contexts.
///
/// The interrupt path is the platform's. For an interrupt it calls, with
/// interrupts disabled, [`Executive::enter_interrupt`], the service routine
/// (the clock's calls [`Executive::clock_tick`]) and
/// [`Executive::leave_interrupt`]. When the last answers true, the platform
/// gets onto the interrupted thread's stack and calls
/// [`Executive::dispatch_interrupt`] before it returns from the interrupt.
///
/// [`Executive::enter_interrupt`]: crate::Executive::enter_interrupt
/// [`Executive::leave_interrupt`]: crate::Executive::leave_interrupt
/// [`Executive::dispatch_interrupt`]: crate::Executive::dispatch_interrupt
/// [`Executive::clock_tick`]: crate::Executive::clock_tick
pub trait Platform: Sync {
    /// The time since the machine started; never goes back. Any IRQL,
    /// interrupts enabled or not.
    fn now(&self) -> Instant;

    /// Disables the processor's interrupts; answers whether they were enabled.
    fn disable_interrupts(&self) -> bool;

    /// Enables the processor's interrupts if `were_enabled`, else leaves them
    /// as they are.
    fn restore_interrupts(&self, were_enabled: bool);

    /// Makes the context of a new thread with a stack of at least
    /// `stack_bytes`. The first switch to it must call
    /// [`Executive::thread_start`](crate::Executive::thread_start) with
    /// `thread` on that stack, interrupts disabled. Called at Passive, or at
    /// Dispatch while starting.
    ///
    /// A slot (`thread.index()`) comes again with a new generation once its
    /// previous thread has left it by [`Platform::switch_last`]; its stack may
    /// then be reused.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when no stack can be had.
    fn create_context(&self, thread: ThreadId, stack_bytes: usize) -> Result<(), NtStatus>;

    /// Saves the context of `from` (the running thread) and continues `to`.
    /// Returns when something switches to `from` again. Called with interrupts
    /// disabled at Dispatch, and returns so.
    fn switch(&self, from: ThreadId, to: ThreadId);

    /// Continues `to`; `from` has ended and is never switched to again. Called
    /// like [`Platform::switch`].
    fn switch_last(&self, from: ThreadId, to: ThreadId) -> ! {
        self.switch(from, to);
        self.bug_check(format_args!("the ended thread {from} was switched to"))
    }

    /// Called by the idle thread at Passive with interrupts **disabled**,
    /// after it has seen that there is nothing to do. Must enable interrupts
    /// and halt so that no interrupt can come between the two (on x86 `sti`
    /// takes effect after the `hlt` that follows it), and return with
    /// interrupts enabled once an interrupt has been handled, its
    /// `dispatch_interrupt` included.
    fn wait_for_interrupt(&self);

    /// The IRQL was lowered below Dispatch: a place at which a simulated
    /// machine may let an interrupt come.
    #[cfg(any(test, feature = "simulation"))]
    fn irql_lowered(&self) {}

    /// Reports that the kernel's state cannot be trusted any more, and stops.
    fn bug_check(&self, message: fmt::Arguments<'_>) -> !;
}
