//! What a send carries.

use core::fmt;

use ndis::packet::{BUFFER_SIZE, HEADROOM, Packet, PacketPool};

use crate::checksum::PayloadChecksum;

/// The bytes to send, with headroom in front for all headers, and their sum if
/// it was taken when they were copied.
pub struct Payload {
    /// The bytes.
    pub packet: Packet,
    /// Their sum. One whose length isn't the packet's is not used.
    pub checksum: Option<PayloadChecksum>,
}

impl Payload {
    /// Copies the caller's bytes into a new packet and sums them in the same
    /// pass. `None` if the pool is exhausted.
    pub fn copy_from(pool: &'static PacketPool, bytes: &[u8]) -> Option<Self> {
        let mut checksum = PayloadChecksum::new();
        let room = (BUFFER_SIZE - HEADROOM).min(bytes.len());
        let (first, rest) = bytes.split_at_checked(room)?;
        let mut packet = copy_piece(pool, HEADROOM, first, &mut checksum)?;
        for piece in rest.chunks(BUFFER_SIZE) {
            let piece = copy_piece(pool, 0, piece, &mut checksum)?;
            packet.append_packet(piece).ok()?;
        }
        Some(Self {
            packet,
            checksum: Some(checksum),
        })
    }
}

fn copy_piece(
    pool: &'static PacketPool,
    headroom: usize,
    bytes: &[u8],
    checksum: &mut PayloadChecksum,
) -> Option<Packet> {
    let mut packet = pool.allocate(headroom)?;
    checksum.copy_and_sum(packet.append(bytes.len())?, bytes);
    Some(packet)
}

impl From<Packet> for Payload {
    fn from(packet: Packet) -> Self {
        Self {
            packet,
            checksum: None,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Payload")
            .field("packet", &self.packet.info().id)
            .field("length", &self.packet.len())
            .field("checksum", &self.checksum)
            .finish()
    }
}
