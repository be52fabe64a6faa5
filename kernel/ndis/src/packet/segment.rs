//! The chain of buffer ranges that holds a packet's bytes.

use executive::pool::{Pooled, PooledArc};

use super::BUFFER_SIZE;

/// Segments kept in the descriptor itself; a frame of the card needs one or two.
const NEAR_SEGMENTS: usize = 4;

/// Segments in a table of its own, for reassembled datagrams: 65,535 bytes in
/// fragments for an MTU of 576 are 119 segments.
const FAR_SEGMENTS: usize = 124;

/// One fixed-size buffer.
pub(super) struct Buffer {
    pub(super) bytes: [u8; BUFFER_SIZE],
}

impl Buffer {
    pub(super) const fn new(_index: usize) -> Self {
        Self {
            bytes: [0; BUFFER_SIZE],
        }
    }
}

/// A range of a buffer that may be shared with other packets.
pub(super) struct Segment {
    buffer: PooledArc<Buffer>,
    /// First byte of the range.
    start: usize,
    /// One past the last byte of the range.
    end: usize,
}

impl Segment {
    /// An empty range at `position` of a buffer of its own.
    #[inline]
    pub(super) fn empty(buffer: PooledArc<Buffer>, position: usize) -> Self {
        let position = position.min(BUFFER_SIZE);
        Self {
            buffer,
            start: position,
            end: position,
        }
    }

    /// The first `length` bytes behind `headroom`, which `fill` has written, of a buffer that
    /// nobody shares yet. `None` if it is not that long.
    #[inline(always)]
    pub(super) fn filled(
        mut buffer: Pooled<Buffer>,
        headroom: usize,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Option<Self> {
        let end = headroom.checked_add(length)?;
        fill(buffer.bytes.get_mut(headroom..end)?);
        Some(Self {
            buffer: buffer.into_shared(),
            start: headroom,
            end,
        })
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer
            .bytes
            .get(self.start..self.end)
            .unwrap_or_default()
    }

    /// The range for writing, unless another packet shares the buffer.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        let (start, end) = (self.start, self.end);
        self.buffer.get_mut()?.bytes.get_mut(start..end)
    }

    /// Free bytes in front of the range; none in a shared buffer.
    #[inline]
    pub(super) fn headroom(&self) -> usize {
        if self.buffer.is_unique() {
            self.start
        } else {
            0
        }
    }

    /// Free bytes behind the range; none in a shared buffer.
    #[inline]
    pub(super) fn tailroom(&self) -> usize {
        if self.buffer.is_unique() {
            BUFFER_SIZE - self.end
        } else {
            0
        }
    }

    /// Extends the range to the front by `length` bytes and returns those.
    #[inline(always)]
    pub(super) fn extend_front(&mut self, length: usize) -> Option<&mut [u8]> {
        let bytes = &mut self.buffer.get_mut()?.bytes;
        let start = self.start.checked_sub(length)?;
        let space = bytes.get_mut(start..)?.get_mut(..length)?;
        self.start = start;
        Some(space)
    }

    /// Extends the range to the back by `length` bytes and returns those.
    #[inline(always)]
    pub(super) fn extend_back(&mut self, length: usize) -> Option<&mut [u8]> {
        let bytes = &mut self.buffer.get_mut()?.bytes;
        let space = bytes.get_mut(self.end..)?.get_mut(..length)?;
        self.end += length;
        Some(space)
    }

    /// Takes at most `length` bytes off the front; returns how many.
    #[inline]
    pub(super) fn trim_front(&mut self, length: usize) -> usize {
        let taken = length.min(self.len());
        self.start += taken;
        taken
    }

    /// Keeps the first `length` bytes.
    #[inline]
    pub(super) fn truncate(&mut self, length: usize) {
        self.end = self.end.min(self.start.saturating_add(length));
    }

    /// Keeps `length` bytes from `offset` on, or as many of them as there are.
    #[inline]
    pub(super) fn keep(&mut self, offset: usize, length: usize) {
        self.start = self.start.saturating_add(offset).min(self.end);
        self.end = self.start.saturating_add(length).min(self.end);
    }

    /// Another range over the same buffer: `length` bytes from `offset`.
    #[inline]
    pub(super) fn share(&self, offset: usize, length: usize) -> Self {
        let start = self.start.saturating_add(offset).min(self.end);
        let end = start.saturating_add(length).min(self.end);
        Self {
            buffer: self.buffer.clone(),
            start,
            end,
        }
    }
}

/// The table for the segments a descriptor has no room for.
pub(super) struct FarSegments {
    segments: heapless::Vec<Segment, FAR_SEGMENTS>,
}

impl FarSegments {
    pub(super) const fn new(_index: usize) -> Self {
        Self {
            segments: heapless::Vec::new(),
        }
    }
}

/// The segments of one packet, in order: those in `near`, then those in `far`.
pub(super) struct SegmentList {
    near: heapless::Vec<Segment, NEAR_SEGMENTS>,
    far: Option<Pooled<FarSegments>>,
}

impl SegmentList {
    pub(super) const fn new() -> Self {
        Self {
            near: heapless::Vec::new(),
            far: None,
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.near.iter().chain(self.far())
    }

    pub(super) fn len(&self) -> usize {
        self.near.len() + self.far().len()
    }

    /// The far segments there are: none without a table.
    fn far(&self) -> &[Segment] {
        self.far.as_ref().map_or(&[], |far| &far.segments)
    }

    pub(super) fn first(&self) -> Option<&Segment> {
        self.near.first().or_else(|| self.far().first())
    }

    /// Whether the first segment has `length` free bytes in front. Who shares its buffer is looked
    /// at last: nothing that was loaded before is known after that.
    #[inline(always)]
    pub(super) fn has_headroom(&self, length: usize) -> bool {
        match self.near.first() {
            Some(first) => length <= first.start && first.buffer.is_unique(),
            None => self.far().first().map_or(0, Segment::headroom) >= length,
        }
    }

    #[inline]
    pub(super) fn first_mut(&mut self) -> Option<&mut Segment> {
        if self.near.is_empty() {
            return self.far.as_mut()?.segments.first_mut();
        }
        self.near.first_mut()
    }

    pub(super) fn last(&self) -> Option<&Segment> {
        self.far().last().or_else(|| self.near.last())
    }

    #[inline]
    pub(super) fn last_mut(&mut self) -> Option<&mut Segment> {
        if self.only().is_some() {
            return self.near.first_mut();
        }
        match &mut self.far {
            Some(far) if !far.segments.is_empty() => far.segments.last_mut(),
            _ => self.near.last_mut(),
        }
    }

    /// The segment, if there is no other.
    #[inline]
    pub(super) fn only(&self) -> Option<&Segment> {
        match &*self.near {
            [only] if self.far.is_none() => Some(only),
            _ => None,
        }
    }

    /// The segment for writing, if there is no other.
    #[inline]
    pub(super) fn only_mut(&mut self) -> Option<&mut Segment> {
        match &mut *self.near {
            [only] if self.far.is_none() => Some(only),
            _ => None,
        }
    }

    /// Whether `more` segments fit, with a table taken by `table` when the near ones are not enough.
    pub(super) fn reserve(
        &mut self,
        more: usize,
        table: impl FnOnce() -> Option<Pooled<FarSegments>>,
    ) -> bool {
        let far = self.far().len();
        if far == 0 && self.near.len() + more <= NEAR_SEGMENTS {
            return true;
        }
        if self.far.is_none() {
            self.far = table();
        }
        // Those that do not fit near go far; one at the front may push one more there.
        self.far.is_some() && far + more <= FAR_SEGMENTS
    }

    /// Adds the first segment to a list that has none.
    #[inline(always)]
    pub(super) fn start_with(&mut self, segment: Segment) {
        // It is empty, so there is room.
        let _ = self.near.push(segment);
    }

    /// Adds a segment at the back; given back if there is no room.
    pub(super) fn push_back(&mut self, segment: Segment) -> Result<(), Segment> {
        match &mut self.far {
            Some(far) if !far.segments.is_empty() || self.near.is_full() => {
                far.segments.push(segment)
            }
            _ => self.near.push(segment),
        }
    }

    /// Adds a segment at the front; given back if there is no room.
    pub(super) fn push_front(&mut self, segment: Segment) -> Result<(), Segment> {
        if self.near.is_full() {
            let Some(far) = self.far.as_mut().filter(|far| !far.segments.is_full()) else {
                return Err(segment);
            };
            if let Some(moved) = self.near.pop() {
                far.segments.insert(0, moved)?;
            }
        }
        self.near.insert(0, segment)
    }

    /// Removes the first segment.
    pub(super) fn pop_front(&mut self) -> Option<Segment> {
        if !self.near.is_empty() {
            return Some(self.near.remove(0));
        }
        let far = self.far.as_mut()?;
        if far.segments.is_empty() {
            None
        } else {
            Some(far.segments.remove(0))
        }
    }

    /// Removes the last segment.
    pub(super) fn pop_back(&mut self) -> Option<Segment> {
        self.far
            .as_mut()
            .and_then(|far| far.segments.pop())
            .or_else(|| self.near.pop())
    }

    /// Returns every buffer, and the far table, to their pools.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.near.clear();
        if self.far.is_some() {
            self.clear_far();
        }
    }

    #[cold]
    fn clear_far(&mut self) {
        if let Some(mut far) = self.far.take() {
            far.segments.clear();
        }
    }
}
