//! Memory: all of it is taken at the start.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::passing::KINDS;
use crate::support::run;

std::thread_local! {
    /// Allocations of this thread, while they are counted.
    static ALLOCATIONS: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The system's allocator, which counts.
struct Counting;

// SAFETY: everything is passed to the system's allocator, whose contract this is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get().map(|count| count + 1)));
        // SAFETY: the caller keeps the contract of this function, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `body` allocates.
pub(crate) fn allocations(body: impl FnOnce()) -> Option<usize> {
    ALLOCATIONS.with(|count| count.set(Some(0)));
    body();
    ALLOCATIONS.with(Cell::take)
}

#[test]
fn adding_using_and_removing_filters_allocates_nothing() {
    run(0, |world| {
        let adapter = world.adapter;
        assert_eq!(allocations(|| drop(Box::new(1))), Some(1));
        let splicing = allocations(|| {
            for _ in 0..3 {
                for kind in KINDS {
                    assert!(world.filters.add(kind, &adapter.top()).is_ok());
                }
                for name in [
                    "capture1",
                    "netem1",
                    "firewall1",
                    "capture2",
                    "netem2",
                    "firewall2",
                ] {
                    assert_eq!(world.filters.remove(name), Ok(()));
                }
            }
        });
        assert_eq!(splicing, Some(0));
        // The card and the protocol of the test allocate for each frame; as many with filters.
        let send = || allocations(|| assert!(world.tcpip.send(1).is_success()));
        let without = (0..8).map(|_| send()).min().flatten();
        for kind in KINDS {
            world.add(kind);
        }
        world.tcpip.send(1);
        let with = (0..8).map(|_| send()).min().flatten();
        assert_eq!(with, without);
    });
}
