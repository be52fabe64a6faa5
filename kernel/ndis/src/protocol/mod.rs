//! The protocol's side of the contract: its driver types, its handlers and what they are given.

mod characteristics;
mod erased;
mod receive;
mod request;

pub use characteristics::ProtocolCharacteristics;
pub use erased::ProtocolHandle;
pub(crate) use erased::{BindingContext, Contexts, ErasedProtocol, NO_HANDLER, ProtocolBlock};
pub use receive::ReceiveContext;
pub use request::{REQUEST_BUFFER_SIZE, Request, RequestKind};

use crate::packet::{Packet, SenderStack};
use crate::status::NdisStatus;

/// The types of a protocol driver.
pub trait ProtocolDriver: 'static {
    /// The protocol as a whole.
    type Protocol: Send + Sync + 'static;
    /// One binding of the protocol to an adapter; given to the handlers of that binding.
    ///
    /// The protocol owns it and lends it for good: an allocation at start, used again when the
    /// protocol binds again.
    type Binding: Send + Sync + 'static;
}

/// A send that was pending and is over.
#[derive(Debug)]
pub struct SendCompletion {
    /// The packet's id.
    pub id: u64,
    /// Whether it was sent.
    pub status: NdisStatus,
    /// The packet, unless the miniport took it.
    pub packet: Option<Packet>,
    /// Bytes in the packet.
    pub(crate) length: usize,
    /// The bindings it passed that have not been told, the lowest last.
    pub(crate) senders: SenderStack,
}

impl SendCompletion {
    /// What is to be told of `packet`.
    #[inline]
    pub(crate) fn of(packet: &Packet, status: NdisStatus) -> Self {
        let info = packet.info();
        Self {
            id: info.id,
            status,
            packet: None,
            length: packet.len(),
            senders: info.senders,
        }
    }

    /// The same with the packet itself.
    pub(crate) fn with(packet: Packet, status: NdisStatus) -> Self {
        let mut completion = Self::of(&packet, status);
        completion.packet = Some(packet);
        completion
    }
}

/// What a protocol's PnPEvent handler is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PnpEvent {
    /// Every adapter that is started has been offered to the protocol (seed item 4).
    BindsComplete,
    /// The adapter's configuration was read again.
    Reconfigure,
}
