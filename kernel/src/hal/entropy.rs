//! Bits that an outsider cannot predict.

use core::arch::x86_64::{__cpuid, _rdrand64_step};
use core::sync::atomic::{AtomicU64, Ordering};

use wiring::machine::Date;

use super::{clock, rtc};

/// CPUID leaf 1, ECX: the processor has RDRAND.
const CPUID_RDRAND: u32 = 1 << 30;

/// Attempts at RDRAND, as Intel's guide to it advises (section 5.2.1).
const RDRAND_ATTEMPTS: usize = 10;

/// What all earlier calls have left.
static STATE: AtomicU64 = AtomicU64::new(0);

/// Sixty-four bits from the processor's generator, if it has one, the time-stamp
/// counter, whose low bits change faster than anybody outside can tell, and the time of
/// day.
/// Not fit for keys where the processor has no generator.
pub(crate) fn entropy() -> u64 {
    let mut state = STATE.load(Ordering::Relaxed);
    if state == 0 {
        state = rtc::date().map_or(0, seconds_of_day);
    }
    for source in [clock::counter(), rdrand().unwrap_or(0), clock::counter()] {
        state = mix(state ^ source);
    }
    STATE.store(state, Ordering::Relaxed);
    state
}

/// The part of a date that changes.
fn seconds_of_day(date: Date) -> u64 {
    (u64::from(date.hour) * 60 + u64::from(date.minute)) * 60 + u64::from(date.second)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) after one step.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

/// A number from the processor's generator.
fn rdrand() -> Option<u64> {
    if __cpuid(1).ecx & CPUID_RDRAND == 0 {
        return None;
    }
    (0..RDRAND_ATTEMPTS).find_map(|_| {
        // SAFETY: the processor has the instruction.
        unsafe { rdrand_once() }
    })
}

/// One try; only for processors that have RDRAND.
#[target_feature(enable = "rdrand")]
fn rdrand_once() -> Option<u64> {
    let mut number = 0;
    (_rdrand64_step(&mut number) == 1).then_some(number)
}
