//! The driver's card half against the register model.

mod accesses;
mod interrupts;
mod probe;
mod property;
mod receive;
mod recovery;
mod support;
mod transmit;
