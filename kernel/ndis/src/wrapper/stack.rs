//! Intermediate drivers (seed item 58): their adapters take their places in a stack above a
//! running adapter, and give them up, while the protocols go on.

use executive::Irql;

use super::{MiniportHandle, Ndis};
use crate::adapter::{Adapter, AdapterHandle};
use crate::binding::BindingHandle;
use crate::protocol::{ErasedProtocol, ProtocolDriver, ProtocolHandle};
use crate::status::NdisStatus;

/// The miniport driver and the protocol, by its place, that are the two halves of an intermediate
/// driver.
#[derive(Clone, Copy)]
pub(super) struct Association {
    miniport: MiniportHandle,
    protocol: u32,
}

impl Ndis {
    /// Says that a miniport and a protocol are the two halves of one intermediate driver. Passive,
    /// at start.
    ///
    /// From now on adapters of the miniport run only in stacks and protocols are not bound to them
    /// by themselves. BindAdapter of the protocol is called only to bring up again a stack that has
    /// been halted: for the adapter below, whose [`AdapterHandle::covered_by`] is the adapter that
    /// is to stand on it; the driver opens the one and calls [`Ndis::insert_above`] for the other.
    ///
    /// # Errors
    /// RESOURCES when there is an association for every miniport there can be.
    pub fn associate_miniport<P: ProtocolDriver>(
        &'static self,
        miniport: &MiniportHandle,
        protocol: &ProtocolHandle<P>,
    ) -> Result<(), NdisStatus> {
        let association = Association {
            miniport: *miniport,
            protocol: protocol.0.index,
        };
        let pushed = self.associations.push(association);
        pushed.ok_or(NdisStatus::RESOURCES)
    }

    /// Starts `upper`, an added or halted adapter of an intermediate driver, above the adapter that
    /// `lower`, a binding of the same driver, is bound to, and moves to it every other binding of
    /// that adapter. Passive; allocates nothing.
    ///
    /// Operations that are under way go on: what was sent below is completed from there, what is
    /// sent from now on goes through `upper`, and no frame is lost, doubled or overtaken. `lower`
    /// takes over the packet filter, multicast list and lookahead of the bindings that are moved.
    /// The adapter below is covered from now on: protocols that open it are bound to the top of the
    /// stack. It may be the adapter of an intermediate driver itself, or be covered already: `upper`
    /// then comes between the two.
    ///
    /// # Errors
    /// NOT_SUPPORTED unless the two belong to one intermediate driver, ADAPTER_NOT_OPEN when `lower`
    /// is not open, ADAPTER_NOT_READY when `upper` is started or has another place, or the adapter
    /// below is not running, UNSUPPORTED_MEDIA when the two adapters have different media, FAILURE
    /// above Passive, or what Initialize answered. Nothing has been moved then.
    pub fn insert_above(
        &'static self,
        upper: &AdapterHandle,
        lower: &BindingHandle,
    ) -> Result<(), NdisStatus> {
        self.expect_passive()?;
        let upper = upper.0;
        let target = lower.binding.target(lower.generation);
        let target = target.ok_or(NdisStatus::ADAPTER_NOT_OPEN)?;
        let association = self.association_of(upper);
        let protocol = association.map(|association| association.protocol);
        if protocol != Some(target.bound.protocol.index()) {
            return Err(NdisStatus::NOT_SUPPORTED);
        }
        if !upper.may_stand_on(target.adapter) {
            return Err(NdisStatus::ADAPTER_NOT_READY);
        }
        upper.start(Some(target.adapter))?;
        let spliced = if upper.medium() == target.adapter.medium() {
            upper.splice_in(lower)
        } else {
            Err(NdisStatus::UNSUPPORTED_MEDIA)
        };
        match spliced {
            Ok(()) => log::info!(
                target: "ndis",
                "{} inserted above {}",
                upper.name,
                target.adapter.name
            ),
            Err(_) => upper.stop()?,
        }
        spliced
    }

    /// Takes `upper` out of its stack: has its driver pass on or drop the packets it holds (the
    /// handler of [`crate::InitializeContext::register_flush`]), moves every binding of `upper`,
    /// and what waits in its queues, to the adapter below, waits for what the driver has not
    /// completed, and halts `upper`. The driver is to close its binding to the adapter below then.
    /// Passive; allocates nothing.
    ///
    /// An adapter whose stack is halted only loses its remembered place.
    ///
    /// # Errors
    /// ADAPTER_NOT_FOUND when `upper` is in no stack, ADAPTER_NOT_READY when it or the adapter below
    /// is being started or halted, FAILURE above Passive; RESOURCES when what waits in the queues of
    /// both has not fitted into those of the adapter below for ten seconds, OPEN_LIST_FULL when the
    /// bindings do not. The adapter stays in its place then.
    pub fn remove_from_stack(&'static self, upper: &AdapterHandle) -> Result<(), NdisStatus> {
        self.expect_passive()?;
        let upper = upper.0;
        if upper.below().is_none() {
            return Err(NdisStatus::ADAPTER_NOT_FOUND);
        }
        if !upper.is_spliced() {
            return upper.forget_place();
        }
        let mut spliced = upper.splice_out();
        upper.wait_until_closed(|| {
            if spliced == Err(NdisStatus::RESOURCES) {
                spliced = upper.splice_out();
            }
            spliced != Err(NdisStatus::RESOURCES)
        });
        spliced?;
        upper.halt_spliced_out();
        log::info!(target: "ndis", "{} removed from its stack", upper.name);
        Ok(())
    }

    /// Brings up the stack that stood on an adapter before it was halted.
    pub(super) fn restore_stack(&'static self, adapter: &'static Adapter) {
        let mut top = adapter;
        while let Some(upper) = top.covered_by() {
            if !upper.is_spliced()
                && let Some(driver) = self.intermediate_protocol_of(upper)
            {
                driver.bind_adapter(AdapterHandle(top));
            }
            if upper.is_spliced() {
                top = upper;
            } else if upper.forget_place().is_ok() {
                log::warn!(target: "ndis", "{} not started again above {}", upper.name, top.name);
            } else {
                // Another thread is starting or halting it.
                return;
            }
        }
    }

    /// Starts an adapter of an intermediate driver that was halted in its place by itself.
    pub(super) fn start_in_stack(&'static self, upper: &'static Adapter) -> Result<(), NdisStatus> {
        let lower = upper.lower_binding().ok_or(NdisStatus::NOT_SUPPORTED)?;
        self.insert_above(&AdapterHandle(upper), &lower)
    }

    /// Takes what a protocol stands for, if it is half of an intermediate driver, out of the stack
    /// that it uses `lower` in. Passive.
    pub(super) fn remove_above(&'static self, lower: &BindingHandle) {
        let upper = self
            .adapters
            .iter()
            .find(|upper| upper.is_spliced() && upper.lower_binding().as_ref() == Some(lower));
        if let Some(upper) = upper
            && let Err(status) = self.remove_from_stack(&AdapterHandle(upper))
        {
            log::warn!(target: "ndis", "{} not removed from its stack: {status}", upper.name);
        }
    }

    /// Whether an adapter is one of an intermediate driver.
    pub(super) fn is_intermediate(&self, adapter: &Adapter) -> bool {
        self.association_of(adapter).is_some()
    }

    /// Whether a protocol is half of an intermediate driver.
    pub(super) fn is_half(&self, protocol: &dyn ErasedProtocol) -> bool {
        let mut associations = self.associations.iter();
        associations.any(|association| association.protocol == protocol.index())
    }

    fn association_of(&self, adapter: &Adapter) -> Option<Association> {
        let mut associations = self.associations.iter();
        associations.find(|association| association.miniport.is_of(adapter))
    }

    fn intermediate_protocol_of(
        &'static self,
        adapter: &Adapter,
    ) -> Option<&'static dyn ErasedProtocol> {
        let protocol = self.association_of(adapter)?.protocol;
        self.registered_protocols()
            .find(|other| other.index() == protocol)
    }

    fn expect_passive(&self) -> Result<(), NdisStatus> {
        if self.executive.irql() == Irql::Passive {
            Ok(())
        } else {
            Err(NdisStatus::FAILURE)
        }
    }
}
