//! The text screen, which shows the log.
//!
//! Scrolling moves the start of the picture through video memory; lines are only
//! copied when its end is reached. Device memory is slow.

use core::ptr::NonNull;

use volatile::{VolatilePtr, VolatileRef};
use x86_64::instructions::port::Port;

use super::lock::InterruptLock;
use crate::mm;

/// Physical address of the text screen's memory.
const ADDRESS: u64 = 0xb_8000;
/// Cells of its memory.
const CELLS: usize = 0x8000 / 2;
/// Cells of a line.
const COLUMNS: usize = 80;
/// Lines of the picture.
const ROWS: usize = 25;
/// Lines of video memory.
const MEMORY_ROWS: usize = CELLS / COLUMNS;

/// Light grey on black.
const ATTRIBUTE: u16 = 0x07 << 8;
/// An empty cell.
const BLANK: u16 = ATTRIBUTE | b' ' as u16;

/// CRT controller registers: where the picture and the cursor are, in cells, high and
/// low byte.
const START_ADDRESS: [u8; 2] = [0x0c, 0x0d];
const CURSOR: [u8; 2] = [0x0e, 0x0f];

type Cells = VolatileRef<'static, [u16; CELLS]>;

static SCREEN: InterruptLock<Option<Screen>> = InterruptLock::new(None);

struct Screen {
    cells: Cells,
    index: Port<u8>,
    data: Port<u8>,
    /// First line of the picture in video memory.
    top: usize,
    /// Line and column of the next character.
    row: usize,
    column: usize,
}

/// Looks for a text screen and clears it. Without one, [`write()`] does nothing.
pub(crate) fn init() {
    // SAFETY: this is where screens are, and nothing else is.
    let Ok(address) = (unsafe { mm::map_device(ADDRESS, CELLS as u64 * 2) }) else {
        return;
    };
    *SCREEN.lock() = Screen::find(address.cast());
}

/// Shows text. A line feed also returns to the first column.
pub(crate) fn write(bytes: &[u8]) {
    if let Some(mut screen) = SCREEN.try_lock()
        && let Some(screen) = screen.as_mut()
    {
        screen.write(bytes);
    }
}

impl Screen {
    /// The screen at an address, if there is video memory.
    fn find(address: NonNull<[u16; CELLS]>) -> Option<Self> {
        // SAFETY: the memory was just mapped for this alone.
        let cells = unsafe { Cells::new(address) };
        let mut screen = Self {
            cells,
            index: Port::new(0x3d4),
            data: Port::new(0x3d5),
            top: 0,
            row: 0,
            column: 0,
        };
        for pattern in [BLANK, !BLANK] {
            screen.cell(0)?.write(pattern);
            if screen.cell(0)?.read() != pattern {
                return None;
            }
        }
        for row in 0..ROWS {
            screen.clear(row);
        }
        screen.place();
        Some(screen)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' => self.next_line(),
                b' '..=b'~' => self.put(byte),
                _ => {}
            }
        }
        self.place();
    }

    fn put(&mut self, byte: u8) {
        if self.column == COLUMNS {
            self.next_line();
        }
        self.set(
            self.row * COLUMNS + self.column,
            ATTRIBUTE | u16::from(byte),
        );
        self.column += 1;
    }

    fn next_line(&mut self) {
        self.column = 0;
        self.row += 1;
        if self.row == MEMORY_ROWS {
            self.copy_to_front();
        }
        self.top = self.top.max((self.row + 1).saturating_sub(ROWS));
        self.clear(self.row);
    }

    /// Moves the lines that stay on the screen to the front of video memory.
    fn copy_to_front(&mut self) {
        let kept = ROWS - 1;
        let first = MEMORY_ROWS - kept;
        for place in 0..kept * COLUMNS {
            if let Some(value) = self.cell(first * COLUMNS + place).map(VolatilePtr::read) {
                self.set(place, value);
            }
        }
        self.row = kept;
        self.top = 0;
    }

    fn clear(&mut self, row: usize) {
        for column in 0..COLUMNS {
            self.set(row * COLUMNS + column, BLANK);
        }
    }

    fn set(&mut self, place: usize, value: u16) {
        if let Some(cell) = self.cell(place) {
            cell.write(value);
        }
    }

    /// A cell of video memory.
    fn cell(&mut self, place: usize) -> Option<VolatilePtr<'_, u16>> {
        if place >= CELLS {
            return None;
        }
        // SAFETY: the place was just checked.
        Some(unsafe {
            self.cells
                .as_mut_ptr()
                .map(|cells| cells.cast::<u16>().add(place))
        })
    }

    /// Tells the CRT controller where the picture begins and the cursor stands.
    fn place(&mut self) {
        self.set_register(START_ADDRESS, self.top * COLUMNS);
        self.set_register(CURSOR, self.row * COLUMNS + self.column);
    }

    fn set_register(&mut self, registers: [u8; 2], value: usize) {
        for (register, byte) in registers.into_iter().zip((value as u16).to_be_bytes()) {
            // SAFETY: the two registers only move the picture and the cursor.
            unsafe {
                self.index.write(register);
                self.data.write(byte);
            }
        }
    }
}
