//! What can be asked of a modelled card, and what it takes down.

/// How a transmission ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transmission {
    /// Well, after this many collisions, at most 15.
    Sent(u8),
    /// Given up after sixteen collisions.
    ExcessiveCollisions,
    /// Given up because the carrier was lost.
    CarrierLost,
    /// Given up because the FIFO ran empty.
    FifoUnderrun,
    /// Given up because of a collision after the slot time.
    LateCollision,
    /// Never: neither PTX nor TXE.
    Hangs,
}

/// What goes wrong, until it is changed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "faults come one by one and in any combination"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Reads of the interrupt status before RDC shows.
    pub completion_delay: u32,
    /// RDC never shows after a remote write.
    pub no_write_completion: bool,
    /// RDC never shows after a remote read, as with some chips.
    pub no_read_completion: bool,
    /// Every register reads as ones: the card has been taken out.
    pub absent: bool,
    /// The reset never shows in the interrupt status.
    pub no_reset_status: bool,
    /// These interrupt status bits can't be cleared.
    pub stuck_status: u8,
    /// So many times the line goes up without the hook being told.
    pub lost_edges: u32,
    /// Stopping the chip cuts a transmission off instead of waiting for its end.
    pub stop_cuts_transmission: bool,
}

/// A rule of the chip that the driver broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// The data port was accessed without a remote DMA in that direction, or
    /// beyond its count.
    StrayDataAccess,
    /// A remote DMA was set up while another wasn't finished or aborted.
    InterleavedRemoteDma,
    /// A transmission was started while another was under way.
    TransmitWhileTransmitting,
    /// A frame of length 0, or one longer than the memory behind its start.
    TransmitLength,
    /// A transmit slot was changed while the chip was sending it.
    SlotChanged,
    /// Page 1 or 2 was selected while an interrupt was enabled.
    PagedUnmasked,
    /// A register that has no meaning on the page was written.
    UnknownRegister,
}

/// How often the driver went to the card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accesses {
    /// Byte registers read.
    pub reads: u64,
    /// Byte registers written.
    pub writes: u64,
    /// Block transfers.
    pub blocks: u64,
    /// Bytes of the block transfers.
    pub block_bytes: u64,
}

impl Accesses {
    /// Register accesses and block transfers together.
    pub const fn total(&self) -> u64 {
        self.reads + self.writes + self.blocks
    }
}

/// What became of the frames that were put in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fate {
    /// Stored in the ring.
    pub stored: u64,
    /// Not wanted by the filter, or the card was off the network.
    pub filtered: u64,
    /// Missed because the ring was full or the chip in monitor mode.
    pub missed: u64,
    /// Received with an error.
    pub errors: u64,
    /// Times a frame was stored beyond the boundary (QEMU only).
    pub laps: u64,
}
