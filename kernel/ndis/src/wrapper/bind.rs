//! Binding protocols to adapters, in both orders (seed items 4, 5, 9), and opening and closing.

use executive::Irql;

use super::register::device_name;
use super::{Claim, Ndis};
use crate::adapter::{Adapter, AdapterHandle, AdapterState};
use crate::binding::{BindingHandle, Close};
use crate::medium::Medium;
use crate::protocol::{ErasedProtocol, ProtocolDriver, ProtocolHandle};
use crate::status::NdisStatus;

impl Ndis {
    /// Offers every started adapter to a protocol.
    pub(super) fn bind_protocol(&'static self, protocol: &'static dyn ErasedProtocol) {
        self.adapters
            .iter()
            .for_each(|adapter| self.bind(protocol, adapter));
    }

    /// Offers a started adapter to every protocol of the global list.
    pub(super) fn bind_adapter(&'static self, adapter: &'static Adapter) {
        self.registered_protocols()
            .for_each(|protocol| self.bind(protocol, adapter));
    }

    /// Calls BindAdapter, unless the adapter is not started, not in the protocol's bind list, or
    /// bound already (seed item 5). Adapters and protocols of intermediate drivers are bound as
    /// their drivers do it.
    fn bind(&'static self, protocol: &'static dyn ErasedProtocol, adapter: &'static Adapter) {
        if adapter.state() != AdapterState::Running
            || self.is_intermediate(adapter)
            || self.is_half(protocol)
            || !self.is_in_bind_list(protocol.name(), adapter)
        {
            return;
        }
        let claim: Claim = (protocol.index(), adapter.place);
        if !self.claim(claim) {
            return;
        }
        self.bind_claimed(protocol, adapter);
        self.claims.lock().retain(|other| *other != claim);
    }

    /// The same with the right to it. Only now can be told whether it is bound: who had the right
    /// before may have done it.
    fn bind_claimed(
        &'static self,
        protocol: &'static dyn ErasedProtocol,
        adapter: &'static Adapter,
    ) {
        if self.is_bound(protocol, adapter) {
            return;
        }
        let status = protocol.bind_adapter(AdapterHandle(adapter));
        match status {
            // A version 3 protocol opens adapters by itself; NOT_ACCEPTED is what a half of an
            // intermediate driver answers before the two are associated.
            None | Some(NdisStatus::NOT_ACCEPTED) => {}
            Some(status) if status.is_success() => {
                log::info!(target: "ndis", "{} bound to {}", protocol.name(), adapter.name);
            }
            Some(status) => log::warn!(
                target: "ndis",
                "{} not bound to {}: {status}",
                protocol.name(),
                adapter.name
            ),
        }
    }

    /// Whether the protocol's configuration lists the adapter, or one that covers it. The key is `Bind`, its value the
    /// adapters' names separated by commas; without the key every adapter counts as listed.
    fn is_in_bind_list(&self, protocol: &str, adapter: &'static Adapter) -> bool {
        let Some(list) = self.configuration().get(protocol, "Bind") else {
            return true;
        };
        let mut names = list.split(',').map(device_name);
        let is_listed = |name: &str| {
            let mut stack = adapter.stack();
            stack.any(|adapter| name.eq_ignore_ascii_case(adapter.name))
        };
        names.any(is_listed)
    }

    /// Whether the protocol is bound to the adapter or one that covers it.
    fn is_bound(&self, protocol: &'static dyn ErasedProtocol, adapter: &'static Adapter) -> bool {
        self.open_bindings().any(|target| {
            target.bound.protocol.index() == protocol.index()
                && adapter
                    .stack()
                    .any(|adapter| core::ptr::eq(target.adapter, adapter))
        })
    }

    /// Keeps anybody else from binding the two at the same time; false if somebody does.
    fn claim(&self, claim: Claim) -> bool {
        let mut claims = self.claims.lock();
        !claims.contains(&claim) && claims.push(claim).is_ok()
    }

    /// Opens an adapter for a protocol (seed item 13); `media` are those the protocol knows. If
    /// the adapter is covered, the protocol is bound to the top of the stack; the protocol of an
    /// intermediate driver is bound to the very adapter.
    ///
    /// `binding` is given to the handlers of this binding. Frames come only after a packet filter
    /// has been set. At or below Dispatch; usually called by BindAdapter.
    ///
    /// # Errors
    /// ADAPTER_NOT_FOUND when the adapter is not started, UNSUPPORTED_MEDIA when its medium is
    /// not among `media` (seed item 10), OPEN_LIST_FULL when a table is full, also that of the
    /// different `binding`s the protocol has ever used.
    pub fn open_adapter<P: ProtocolDriver>(
        &'static self,
        protocol: &ProtocolHandle<P>,
        adapter: &AdapterHandle,
        media: &[Medium],
        binding: &'static P::Binding,
    ) -> Result<BindingHandle, NdisStatus> {
        // The stack stays as it is until the binding is in its list.
        let _raised = self.executive.raise_irql(Irql::Dispatch);
        let adapter = if self.is_half(protocol.0) {
            adapter.0
        } else {
            adapter.0.top()
        };
        if self.is_intermediate(adapter) && !adapter.is_spliced() {
            return Err(NdisStatus::ADAPTER_NOT_FOUND);
        }
        let medium = adapter.medium();
        let medium_index = media.iter().position(|&offered| offered == medium);
        let medium_index = medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?;
        let context = protocol.0.context(binding);
        let context = context.ok_or(NdisStatus::OPEN_LIST_FULL)?;
        let target = adapter.add_binding(|| {
            self.bindings
                .iter()
                .find_map(|slot| slot.open(adapter, protocol.0, context))
        })?;
        Ok(BindingHandle {
            medium_index,
            ..BindingHandle::of(&target)
        })
    }

    /// Closes a binding. PENDING while operations are under way: CloseAdapterComplete follows.
    /// Either way nothing more is indicated to it, except by a handler that is running. At or
    /// below Dispatch.
    pub fn close_adapter(&'static self, handle: &BindingHandle) -> NdisStatus {
        let Some(target) = handle.binding.target(handle.generation) else {
            return NdisStatus::ADAPTER_NOT_OPEN;
        };
        match target.adapter.close_binding(&target.bound) {
            Close::Done => NdisStatus::SUCCESS,
            Close::Pending => NdisStatus::PENDING,
            Close::NotOpen => NdisStatus::CLOSING,
        }
    }
}
