//! Handles: the names by which requests mean endpoints (seed item 59).
//!
//! A handle is an entry of a table that refers to an endpoint. Several handles
//! may refer to one; the last to be closed tears it down.

use core::fmt;

use executive::status::NtStatus;

use crate::table::{Key, Slab};
use executive::pool::PoolUsage;

/// Names an endpoint in a request. A handle that was closed never names
/// anything again: its number carries a generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(u64);

impl Handle {
    /// The handle that names nothing.
    pub const NULL: Self = Self(0);

    /// The handle with this number, which may name nothing.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The handle's place in the table of handles.
    pub(crate) const fn slot(self) -> usize {
        (self.0 & 0xFFFF_FFFF) as usize
    }

    /// Which use of its place the handle is; never 0 for one that names
    /// something.
    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The handle's number.
    pub const fn to_raw(self) -> u64 {
        self.0
    }
}

impl Default for Handle {
    fn default() -> Self {
        Self::NULL
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Handle({self})")
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}.{:x}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

#[derive(Debug)]
struct HandleEntry {
    endpoint: Key,
    /// Cleared by CLEANUP; only CLOSE is possible afterwards.
    is_open: bool,
}

/// The table of all handles.
#[derive(Debug)]
pub(crate) struct HandleTable {
    entries: Slab<HandleEntry>,
}

impl HandleTable {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            entries: Slab::new(size),
        }
    }

    /// Makes a handle to `endpoint`.
    ///
    /// # Errors
    /// INSUFFICIENT_RESOURCES when the table is full.
    pub(crate) fn insert(&mut self, endpoint: Key) -> Result<Handle, NtStatus> {
        let entry = HandleEntry {
            endpoint,
            is_open: true,
        };
        let key = self
            .entries
            .insert(entry)
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Handle(key.to_raw()))
    }

    /// The endpoint of an open handle.
    ///
    /// # Errors
    /// INVALID_HANDLE for a number that names nothing, FILE_CLOSED after
    /// CLEANUP.
    pub(crate) fn endpoint(&self, handle: Handle) -> Result<Key, NtStatus> {
        let entry = self
            .entries
            .get(Key::from_raw(handle.0))
            .ok_or(NtStatus::INVALID_HANDLE)?;
        if entry.is_open {
            Ok(entry.endpoint)
        } else {
            Err(NtStatus::FILE_CLOSED)
        }
    }

    /// Marks a handle as cleaned up and gives its endpoint.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    pub(crate) fn clean_up(&mut self, handle: Handle) -> Result<Key, NtStatus> {
        let entry = self
            .entries
            .get_mut(Key::from_raw(handle.0))
            .ok_or(NtStatus::INVALID_HANDLE)?;
        if !core::mem::replace(&mut entry.is_open, false) {
            return Err(NtStatus::FILE_CLOSED);
        }
        Ok(entry.endpoint)
    }

    /// Removes a handle and gives its endpoint.
    ///
    /// # Errors
    /// INVALID_HANDLE for a number that names nothing.
    pub(crate) fn remove(&mut self, handle: Handle) -> Result<Key, NtStatus> {
        let entry = self
            .entries
            .remove(Key::from_raw(handle.0))
            .ok_or(NtStatus::INVALID_HANDLE)?;
        Ok(entry.endpoint)
    }

    pub(crate) const fn usage(&self) -> PoolUsage {
        self.entries.usage()
    }
}
