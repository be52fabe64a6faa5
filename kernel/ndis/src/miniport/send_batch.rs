//! Several frames for one call of a miniport's SendPackets.

use super::{AdapterContext, SendOutcome};
use crate::packet::Packet;
use crate::protocol::SendCompletion;
use crate::status::NdisStatus;

/// Most frames in one call of SendPackets.
pub(crate) const BATCH_SIZE: usize = 16;

/// Frames on their way to the miniport, in order.
pub(crate) type Frames = heapless::Deque<Packet, BATCH_SIZE>;

/// The frames of one call of SendPackets. Those not taken when the handler returns stay queued,
/// as if [`SendOutcome::Resources`] had been answered.
pub struct SendBatch<'a> {
    frames: &'a mut Frames,
    stalled: bool,
    /// Where the answer to the only frame goes, whose sender waits for it instead of for
    /// SendComplete.
    answer: Option<&'a mut Option<SendOutcome>>,
}

impl<'a> SendBatch<'a> {
    pub(crate) fn new(frames: &'a mut Frames) -> Self {
        Self {
            frames,
            stalled: false,
            answer: None,
        }
    }

    /// A batch of one frame.
    pub(crate) fn of_one(frames: &'a mut Frames, answer: &'a mut Option<SendOutcome>) -> Self {
        Self {
            frames,
            stalled: false,
            answer: Some(answer),
        }
    }

    /// Frames not yet taken.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether every frame has been taken.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Gives the frames to `handler` one after the other, until one answers
    /// [`SendOutcome::Resources`]; each outcome is treated as that of a Send handler.
    #[inline]
    pub fn send_each(
        &mut self,
        context: &mut AdapterContext,
        mut handler: impl FnMut(&mut AdapterContext, Packet) -> SendOutcome,
    ) {
        while !self.stalled {
            let Some(packet) = self.frames.pop_front() else {
                return;
            };
            let completion = Some(SendCompletion::of(&packet, NdisStatus::PENDING));
            match (handler(context, packet), &mut self.answer) {
                (SendOutcome::Resources(packet), _) => {
                    self.stalled = true;
                    // The place it was taken from is free.
                    let _ = self.frames.push_front(packet);
                }
                (outcome, Some(answer)) => **answer = Some(outcome),
                (outcome, None) => context.end_send(completion, &outcome),
            }
        }
    }
}
