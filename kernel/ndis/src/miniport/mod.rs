//! The miniport's side of the contract: its driver types, its handlers and what they answer.

mod characteristics;
mod context;
mod erased;
mod indicate;
mod initialize;
mod interrupt;
mod resources;
mod send_batch;

pub use characteristics::MiniportCharacteristics;
pub use context::AdapterContext;
pub(crate) use erased::{ErasedDriver, ErasedMiniport, MiniportBlock};
pub use initialize::{InitializeContext, Initialized};
pub use resources::{BusType, Resources};
pub use send_batch::SendBatch;
pub(crate) use send_batch::{BATCH_SIZE, Frames};

use crate::packet::Packet;
use crate::status::NdisStatus;

/// The types of a miniport driver.
///
/// Seed item 12: what Initialize makes is given to every later handler, as a value with a type
/// instead of an untyped context.
pub trait MiniportDriver: 'static {
    /// Given to Initialize of every adapter: what the driver as a whole needs.
    type Driver: Send + Sync + 'static;
    /// The context of one adapter. One handler at a time has it, mutably.
    type Adapter: Send + 'static;
    /// The part of an adapter that its interrupt service routine needs.
    type Interrupt: Send + Sync + 'static;
}

/// What a miniport's HandleInterrupt answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleInterrupt {
    /// Everything is handled: the wrapper calls EnableInterrupt.
    Done,
    /// The budget is used up: the wrapper queues the deferred half again, without EnableInterrupt.
    MoreWork,
}

/// What a miniport's interrupt service routine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsrOutcome {
    /// The card caused the interrupt.
    pub recognized: bool,
    /// HandleInterrupt is to be called; the routine has masked the card.
    pub queue_handle_interrupt: bool,
}

/// What a miniport's Send answers.
#[derive(Debug)]
#[must_use]
pub enum SendOutcome {
    /// The frame is sent, or copied to the card.
    Success,
    /// The driver keeps the packet and gives it back by [`AdapterContext::send_complete`].
    Pending,
    /// The frame is not sent.
    Failure(NdisStatus),
    /// No room for the frame now. The wrapper keeps it and tries again after
    /// [`AdapterContext::send_resources_available`] or [`AdapterContext::send_complete`].
    Resources(Packet),
}

/// What a miniport's QueryInformation or SetInformation answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum RequestOutcome {
    /// Done; so many bytes of the buffer were written (query) or read (set).
    Done(usize),
    /// The driver calls [`AdapterContext::query_information_complete`] or
    /// [`AdapterContext::set_information_complete`] later.
    Pending,
    /// The buffer is too short; so many bytes are needed.
    TooShort(usize),
    /// Not done.
    Failure(NdisStatus),
}

impl RequestOutcome {
    /// The answer to a query: `bytes`, if they fit into `buffer`.
    pub fn answer(buffer: &mut [u8], bytes: &[u8]) -> Self {
        match buffer.get_mut(..bytes.len()) {
            Some(space) => {
                space.copy_from_slice(bytes);
                Self::Done(bytes.len())
            }
            None => Self::TooShort(bytes.len()),
        }
    }

    /// The answer to a query of a number: 4 bytes, the lowest first.
    pub fn answer_u32(buffer: &mut [u8], value: u32) -> Self {
        Self::answer(buffer, &value.to_le_bytes())
    }

    /// The answer to a query of a list: its values one after another, if all fit into `buffer`;
    /// what is in a `buffer` too short is of no use.
    pub fn answer_list<const N: usize>(
        buffer: &mut [u8],
        values: impl IntoIterator<Item = [u8; N]>,
    ) -> Self {
        let room = buffer.len();
        let mut places = buffer.as_chunks_mut().0.iter_mut();
        let mut length = 0;
        for value in values {
            if let Some(place) = places.next() {
                *place = value;
            }
            length += N;
        }
        if length > room {
            return Self::TooShort(length);
        }
        Self::Done(length)
    }

    /// What setting a number answers: `set` takes the first 4 bytes, the lowest first.
    pub fn set_u32(buffer: &[u8], set: impl FnOnce(u32) -> Result<(), NdisStatus>) -> Self {
        let Some(value) = buffer.first_chunk() else {
            return Self::TooShort(size_of::<u32>());
        };
        match set(u32::from_le_bytes(*value)) {
            Ok(()) => Self::Done(size_of::<u32>()),
            Err(status) => Self::Failure(status),
        }
    }
}

/// What a miniport's Reset answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum ResetOutcome {
    /// The adapter is reset.
    Done {
        /// The packet filter, multicast list and lookahead are lost and to be set again.
        addressing_reset: bool,
    },
    /// The driver calls [`AdapterContext::reset_complete`] later.
    Pending,
    /// The adapter could not be reset.
    Failure(NdisStatus),
}

/// A received frame that is still in the card, for [`AdapterContext::indicate_receive`].
///
/// It plays the part of the receive context and TransferData handler of NDIS: it can borrow the
/// driver's state, since it is used only during the indication.
pub trait TransferData {
    /// Fills `destination` with the payload from `payload_offset` on (counted behind the
    /// link-layer header). Dispatch.
    ///
    /// # Errors
    /// INVALID_LENGTH for a range beyond the payload, PENDING, with nothing done, when the driver
    /// needs time and wants [`TransferData::transfer_packet`] to be called instead, or the
    /// driver's own status; what `destination` holds is then undefined.
    fn transfer(&mut self, payload_offset: usize, destination: &mut [u8])
    -> Result<(), NdisStatus>;

    /// Appends `length` bytes of the payload to a packet that the driver may keep: one that needs
    /// time answers [`Transfer::Pending`] and calls [`AdapterContext::transfer_data_complete`]
    /// later.
    fn transfer_packet(
        &mut self,
        payload_offset: usize,
        mut packet: Packet,
        length: usize,
    ) -> Transfer {
        let result = match packet.append(length) {
            Some(space) => self.transfer(payload_offset, space).map(|()| length),
            None => Err(NdisStatus::RESOURCES),
        };
        Transfer::Complete { packet, result }
    }
}

/// How a transfer of received data went.
#[derive(Debug)]
#[must_use]
pub enum Transfer {
    /// It is over.
    Complete {
        /// The packet that was given, with the data appended if `result` is good.
        packet: Packet,
        /// The bytes transferred, or why there are none.
        result: Result<usize, NdisStatus>,
    },
    /// The protocol's TransferDataComplete handler is called later.
    Pending,
}
