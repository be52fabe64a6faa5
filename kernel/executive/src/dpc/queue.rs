//! A queue of calls, each at most once in it, that can be filled at any IRQL.
//!
//! Insertion is one exchange and one push onto a lock-free stack, so an
//! interrupt service routine that interrupts another insertion, or the
//! removal, needs no lock. The single consumer takes the whole stack at once
//! and reverses it, which gives first in first out.
//! `tests/interleavings` checks this code with a model checker.

use alloc::boxed::Box;

use crate::sync::atomic::{AtomicU32, Ordering};

/// No index: the end of a list.
const END: u32 = u32::MAX;

const IDLE: u32 = 0;
const QUEUED: u32 = 1;

struct Entry {
    state: AtomicU32,
    /// The entry behind this one, while it is queued.
    next: AtomicU32,
}

/// See the module's description. Entries are named by their index.
pub(crate) struct CallQueue {
    entries: Box<[Entry]>,
    /// What was inserted since the consumer looked, last in first.
    incoming: AtomicU32,
    /// What the consumer has taken out of `incoming`, first in first.
    batch: AtomicU32,
}

impl CallQueue {
    /// An empty queue for the entries below `size`.
    pub(crate) fn new(size: usize) -> Self {
        let entry = |_| Entry {
            state: AtomicU32::new(IDLE),
            next: AtomicU32::new(END),
        };
        Self {
            entries: (0..size).map(entry).collect(),
            incoming: AtomicU32::new(END),
            batch: AtomicU32::new(END),
        }
    }

    /// Queues an entry; false if it is queued already (or does not exist). In
    /// both cases the call runs after this, and sees what the caller wrote
    /// before. Any IRQL.
    pub(crate) fn insert(&self, index: u32) -> bool {
        let Some(entry) = self.entries.get(index as usize) else {
            return false;
        };
        // Release in both cases: `release` acquires what was written before a
        // request that found the entry queued.
        if entry.state.swap(QUEUED, Ordering::AcqRel) == QUEUED {
            return false;
        }
        let mut first = self.incoming.load(Ordering::Relaxed);
        loop {
            entry.next.store(first, Ordering::Relaxed);
            let exchange = self.incoming.compare_exchange_weak(
                first,
                index,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match exchange {
                Ok(_) => return true,
                Err(current) => first = current,
            }
        }
    }

    /// Removes the first entry; from now on it can be queued again, so a
    /// request that comes while its call runs leads to another call. One
    /// consumer at a time.
    pub(crate) fn remove(&self) -> Option<u32> {
        let index = self.unlink()?;
        self.release(index);
        Some(index)
    }

    /// Takes the first entry off the list; it still counts as queued.
    pub(crate) fn unlink(&self) -> Option<u32> {
        let mut first = self.batch.load(Ordering::Relaxed);
        if first == END {
            first = self.take_incoming();
        }
        let entry = self.entries.get(first as usize)?;
        self.batch
            .store(entry.next.load(Ordering::Relaxed), Ordering::Relaxed);
        Some(first)
    }

    /// Lets an unlinked entry be queued again. Must come before its call, or
    /// a request that comes at the end of the call would be lost.
    pub(crate) fn release(&self, index: u32) {
        if let Some(entry) = self.entries.get(index as usize) {
            entry.state.swap(IDLE, Ordering::AcqRel);
        }
    }

    /// Whether nothing is queued; for the consumer.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.load(Ordering::Relaxed) == END && self.incoming.load(Ordering::Relaxed) == END
    }

    /// Takes all that was inserted, reversed.
    fn take_incoming(&self) -> u32 {
        let mut rest = self.incoming.swap(END, Ordering::Acquire);
        let mut reversed = END;
        while let Some(entry) = self.entries.get(rest as usize) {
            let next = entry.next.load(Ordering::Relaxed);
            entry.next.store(reversed, Ordering::Relaxed);
            reversed = core::mem::replace(&mut rest, next);
        }
        reversed
    }
}
