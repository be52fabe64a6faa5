//! The classic pcap file format (the IETF draft `draft-ietf-opsawg-pcap`), written piece by piece.

use executive::Duration;

use super::ring::Captured;
use super::{Capture, DEFAULT_SNAP_LENGTH, Reader};

/// `LINKTYPE_ETHERNET`.
const LINK_TYPE: u32 = 1;

/// Bytes of the file's header.
const FILE_HEADER_LENGTH: usize = 24;

/// Bytes of a record's header.
const RECORD_HEADER_LENGTH: usize = 16;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// The unit of the fractions of a second in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolution {
    /// Microseconds, which every reader knows.
    #[default]
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl Resolution {
    const fn magic(self) -> u32 {
        match self {
            Self::Microseconds => 0xA1B2_C3D4,
            Self::Nanoseconds => 0xA1B2_3C4D,
        }
    }

    const fn per_microsecond(self) -> u32 {
        match self {
            Self::Microseconds => 1,
            Self::Nanoseconds => 1000,
        }
    }
}

/// How far the writing of a file is: the packets that were stored when it was begun.
///
/// It borrows nothing, so the capture can go on between two pieces; a packet that is overwritten
/// meanwhile is left out and counted.
#[derive(Clone, Copy, Debug)]
pub struct Dump {
    resolution: Resolution,
    /// From 1970 to the machine's start.
    epoch: Duration,
    reader: Reader,
    is_begun: bool,
    packets: u64,
    bytes: u64,
}

impl Dump {
    /// The least a buffer for [`Dump::read`] must have: room for the file's header.
    pub const LEAST_BUFFER: usize = FILE_HEADER_LENGTH;

    /// Begins a file with the packets `capture` has stored. `epoch` is the time from 1970 to the
    /// machine's start.
    pub fn new(capture: &Capture, resolution: Resolution, epoch: Duration) -> Self {
        Self {
            resolution,
            epoch,
            reader: Reader::new(capture),
            is_begun: false,
            packets: 0,
            bytes: 0,
        }
    }

    /// Packets written so far.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets overwritten before they were written.
    pub const fn lost(&self) -> u64 {
        self.reader.lost()
    }

    /// Bytes written so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the next piece of the file into `buffer`; returns its bytes. 0: the file is
    /// complete, or `buffer` is shorter than [`Dump::LEAST_BUFFER`].
    ///
    /// A piece is whole records. A record that is longer than `buffer` is cut, as by a shorter
    /// snap length; 16 bytes more than the longest frame keep that from happening.
    pub fn read(&mut self, capture: &Capture, buffer: &mut [u8]) -> usize {
        if buffer.len() < Self::LEAST_BUFFER {
            return 0;
        }
        let mut filled = 0;
        if !self.is_begun {
            self.is_begun = true;
            filled = write(buffer, 0, &[&self.file_header()]);
        }
        while let Some((packet, behind)) = self.reader.peek(capture) {
            let room = (buffer.len() - filled).saturating_sub(RECORD_HEADER_LENGTH);
            if room < packet.bytes.len() && filled != 0 {
                break;
            }
            let bytes = packet.bytes.get(..room).unwrap_or(packet.bytes);
            let header = self.record_header(&packet, bytes.len());
            filled = write(buffer, filled, &[&header, bytes]);
            self.packets += 1;
            self.reader.pass(behind);
        }
        self.bytes += filled as u64;
        filled
    }

    fn file_header(&self) -> [u8; FILE_HEADER_LENGTH] {
        let mut header = [0; FILE_HEADER_LENGTH];
        let version = 2_u32 | 4 << 16;
        let fields = [
            self.resolution.magic(),
            version,
            // Time zone and accuracy: always zero.
            0,
            0,
            DEFAULT_SNAP_LENGTH as u32,
            LINK_TYPE,
        ];
        fill(&mut header, &fields);
        header
    }

    fn record_header(&self, packet: &Captured<'_>, captured: usize) -> [u8; RECORD_HEADER_LENGTH] {
        let mut header = [0; RECORD_HEADER_LENGTH];
        let time = (packet.time + self.epoch).as_micros();
        let fraction = (time % MICROS_PER_SECOND) as u32;
        let fields = [
            (time / MICROS_PER_SECOND) as u32,
            fraction * self.resolution.per_microsecond(),
            captured as u32,
            packet.length as u32,
        ];
        fill(&mut header, &fields);
        header
    }
}

/// Fills a header with numbers, the lowest byte first, which the magic number tells the reader.
fn fill(header: &mut [u8], fields: &[u32]) {
    for (place, field) in header.chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
}

/// Writes `pieces` at `at`; returns where they end.
fn write(buffer: &mut [u8], mut at: usize, pieces: &[&[u8]]) -> usize {
    for piece in pieces {
        if let Some(place) = buffer.get_mut(at..at + piece.len()) {
            place.copy_from_slice(piece);
            at += piece.len();
        }
    }
    at
}
