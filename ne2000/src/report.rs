//! What a console shows of a card, as it goes through private object
//! identifiers.

use core::fmt;

use ndis::HardwareAddress;

use crate::bus::RegisterBus;
use crate::card::Card;
use crate::counters::CardCounters;
use crate::filter::Address;
use crate::identify::{Chip, data_configuration};
use crate::miniport::BusKind;
use crate::registers::{
    Command, DataConfiguration, InterruptStatus, ReceiveConfiguration, ReceiveStatus,
    TransmitConfiguration, TransmitStatus,
};

/// Private object identifier: query a [`CardReport`].
pub const OID_CARD: u32 = 0xFF83_9002;

/// Private object identifiers: query the values of [`CardCounters`], eight
/// bytes each, little-endian, [`COUNTERS_PER_QUERY`] from each.
pub const OID_COUNTERS: [u32; 4] = [0xFF83_9010, 0xFF83_9011, 0xFF83_9012, 0xFF83_9013];

/// Counters that one query gives.
pub const COUNTERS_PER_QUERY: usize = 16;

/// Where a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Its bus.
    pub bus: BusKind,
    /// Its first port.
    pub port: u16,
    /// Its interrupt line.
    pub interrupt: u8,
    /// The line was found by probing.
    pub interrupt_probed: bool,
}

/// A card with its registers and ring pointers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardReport {
    /// Where it is.
    pub placement: Placement,
    /// Its chip.
    pub chip: Chip,
    /// The station address in use.
    pub address: Address,
    /// KiB of memory.
    pub memory_kib: u8,
    /// Bits of the data port.
    pub data_port_bits: u8,
    /// CR, ISR, IMR, DCR, RCR, TCR, TSR, RSR.
    pub registers: [u8; 8],
    /// PSTART, PSTOP, BNRY, CURR and the driver's next page.
    pub ring: [u8; 5],
    /// Frames received so far.
    pub frames: u64,
    /// Interrupts so far that were the card's.
    pub interrupts: u64,
}

const REPORT_LENGTH: usize = 43;

impl CardReport {
    /// Size of the encoded form in bytes.
    pub const LENGTH: usize = REPORT_LENGTH;

    /// Reads the card's registers, with the card masked for that long.
    pub fn of<B: RegisterBus>(card: &mut Card<B>, placement: Placement) -> Self {
        let identity = *card.identity();
        let suspended = card.interrupt.suspend();
        let registers = &mut card.memory.registers;
        let command = registers.raw_command();
        let page0 = registers.page0();
        let interrupt_status = page0.interrupt_status().bits();
        let transmit_status = page0.transmit_status().bits();
        let receive_status = page0.receive_status().bits();
        let boundary = page0.boundary();
        let current = registers.page1().current();
        let page2 = registers.page2();
        let (start, stop) = (page2.page_start(), page2.page_stop());
        let (mut data, mut receive, mut transmit) = (
            page2.data_configuration(),
            page2.receive_configuration(),
            page2.transmit_configuration(),
        );
        drop(page2);
        drop(suspended);
        if !identity.has_readback {
            // What was written last, where it can't be read.
            data = data_configuration(identity.width);
            receive = card.filter().configuration();
            transmit = TransmitConfiguration::empty();
        }
        Self {
            placement,
            chip: identity.chip,
            address: card.station_address(),
            memory_kib: (identity.memory_size() / 1024) as u8,
            data_port_bits: identity.width.bits() as u8,
            registers: [
                command,
                interrupt_status,
                card.interrupt.in_force().bits(),
                data.bits(),
                receive.bits(),
                transmit.bits(),
                transmit_status,
                receive_status,
            ],
            ring: [start, stop, boundary, current, card.receiver().next()],
            frames: card.counters().frames_received,
            interrupts: card.interrupt.counters().recognised,
        }
    }

    /// The encoded form.
    pub fn to_bytes(&self) -> [u8; REPORT_LENGTH] {
        let [port_low, port_high] = self.placement.port.to_le_bytes();
        let mut bytes = [0; REPORT_LENGTH];
        let fields = [
            u8::from(self.placement.bus == BusKind::Pci),
            port_low,
            port_high,
            self.placement.interrupt,
            u8::from(self.placement.interrupt_probed),
            match self.chip {
                Chip::Dp8390 => 0,
                Chip::Rtl8019As => 1,
                Chip::Rtl8029 => 2,
            },
        ];
        let fields = fields
            .into_iter()
            .chain(self.address)
            .chain([self.memory_kib, self.data_port_bits])
            .chain(self.registers)
            .chain(self.ring)
            .chain(self.frames.to_le_bytes())
            .chain(self.interrupts.to_le_bytes());
        for (byte, field) in bytes.iter_mut().zip(fields) {
            *byte = field;
        }
        bytes
    }

    /// Reads the encoded form; `None` if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[bus, port_low, port_high, interrupt, probed, chip], rest) =
            bytes.split_first_chunk()?;
        let (&address, rest) = rest.split_first_chunk()?;
        let (&[memory_kib, data_port_bits], rest) = rest.split_first_chunk()?;
        let (&registers, rest) = rest.split_first_chunk()?;
        let (&ring, rest) = rest.split_first_chunk()?;
        let (&frames, interrupts) = rest.split_first_chunk()?;
        Some(Self {
            placement: Placement {
                bus: if bus == 0 { BusKind::Isa } else { BusKind::Pci },
                port: u16::from_le_bytes([port_low, port_high]),
                interrupt,
                interrupt_probed: probed != 0,
            },
            chip: match chip {
                1 => Chip::Rtl8019As,
                2 => Chip::Rtl8029,
                _ => Chip::Dp8390,
            },
            address,
            memory_kib,
            data_port_bits,
            registers,
            ring,
            frames: u64::from_le_bytes(frames),
            interrupts: u64::from_le_bytes(interrupts.try_into().ok()?),
        })
    }
}

/// Twelve lines: where the card is, a line for each register, how many frames
/// an interrupt served, and the ring.
impl fmt::Display for CardReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Placement {
            bus,
            port,
            interrupt,
            interrupt_probed,
        } = self.placement;
        let address = HardwareAddress(self.address);
        let found = if interrupt_probed {
            "probed"
        } else {
            "configured"
        };
        writeln!(
            formatter,
            "{bus} port {port:#x} irq {interrupt} {found} mac {address} \
             memory {} KiB data-port {} chip {}",
            self.memory_kib, self.data_port_bits, self.chip
        )?;
        self.write_registers(formatter)?;
        let (frames, interrupts) = (self.frames, self.interrupts);
        let tenths = (frames * 10).checked_div(interrupts).unwrap_or(0);
        writeln!(
            formatter,
            "frames {frames} interrupts {interrupts} frames/interrupt {}.{}",
            tenths / 10,
            tenths % 10
        )?;
        let [start, stop, boundary, current, next] = self.ring;
        write!(
            formatter,
            "ring start {start:#04x} stop {stop:#04x} boundary {boundary:#04x} \
             current {current:#04x} next {next:#04x}"
        )
    }
}

impl CardReport {
    fn write_registers(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [command, isr, imr, dcr, rcr, tcr, tsr, rsr] = self.registers;
        let mut line = |name, value: u8, flags: &[(u8, &str)]| {
            write!(formatter, "{name:<4} {value:#04x} ")?;
            for (_, flag) in flags.iter().filter(|(bit, _)| value & bit == *bit) {
                write!(formatter, " {flag}")?;
            }
            if name == "CR" {
                let remote = ["none", "read", "write", "send"];
                let remote = match value >> 3 & 7 {
                    operation @ 0..4 => remote.get(usize::from(operation)).unwrap_or(&"none"),
                    _ => "abort",
                };
                write!(formatter, " RD={remote} page={}", value >> 6)?;
            }
            writeln!(formatter)
        };
        line("CR", command, &COMMAND)?;
        line("ISR", isr, &INTERRUPT)?;
        line("IMR", imr, &INTERRUPT)?;
        line("DCR", dcr, &DATA)?;
        line("RCR", rcr, &RECEIVE)?;
        line("TCR", tcr, &TRANSMIT)?;
        line("TSR", tsr, &TRANSMITTED)?;
        line("RSR", rsr, &RECEIVED)
    }
}

const COMMAND: [(u8, &str); 3] = [
    (Command::STOP.bits(), "STP"),
    (Command::START.bits(), "STA"),
    (Command::TRANSMIT.bits(), "TXP"),
];

const INTERRUPT: [(u8, &str); 8] = [
    (InterruptStatus::PACKET_RECEIVED.bits(), "PRX"),
    (InterruptStatus::PACKET_TRANSMITTED.bits(), "PTX"),
    (InterruptStatus::RECEIVE_ERROR.bits(), "RXE"),
    (InterruptStatus::TRANSMIT_ERROR.bits(), "TXE"),
    (InterruptStatus::OVERWRITE_WARNING.bits(), "OVW"),
    (InterruptStatus::COUNTER_OVERFLOW.bits(), "CNT"),
    (InterruptStatus::REMOTE_DMA_COMPLETE.bits(), "RDC"),
    (InterruptStatus::RESET.bits(), "RST"),
];

const DATA: [(u8, &str); 6] = [
    (DataConfiguration::WORD_TRANSFER.bits(), "WTS"),
    (DataConfiguration::BIG_ENDIAN.bits(), "BOS"),
    (DataConfiguration::LONG_ADDRESS.bits(), "LAS"),
    (DataConfiguration::NORMAL.bits(), "LS"),
    (DataConfiguration::AUTO_INITIALIZE_REMOTE.bits(), "AR"),
    (DataConfiguration::FIFO_THRESHOLD_8.bits(), "FT=8"),
];

const RECEIVE: [(u8, &str); 6] = [
    (ReceiveConfiguration::SAVE_ERRORED.bits(), "SEP"),
    (ReceiveConfiguration::ACCEPT_RUNTS.bits(), "AR"),
    (ReceiveConfiguration::ACCEPT_BROADCAST.bits(), "AB"),
    (ReceiveConfiguration::ACCEPT_MULTICAST.bits(), "AM"),
    (ReceiveConfiguration::PROMISCUOUS.bits(), "PRO"),
    (ReceiveConfiguration::MONITOR.bits(), "MON"),
];

const TRANSMIT: [(u8, &str); 5] = [
    (TransmitConfiguration::INHIBIT_CRC.bits(), "CRC"),
    (TransmitConfiguration::INTERNAL_LOOPBACK.bits(), "LB0"),
    (TransmitConfiguration::ENCODER_LOOPBACK.bits(), "LB1"),
    (TransmitConfiguration::AUTO_TRANSMIT_DISABLE.bits(), "ATD"),
    (TransmitConfiguration::COLLISION_OFFSET.bits(), "OFST"),
];

const TRANSMITTED: [(u8, &str); 8] = [
    (TransmitStatus::TRANSMITTED.bits(), "PTX"),
    (TransmitStatus::NOT_DEFERRED.bits(), "ND"),
    (TransmitStatus::COLLIDED.bits(), "COL"),
    (TransmitStatus::ABORTED.bits(), "ABT"),
    (TransmitStatus::CARRIER_LOST.bits(), "CRS"),
    (TransmitStatus::FIFO_UNDERRUN.bits(), "FU"),
    (TransmitStatus::NO_HEARTBEAT.bits(), "CDH"),
    (TransmitStatus::OUT_OF_WINDOW_COLLISION.bits(), "OWC"),
];

const RECEIVED: [(u8, &str); 8] = [
    (ReceiveStatus::RECEIVED.bits(), "PRX"),
    (ReceiveStatus::CRC_ERROR.bits(), "CRC"),
    (ReceiveStatus::FRAME_ALIGNMENT_ERROR.bits(), "FAE"),
    (ReceiveStatus::FIFO_OVERRUN.bits(), "FO"),
    (ReceiveStatus::MISSED.bits(), "MPA"),
    (ReceiveStatus::MULTICAST.bits(), "PHY"),
    (ReceiveStatus::DISABLED.bits(), "DIS"),
    (ReceiveStatus::DEFERRING.bits(), "DFR"),
];

/// The values that a query of `OID_COUNTERS[query]` gives.
pub(crate) fn counter_values(
    counters: &CardCounters,
    query: usize,
) -> impl Iterator<Item = [u8; 8]> + use<> {
    counters
        .iter()
        .skip(query * COUNTERS_PER_QUERY)
        .take(COUNTERS_PER_QUERY)
        .map(|(_, value)| value.to_le_bytes())
}

/// The counters' names and values: `bytes` are the answers to the queries of
/// [`OID_COUNTERS`], one after another.
pub fn counters(bytes: &[u8]) -> impl Iterator<Item = (&'static str, u64)> {
    let (values, _) = bytes.as_chunks::<8>();
    let values = values.iter().map(|value| u64::from_le_bytes(*value));
    CardCounters::default()
        .iter()
        .zip(values)
        .map(|((name, _), value)| (name, value))
}
