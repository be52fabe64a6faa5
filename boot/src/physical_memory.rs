//! Access to physical memory.

use core::ops::Range;
use core::ptr::NonNull;

/// The part of physical memory the loader can reach, mapped in one piece.
///
/// On the machine this is the identity mapping of the first 4 GiB; a host test gives a block of its
/// own memory.
#[derive(Clone, Copy, Debug)]
pub struct PhysicalMemory {
    /// A number and no pointer: the identity mapping starts at 0, and nothing may be derived from a
    /// null pointer.
    offset: usize,
    length: u64,
}

impl PhysicalMemory {
    /// Physical addresses `0..length` (bytes) are found at the addresses from `offset` on.
    ///
    /// # Safety
    /// The whole range must stay mapped there, readable and writable, with its provenance exposed,
    /// for as long as the value is used, and what the memory map calls usable must be used by
    /// nobody else.
    pub const unsafe fn new(offset: usize, length: u64) -> Self {
        Self { offset, length }
    }

    /// The address (bytes) at which physical address 0 is found.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The first physical address that cannot be reached.
    pub const fn limit(&self) -> u64 {
        self.length
    }

    /// A pointer to the physical memory `range`, `None` if it is out of reach, starts at address 0,
    /// or ends before it starts.
    pub fn pointer(&self, range: Range<u64>) -> Option<NonNull<u8>> {
        if range.start == 0 || range.start > range.end || range.end > self.length {
            return None;
        }
        let address = self
            .offset
            .checked_add(usize::try_from(range.start).ok()?)?;
        NonNull::new(core::ptr::with_exposed_provenance_mut(address))
    }

    /// The bytes of the physical memory `range`, `None` where [`Self::pointer`] is.
    ///
    /// # Safety
    /// Nobody may write to the range while the bytes are in use.
    pub unsafe fn bytes<'a>(&self, range: Range<u64>) -> Option<&'a [u8]> {
        let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        let pointer = self.pointer(range)?;
        // SAFETY: the range is mapped (`new`), and the caller keeps writers away.
        Some(unsafe { core::slice::from_raw_parts(pointer.as_ptr(), length) })
    }
}
