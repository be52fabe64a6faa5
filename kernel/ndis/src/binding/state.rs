//! Whether a slot of the table of bindings is in use, and by how many operations, in one word.

use core::sync::atomic::{AtomicU64, Ordering};

/// The slot is in use.
const OPEN: u64 = 1 << 31;
/// The binding is being closed: no operation begins.
const CLOSING: u64 = 1 << 30;
/// Operations under way.
const OPERATIONS: u64 = CLOSING - 1;

/// The generation (which use of the slot this is) in the upper half; [`OPEN`], [`CLOSING`] and the
/// number of operations in the lower half.
///
/// An operation is a send, a request, a pending transfer, a batch of indications that may still
/// use the binding, or the close itself. The last one of a binding being closed frees the slot.
pub(super) struct UseState(AtomicU64);

impl UseState {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn load(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    const fn is_open_word(word: u64) -> bool {
        word & (OPEN | CLOSING) == OPEN
    }

    const fn generation_of(word: u64) -> u32 {
        (word >> 32) as u32
    }

    /// Which use of the slot this is, or the next one will be.
    pub(super) fn generation(&self) -> u32 {
        Self::generation_of(self.load())
    }

    /// Whether it is open and not being closed.
    pub(super) fn is_open(&self) -> bool {
        Self::is_open_word(self.load())
    }

    /// Takes a free slot into use.
    pub(super) fn open(&self) {
        self.0.fetch_or(OPEN, Ordering::AcqRel);
    }

    /// Changes the word of use number `generation` if that is open.
    fn update_open(&self, generation: u32, change: impl Fn(u64) -> u64) -> bool {
        let update = |word| {
            let is_it = Self::is_open_word(word) && Self::generation_of(word) == generation;
            is_it.then(|| change(word))
        };
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, update)
            .is_ok()
    }

    /// Begins an operation of use number `generation`; false unless that is open.
    pub(super) fn acquire(&self, generation: u32) -> bool {
        self.update_open(generation, |word| word + 1)
    }

    /// Begins an operation on behalf of one that is under way.
    pub(super) fn acquire_again(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// Begins to close use number `generation`, which is an operation itself; false unless that
    /// is open.
    pub(super) fn begin_close(&self, generation: u32) -> bool {
        self.update_open(generation, |word| (word | CLOSING) + 1)
    }

    /// Ends an operation; true for the last one of a binding being closed, which is then to be
    /// freed.
    pub(super) fn release(&self) -> bool {
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        before & CLOSING != 0 && before & OPERATIONS == 1
    }

    /// Ends all operations but one of a binding being closed; false if it is not.
    pub(super) fn abandon(&self) -> bool {
        let update = |word: u64| (word & CLOSING != 0).then_some(word & !OPERATIONS | 1);
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, update)
            .is_ok()
    }

    /// Frees the slot after [`UseState::release`] answered true.
    pub(super) fn free(&self) {
        let next = self.generation().wrapping_add(1);
        self.0.store(u64::from(next) << 32, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::UseState;

    #[test]
    fn a_slot_is_freed_by_the_last_operation_of_a_binding_being_closed() {
        let state = UseState::new();
        assert!(!state.acquire(0), "it is free");
        state.open();
        assert!(state.acquire(0) && !state.acquire(1));
        state.acquire_again();
        assert!(!state.release());
        assert!(state.begin_close(0) && !state.begin_close(0));
        assert!(!state.is_open() && !state.acquire(0));
        assert!(!state.release());
        assert!(state.release());
        state.free();
        assert_eq!(state.generation(), 1);
        state.open();
        assert!(state.is_open() && !state.acquire(0) && state.acquire(1));
    }

    #[test]
    fn abandoning_leaves_one_operation_of_a_binding_being_closed() {
        let state = UseState::new();
        state.open();
        state.acquire_again();
        state.acquire_again();
        assert!(!state.abandon(), "it is open");
        assert!(state.begin_close(0));
        assert!(!state.release());
        assert!(state.abandon());
        assert!(state.release());
    }
}
