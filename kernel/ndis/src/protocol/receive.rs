//! What a protocol's Receive handler gets besides the bytes.

use crate::binding::Bound;
use crate::miniport::{Transfer, TransferData};
use crate::packet::{Packet, Passage};
use crate::status::NdisStatus;

/// The frame being indicated, as far as it is still in the card.
pub struct ReceiveContext<'a> {
    transfer: &'a mut dyn TransferData,
    bound: &'a Bound,
}

impl<'a> ReceiveContext<'a> {
    #[inline]
    pub(crate) fn new(transfer: &'a mut dyn TransferData, bound: &'a Bound) -> Self {
        Self { transfer, bound }
    }

    /// Fills `destination` with the payload from `payload_offset` on, at once: for a protocol that
    /// has the memory at hand, which saves the way there and back of a packet.
    ///
    /// The offset counts behind the link-layer header.
    ///
    /// # Errors
    /// INVALID_LENGTH for a range beyond the payload, PENDING, with nothing done, when the
    /// transfer needs time and [`ReceiveContext::transfer_data`] is to be called instead, or the
    /// miniport's own status; what `destination` holds is then undefined.
    #[inline(always)]
    pub fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut [u8],
    ) -> Result<(), NdisStatus> {
        let result = self.transfer.transfer(payload_offset, destination);
        let binding = self.bound.binding;
        match result {
            Ok(()) => binding.count_transfer(true),
            Err(NdisStatus::PENDING) => {}
            Err(_) => binding.count_transfer(false),
        }
        result
    }

    /// Has `length` bytes of the payload, from `payload_offset` on, appended to `packet`.
    ///
    /// The offset counts behind the link-layer header. [`Transfer::Complete`] gives the packet
    /// back with the result; after [`Transfer::Pending`] the TransferDataComplete handler gets it
    /// (seed item 20).
    pub fn transfer_data(
        &mut self,
        payload_offset: usize,
        mut packet: Packet,
        length: usize,
    ) -> Transfer {
        let binding = self.bound.binding;
        let passage = Passage::new(self.bound.sender, binding.adapter_place());
        if !packet.info_mut().senders.push(passage) {
            binding.count_transfer(false);
            let result = Err(NdisStatus::RESOURCES);
            return Transfer::Complete { packet, result };
        }
        match self
            .transfer
            .transfer_packet(payload_offset, packet, length)
        {
            Transfer::Complete { mut packet, result } => {
                packet.info_mut().senders.pop();
                binding.count_transfer(result.is_ok());
                Transfer::Complete { packet, result }
            }
            Transfer::Pending => {
                // The batch of indications keeps the binding until here.
                binding.acquire_again();
                Transfer::Pending
            }
        }
    }
}

/// So that an intermediate driver can indicate the frame on to the protocols above it.
impl TransferData for ReceiveContext<'_> {
    fn transfer(
        &mut self,
        payload_offset: usize,
        destination: &mut [u8],
    ) -> Result<(), NdisStatus> {
        self.transfer(payload_offset, destination)
    }

    fn transfer_packet(
        &mut self,
        payload_offset: usize,
        packet: Packet,
        length: usize,
    ) -> Transfer {
        self.transfer_data(payload_offset, packet, length)
    }
}
