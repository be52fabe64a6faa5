//! Work with another thread beside it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Does some work while another thread is busy, until the work is done: `busy` looks at its argument now and then and ends when it is set.
pub fn meanwhile<T>(busy: impl FnOnce(&AtomicBool) + Send, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || busy(done));
        let _stop = Stop(done);
        work()
    })
}

/// Ends the other thread, also when this one fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
