//! ReceiveComplete through a stack: the frames of a batch are indicated on one by one by the
//! intermediate drivers, but the protocols are told once that the batch is over.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::{Adapter, Batch};
use crate::counters::count;

/// What an adapter in a stack owes the protocols.
#[derive(Default)]
pub(super) struct Passing {
    /// Batches of frames of adapters below that are not over.
    batches: AtomicU32,
    /// Bindings were indicated frames of them, and not told yet that the batch is over.
    owes: AtomicBool,
}

impl Adapter {
    /// Whether a batch of frames of an adapter below is under way.
    pub(crate) fn is_passing(&self) -> bool {
        self.passing.batches.load(Ordering::Relaxed) != 0
    }

    /// A batch of frames begins, of which those indicated on by the adapters above become part;
    /// false if there are none, or it is part of one itself. Dispatch.
    pub(super) fn begin_passing(&'static self) -> bool {
        if self.cover().is_none() || self.is_passing() {
            return false;
        }
        for upper in self.stack().skip(1) {
            upper.passing.batches.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// The batch for which [`Adapter::begin_passing`] answered true is over. Dispatch.
    pub(super) fn end_passing(&'static self) {
        for upper in self.stack().skip(1) {
            upper.passing.batches.fetch_sub(1, Ordering::Relaxed);
        }
        self.settle_above();
    }

    /// Bindings are owed a ReceiveComplete.
    pub(crate) fn owe_receive_complete(&self) {
        self.passing.owes.store(true, Ordering::Relaxed);
    }

    /// Tells the protocols above what has been told to the intermediate drivers: that the batch is
    /// over. Dispatch.
    pub(crate) fn settle_above(&'static self) {
        for upper in self.stack().skip(1) {
            upper.settle_receive_complete();
        }
    }

    fn settle_receive_complete(&'static self) {
        if !self.passing.owes.swap(false, Ordering::Relaxed) {
            return;
        }
        count(&self.counters.receive_batches);
        let mut batch = Batch::new(None);
        batch.begin(self);
        for bound in batch.bindings() {
            if bound.binding.take_owed() {
                bound.protocol.receive_complete(bound.context);
            }
        }
        batch.end();
    }
}
