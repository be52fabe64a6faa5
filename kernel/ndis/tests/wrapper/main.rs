//! The wrapper between fake miniports and protocols on a simulated machine.

mod binding;
mod devices;
mod information;
mod intermediate;
mod interrupts;
mod lifecycle;
mod loopback;
mod receive;
mod reentrancy;
mod registration;
mod requests;
mod reset;
mod send;
mod splicing;
mod support;
