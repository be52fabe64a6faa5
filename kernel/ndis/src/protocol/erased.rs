//! A protocol as the wrapper sees it: without its types.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};

use spin::Once;

use super::{
    PnpEvent, ProtocolCharacteristics, ProtocolDriver, ReceiveContext, Request, SendCompletion,
};
use crate::Ndis;
use crate::adapter::AdapterHandle;
use crate::packet::Packet;
use crate::status::NdisStatus;

/// A protocol's own context of a binding: its place among those the protocol has used, from which
/// a handler gets it with its type.
#[derive(Clone, Copy)]
pub(crate) struct BindingContext {
    place: u32,
    /// The context with the handler that every frame is given to.
    pub(crate) receiver: &'static dyn Receiver,
}

/// A binding's context with its protocol's Receive handler, without their types.
pub(crate) trait Receiver: Send + Sync {
    /// What the handler answers, or [`NO_HANDLER`].
    fn receive(
        &self,
        receive: &mut ReceiveContext<'_>,
        header: &[u8],
        lookahead: &[u8],
        payload_size: usize,
    ) -> NdisStatus;
}

/// Said for a protocol without a Receive handler; no handler answers so.
pub(crate) const NO_HANDLER: NdisStatus = NdisStatus(u32::MAX);

type ReceiveHandler<B> = fn(&B, &mut ReceiveContext<'_>, &[u8], &[u8], usize) -> NdisStatus;

struct UsedContext<B: 'static> {
    binding: &'static B,
    receive: ReceiveHandler<B>,
}

impl<B: Sync> Receiver for UsedContext<B> {
    // The arguments are the handler's own, so that the call is a jump.
    fn receive(
        &self,
        receive: &mut ReceiveContext<'_>,
        header: &[u8],
        lookahead: &[u8],
        payload_size: usize,
    ) -> NdisStatus {
        (self.receive)(self.binding, receive, header, lookahead, payload_size)
    }
}

/// The contexts a protocol has used, so that none is lost when a binding ends: protocols use them
/// again.
pub(crate) struct Contexts<B: 'static>(Box<[Once<UsedContext<B>>]>);

impl<B: Sync> Contexts<B> {
    /// Room for `size` different contexts. At start only: it allocates.
    pub(crate) fn new(size: usize) -> Self {
        Self((0..size).map(|_| Once::new()).collect())
    }

    /// The place of `binding`, which is noted with its protocol's Receive handler unless it has
    /// been; `None` when there is no room.
    fn place(
        &'static self,
        binding: &'static B,
        receive: Option<ReceiveHandler<B>>,
    ) -> Option<BindingContext> {
        let receive = receive.unwrap_or(|_, _, _, _, _| NO_HANDLER);
        for (place, used) in self.0.iter().enumerate() {
            let receiver = used.call_once(|| UsedContext { binding, receive });
            if core::ptr::eq(receiver.binding, binding) {
                let place = place as u32;
                return Some(BindingContext { place, receiver });
            }
        }
        None
    }

    #[inline]
    fn get(&self, context: BindingContext) -> Option<&'static B> {
        Some(self.0.get(context.place as usize)?.get()?.binding)
    }
}

/// A registered protocol.
pub(crate) struct ProtocolBlock<P: ProtocolDriver> {
    pub(crate) ndis: &'static Ndis,
    pub(crate) name: &'static str,
    pub(crate) characteristics: ProtocolCharacteristics<P>,
    pub(crate) protocol: P::Protocol,
    /// Place in the order of registration.
    pub(crate) index: u32,
    pub(crate) is_registered: AtomicBool,
    pub(crate) contexts: Contexts<P::Binding>,
}

/// A registered protocol, for [`Ndis::open_adapter`]. It exists before the first binding (seed
/// item 3).
pub struct ProtocolHandle<P: ProtocolDriver>(pub(crate) &'static ProtocolBlock<P>);

impl<P: ProtocolDriver> ProtocolHandle<P> {
    /// The protocol's name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The wrapper.
    pub fn ndis(&self) -> &'static Ndis {
        self.0.ndis
    }

    /// The protocol's own context.
    pub fn protocol(&self) -> &'static P::Protocol {
        &self.0.protocol
    }
}

impl<P: ProtocolDriver> Clone for ProtocolHandle<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: ProtocolDriver> Copy for ProtocolHandle<P> {}

/// A protocol's handlers. `None`: the protocol has no such handler.
pub(crate) trait ErasedProtocol: Send + Sync {
    fn name(&self) -> &'static str;
    /// Place in the order of registration.
    fn index(&self) -> u32;
    fn is_registered(&self) -> bool;
    fn version(&self) -> (u8, u8);
    fn receive_packet(&self, context: BindingContext, packet: &Packet) -> Option<NdisStatus>;
    fn receive_complete(&self, context: BindingContext);
    /// Takes the completion, which is lent until then so that it is moved once.
    fn send_complete(&self, context: BindingContext, completion: &mut Option<SendCompletion>);
    fn transfer_data_complete(
        &self,
        context: BindingContext,
        packet: Packet,
        result: Result<usize, NdisStatus>,
    );
    fn request_complete(&self, context: BindingContext, request: &Request, status: NdisStatus);
    fn reset_complete(&self, context: BindingContext, status: NdisStatus);
    fn status(&self, context: BindingContext, status: NdisStatus);
    fn status_complete(&self, context: BindingContext);
    fn close_adapter_complete(&self, context: BindingContext, status: NdisStatus);
    fn bind_adapter(&'static self, adapter: AdapterHandle) -> Option<NdisStatus>;
    fn unbind_adapter(&self, context: BindingContext);
    fn pnp_event(&self, context: Option<BindingContext>, event: PnpEvent);
    fn unload(&self);
}

impl<P: ProtocolDriver> ProtocolBlock<P> {
    /// The context of a binding that is given `binding` as its own; `None` when the protocol has
    /// used as many different ones as it can.
    pub(crate) fn context(&'static self, binding: &'static P::Binding) -> Option<BindingContext> {
        self.contexts.place(binding, self.characteristics.receive)
    }

    /// Calls `handler` with the binding's context.
    #[inline]
    fn call<H, R>(
        &self,
        handler: Option<H>,
        context: BindingContext,
        call: impl FnOnce(H, &'static P::Binding) -> R,
    ) -> Option<R> {
        Some(call(handler?, self.contexts.get(context)?))
    }
}

impl<P: ProtocolDriver> ErasedProtocol for ProtocolBlock<P> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn index(&self) -> u32 {
        self.index
    }

    fn is_registered(&self) -> bool {
        self.is_registered.load(Ordering::Relaxed)
    }

    fn version(&self) -> (u8, u8) {
        (
            self.characteristics.major_ndis_version,
            self.characteristics.minor_ndis_version,
        )
    }

    fn receive_packet(&self, context: BindingContext, packet: &Packet) -> Option<NdisStatus> {
        self.call(
            self.characteristics.receive_packet,
            context,
            |handler, binding| handler(binding, packet),
        )
    }

    fn receive_complete(&self, context: BindingContext) {
        self.call(
            self.characteristics.receive_complete,
            context,
            |handler, binding| {
                handler(binding);
            },
        );
    }

    fn send_complete(&self, context: BindingContext, completion: &mut Option<SendCompletion>) {
        if let Some(handler) = self.characteristics.send_complete
            && let Some(binding) = self.contexts.get(context)
            && let Some(completion) = completion.take()
        {
            handler(binding, completion);
        }
    }

    fn transfer_data_complete(
        &self,
        context: BindingContext,
        packet: Packet,
        result: Result<usize, NdisStatus>,
    ) {
        self.call(
            self.characteristics.transfer_data_complete,
            context,
            |handler, binding| {
                handler(binding, packet, result);
            },
        );
    }

    fn request_complete(&self, context: BindingContext, request: &Request, status: NdisStatus) {
        self.call(
            self.characteristics.request_complete,
            context,
            |handler, binding| {
                handler(binding, request, status);
            },
        );
    }

    fn reset_complete(&self, context: BindingContext, status: NdisStatus) {
        self.call(
            self.characteristics.reset_complete,
            context,
            |handler, binding| {
                handler(binding, status);
            },
        );
    }

    fn status(&self, context: BindingContext, status: NdisStatus) {
        self.call(self.characteristics.status, context, |handler, binding| {
            handler(binding, status);
        });
    }

    fn status_complete(&self, context: BindingContext) {
        self.call(
            self.characteristics.status_complete,
            context,
            |handler, binding| {
                handler(binding);
            },
        );
    }

    fn close_adapter_complete(&self, context: BindingContext, status: NdisStatus) {
        self.call(
            self.characteristics.close_adapter_complete,
            context,
            |handler, binding| {
                handler(binding, status);
            },
        );
    }

    fn bind_adapter(&'static self, adapter: AdapterHandle) -> Option<NdisStatus> {
        let handler = self.characteristics.bind_adapter?;
        Some(handler(&self.protocol, &ProtocolHandle(self), &adapter))
    }

    fn unbind_adapter(&self, context: BindingContext) {
        self.call(
            self.characteristics.unbind_adapter,
            context,
            |handler, binding| {
                handler(binding);
            },
        );
    }

    fn pnp_event(&self, context: Option<BindingContext>, event: PnpEvent) {
        if let Some(handler) = self.characteristics.pnp_event {
            let binding = context.and_then(|context| self.contexts.get(context));
            let status = handler(&self.protocol, binding, event);
            if !status.is_success() && status != NdisStatus::NOT_SUPPORTED {
                log::warn!(target: "ndis", "{}: PnP event {event:?} answered {status}", self.name);
            }
        }
    }

    fn unload(&self) {
        if let Some(handler) = self.characteristics.unload {
            handler(&self.protocol);
        }
    }
}
