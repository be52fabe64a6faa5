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

    /// Has `length` bytes of the payload, from `payload_offset` on, appended to `packet`.
    ///
    /// The offset counts behind the link-layer header. [`Transfer::Complete`] gives the packet
    /// back with the result; after [`Transfer::Pending`] the TransferDataComplete handler gets it
    /// (seed item 20).
    #[inline(always)]
    pub fn transfer_data(
        &mut self,
        payload_offset: usize,
        mut packet: Packet,
        length: usize,
    ) -> Transfer {
        let binding = self.bound.binding;
        let passage = Passage::new(self.bound.sender, binding.adapter_place());
        if !packet.info_mut().senders.push(passage) {
            let result = Err(NdisStatus::RESOURCES);
            binding.count_transfer(&result);
            return Transfer::Complete { packet, result };
        }
        match self
            .transfer
            .transfer_packet(payload_offset, packet, length)
        {
            Transfer::Complete { mut packet, result } => {
                packet.info_mut().senders.pop();
                binding.count_transfer(&result);
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
        destination: &mut Packet,
        length: usize,
    ) -> Result<usize, NdisStatus> {
        let result = self.transfer.transfer(payload_offset, destination, length);
        self.bound.binding.count_transfer(&result);
        result
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
