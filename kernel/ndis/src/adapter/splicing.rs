//! Moving bindings, and what they have under way, between an adapter and the one above it.
//!
//! Bindings move at Dispatch while the miniports of both adapters are in their places: no handler
//! runs, no frame is being indicated or sent, and whoever looks up a binding's adapter to use it
//! does that at Dispatch too. So a move comes between two operations, never into one.

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use executive::Irql;

use super::loopback::Loopback;
use super::state::{Core, Due, Reset};
use super::{Adapter, AdapterState, MAXIMUM_BINDINGS};
use crate::binding::{Binding, BindingHandle, Bound};
use crate::filter::PacketFilter;
use crate::miniport::{AdapterContext, ErasedMiniport};
use crate::status::NdisStatus;

impl Adapter {
    /// Moves every binding of the adapter that `lower` is bound to, but `lower`, to this one, which
    /// has just been started. At or below Dispatch.
    ///
    /// # Errors
    /// ADAPTER_NOT_OPEN when `lower` is not open, ADAPTER_NOT_READY when one of the two adapters is
    /// not running or this one has another place, OPEN_LIST_FULL. Nothing has been changed then.
    pub(crate) fn splice_in(&'static self, lower: &BindingHandle) -> Result<(), NdisStatus> {
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let target = lower.binding.target(lower.generation);
        let target = target.ok_or(NdisStatus::ADAPTER_NOT_OPEN)?;
        let (below, lower_bound) = (target.adapter, target.bound);
        if core::ptr::eq(below, self) || !self.may_stand_on(below) {
            return Err(NdisStatus::ADAPTER_NOT_READY);
        }
        {
            let mut from = below.core.lock_at_level();
            let mut to = self.core.lock_at_level();
            if !from.is_at_rest() || !to.is_at_rest() {
                return Err(NdisStatus::ADAPTER_NOT_READY);
            }
            if !from.remove_binding(&lower_bound) {
                return Err(NdisStatus::ADAPTER_NOT_OPEN);
            }
            if to.bindings.len() + from.bindings.len() > MAXIMUM_BINDINGS {
                from.add_binding(lower_bound);
                return Err(NdisStatus::OPEN_LIST_FULL);
            }
            let mut filter = from.filter_union();
            if to.loopback != Loopback::OfMiniport {
                // What this machine sends is looped back above.
                filter.remove(PacketFilter::ALL_LOCAL);
            }
            take_over(lower_bound.binding, filter, &from);
            to.set_hardware_filter(filter);
            from.move_bindings(&mut to, self);
            from.add_binding(lower_bound);
            from.move_requests(&mut to);
            from.move_looped_back(&mut to);
        }
        self.disconnected
            .store(!below.is_media_connected(), Ordering::Relaxed);
        self.take_place(below, lower);
        self.run_due(Due::empty());
        Ok(())
    }

    /// Has the driver pass on or drop what it holds, moves every binding and what waits in the
    /// queues to the adapter below, and takes this one out of the stack; it is then to be halted.
    /// At or below Dispatch.
    ///
    /// # Errors
    /// ADAPTER_NOT_READY when one of the two adapters is not running; RESOURCES when the queues of
    /// both do not fit into those of the one below, OPEN_LIST_FULL when the bindings do not. The
    /// adapter goes on in its place then.
    pub(crate) fn splice_out(&'static self) -> Result<(), NdisStatus> {
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let below = self.below().filter(|_| self.is_spliced());
        let below = below.ok_or(NdisStatus::ADAPTER_NOT_READY)?;
        // What the driver sends on is queued until the bindings have been moved, and no frame comes.
        let miniport = below.core.lock_at_level().take_at_rest()?;
        let moved = self.flush().and_then(|()| self.move_to(below));
        below.work_through(miniport, &mut AdapterContext::new(below));
        if moved.is_err() {
            // It stays, with what protocols have sent while it was flushed.
            self.run_due(Due::empty());
        }
        moved
    }

    /// Moves the bindings and the queues to the adapter below.
    fn move_to(&'static self, below: &'static Adapter) -> Result<(), NdisStatus> {
        {
            let mut to = below.core.lock_at_level();
            let mut from = self.core.lock_at_level();
            let lower = self.lower_bound();
            from.check_room(&to, lower.as_ref())?;
            if let Some(lower) = &lower {
                // It stays open until the driver closes it, and is indicated nothing more.
                to.remove_binding(lower);
            }
            from.move_bindings(&mut to, below);
            let closing = self.ndis.move_bindings(self, below);
            from.binding_count = from.binding_count.saturating_sub(closing);
            to.binding_count += closing;
            from.move_requests(&mut to);
            from.move_sends(&mut to, below);
            from.move_looped_back(&mut to);
            if from.reset != Reset::Idle && to.reset == Reset::Idle {
                // The end of a reset has been promised to the bindings.
                to.reset = Reset::Requested;
            }
            from.reset = Reset::Idle;
            to.due |= Due::ADDRESSING;
            self.set_state(&mut from, AdapterState::Stopping);
        }
        self.leave_place();
        Ok(())
    }

    /// Has the miniport pass on or drop the packets that it holds. Dispatch.
    fn flush(&'static self) -> Result<(), NdisStatus> {
        let mut miniport = self.core.lock_at_level().take_at_rest()?;
        let mut context = AdapterContext::new(self);
        miniport.flush(&mut context);
        context.end_handler();
        self.core.lock_at_level().miniport = Some(miniport);
        Ok(())
    }

    /// Halts an adapter taken out of its stack, after its last operations. Passive.
    pub(crate) fn halt_spliced_out(&'static self) {
        self.wait_until_quiet();
        self.halt();
    }
}

/// Lets `lower` want everything that the bindings of `core` want, so that the card goes on with the
/// same packet filter, multicast list and lookahead when they have been moved away.
fn take_over(lower: &Binding, filter: PacketFilter, core: &Core) {
    lower.set_filter(lower.filter().union(filter));
    let mut addresses = lower.multicast();
    for bound in &core.bindings {
        lower.set_lookahead(lower.lookahead().max(bound.binding.lookahead()));
        for address in bound.binding.multicast().iter() {
            // The list of the adapter has had room for those of all bindings.
            let _ = addresses.insert(address);
        }
    }
    lower.set_multicast(addresses);
}

impl Core {
    /// Whether the adapter runs and none of its miniport's handlers does.
    fn is_at_rest(&self) -> bool {
        self.state == AdapterState::Running && self.miniport.is_some()
    }

    /// Takes the miniport, if the adapter runs and none of its handlers does.
    fn take_at_rest(&mut self) -> Result<Box<dyn ErasedMiniport>, NdisStatus> {
        let is_running = self.state == AdapterState::Running;
        let miniport = self.miniport.take_if(|_| is_running);
        miniport.ok_or(NdisStatus::ADAPTER_NOT_READY)
    }

    /// Whether no binding and no operation is left.
    pub(super) fn is_quiet(&self) -> bool {
        self.binding_count == 0
            && self.pending_sends == 0
            && self.pending_request.is_none()
            && self.requests.is_empty()
    }

    /// The union of the packet filters of the bindings.
    fn filter_union(&self) -> PacketFilter {
        let filters = self.bindings.iter().map(|bound| bound.binding.filter());
        filters.fold(PacketFilter::empty(), PacketFilter::union)
    }

    /// Takes a binding off the list; whether it was there.
    fn remove_binding(&mut self, bound: &Bound) -> bool {
        let before = self.bindings.len();
        self.bindings.retain(|other| other.sender != bound.sender);
        self.bindings.len() != before
    }

    /// Puts a binding back on the list.
    fn add_binding(&mut self, bound: Bound) {
        // The place it was taken from is free.
        let _ = self.bindings.push(bound);
    }

    /// Whether the bindings and queues have room in those of `to`, once `lower` is off its list.
    fn check_room(&self, to: &Self, lower: Option<&Bound>) -> Result<(), NdisStatus> {
        let is_lower = |bound: &&Bound| lower.is_some_and(|lower| lower.sender == bound.sender);
        let staying = to.bindings.len() - to.bindings.iter().filter(is_lower).count();
        if staying + self.bindings.len() > MAXIMUM_BINDINGS {
            return Err(NdisStatus::OPEN_LIST_FULL);
        }
        let sends = to.sends.capacity() - to.sends.len();
        let requests = to.requests.capacity() - to.requests.len();
        let looped_back = to.looped_back.capacity() - to.looped_back.len();
        if self.sends.len() > sends
            || self.requests.len() > requests
            || self.looped_back.len() > looped_back
        {
            return Err(NdisStatus::RESOURCES);
        }
        Ok(())
    }

    /// Moves the open bindings to `adapter`, whose state `to` is. There is room.
    fn move_bindings(&mut self, to: &mut Self, adapter: &'static Adapter) {
        while !self.bindings.is_empty() {
            let bound = self.bindings.remove(0);
            bound.binding.move_to(adapter);
            self.binding_count = self.binding_count.saturating_sub(1);
            to.binding_count += 1;
            let _ = to.bindings.push(bound);
        }
    }

    /// Moves the requests that are not begun and come from bindings of `to`. There is room.
    fn move_requests(&mut self, to: &mut Self) {
        for _ in 0..self.requests.len() {
            let Some(queued) = self.requests.pop_front() else {
                return;
            };
            let moved = |bound: &Bound| queued.is_of(bound.sender);
            let queue = if to.bindings.iter().any(moved) {
                &mut to.requests
            } else {
                &mut self.requests
            };
            let _ = queue.push_back(queued);
        }
    }

    /// Moves the packets that wait for being looped back, which came from the bindings. There is
    /// room.
    fn move_looped_back(&mut self, to: &mut Self) {
        to.looped_back.extend(self.looped_back.drain(..));
        if !to.looped_back.is_empty() {
            to.due |= Due::LOOPBACK;
        }
        self.update_loopback();
        to.update_loopback();
    }

    /// Moves the packets that wait behind those of `adapter`, whose state `to` is. There is room.
    fn move_sends(&mut self, to: &mut Self, adapter: &Adapter) {
        while let Some(mut packet) = self.sends.pop_front() {
            packet.info_mut().senders.redirect(adapter.place);
            to.sends.push_back(packet);
        }
    }
}
