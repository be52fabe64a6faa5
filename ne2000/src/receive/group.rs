//! The first bytes of several frames, read one after another.

use crate::bus::RegisterBus;
use crate::memory::CardMemory;
use crate::ring::{
    CheckedFrame, FRAME_HEADER_SIZE, FrameHeader, FrameVerdict, HeaderFault, MINIMUM_FRAME, Ring,
};

/// Frames whose first bytes are read before any of them is handed up, so that
/// one look at the guard is enough for all.
const FRAMES: usize = 8;

/// Bytes of a frame that are read first: ring header and shortest frame.
const FIRST_READ: usize = FRAME_HEADER_SIZE + MINIMUM_FRAME;

/// Some frames of the ring, in order.
#[derive(Debug)]
pub(super) struct Group {
    checked: heapless::Vec<CheckedFrame, FRAMES>,
    bytes: [[u8; FIRST_READ]; FRAMES],
    /// The header behind these frames can't be true.
    pub(super) fault: Option<HeaderFault>,
}

impl Group {
    /// An empty one.
    pub(super) const fn new() -> Self {
        Self {
            checked: heapless::Vec::new(),
            bytes: [[0; FIRST_READ]; FRAMES],
            fault: None,
        }
    }

    /// Reads the frames from `page` on: at most `most`, within the `filled`
    /// pages from there, up to the first one that is longer than what is read
    /// of it, so that the rest of that one comes next.
    #[inline(always)]
    pub(super) fn read<B: RegisterBus>(
        &mut self,
        memory: &mut CardMemory<B>,
        ring: Ring,
        mut page: u8,
        mut filled: u8,
        most: usize,
    ) {
        self.checked.clear();
        self.fault = None;
        for bytes in self.bytes.iter_mut().take(most) {
            if filled == 0 {
                return;
            }
            memory.read(ring.address(page, 0), bytes);
            let Some((header, _)) = bytes.split_first_chunk() else {
                return;
            };
            match FrameHeader::from_bytes(*header).check(ring, page, filled) {
                Ok(frame) => {
                    page = frame.next;
                    filled -= frame.pages;
                    // The capacities agree.
                    let _ = self.checked.push(frame);
                    if is_long(frame) {
                        return;
                    }
                }
                Err(fault) => {
                    self.fault = Some(fault);
                    return;
                }
            }
        }
    }

    /// How many frames there are.
    pub(super) fn len(&self) -> usize {
        self.checked.len()
    }

    /// Whether there is only a frame of which more has to be read, which is
    /// looked after then.
    pub(super) fn is_one_long(&self) -> bool {
        self.fault.is_none() && matches!(*self.checked, [frame] if is_long(frame))
    }

    /// The frames, with their bytes behind the ring header.
    pub(super) fn frames(&self) -> impl Iterator<Item = (CheckedFrame, &[u8; MINIMUM_FRAME])> {
        let first = self
            .bytes
            .iter()
            .filter_map(|bytes| bytes.last_chunk::<MINIMUM_FRAME>());
        self.checked.iter().copied().zip(first)
    }
}

fn is_long(frame: CheckedFrame) -> bool {
    matches!(frame.verdict, FrameVerdict::Accept(length) if length > MINIMUM_FRAME)
}
