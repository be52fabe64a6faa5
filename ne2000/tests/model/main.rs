//! The driver's card half against the register model.

mod accesses;
mod interrupts;
mod laps;
mod probe;
mod property;
mod receive;
mod recovery;
mod registers;
mod removal;
mod ring;
mod scripts;
mod shared_line;
mod support;
mod transmit;
