//! Who sends a packet: the way back of its completion.

/// Bindings a packet can pass at the same time: that of the protocol and one for each
/// intermediate driver that keeps it pending.
const DEPTH: usize = 8;

/// A use of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Slot in the wrapper's table of bindings.
    pub(crate) slot: u32,
    /// Which use of the slot.
    pub(crate) generation: u32,
}

/// A binding that a packet is being sent through, and the adapter that has to complete it; made
/// small because it is copied for every packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    slot: u16,
    /// Place of the adapter in the wrapper's table.
    adapter: u16,
    generation: u32,
}

impl Passage {
    const NONE: Self = Self {
        slot: 0,
        adapter: 0,
        generation: 0,
    };

    /// Through `sender` to the adapter at a place of the wrapper's table; both tables are shorter
    /// than 2^16.
    #[inline]
    pub(crate) const fn new(sender: Sender, adapter: u32) -> Self {
        Self {
            slot: sender.slot as u16,
            adapter: adapter as u16,
            generation: sender.generation,
        }
    }

    #[inline]
    pub(crate) const fn sender(self) -> Sender {
        Sender {
            slot: self.slot as u32,
            generation: self.generation,
        }
    }

    /// Whether the adapter at this place has to complete it.
    #[inline]
    pub(crate) const fn is_to(self, adapter: u32) -> bool {
        self.adapter as u32 == adapter
    }
}

/// The bindings a packet is being sent through, the lowest on top.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderStack {
    depth: usize,
    passages: [Passage; DEPTH],
}

impl SenderStack {
    pub(crate) const fn new() -> Self {
        Self {
            depth: 0,
            passages: [Passage::NONE; DEPTH],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.depth = 0;
    }

    /// `false` when the packet passes as many bindings as it can.
    #[inline]
    pub(crate) fn push(&mut self, passage: Passage) -> bool {
        let Some(place) = self.passages.get_mut(self.depth) else {
            return false;
        };
        *place = passage;
        self.depth += 1;
        true
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Passage> {
        let top = self.top()?;
        self.depth -= 1;
        Some(top)
    }

    /// The lowest.
    #[inline]
    pub(crate) fn top(&self) -> Option<Passage> {
        self.passages.get(self.depth.checked_sub(1)?).copied()
    }

    /// Has the adapter at another place complete the lowest.
    pub(crate) fn redirect(&mut self, adapter: u32) {
        let top = self.depth.checked_sub(1);
        if let Some(passage) = top.and_then(|top| self.passages.get_mut(top)) {
            passage.adapter = adapter as u16;
        }
    }

    /// How many bindings the packet passes.
    #[inline]
    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }
}
