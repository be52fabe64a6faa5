//! The heap, for what is allocated while the system starts.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use linked_list_allocator::Heap;

use crate::hal::lock::InterruptLock;
use crate::report;

#[global_allocator]
static HEAP: KernelHeap = KernelHeap {
    heap: InterruptLock::new(Heap::empty()),
    peak: AtomicUsize::new(0),
    sealed: AtomicBool::new(false),
};

struct KernelHeap {
    heap: InterruptLock<Heap>,
    peak: AtomicUsize,
    sealed: AtomicBool,
}

/// The heap in numbers, in bytes.
pub(super) struct HeapFigures {
    pub(super) size: u64,
    pub(super) used: u64,
    pub(super) peak: u64,
    pub(super) sealed: bool,
}

/// Gives the heap its memory.
///
/// # Safety
/// To be called once, with memory that nothing else uses.
pub(super) unsafe fn init(start: *mut u8, bytes: usize) {
    // SAFETY: the caller's word.
    unsafe { HEAP.heap.lock().init(start, bytes) };
}

/// From here on an allocation is a fault and ends the run.
pub(crate) fn seal() {
    HEAP.sealed.store(true, Ordering::Relaxed);
}

pub(super) fn figures() -> HeapFigures {
    let heap = HEAP.heap.lock();
    HeapFigures {
        size: heap.size() as u64,
        used: heap.used() as u64,
        peak: HEAP.peak.load(Ordering::Relaxed) as u64,
        sealed: HEAP.sealed.load(Ordering::Relaxed),
    }
}

// SAFETY: memory comes from the linked list allocator, under a lock.
unsafe impl GlobalAlloc for KernelHeap {
    /// The memory is cleared, see [`super::clear`].
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.sealed.load(Ordering::Relaxed) {
            report::bug_check(format_args!(
                "allocation of {} bytes after the heap was sealed",
                layout.size()
            ));
        }
        let mut heap = self.heap.lock();
        let memory = heap.allocate_first_fit(layout);
        self.peak.fetch_max(heap.used(), Ordering::Relaxed);
        let Ok(memory) = memory else {
            return ptr::null_mut();
        };
        // SAFETY: it was just allocated.
        unsafe { super::clear(memory.as_ptr(), layout.size()) };
        memory.as_ptr()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's word. The memory is zero already.
        unsafe { self.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if let Some(memory) = NonNull::new(memory) {
            // SAFETY: the caller gives back what `alloc` returned for the same layout.
            unsafe { self.heap.lock().deallocate(memory, layout) };
        }
    }
}
