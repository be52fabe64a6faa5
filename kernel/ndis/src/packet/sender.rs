//! Who sends a packet: the way back of its completion.

/// Bindings a packet can pass at the same time: that of the protocol and one for each
/// intermediate driver that keeps it pending.
const DEPTH: usize = 8;

/// The binding a packet is being sent through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Slot in the wrapper's table of bindings.
    pub(crate) slot: u32,
    /// Which use of the slot.
    pub(crate) generation: u32,
}

/// The senders of a packet, the lowest on top.
#[derive(Clone, Debug)]
pub(crate) struct SenderStack {
    senders: heapless::Vec<Sender, DEPTH>,
}

impl SenderStack {
    pub(crate) const fn new() -> Self {
        Self {
            senders: heapless::Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.senders.clear();
    }

    /// `false` when the packet passes as many bindings as it can.
    pub(crate) fn push(&mut self, sender: Sender) -> bool {
        self.senders.push(sender).is_ok()
    }

    pub(crate) fn pop(&mut self) -> Option<Sender> {
        self.senders.pop()
    }

    pub(crate) fn top(&self) -> Option<Sender> {
        self.senders.last().copied()
    }
}
