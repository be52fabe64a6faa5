//! The wrapper between fake miniports and protocols on a simulated machine.

mod intermediate;
mod lifecycle;
mod receive;
mod registration;
mod requests;
mod send;
mod support;
