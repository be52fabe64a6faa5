//! A task that computes, to see what is left for one while the network is busy.

use alloc::boxed::Box;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use executive::{Duration, Event, EventKind, Executive, Instant, NtStatus, Priority};

const STACK_BYTES: usize = 16 * 1024;

/// Steps of one round: some 20 µs under emulation.
const STEPS: u32 = 4096;

/// A thread at normal priority that computes when it is told to, without ever waiting.
pub struct Load {
    executive: &'static Executive,
    begin: Event,
    is_running: AtomicBool,
    rounds: AtomicU64,
    /// When it began and is to end, and when it ended its last round, in microseconds.
    begun: AtomicU64,
    end: AtomicU64,
    last: AtomicU64,
}

/// How far the task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whether it still computes.
    pub is_running: bool,
    /// Rounds done, each the same work.
    pub rounds: u64,
    /// The time they took, with all that came in between.
    pub time: Duration,
}

impl Load {
    /// Starts the thread, which waits.
    ///
    /// # Errors
    /// The executive has no event or thread left.
    pub fn new(executive: &'static Executive) -> Result<&'static Self, NtStatus> {
        let load: &'static Self = Box::leak(Box::new(Self {
            executive,
            begin: Event::new(executive, EventKind::Synchronization, false)?,
            is_running: AtomicBool::new(false),
            rounds: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            end: AtomicU64::new(0),
            last: AtomicU64::new(0),
        }));
        executive.spawn("load", Priority::NORMAL, STACK_BYTES, move || load.run())?;
        Ok(load)
    }

    /// Has the task compute for so long; false while it does already.
    pub fn begin(&self, time: Duration) -> bool {
        if self.is_running.swap(true, Ordering::Acquire) {
            return false;
        }
        let now = self.executive.now();
        self.rounds.store(0, Ordering::Relaxed);
        self.begun.store(now.as_micros(), Ordering::Relaxed);
        self.last.store(now.as_micros(), Ordering::Relaxed);
        self.end.store((now + time).as_micros(), Ordering::Relaxed);
        self.begin.set();
        true
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let at = |time: &AtomicU64| Instant::from_micros(time.load(Ordering::Relaxed));
        Progress {
            is_running: self.is_running.load(Ordering::Relaxed),
            rounds: self.rounds.load(Ordering::Relaxed),
            time: at(&self.last).duration_since(at(&self.begun)),
        }
    }

    fn run(&self) {
        loop {
            let _ = self.executive.wait(&self.begin, None);
            loop {
                let now = self.executive.now().as_micros();
                self.last.store(now, Ordering::Relaxed);
                if now >= self.end.load(Ordering::Relaxed) {
                    break;
                }
                compute();
                self.rounds.fetch_add(1, Ordering::Relaxed);
            }
            self.is_running.store(false, Ordering::Release);
        }
    }
}

/// One round.
fn compute() {
    let steps = (0..STEPS).fold(1_u32, |value, step| {
        black_box(value.wrapping_mul(1_664_525).wrapping_add(step))
    });
    black_box(steps);
}
