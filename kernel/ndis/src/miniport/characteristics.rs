//! The miniport's characteristics table and the checks of its registration.

use core::mem::{offset_of, size_of};

use super::{
    AdapterContext, HandleInterrupt, InitializeContext, Initialized, IsrOutcome, MiniportDriver,
    RequestOutcome, ResetOutcome, SendBatch, SendOutcome,
};
use crate::medium::Medium;
use crate::oid::Oid;
use crate::packet::Packet;
use crate::status::NdisStatus;

/// A miniport's handlers. The order is that of the NDIS tables: version 4 and 5 each add entries
/// at the end, and a table is as long as its version says (seed item 2).
///
/// Every handler runs at Dispatch with no lock of the wrapper held, unless it says otherwise; one
/// handler of an adapter runs at a time, except `isr`, `disable_interrupt` and
/// `enable_interrupt`, which have the interrupt part only.
#[repr(C)]
#[expect(
    clippy::type_complexity,
    reason = "a table of handlers is made of function types"
)]
pub struct MiniportCharacteristics<D: MiniportDriver> {
    /// NDIS version the table is written for: 3, 4 or 5.
    pub major_ndis_version: u8,
    /// Minor version; any.
    pub minor_ndis_version: u8,
    /// Called every two seconds: whether the card hangs and is to be reset. Without it the
    /// wrapper resets an adapter whose sends or request make no progress for four seconds.
    pub check_for_hang: Option<fn(&mut D::Adapter, &mut AdapterContext) -> bool>,
    /// Masks the card's interrupts. Device level.
    pub disable_interrupt: Option<fn(&D::Interrupt)>,
    /// Unmasks the card's interrupts. Device level.
    pub enable_interrupt: Option<fn(&D::Interrupt)>,
    /// Quiets the hardware and frees the adapter: the context is dropped when it returns. Passive.
    /// Packets still kept may be given back by [`AdapterContext::send_complete`].
    pub halt: Option<fn(D::Adapter, &mut AdapterContext)>,
    /// The deferred half of the interrupt; the card is masked, the processor is not.
    pub handle_interrupt: Option<fn(&mut D::Adapter, &mut AdapterContext) -> HandleInterrupt>,
    /// Makes an adapter and chooses one of the media offered. Passive.
    pub initialize: Option<
        fn(
            &D::Driver,
            &mut InitializeContext<'_, D>,
            &[Medium],
        ) -> Result<Initialized<D>, NdisStatus>,
    >,
    /// The interrupt service routine, for an adapter that asked for it. Device level.
    pub isr: Option<fn(&D::Interrupt) -> IsrOutcome>,
    /// Answers a query into the buffer.
    pub query_information:
        Option<fn(&mut D::Adapter, &mut AdapterContext, Oid, &mut [u8]) -> RequestOutcome>,
    /// Reads the adapter's configuration again.
    pub reconfigure: Option<fn(&mut D::Adapter, &mut AdapterContext) -> NdisStatus>,
    /// Resets the hardware. Packets the driver keeps are given back with REQUEST_ABORTED.
    pub reset: Option<fn(&mut D::Adapter, &mut AdapterContext) -> ResetOutcome>,
    /// Sends one frame, which begins with its link-layer header.
    pub send: Option<fn(&mut D::Adapter, &mut AdapterContext, Packet) -> SendOutcome>,
    /// Sets information from the buffer.
    pub set_information:
        Option<fn(&mut D::Adapter, &mut AdapterContext, Oid, &[u8]) -> RequestOutcome>,
    /// Quiets the hardware because the machine stops; frees nothing.
    pub shutdown: Option<fn(&mut D::Adapter)>,

    /// Version 4: sends several frames; also a single one when there is no `send`.
    pub send_packets: Option<fn(&mut D::Adapter, &mut AdapterContext, &mut SendBatch<'_>)>,

    /// Version 5: takes the place of `send` and `send_packets` in a connection-oriented miniport.
    pub co_send_packets: Option<fn(&mut D::Adapter, &mut AdapterContext, &mut SendBatch<'_>)>,
    /// Version 5: answers queries and sets, told apart by the first argument behind the contexts
    /// (`true` = set), in a connection-oriented miniport.
    pub co_request:
        Option<fn(&mut D::Adapter, &mut AdapterContext, bool, Oid, &mut [u8]) -> RequestOutcome>,
}

impl<D: MiniportDriver> MiniportCharacteristics<D> {
    /// Bytes of a version 3 table.
    pub const LENGTH_3: usize = offset_of!(Self, send_packets);
    /// Bytes of a version 4 table.
    pub const LENGTH_4: usize = offset_of!(Self, co_send_packets);
    /// Bytes of a version 5 table, and of this struct.
    pub const LENGTH_5: usize = size_of::<Self>();

    /// A table without a handler, to be filled in with struct update syntax.
    pub const fn new(major_ndis_version: u8, minor_ndis_version: u8) -> Self {
        Self {
            major_ndis_version,
            minor_ndis_version,
            check_for_hang: None,
            disable_interrupt: None,
            enable_interrupt: None,
            halt: None,
            handle_interrupt: None,
            initialize: None,
            isr: None,
            query_information: None,
            reconfigure: None,
            reset: None,
            send: None,
            set_information: None,
            shutdown: None,
            send_packets: None,
            co_send_packets: None,
            co_request: None,
        }
    }

    /// The table as far as its version goes, after the checks of seed item 6.
    ///
    /// # Errors
    /// BAD_VERSION, or BAD_CHARACTERISTICS for a `length` too short for the version or a
    /// mandatory handler missing.
    pub(crate) fn checked(&self, length: usize) -> Result<Self, NdisStatus> {
        let least = match self.major_ndis_version {
            3 => Self::LENGTH_3,
            4 => Self::LENGTH_4,
            5 => Self::LENGTH_5,
            _ => return Err(NdisStatus::BAD_VERSION),
        };
        if length < least {
            return Err(NdisStatus::BAD_CHARACTERISTICS);
        }
        let table = self.up_to_version();
        if table.has_mandatory_handlers() {
            Ok(table)
        } else {
            Err(NdisStatus::BAD_CHARACTERISTICS)
        }
    }

    /// A copy without the entries that the version does not have.
    fn up_to_version(&self) -> Self {
        let version = self.major_ndis_version;
        Self {
            send_packets: self.send_packets.filter(|_| version >= 4),
            co_send_packets: self.co_send_packets.filter(|_| version >= 5),
            co_request: self.co_request.filter(|_| version >= 5),
            ..*self
        }
    }

    fn has_mandatory_handlers(&self) -> bool {
        let always = self.halt.is_some() && self.initialize.is_some() && self.reset.is_some();
        let requests = self.query_information.is_some() && self.set_information.is_some();
        let sends = self.send.is_some() || self.send_packets.is_some();
        always
            && (requests || self.co_request.is_some())
            && (sends || self.co_send_packets.is_some())
    }
}

impl<D: MiniportDriver> Clone for MiniportCharacteristics<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D: MiniportDriver> Copy for MiniportCharacteristics<D> {}
