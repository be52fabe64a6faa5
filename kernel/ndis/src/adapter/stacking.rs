//! The places of adapters in stacks.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use executive::{Executive, SpinLock};

use super::{Adapter, AdapterHandle, AdapterState};
use crate::binding::{BindingHandle, Bound};
use crate::status::NdisStatus;

/// An adapter's place in a stack. It is kept while the stack is halted, so that the stack can be
/// brought up again in the same order.
pub(super) struct Stacking {
    below: Link,
    covered_by: Link,
    /// The binding to the adapter below by which the driver of this one uses it.
    lower: SpinLock<Option<BindingHandle>>,
    /// It runs in the stack: the bindings of the adapter below have been moved to it.
    is_spliced: AtomicBool,
}

/// An adapter by its place in the wrapper's table, or none.
struct Link(AtomicU32);

impl Link {
    const fn none() -> Self {
        Self(AtomicU32::new(0))
    }

    fn get(&self, of: &Adapter) -> Option<&'static Adapter> {
        let place = self.0.load(Ordering::Relaxed).checked_sub(1)?;
        of.ndis.adapter_at(place)
    }

    fn set(&self, adapter: Option<&Adapter>) {
        let place = adapter.map_or(0, |adapter| adapter.place + 1);
        self.0.store(place, Ordering::Relaxed);
    }
}

impl Stacking {
    pub(super) fn new(executive: &'static Executive) -> Self {
        Self {
            below: Link::none(),
            covered_by: Link::none(),
            lower: SpinLock::new(executive, None),
            is_spliced: AtomicBool::new(false),
        }
    }
}

impl AdapterHandle {
    /// The adapter on top of the stack that stands on this one: itself if it is not covered.
    #[must_use]
    pub fn top(&self) -> Self {
        Self(self.0.top())
    }

    /// The adapter that this one, of an intermediate driver, stands on; it is remembered while the
    /// stack is halted.
    pub fn below(&self) -> Option<Self> {
        self.0.below().map(Self)
    }

    /// The adapter that stands on this one; it is remembered while the stack is halted.
    pub fn covered_by(&self) -> Option<Self> {
        self.0.covered_by().map(Self)
    }

    /// Makes the timer of an adapter whose driver will register a timer handler, so that starting
    /// it later allocates nothing. Passive, at start.
    ///
    /// # Errors
    /// RESOURCES when there is no timer or DPC left.
    pub fn prepare_timer(&self) -> Result<(), NdisStatus> {
        self.0.create_timer().map_err(|_| NdisStatus::RESOURCES)
    }
}

impl Adapter {
    pub(crate) fn below(&self) -> Option<&'static Adapter> {
        self.stacking.below.get(self)
    }

    pub(crate) fn covered_by(&self) -> Option<&'static Adapter> {
        self.stacking.covered_by.get(self)
    }

    /// Whether it runs in a stack, above another adapter.
    pub(crate) fn is_spliced(&self) -> bool {
        self.stacking.is_spliced.load(Ordering::Relaxed)
    }

    pub(super) fn set_spliced(&self, is_spliced: bool) {
        self.stacking
            .is_spliced
            .store(is_spliced, Ordering::Relaxed);
    }

    /// The adapter that covers this one now.
    pub(crate) fn cover(&self) -> Option<&'static Adapter> {
        self.covered_by().filter(|upper| upper.is_spliced())
    }

    pub(crate) fn top(&'static self) -> &'static Adapter {
        self.stack().last().unwrap_or(self)
    }

    /// The adapter that the stack of this one stands on.
    pub(crate) fn bottom(&'static self) -> &'static Adapter {
        let next = |adapter: &&'static Adapter| adapter.below();
        core::iter::successors(Some(self), next)
            .last()
            .unwrap_or(self)
    }

    /// This adapter and those that cover it now, from below.
    pub(crate) fn stack(&'static self) -> impl Iterator<Item = &'static Adapter> {
        core::iter::successors(Some(self), |adapter| adapter.cover())
    }

    /// The binding by which its driver uses the adapter below.
    pub(crate) fn lower_binding(&self) -> Option<BindingHandle> {
        *self.stacking.lower.lock()
    }

    /// Whether it may take its place above `below`: it has none, or that one.
    pub(crate) fn may_stand_on(&self, below: &Adapter) -> bool {
        self.below()
            .is_none_or(|remembered| core::ptr::eq(remembered, below))
    }

    /// Takes its place above `below`, under the adapter that covered that one.
    fn link(&self, below: &Adapter) {
        let covering = below.covered_by();
        if covering.is_some_and(|covering| core::ptr::eq(covering, self)) {
            return;
        }
        if let Some(covering) = covering {
            covering.stacking.below.set(Some(self));
        }
        self.stacking.covered_by.set(covering);
        self.stacking.below.set(Some(below));
        below.stacking.covered_by.set(Some(self));
    }

    /// Gives up its place in the stack. Dispatch.
    fn unlink(&self) {
        let (below, covering) = (self.below(), self.covered_by());
        if let Some(below) = below {
            below.stacking.covered_by.set(covering);
        }
        if let Some(covering) = covering {
            covering.stacking.below.set(below);
        }
        self.stacking.below.set(None);
        self.stacking.covered_by.set(None);
        *self.stacking.lower.lock() = None;
    }

    /// Gives up its remembered place in a stack that is halted.
    ///
    /// # Errors
    /// ADAPTER_NOT_READY unless it is halted.
    pub(crate) fn forget_place(&self) -> Result<(), NdisStatus> {
        let core = self.core.lock();
        if core.state.is_started() || core.state == AdapterState::Starting {
            return Err(NdisStatus::ADAPTER_NOT_READY);
        }
        self.unlink();
        Ok(())
    }

    /// The list entry of the binding to the adapter below.
    pub(super) fn lower_bound(&self) -> Option<Bound> {
        let lower = (*self.stacking.lower.lock())?;
        let target = lower.binding.target(lower.generation)?;
        Some(target.bound)
    }

    /// Stands above `below` from now on, by the binding `lower`. Dispatch.
    pub(super) fn take_place(&self, below: &Adapter, lower: &BindingHandle) {
        self.link(below);
        *self.stacking.lower.lock() = Some(*lower);
        self.set_spliced(true);
    }

    /// Stands above nothing from now on. Dispatch.
    pub(super) fn leave_place(&self) {
        self.set_spliced(false);
        self.unlink();
    }
}
