//! How much memory there is, and how wide it can be accessed.

use super::set_width;
use crate::bus::{DataWidth, RegisterBus};
use crate::memory::CardMemory;

/// The steps in which memory is looked for, in pages: 8 KiB.
const MEMORY_STEP: u8 = 0x20;

/// The pages from and to which there is memory: from 40 on a 16-bit card, from
/// 20 or 40 on an 8-bit one. At least 8 KiB.
pub(super) fn find_memory<B: RegisterBus>(
    memory: &mut CardMemory<B>,
    limit: u8,
) -> Option<(u8, u8)> {
    let starts: &[u8] = match memory.width() {
        DataWidth::Byte => &[0x20, 0x40],
        _ => &[0x40],
    };
    for &start in starts {
        let mut stop = start;
        while stop < limit && has_memory(memory, start, stop) {
            stop = limit.min(stop + MEMORY_STEP);
        }
        if stop > start {
            return Some((start, stop));
        }
    }
    None
}

/// Whether the step of pages at `page` keeps what is written to its first and
/// its last page, without being an echo of the memory at `start`.
fn has_memory<B: RegisterBus>(memory: &mut CardMemory<B>, start: u8, page: u8) -> bool {
    let last = page + (MEMORY_STEP - 1);
    let written = keep_pattern(memory, page) && keep_pattern(memory, last);
    written && holds_pattern(memory, start) && holds_pattern(memory, page)
}

/// A pattern that is different for every page.
fn pattern(page: u8) -> [u8; 8] {
    [page, !page, 0x55, 0xAA, page ^ 0x5A, 0x00, 0xFF, page]
}

fn keep_pattern<B: RegisterBus>(memory: &mut CardMemory<B>, page: u8) -> bool {
    let pattern = pattern(page);
    let address = u16::from_be_bytes([page, 0]);
    memory.write(address, [&pattern[..]], pattern.len()).is_ok() && holds_pattern(memory, page)
}

fn holds_pattern<B: RegisterBus>(memory: &mut CardMemory<B>, page: u8) -> bool {
    let mut found = [0; 8];
    memory.read(u16::from_be_bytes([page, 0]), &mut found);
    found == pattern(page)
}

/// The widest access, up to `widest`, that writes and reads the same as `base`.
pub(super) fn widest_data_port<B: RegisterBus>(
    memory: &mut CardMemory<B>,
    page: u8,
    base: DataWidth,
    widest: DataWidth,
) -> DataWidth {
    for width in [DataWidth::DoubleWord, DataWidth::Word] {
        if base < width && width <= widest && width_works(memory, page, base, width) {
            return width;
        }
    }
    base
}

fn width_works<B: RegisterBus>(
    memory: &mut CardMemory<B>,
    page: u8,
    base: DataWidth,
    width: DataWidth,
) -> bool {
    let address = u16::from_be_bytes([page, 0]);
    let mut sample = [0; 32];
    for (index, byte) in sample.iter_mut().enumerate() {
        *byte = (index as u8).wrapping_mul(0x3B) ^ 0xC6;
    }
    let inverted = sample.map(|byte| !byte);
    let mut found = [0; 32];

    // Written wide, read narrow.
    set_width(memory, width);
    let written = memory.write(address, [&sample[..]], sample.len()).is_ok();
    set_width(memory, base);
    memory.read(address, &mut found);
    let writes = written && found == sample;
    // Written narrow, read wide.
    let written = memory
        .write(address, [&inverted[..]], inverted.len())
        .is_ok();
    set_width(memory, width);
    memory.read(address, &mut found);
    let reads = written && found == inverted;
    set_width(memory, base);
    writes && reads
}
