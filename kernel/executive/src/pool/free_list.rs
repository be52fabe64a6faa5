//! A lock-free stack of free indices (Treiber's, with a tagged head).

use super::PoolUsage;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bits of an index and of the count in the head word.
const BITS: u32 = 20;
const MASK: u64 = (1 << BITS) - 1;

/// No index: the end of the list.
const END: u32 = MASK as u32;

/// The most entries a list can have.
pub(super) const MAXIMUM_SIZE: u32 = END;

/// Something that can be in the list.
pub(super) trait Linked {
    /// The index of the entry below; meaningful while this one is free.
    fn next(&self) -> &AtomicU32;
}

/// The head of the list and the figures of its use.
pub(super) struct FreeList {
    /// A [`Head`].
    head: AtomicU64,
    size: u32,
    peak: AtomicU32,
    failures: AtomicU64,
}

/// The fields of the head word: the first free index in the lowest bits, above
/// it how many are taken, above that the tag. All change in one exchange.
#[derive(Clone, Copy)]
struct Head(u64);

impl Head {
    const fn first(self) -> u32 {
        (self.0 & MASK) as u32
    }

    const fn used(self) -> u32 {
        (self.0 >> BITS & MASK) as u32
    }

    /// Without the first index, whose place behind it `next` takes.
    const fn removed(self, next: u32) -> Self {
        const TAG_AND_USED: u64 = 1 << (2 * BITS) | 1 << BITS;
        // The tag runs out of the word's end.
        Self((self.0 & !MASK).wrapping_add(TAG_AND_USED) | next as u64)
    }

    /// With `index` in front.
    const fn inserted(self, index: u32) -> Self {
        Self(((self.0 & !MASK) - (1 << BITS)) | index as u64)
    }
}

impl FreeList {
    /// A list of the indices below `size`, in their order. The entries must
    /// have been linked by [`FreeList::successor`].
    pub(super) fn new(size: u32) -> Self {
        let first = if size == 0 { END } else { 0 };
        Self {
            head: AtomicU64::new(u64::from(first)),
            size,
            peak: AtomicU32::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// What `next` of the entry `index` holds in a list that was just made.
    pub(super) fn successor(index: u32, size: u32) -> u32 {
        if index + 1 < size { index + 1 } else { END }
    }

    /// Takes the first index.
    #[inline]
    pub(super) fn remove(&self, entries: &[impl Linked]) -> Option<u32> {
        let mut word = self.head.load(Ordering::Acquire);
        loop {
            let head = Head(word);
            let Some(entry) = entries.get(head.first() as usize) else {
                self.failures.fetch_add(1, Ordering::Relaxed);
                return None;
            };
            // The entry may be taken by an interruption right here and `next`
            // be stale; then the tag differs and the exchange fails.
            let new = head.removed(entry.next().load(Ordering::Relaxed));
            let exchange =
                self.head
                    .compare_exchange_weak(word, new.0, Ordering::Acquire, Ordering::Acquire);
            match exchange {
                Ok(_) => {
                    if new.used() > self.peak.load(Ordering::Relaxed) {
                        self.peak.fetch_max(new.used(), Ordering::Relaxed);
                    }
                    return Some(head.first());
                }
                Err(current) => word = current,
            }
        }
    }

    /// Gives `index` back; `entry` is what it stands for.
    #[inline]
    pub(super) fn insert(&self, index: u32, entry: &impl Linked) {
        let mut word = self.head.load(Ordering::Relaxed);
        loop {
            let head = Head(word);
            entry.next().store(head.first(), Ordering::Relaxed);
            // Release: the value written by the owner, and `next`, are seen by
            // whoever takes the index. A removal in between keeps this release
            // in force, because it is itself a read-modify-write of the head.
            let exchange = self.head.compare_exchange_weak(
                word,
                head.inserted(index).0,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match exchange {
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }

    pub(super) fn usage(&self) -> PoolUsage {
        PoolUsage {
            size: self.size,
            used: Head(self.head.load(Ordering::Relaxed)).used(),
            peak: self.peak.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}
