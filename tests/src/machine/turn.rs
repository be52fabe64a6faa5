//! Whose turn it is: machines run beside each other, except one that measures and must have the host for itself.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What runs in this process.
#[derive(Debug)]
struct Running {
    machines: usize,
    /// Whether one of them is alone.
    alone: bool,
    /// How many wait for being alone; who comes new lets them go first.
    waiting: usize,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    machines: 0,
    alone: false,
    waiting: 0,
});
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// Machines of this test: a test that has one gets another at once, or it would wait for itself.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

/// A machine's right to run, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    alone: bool,
}

impl Turn {
    /// Waits for it.
    pub(super) fn take(alone: bool) -> Self {
        let mut running = lock();
        if alone {
            running.waiting += 1;
            running = wait_while(running, |running| running.machines > 0);
            running.waiting -= 1;
            running.alone = true;
        } else if OWN.get() == 0 {
            running = wait_while(running, |running| running.alone || running.waiting > 0);
        }
        running.machines += 1;
        OWN.set(OWN.get() + 1);
        Self { alone }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = lock();
        running.machines -= 1;
        running.alone &= !self.alone;
        OWN.set(OWN.get().saturating_sub(1));
        CHANGED.notify_all();
    }
}

fn lock() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait_while(
    running: MutexGuard<'static, Running>,
    condition: impl Fn(&Running) -> bool,
) -> MutexGuard<'static, Running> {
    CHANGED
        .wait_while(running, |running| condition(running))
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn one_that_is_alone_waits_for_the_others_and_they_for_it() {
        static BESIDE: AtomicUsize = AtomicUsize::new(0);
        let enter = |alone| {
            let _turn = Turn::take(alone);
            let beside = BESIDE.fetch_add(1, Ordering::SeqCst);
            assert!(!alone || beside == 0, "{beside} beside one that is alone");
            thread::yield_now();
            BESIDE.fetch_sub(1, Ordering::SeqCst);
        };
        thread::scope(|scope| {
            for number in 0..8 {
                scope.spawn(move || (0..200).for_each(|round| enter((number + round) % 4 == 0)));
            }
        });
    }

    #[test]
    fn a_second_machine_of_a_test_does_not_wait() {
        let first = Turn::take(false);
        let second = thread::scope(|scope| {
            let other = scope.spawn(|| drop(Turn::take(true)));
            while !other.is_finished() && lock().waiting == 0 {
                thread::yield_now();
            }
            let second = Turn::take(false);
            drop(first);
            drop(second);
            other.join()
        });
        assert!(second.is_ok());
    }
}
