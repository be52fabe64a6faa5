//! The wrapper between fake miniports and protocols on a simulated machine.

mod binding;
mod devices;
mod intermediate;
mod interrupts;
mod lifecycle;
mod receive;
mod reentrancy;
mod registration;
mod requests;
mod reset;
mod send;
mod support;
