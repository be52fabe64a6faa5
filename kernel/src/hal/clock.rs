//! The clock: time since the start from the time-stamp counter, in microseconds.
//!
//! The counter's frequency is measured against the interval timer; nothing tells it
//! under emulation. The clock's interrupt only makes the executive look at its timers:
//! ticks may be late or lost without harm to the time.

use core::arch::x86_64::_rdtsc;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use executive::Instant;
use ndis::platform::InterruptService;
use wiring::support::time_scale::TimeScale;

use super::lock::InterruptLock;
use super::pit::{self, IntervalTimer};
use super::{console, serial, system};

/// Clock interrupts in a second.
pub(crate) const TICKS_PER_SECOND: u64 = 1000;

/// The interrupt line of the interval timer.
pub(crate) const LINE: u8 = 0;

/// Counts of the interval timer that each half of a measurement takes: 1 ms.
const HALF: u16 = 1194;

/// Readings of which the least disturbed is taken, at each point of a measurement.
const READINGS: usize = 3;

/// Measurements of which the best is taken, if none is good.
const ATTEMPTS: usize = 8;

/// Errors of a good and of a bearable measurement, in millionths.
const GOOD_ERROR: u64 = 400;
const BEARABLE_ERROR: u64 = 20_000;

/// Frequencies that a time-stamp counter can have, in Hz.
const PLAUSIBLE: Range<u64> = 50_000_000..20_000_000_000;

static TIMER: InterruptLock<IntervalTimer> = InterruptLock::new(IntervalTimer::new());

/// The counter when the kernel was entered.
static START: AtomicU64 = AtomicU64::new(0);
/// The counter's [`TimeScale`]; 0 until it is known.
static SCALE: AtomicU64 = AtomicU64::new(0);
/// The counter's frequency, in Hz.
static FREQUENCY: AtomicU64 = AtomicU64::new(0);
/// The service of the clock's interrupts.
pub(crate) static INTERRUPT: ClockInterrupt = ClockInterrupt {
    ticks: AtomicU64::new(0),
};

/// A point in time on both counters.
#[derive(Clone, Copy)]
struct Reading {
    /// The time-stamp counter.
    counter: u64,
    /// The interval timer, which counts down.
    timer: u16,
    /// Time-stamp counts within which the timer came to its value.
    uncertainty: u64,
}

/// A measurement of the time-stamp counter's frequency.
#[derive(Clone, Copy)]
struct Measurement {
    hertz: u64,
    /// How wrong it may be, in millionths.
    error: u64,
}

/// The time-stamp counter.
pub(crate) fn counter() -> u64 {
    // SAFETY: every x86_64 processor has the instruction, and the kernel runs in ring 0.
    unsafe { _rdtsc() }
}

/// Time starts now; it stands still until [`calibrate`].
pub(crate) fn start() {
    START.store(counter(), Ordering::Relaxed);
}

/// Time since [`start`].
pub(crate) fn now() -> Instant {
    let counts = counter().saturating_sub(START.load(Ordering::Relaxed));
    let scale = TimeScale::from_factor(SCALE.load(Ordering::Relaxed));
    Instant::from_micros(scale.microseconds(counts))
}

/// The frequency of the time-stamp counter, in Hz.
pub(crate) fn frequency() -> u64 {
    FREQUENCY.load(Ordering::Relaxed)
}

/// Clock interrupts so far.
pub(crate) fn ticks() -> u64 {
    INTERRUPT.ticks.load(Ordering::Relaxed)
}

/// Measures the frequency of the time-stamp counter, which takes 2 ms if nothing
/// disturbs it. Interrupts must be disabled.
///
/// # Panics
/// When the counter or the interval timer does not count as it should.
pub(crate) fn calibrate() {
    let mut timer = TIMER.lock();
    timer.start(0);
    let best = best_measurement(&mut timer);
    let Some((hertz, scale)) =
        best.and_then(|best| Some((best.hertz, TimeScale::from_hertz(best.hertz)?)))
    else {
        panic!("the time-stamp counter and the interval timer disagree: no clock");
    };
    FREQUENCY.store(hertz, Ordering::Relaxed);
    SCALE.store(scale.factor(), Ordering::Relaxed);
}

/// Makes the clock's interrupt come `hertz` times a second.
pub(crate) fn set_tick_rate(hertz: u64) {
    TIMER.lock().start_at(hertz);
}

/// The first good measurement, or the best of the bearable ones.
fn best_measurement(timer: &mut IntervalTimer) -> Option<Measurement> {
    let mut best: Option<Measurement> = None;
    for _ in 0..ATTEMPTS {
        let Some(measurement) = measure(timer) else {
            continue;
        };
        if best.is_none_or(|best| measurement.error < best.error) {
            best = Some(measurement);
        }
        if measurement.error <= GOOD_ERROR {
            break;
        }
    }
    best.filter(|best| best.error <= BEARABLE_ERROR)
}

/// Measures the frequency in two halves, which differ when the machine was stopped
/// meanwhile for longer than the timer takes for all its counts.
fn measure(timer: &mut IntervalTimer) -> Option<Measurement> {
    let begin = read(timer)?;
    wait_until(timer, begin.timer, HALF);
    let middle = read(timer)?;
    wait_until(timer, middle.timer, HALF);
    let end = read(timer)?;
    let first = hertz_between(begin, middle)?;
    let second = hertz_between(middle, end)?;
    let hertz = hertz_between(begin, end).filter(|hertz| PLAUSIBLE.contains(hertz))?;
    let uncertainty = u64::midpoint(begin.uncertainty, end.uncertainty);
    let counts = end.counter - begin.counter;
    let by_reading = 1_000_000 * uncertainty / counts.max(1);
    // Each half is less certain than the whole.
    let by_halves = 1_000_000 * first.abs_diff(second) / hertz / 4;
    Some(Measurement {
        hertz,
        error: by_reading.max(by_halves),
    })
}

/// The time-stamp counter's frequency from two readings.
fn hertz_between(begin: Reading, end: Reading) -> Option<u64> {
    let counts = end.counter.checked_sub(begin.counter)?;
    let timer = u64::from(begin.timer.wrapping_sub(end.timer));
    u64::try_from(u128::from(counts) * u128::from(pit::FREQUENCY) / u128::from(timer.max(1))).ok()
}

/// Waits for `counts` counts of the timer after it showed `since`.
fn wait_until(timer: &mut IntervalTimer, since: u16, counts: u16) {
    // A timer that stands still is noticed by the next reading.
    for _ in 0..1_000_000 {
        if since.wrapping_sub(timer.count()) >= counts {
            return;
        }
    }
}

/// Reads both counters at a moment when the timer goes on by one.
fn read(timer: &mut IntervalTimer) -> Option<Reading> {
    (0..READINGS)
        .filter_map(|_| read_once(timer))
        .min_by_key(|reading| reading.uncertainty)
}

fn read_once(timer: &mut IntervalTimer) -> Option<Reading> {
    /// Reads for one count, which takes 838 ns; a read takes at least 30.
    const POLLS: usize = 1000;

    let mut before = counter();
    let old = timer.count();
    for _ in 0..POLLS {
        let between = counter();
        let count = timer.count();
        if count != old {
            let uncertainty = counter() - before;
            return Some(Reading {
                counter: before + uncertainty / 2,
                timer: count,
                uncertainty,
            });
        }
        before = between;
    }
    None
}

/// Waits for `microseconds`, at least.
pub(crate) fn stall(microseconds: u64) {
    let end = now().as_micros() + microseconds;
    while now().as_micros() < end {
        core::hint::spin_loop();
    }
}

/// The interrupt of the interval timer.
pub(crate) struct ClockInterrupt {
    ticks: AtomicU64,
}

impl InterruptService for ClockInterrupt {
    fn service(&self) -> bool {
        self.ticks.fetch_add(1, Ordering::Relaxed);
        if let Some(executive) = system::executive() {
            executive.clock_tick();
        }
        if serial::tick() {
            // What was given up may have been the prompt that somebody waits for.
            console::disturb();
        }
        true
    }
}

/// Displays a time as seconds and microseconds, padded on the left if a width is given.
pub(crate) struct TimeStamp(Instant);

impl TimeStamp {
    /// The present time.
    pub(crate) fn now() -> Self {
        Self(now())
    }
}

impl fmt::Display for TimeStamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = formatter
            .width()
            .unwrap_or(0)
            .saturating_sub(".000000".len());
        let microseconds = self.0.as_micros();
        write!(
            formatter,
            "{:width$}.{:06}",
            microseconds / 1_000_000,
            microseconds % 1_000_000
        )
    }
}
