//! The machine: processor, interrupt controllers, clock, console, buses.

pub(crate) mod apic;
pub(crate) mod clock;
pub(crate) mod console;
pub(crate) mod context;
pub(crate) mod entropy;
mod exceptions;
pub(crate) mod frame;
pub(crate) mod gdt;
pub(crate) mod idt;
pub(crate) mod interrupts;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod pci;
mod pic;
mod pit;
pub(crate) mod port_bus;
pub(crate) mod power;
pub(crate) mod rtc;
mod selftest;
pub(crate) mod serial;
pub(crate) mod storm;
mod stubs;
pub(crate) mod system;
pub(crate) mod vga;
