//! The filters in stacks above a card, on a simulated machine.

mod control;
mod memory;
mod passing;
mod shaping;
mod splicing;
mod support;
