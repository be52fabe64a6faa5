//! The instrumented atomics, in the place of the library's `sync` module.

pub(crate) mod atomic {
    pub(crate) use super::weak::{AtomicU32, AtomicU64};
    pub(crate) use core::sync::atomic::Ordering;
}

pub(crate) use weak::{strengthened, tagless, weakened};

mod weak {
    use core::cell::Cell;
    use core::sync::atomic::Ordering;

    std::thread_local! {
        /// Every ordering is `Relaxed`. A model runs on one host thread.
        static WEAKENED: Cell<bool> = const { Cell::new(false) };

        /// Every load and store is a read-modify-write.
        static STRONG: Cell<bool> = const { Cell::new(false) };

        /// Exchanges clear what is above the lower 40 bits of a word.
        static TAGLESS: Cell<bool> = const { Cell::new(false) };
    }

    /// Runs `control` with every memory ordering weakened to `Relaxed`.
    pub(crate) fn weakened(control: impl FnOnce()) {
        WEAKENED.set(true);
        control();
        WEAKENED.set(false);
    }

    /// Runs `model` with loads and stores that are exchanges, of which there is
    /// one order. The checker remembers one access of an atomic at a time, so
    /// that a thread's own load hides the other threads' loads before it from
    /// the search for interleavings; an exchange does not. For the same reason
    /// `fetch_update` always begins with an exchange.
    pub(crate) fn strengthened(model: impl FnOnce()) {
        STRONG.set(true);
        model();
        STRONG.set(false);
    }

    /// Runs `control` without the tag of a list's head.
    pub(crate) fn tagless(control: impl FnOnce()) {
        TAGLESS.set(true);
        control();
        TAGLESS.set(false);
    }

    fn effective(ordering: Ordering) -> Ordering {
        if WEAKENED.get() {
            Ordering::Relaxed
        } else {
            ordering
        }
    }

    macro_rules! atomic {
        ($name:ident, $value:ty) => {
            /// The instrumented atomic with orderings that can be weakened.
            #[derive(Debug)]
            pub(crate) struct $name(loom::sync::atomic::$name);

            #[allow(dead_code, reason = "each type has the methods of both")]
            impl $name {
                pub(crate) fn new(value: $value) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                pub(crate) fn load(&self, order: Ordering) -> $value {
                    if STRONG.get() {
                        self.0.fetch_or(0, effective(order))
                    } else {
                        self.0.load(effective(order))
                    }
                }

                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    if STRONG.get() {
                        self.0.swap(value, effective(order));
                    } else {
                        self.0.store(value, effective(order));
                    }
                }

                pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                    self.0.swap(value, effective(order))
                }

                pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                    self.0.fetch_add(value, effective(order))
                }

                pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                    self.0.fetch_sub(value, effective(order))
                }

                pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                    self.0.fetch_and(value, effective(order))
                }

                pub(crate) fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                    self.0.fetch_max(value, effective(order))
                }

                pub(crate) fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    let (success, failure) = (effective(success), effective(failure));
                    let below_tag = <$value>::try_from((1_u64 << 40) - 1);
                    let kept = match below_tag {
                        Ok(kept) if TAGLESS.get() => kept,
                        _ => <$value>::MAX,
                    };
                    self.0
                        .compare_exchange_weak(current, new & kept, success, failure)
                }

                pub(crate) fn fetch_update(
                    &self,
                    success: Ordering,
                    failure: Ordering,
                    mut update: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    let mut current = self.0.fetch_or(0, effective(failure));
                    while let Some(new) = update(current) {
                        match self.compare_exchange_weak(current, new, success, failure) {
                            Ok(previous) => return Ok(previous),
                            Err(other) => current = other,
                        }
                    }
                    Err(current)
                }
            }
        };
    }

    atomic!(AtomicU32, u32);
    atomic!(AtomicU64, u64);
}
