//! The bits of the DP8390's registers (datasheet section 10.3).

use bitflags::bitflags;

bitflags! {
    /// Command register (CR), offset 0 of every page.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Command: u8 {
        /// STP: the chip is stopped and takes itself off the network.
        const STOP = 0x01;
        /// STA: the chip runs.
        const START = 0x02;
        /// TXP: transmit; clears itself at the end of the transmission.
        const TRANSMIT = 0x04;
        /// RD = 001: remote read.
        const REMOTE_READ = 0x08;
        /// RD = 010: remote write.
        const REMOTE_WRITE = 0x10;
        /// RD = 1xx: remote DMA aborted or complete.
        const ABORT_REMOTE = 0x20;
        /// PS0: page 1.
        const PAGE_1 = 0x40;
        /// PS1: page 2.
        const PAGE_2 = 0x80;
    }

    /// Interrupt status register (ISR) and, without [`RESET`](Self::RESET),
    /// interrupt mask register (IMR). ISR bits are cleared by writing ones.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct InterruptStatus: u8 {
        /// PRX: a frame was received without error.
        const PACKET_RECEIVED = 0x01;
        /// PTX: a frame was transmitted without error.
        const PACKET_TRANSMITTED = 0x02;
        /// RXE: a frame was received with an error.
        const RECEIVE_ERROR = 0x04;
        /// TXE: a transmission was aborted.
        const TRANSMIT_ERROR = 0x08;
        /// OVW: the receive ring is exhausted.
        const OVERWRITE_WARNING = 0x10;
        /// CNT: the top bit of a tally counter is set.
        const COUNTER_OVERFLOW = 0x20;
        /// RDC: the remote DMA is complete.
        const REMOTE_DMA_COMPLETE = 0x40;
        /// RST: the chip is in the reset state. No interrupt cause.
        const RESET = 0x80;
    }

    /// Data configuration register (DCR).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct DataConfiguration: u8 {
        /// WTS: word-wide DMA transfers.
        const WORD_TRANSFER = 0x01;
        /// BOS: byte order of the 68000.
        const BIG_ENDIAN = 0x02;
        /// LAS: one long address for both DMA channels.
        const LONG_ADDRESS = 0x04;
        /// LS: normal operation; clear it for loopback.
        const NORMAL = 0x08;
        /// AR: packets are removed from the ring by send packet commands.
        const AUTO_INITIALIZE_REMOTE = 0x10;
        /// FT0 and FT1: FIFO threshold of 8 bytes.
        const FIFO_THRESHOLD_8 = 0x40;
    }

    /// Receive configuration register (RCR).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct ReceiveConfiguration: u8 {
        /// SEP: keep frames with errors.
        const SAVE_ERRORED = 0x01;
        /// AR: accept frames shorter than 64 bytes.
        const ACCEPT_RUNTS = 0x02;
        /// AB: accept broadcasts.
        const ACCEPT_BROADCAST = 0x04;
        /// AM: accept multicasts that pass the hash filter.
        const ACCEPT_MULTICAST = 0x08;
        /// PRO: accept every unicast frame.
        const PROMISCUOUS = 0x10;
        /// MON: check frames but keep none.
        const MONITOR = 0x20;
    }

    /// Transmit configuration register (TCR).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct TransmitConfiguration: u8 {
        /// CRC: do not append a checksum.
        const INHIBIT_CRC = 0x01;
        /// LB = 01: loopback inside the chip.
        const INTERNAL_LOOPBACK = 0x02;
        /// LB = 10: loopback through the encoder.
        const ENCODER_LOOPBACK = 0x04;
        /// ATD: a special multicast disables the transmitter.
        const AUTO_TRANSMIT_DISABLE = 0x08;
        /// OFST: back off more than usual after collisions.
        const COLLISION_OFFSET = 0x10;
    }

    /// Transmit status register (TSR).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct TransmitStatus: u8 {
        /// PTX: transmitted.
        const TRANSMITTED = 0x01;
        /// ND: transmitted without having to defer.
        const NOT_DEFERRED = 0x02;
        /// COL: at least one collision.
        const COLLIDED = 0x04;
        /// ABT: given up after sixteen collisions.
        const ABORTED = 0x08;
        /// CRS: the carrier was lost.
        const CARRIER_LOST = 0x10;
        /// FU: the FIFO ran empty.
        const FIFO_UNDERRUN = 0x20;
        /// CDH: no collision heartbeat.
        const NO_HEARTBEAT = 0x40;
        /// OWC: a collision after the slot time.
        const OUT_OF_WINDOW_COLLISION = 0x80;
    }

    /// Receive status register (RSR), and the first byte of each frame's header
    /// in the ring.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct ReceiveStatus: u8 {
        /// PRX: received intact.
        const RECEIVED = 0x01;
        /// CRC: the checksum is wrong.
        const CRC_ERROR = 0x02;
        /// FAE: the frame ends within a byte.
        const FRAME_ALIGNMENT_ERROR = 0x04;
        /// FO: the FIFO overran.
        const FIFO_OVERRUN = 0x08;
        /// MPA: the frame was missed.
        const MISSED = 0x10;
        /// PHY: the destination is a multicast or broadcast address.
        const MULTICAST = 0x20;
        /// DIS: the receiver is in monitor mode.
        const DISABLED = 0x40;
        /// DFR: carrier or collision is being sensed.
        const DEFERRING = 0x80;
    }
}

impl InterruptStatus {
    /// The bits that can raise the card's line: all but RST.
    pub const CAUSES: Self = Self::all().difference(Self::RESET);
}
