//! The way to a card's 32 I/O ports.

/// Size of the port range of a card: 16 chip registers, the data port, the
/// reset port.
pub const PORT_COUNT: u16 = 0x20;

/// Offset of the data port. It is the window of the remote DMA and may be
/// accessed with the width the card was programmed for.
pub const DATA_PORT: u8 = 0x10;

/// Offset of the reset port: reading it starts the reset pulse, writing it ends
/// the pulse.
pub const RESET_PORT: u8 = 0x1F;

/// How wide one access to the data port is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataWidth {
    /// 8 bits: cards in an 8-bit slot (NE1000).
    Byte,
    /// 16 bits: NE2000 in a 16-bit slot.
    Word,
    /// 32 bits: some PCI clones, and QEMU's cards on either bus.
    DoubleWord,
}

impl DataWidth {
    /// Bytes moved by one access.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::DoubleWord => 4,
        }
    }

    /// Bits moved by one access.
    pub const fn bits(self) -> u32 {
        self.bytes() as u32 * 8
    }
}

/// Port access to one card, at offsets from its base port.
///
/// A handle is cheap to clone; all clones lead to the same card. The driver's
/// interrupt half owns a clone of its own, which is why every method takes
/// `&self`: who may touch which register when is decided by the driver (see
/// [`Registers`](crate::registers::Registers)), not by the bus.
///
/// A card that is not there reads as all ones and ignores writes; no access
/// fails.
pub trait RegisterBus: Clone + Send + Sync + 'static {
    /// Reads the byte register at `offset`: `0x00..=0x0F` or [`RESET_PORT`].
    fn read(&self, offset: u8) -> u8;

    /// Writes the byte register at `offset`: `0x00..=0x0F` or [`RESET_PORT`].
    fn write(&self, offset: u8, value: u8);

    /// Fills `buffer` with successive reads of the data port, little-endian for
    /// wider accesses (`rep insb`, `insw`, `insd`).
    ///
    /// `buffer.len()` is a multiple of `width.bytes()`; an implementation may
    /// ignore a remainder. The buffer need not be aligned.
    fn read_block(&self, width: DataWidth, buffer: &mut [u8]);

    /// Writes `bytes` to the data port by successive accesses, little-endian
    /// for wider ones (`rep outsb`, `outsw`, `outsd`).
    ///
    /// `bytes.len()` is a multiple of `width.bytes()`; an implementation may
    /// ignore a remainder. The slice need not be aligned.
    fn write_block(&self, width: DataWidth, bytes: &[u8]);
}
