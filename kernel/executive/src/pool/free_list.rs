//! A lock-free stack of free indices (Treiber's, with a tagged head).

use super::PoolUsage;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// No index: the end of the list.
const END: u32 = u32::MAX;

/// Something that can be in the list.
pub(super) trait Linked {
    /// The index of the entry below; meaningful while this one is free.
    fn next(&self) -> &AtomicU32;
}

/// The head of the list and the figures of its use.
pub(super) struct FreeList {
    /// The tag in the upper half, the first free index in the lower half.
    head: AtomicU64,
    size: u32,
    used: AtomicU32,
    peak: AtomicU32,
    failures: AtomicU64,
}

/// The two halves of the head word.
#[derive(Clone, Copy)]
struct Head {
    tag: u32,
    first: u32,
}

impl Head {
    fn unpack(word: u64) -> Self {
        Self {
            tag: (word >> 32) as u32,
            first: word as u32,
        }
    }

    fn pack(self) -> u64 {
        u64::from(self.tag) << 32 | u64::from(self.first)
    }
}

impl FreeList {
    /// A list of the indices below `size`, in their order. The entries must
    /// have been linked by [`FreeList::successor`].
    pub(super) fn new(size: u32) -> Self {
        let first = if size == 0 { END } else { 0 };
        Self {
            head: AtomicU64::new(Head { tag: 0, first }.pack()),
            size,
            used: AtomicU32::new(0),
            peak: AtomicU32::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// What `next` of the entry `index` holds in a list that was just made.
    pub(super) fn successor(index: u32, size: u32) -> u32 {
        if index + 1 < size { index + 1 } else { END }
    }

    /// Takes the first index.
    pub(super) fn remove(&self, entries: &[impl Linked]) -> Option<u32> {
        let mut word = self.head.load(Ordering::Acquire);
        loop {
            let head = Head::unpack(word);
            let Some(entry) = entries.get(head.first as usize) else {
                self.failures.fetch_add(1, Ordering::Relaxed);
                return None;
            };
            // The entry may be taken by an interruption right here and `next`
            // be stale; then the tag differs and the exchange fails.
            let next = entry.next().load(Ordering::Relaxed);
            let new = Head {
                tag: head.tag.wrapping_add(1),
                first: next,
            }
            .pack();
            let exchange =
                self.head
                    .compare_exchange_weak(word, new, Ordering::Acquire, Ordering::Acquire);
            match exchange {
                Ok(_) => {
                    self.count_use();
                    return Some(head.first);
                }
                Err(current) => word = current,
            }
        }
    }

    /// Gives `index` back; `entry` is what it stands for.
    pub(super) fn insert(&self, index: u32, entry: &impl Linked) {
        self.used.fetch_sub(1, Ordering::Relaxed);
        let mut word = self.head.load(Ordering::Relaxed);
        loop {
            let head = Head::unpack(word);
            entry.next().store(head.first, Ordering::Relaxed);
            let new = Head {
                tag: head.tag,
                first: index,
            }
            .pack();
            // Release: the value written by the owner, and `next`, are seen by
            // whoever takes the index. A removal in between keeps this release
            // in force, because it is itself a read-modify-write of the head.
            let exchange =
                self.head
                    .compare_exchange_weak(word, new, Ordering::Release, Ordering::Relaxed);
            match exchange {
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }

    fn count_use(&self) {
        let used = self.used.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if used > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(used, Ordering::Relaxed);
        }
    }

    pub(super) fn usage(&self) -> PoolUsage {
        PoolUsage {
            size: self.size,
            used: self.used.load(Ordering::Relaxed),
            peak: self.peak.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}
