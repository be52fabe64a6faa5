//! The last error of each thread (seed item 51).

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use executive::ThreadId;

use super::error::WsaError;

/// One cell for each slot of the thread table.
///
/// A cell names the thread it belongs to by the slot's generation, so a thread
/// begins without an error although its slot served another one before, and
/// what a thread left ends with it. Only its own thread uses a cell, so plain
/// loads and stores are enough.
#[derive(Debug)]
pub(super) struct LastErrors {
    cells: Box<[AtomicU64]>,
}

impl LastErrors {
    /// Cells for thread slots below `threads`.
    pub(super) fn new(threads: usize) -> Self {
        Self {
            cells: (0..threads).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn get(&self, thread: ThreadId) -> Option<WsaError> {
        let cell = self.cells.get(thread.index())?.load(Ordering::Relaxed);
        let (generation, error) = ((cell >> 32) as u32, cell as u32);
        (generation == thread.generation() && error != 0).then_some(WsaError(error))
    }

    pub(super) fn set(&self, thread: ThreadId, error: Option<WsaError>) {
        if let Some(cell) = self.cells.get(thread.index()) {
            let owned = |error: WsaError| u64::from(thread.generation()) << 32 | u64::from(error.0);
            cell.store(error.map_or(0, owned), Ordering::Relaxed);
        }
    }
}
