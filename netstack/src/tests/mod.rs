//! What the tests of all layers share, and the tests that need several layers.

mod property;
pub(crate) mod support;
mod wire;
