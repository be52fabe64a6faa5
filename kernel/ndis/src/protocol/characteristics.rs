//! The protocol's characteristics table and the checks of its registration.

use core::mem::{offset_of, size_of};

use super::{PnpEvent, ProtocolDriver, ProtocolHandle, ReceiveContext, Request, SendCompletion};
use crate::adapter::AdapterHandle;
use crate::packet::Packet;
use crate::status::NdisStatus;

/// A protocol's handlers. The order is that of the NDIS tables: version 4 and 5 each add entries
/// at the end, and a table is as long as its version says (seed item 2).
///
/// Handlers run with no lock of the wrapper held, at Dispatch unless they say otherwise, and may
/// call the wrapper again.
#[repr(C)]
#[expect(
    clippy::type_complexity,
    reason = "a table of handlers is made of function types"
)]
pub struct ProtocolCharacteristics<P: ProtocolDriver> {
    /// NDIS version the table is written for: 3, 4 or 5.
    pub major_ndis_version: u8,
    /// Minor version; any.
    pub minor_ndis_version: u8,
    /// A close that was pending is over: the binding is not used any more.
    pub close_adapter_complete: Option<fn(&P::Binding, NdisStatus)>,
    /// A send that was pending is over.
    pub send_complete: Option<fn(&P::Binding, SendCompletion)>,
    /// A transfer that was pending is over: the packet, and the bytes transferred.
    pub transfer_data_complete: Option<fn(&P::Binding, Packet, Result<usize, NdisStatus>)>,
    /// A reset of the adapter is over, whoever asked for it.
    pub reset_complete: Option<fn(&P::Binding, NdisStatus)>,
    /// A request that was pending is over.
    pub request_complete: Option<fn(&P::Binding, &Request, NdisStatus)>,
    /// A frame was received: its link-layer header, the first bytes of its payload (valid during
    /// the call only) and the size of the whole payload. Answers NOT_ACCEPTED to what is not the
    /// protocol's.
    pub receive:
        Option<fn(&P::Binding, &mut ReceiveContext<'_>, &[u8], &[u8], usize) -> NdisStatus>,
    /// The batch of received frames is over.
    pub receive_complete: Option<fn(&P::Binding)>,
    /// The adapter's state changes.
    pub status: Option<fn(&P::Binding, NdisStatus)>,
    /// The change of state told last is over.
    pub status_complete: Option<fn(&P::Binding)>,

    /// Version 4: a frame was received that is all in a packet already. Used instead of `receive`
    /// for such frames when it is there; the protocol may [`Packet::share`] it.
    pub receive_packet: Option<fn(&P::Binding, &Packet) -> NdisStatus>,
    /// Version 4: an adapter is there to be opened. Passive.
    pub bind_adapter: Option<fn(&P::Protocol, &ProtocolHandle<P>, &AdapterHandle) -> NdisStatus>,
    /// Version 4: the binding is to be closed with [`crate::Ndis::close_adapter`]. Passive.
    pub unbind_adapter: Option<fn(&P::Binding)>,
    /// Version 4: something about the protocol, or one of its bindings, changed. Passive.
    pub pnp_event: Option<fn(&P::Protocol, Option<&P::Binding>, PnpEvent) -> NdisStatus>,
    /// Version 4: the protocol has been deregistered. Passive.
    pub unload: Option<fn(&P::Protocol)>,

    /// Version 5: reserved by NDIS, never called.
    pub reserved_handlers: [Option<fn()>; 4],
}

impl<P: ProtocolDriver> ProtocolCharacteristics<P> {
    /// Bytes of a version 3 table.
    pub const LENGTH_3: usize = offset_of!(Self, receive_packet);
    /// Bytes of a version 4 table.
    pub const LENGTH_4: usize = offset_of!(Self, reserved_handlers);
    /// Bytes of a version 5 table, and of this struct.
    pub const LENGTH_5: usize = size_of::<Self>();

    /// A table without a handler, to be filled in with struct update syntax.
    pub const fn new(major_ndis_version: u8, minor_ndis_version: u8) -> Self {
        Self {
            major_ndis_version,
            minor_ndis_version,
            close_adapter_complete: None,
            send_complete: None,
            transfer_data_complete: None,
            reset_complete: None,
            request_complete: None,
            receive: None,
            receive_complete: None,
            status: None,
            status_complete: None,
            receive_packet: None,
            bind_adapter: None,
            unbind_adapter: None,
            pnp_event: None,
            unload: None,
            reserved_handlers: [None; 4],
        }
    }

    /// The table as far as its version goes, after the checks of seed items 1 and 2.
    ///
    /// # Errors
    /// BAD_VERSION, or BAD_CHARACTERISTICS for a `length` too short for the version.
    pub(crate) fn checked(&self, length: usize) -> Result<Self, NdisStatus> {
        let least = match self.major_ndis_version {
            3 => Self::LENGTH_3,
            4 => Self::LENGTH_4,
            5 => Self::LENGTH_5,
            _ => return Err(NdisStatus::BAD_VERSION),
        };
        if length < least {
            Err(NdisStatus::BAD_CHARACTERISTICS)
        } else {
            Ok(self.up_to_version())
        }
    }

    /// A copy without the entries that the version does not have.
    fn up_to_version(&self) -> Self {
        if self.major_ndis_version >= 4 {
            return *self;
        }
        Self {
            receive_packet: None,
            bind_adapter: None,
            unbind_adapter: None,
            pnp_event: None,
            unload: None,
            ..*self
        }
    }
}

impl<P: ProtocolDriver> Clone for ProtocolCharacteristics<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: ProtocolDriver> Copy for ProtocolCharacteristics<P> {}
