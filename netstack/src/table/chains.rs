//! Hash chains through numbered slots.

use alloc::boxed::Box;
use alloc::vec;

use super::Link;

/// A hash of `key`, of which the upper bits are good: multiply-shift with a
/// secret odd multiplier, so that whoever chooses keys from outside can't
/// choose which of them meet.
pub(crate) const fn hash(key: u64, multiplier: u64) -> u64 {
    // The constant spreads keys that differ in few bits, the multiplier makes
    // the spreading secret.
    (key ^ (key >> 29))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(key)
        .wrapping_mul(multiplier)
}

/// Heads are small: with four for each slot, different keys seldom meet.
const HEADS_PER_SLOT: usize = 4;

/// Finds slots by a 64-bit key. Several slots may have the same key, and
/// different keys may share a chain, so the caller compares.
pub(crate) struct HashChains {
    heads: Box<[Link]>,
    next: Box<[Link]>,
    multiplier: u64,
    /// What brings a hash down to a head's number.
    shift: u32,
}

impl HashChains {
    /// Allocates chains through `slots` slots.
    pub(crate) fn new(slots: usize, secret: u64) -> Self {
        let heads = (slots * HEADS_PER_SLOT).next_power_of_two().max(2);
        Self {
            heads: vec![Link::NONE; heads].into_boxed_slice(),
            next: vec![Link::NONE; slots].into_boxed_slice(),
            multiplier: secret | 1,
            shift: u64::BITS - heads.trailing_zeros(),
        }
    }

    const fn bucket(&self, key: u64) -> usize {
        (hash(key, self.multiplier) >> self.shift) as usize
    }

    /// Adds `slot`, which is in no chain, under `key`.
    pub(crate) fn insert(&mut self, key: u64, slot: usize) {
        let bucket = self.bucket(key);
        if let (Some(head), Some(next)) = (self.heads.get_mut(bucket), self.next.get_mut(slot)) {
            *next = *head;
            *head = Link::to(slot);
        }
    }

    /// Removes `slot`, which is under `key`.
    pub(crate) fn remove(&mut self, key: u64, slot: usize) {
        let after = self.next.get(slot).copied().unwrap_or(Link::NONE);
        let bucket = self.bucket(key);
        let Some(head) = self.heads.get_mut(bucket) else {
            return;
        };
        if head.slot() == Some(slot) {
            *head = after;
            return;
        }
        let mut at = head.slot();
        while let Some(link) = at.and_then(|at| self.next.get_mut(at)) {
            if link.slot() == Some(slot) {
                *link = after;
                return;
            }
            at = link.slot();
        }
    }

    /// The first slot in the chain of `key`.
    pub(crate) fn first(&self, key: u64) -> Option<usize> {
        self.heads.get(self.bucket(key))?.slot()
    }

    /// The slot after `slot` in its chain.
    pub(crate) fn after(&self, slot: usize) -> Option<usize> {
        self.next.get(slot)?.slot()
    }

    /// The first slot in the chain of `key` that `is_wanted`.
    #[inline(always)]
    pub(crate) fn find(&self, key: u64, is_wanted: impl Fn(usize) -> bool) -> Option<usize> {
        let mut next = self.first(key);
        while let Some(slot) = next
            && !is_wanted(slot)
        {
            next = self.after(slot);
        }
        next
    }

    /// The slots in the chain of `key`.
    pub(crate) fn chain(&self, key: u64) -> impl Iterator<Item = usize> {
        core::iter::successors(self.first(key), |&slot| self.after(slot))
    }
}
