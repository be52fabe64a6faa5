//! The exit codes of the machine.
//!
//! QEMU's `-device isa-debug-exit,iobase=0xf4,iosize=4` ends QEMU with the status `(code << 1) | 1`
//! when `code` is written to its port. A triple fault under `-no-reboot` ends QEMU with status 0,
//! so 0 says nothing: three verdicts exist, success, failure, and anything else.

/// I/O port of QEMU's `isa-debug-exit` device.
pub const PORT: u16 = 0xf4;

/// Written to [`PORT`] at the end of a run that went well: QEMU ends with status 33.
pub const SUCCESS: u32 = 0x10;

/// Written to [`PORT`] after a failure: QEMU ends with status 35.
pub const FAILURE: u32 = 0x11;
