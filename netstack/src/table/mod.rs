//! Tables of a fixed size, allocated once: slots with generations, hash chains
//! and lists that run through the slots, and deadlines ordered by time. None
//! of them costs more for holding more, except the deadlines, which cost the
//! logarithm.

mod chains;
mod lists;
mod slots;
#[cfg(test)]
mod tests;
mod timers;

pub(crate) use chains::{HashChains, hash};
pub(crate) use lists::{List, Lists};
pub(crate) use slots::{Handle, Slots};
pub(crate) use timers::Timers;

/// A link to a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link(u32);

impl Link {
    const NONE: Self = Self(u32::MAX);

    const fn to(slot: usize) -> Self {
        Self(slot as u32)
    }

    const fn slot(self) -> Option<usize> {
        if self.0 == u32::MAX {
            None
        } else {
            Some(self.0 as usize)
        }
    }
}
