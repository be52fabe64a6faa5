//! Telling QEMU's card (hw/net/ne2000.c) from a real one.

use crate::bus::RegisterBus;
use crate::memory::CardMemory;

/// Where the PROM has its signature.
const SIGNATURE: u16 = 28;

/// Whether the card's PROM can be written, which no real one's can, and its
/// data port is always open. The latter is tried only after the former: an
/// access that no remote DMA waits for may hang a real bus.
pub(super) fn is_emulated<B: RegisterBus>(memory: &mut CardMemory<B>, page: u8) -> bool {
    prom_can_be_written(memory) && port_is_open(memory, page)
}

fn prom_can_be_written<B: RegisterBus>(memory: &mut CardMemory<B>) -> bool {
    let mut original = [0; 4];
    memory.read(SIGNATURE, &mut original);
    let inverted = original.map(|byte| !byte);
    let kept = keeps(memory, SIGNATURE, inverted);
    keeps(memory, SIGNATURE, original) && kept
}

fn port_is_open<B: RegisterBus>(memory: &mut CardMemory<B>, page: u8) -> bool {
    let address = u16::from_be_bytes([page, 0]);
    memory.registers.abort_remote();
    memory.set_open_port(true);
    let open = keeps(memory, address, *b"QEMU") && keeps(memory, address, [0; 4]);
    memory.set_open_port(false);
    open
}

fn keeps<B: RegisterBus>(memory: &mut CardMemory<B>, address: u16, bytes: [u8; 4]) -> bool {
    let mut found = [0; 4];
    let written = memory.write(address, [&bytes[..]], bytes.len()).is_ok();
    memory.read(address, &mut found);
    written && found == bytes
}
