//! The driver's card half against QEMU's own cards, over QEMU's qtest socket:
//! port accesses go into the emulated machine, interrupts come out of it, and
//! the card's network is a pair of datagram sockets.

mod bus;
mod isa;
mod lap;
mod pci;
mod qemu;
mod session;
