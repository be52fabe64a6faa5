//! The receive ring: page arithmetic and the check of a frame's header
//! (datasheet section 7).

use core::num::NonZeroU8;

use crate::memory::PAGE_SIZE;
use crate::registers::ReceiveStatus;

/// Size in bytes of the header that the chip stores before each frame.
pub const FRAME_HEADER_SIZE: usize = 4;

/// Shortest frame on the medium, in bytes, without the checksum.
pub const MINIMUM_FRAME: usize = 60;

/// Longest frame accepted, in bytes, without the checksum: 1514 and the 4 of a
/// VLAN tag.
pub const LONGEST_FRAME: usize = 1518;

/// Length of the checksum at a frame's end.
const CHECKSUM_SIZE: u16 = 4;

/// The pages of the ring: from `start` to the one before `stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ring {
    start: u8,
    pages: NonZeroU8,
}

impl Ring {
    /// The ring of the pages `start..stop`; `None` if there are none.
    pub const fn new(start: u8, stop: u8) -> Option<Self> {
        let Some(pages) = stop.checked_sub(start) else {
            return None;
        };
        match NonZeroU8::new(pages) {
            Some(pages) => Some(Self { start, pages }),
            None => None,
        }
    }

    /// First page (PSTART).
    pub const fn start(self) -> u8 {
        self.start
    }

    /// Page after the last (PSTOP).
    pub const fn stop(self) -> u8 {
        self.start + self.pages.get()
    }

    /// Number of pages.
    pub const fn pages(self) -> u8 {
        self.pages.get()
    }

    /// Whether `page` belongs to the ring.
    pub const fn contains(self, page: u8) -> bool {
        self.start <= page && page < self.stop()
    }

    /// The page `count` pages after `page`.
    pub const fn after(self, page: u8, count: u8) -> u8 {
        let index = page.wrapping_sub(self.start) as usize + count as usize;
        self.start + self.wrapped(index)
    }

    /// The page before `page`: PSTOP - 1 before PSTART.
    pub const fn before(self, page: u8) -> u8 {
        self.after(page, self.pages.get() - 1)
    }

    /// Pages from `from` forward to `to`: 0 if they are the same.
    pub const fn distance(self, from: u8, to: u8) -> u8 {
        let (from, to) = (self.index(from), self.index(to));
        if to >= from {
            to - from
        } else {
            self.pages.get() - from + to
        }
    }

    const fn index(self, page: u8) -> u8 {
        self.wrapped(page.wrapping_sub(self.start) as usize)
    }

    /// `index` modulo the number of pages; divided only if it has to be.
    const fn wrapped(self, index: usize) -> u8 {
        let pages = self.pages.get() as usize;
        (if index < pages { index } else { index % pages }) as u8
    }

    /// Bytes from `address` to the end of the ring, where the data goes on at
    /// the ring's start.
    pub const fn bytes_to_end(self, address: u16) -> usize {
        let end = self.stop() as usize * PAGE_SIZE as usize;
        end.saturating_sub(address as usize)
    }

    /// The address `offset` bytes into the frame that starts at `page`.
    pub const fn address(self, page: u8, offset: usize) -> u16 {
        let pages = self.wrapped(offset / PAGE_SIZE as usize);
        let page = self.after(page, pages);
        page as u16 * PAGE_SIZE + (offset % PAGE_SIZE as usize) as u16
    }
}

/// What the chip stored in front of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Receive status.
    pub status: ReceiveStatus,
    /// Page of the next frame.
    pub next: u8,
    /// Bytes of the frame with its checksum.
    pub count: u16,
}

/// A header that can't be true; the rest of the ring can't be trusted either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// The receive status isn't one that a stored frame can have.
    Status,
    /// The next page is outside of the ring.
    NextOutside,
    /// The next page and the length contradict each other.
    Inconsistent,
    /// The frame would go on beyond the page the chip is at.
    BeyondCurrent,
}

/// What to do with the frame behind a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameVerdict {
    /// A good frame of this many bytes, without header and checksum.
    Accept(usize),
    /// The chip stored a frame with a reception error.
    ReceptionError(ReceiveStatus),
    /// The chain of headers is right, but the length is none that Ethernet has.
    BadLength(usize),
}

/// A header that was found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedFrame {
    /// Page of the next frame.
    pub next: u8,
    /// Pages this frame takes.
    pub pages: u8,
    /// What to do with it.
    pub verdict: FrameVerdict,
}

impl FrameHeader {
    /// Reads the header as the chip stores it.
    pub const fn from_bytes([status, next, low, high]: [u8; FRAME_HEADER_SIZE]) -> Self {
        Self {
            status: ReceiveStatus::from_bits_retain(status),
            next,
            count: u16::from_le_bytes([low, high]),
        }
    }

    /// Checks the header found at `page`, with `filled` pages from there to the
    /// chip's current page.
    ///
    /// The next page must agree with the length. A chip that stores the
    /// checksum fills `count + 4` bytes; chips that don't, and early ones that
    /// count a page too many, are a page off, which is accepted.
    ///
    /// # Errors
    /// What can't be true of the header.
    pub fn check(self, ring: Ring, page: u8, filled: u8) -> Result<CheckedFrame, HeaderFault> {
        let error_bits = ReceiveStatus::CRC_ERROR
            | ReceiveStatus::FRAME_ALIGNMENT_ERROR
            | ReceiveStatus::FIFO_OVERRUN
            | ReceiveStatus::MISSED;
        let errors = self.status & error_bits;
        if errors.is_empty() != self.status.contains(ReceiveStatus::RECEIVED) {
            return Err(HeaderFault::Status);
        }
        if !ring.contains(self.next) {
            return Err(HeaderFault::NextOutside);
        }
        let pages = match ring.distance(page, self.next) {
            0 => ring.pages(),
            pages => pages,
        };
        let least = u32::from(self.count).div_ceil(u32::from(PAGE_SIZE));
        let most =
            (u32::from(self.count) + u32::from(CHECKSUM_SIZE)).div_ceil(u32::from(PAGE_SIZE));
        if !(least..=most + 1).contains(&u32::from(pages)) {
            return Err(HeaderFault::Inconsistent);
        }
        if pages > filled {
            return Err(HeaderFault::BeyondCurrent);
        }
        let length = usize::from(self.count.saturating_sub(CHECKSUM_SIZE));
        let verdict = if !errors.is_empty() {
            FrameVerdict::ReceptionError(errors)
        } else if (MINIMUM_FRAME..=LONGEST_FRAME).contains(&length) {
            FrameVerdict::Accept(length)
        } else {
            FrameVerdict::BadLength(length)
        };
        Ok(CheckedFrame {
            next: self.next,
            pages,
            verdict,
        })
    }
}
