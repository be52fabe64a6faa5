//! A card's I/O ports.

use core::arch::asm;
use core::ops::Range;

use ne2000::{DATA_PORT, DataWidth, PORT_COUNT, RegisterBus};
use x86_64::instructions::port::Port;

/// Ports that belong to the machine itself: the board's own, the screen's, COM1, the
/// interrupt controllers' trigger modes, power management and PCI configuration.
const TAKEN: [Range<u16>; 6] = [
    0x000..0x100,
    0x3b0..0x3e0,
    0x3f8..0x400,
    0x4d0..0x4d2,
    0x600..0x640,
    0xcf8..0xd00,
];

/// The 32 ports of an NE2000.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortBus {
    base: u16,
}

impl PortBus {
    /// The ports from `base` on; `None` where no card can be.
    pub(crate) fn new(base: u16) -> Option<Self> {
        let end = base.checked_add(PORT_COUNT)?;
        let free = TAKEN
            .iter()
            .all(|taken| end <= taken.start || taken.end <= base);
        free.then_some(Self { base })
    }

    /// The port at an offset; offsets beyond the card's are taken modulo its size.
    fn port(self, offset: u8) -> u16 {
        self.base + (u16::from(offset) & (PORT_COUNT - 1))
    }
}

impl RegisterBus for PortBus {
    fn read(&self, offset: u8) -> u8 {
        // SAFETY: the port is the card's, not the machine's.
        unsafe { Port::new(self.port(offset)).read() }
    }

    fn write(&self, offset: u8, value: u8) {
        // SAFETY: as above; the card does not access memory.
        unsafe { Port::new(self.port(offset)).write(value) };
    }

    fn read_block(&self, width: DataWidth, buffer: &mut [u8]) {
        let port = self.port(DATA_PORT);
        let count = buffer.len() / width.bytes();
        let start = buffer.as_mut_ptr();
        // SAFETY: `count` accesses fill at most the buffer; the port is the card's.
        unsafe {
            match width {
                DataWidth::Byte => asm!(
                    "rep insb",
                    inout("rcx") count => _, inout("rdi") start => _, in("dx") port,
                    options(nostack, preserves_flags)
                ),
                DataWidth::Word => asm!(
                    "rep insw",
                    inout("rcx") count => _, inout("rdi") start => _, in("dx") port,
                    options(nostack, preserves_flags)
                ),
                DataWidth::DoubleWord => asm!(
                    "rep insd",
                    inout("rcx") count => _, inout("rdi") start => _, in("dx") port,
                    options(nostack, preserves_flags)
                ),
            }
        }
    }

    fn write_block(&self, width: DataWidth, bytes: &[u8]) {
        let port = self.port(DATA_PORT);
        let count = bytes.len() / width.bytes();
        let start = bytes.as_ptr();
        // SAFETY: `count` accesses read at most the slice; the port is the card's.
        unsafe {
            match width {
                DataWidth::Byte => asm!(
                    "rep outsb",
                    inout("rcx") count => _, inout("rsi") start => _, in("dx") port,
                    options(nostack, preserves_flags, readonly)
                ),
                DataWidth::Word => asm!(
                    "rep outsw",
                    inout("rcx") count => _, inout("rsi") start => _, in("dx") port,
                    options(nostack, preserves_flags, readonly)
                ),
                DataWidth::DoubleWord => asm!(
                    "rep outsd",
                    inout("rcx") count => _, inout("rsi") start => _, in("dx") port,
                    options(nostack, preserves_flags, readonly)
                ),
            }
        }
    }
}
