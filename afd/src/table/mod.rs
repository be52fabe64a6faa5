//! Tables of fixed size: slots with generations, lists through them, and a
//! heap of deadlines. Everything is allocated when a table is made; a full
//! table answers `None` and counts it.

mod deadlines;
mod lists;
mod slab;

#[cfg(test)]
mod tests;

pub(crate) use deadlines::Deadlines;
pub(crate) use lists::{List, Lists};
pub(crate) use slab::{Key, Slab};
