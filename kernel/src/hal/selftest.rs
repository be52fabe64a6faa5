//! Tests of the machine layer that only run on the machine.

use core::fmt::Write;
use core::hint::black_box;

use ndis::platform::InterruptService;
use wiring::machine::SelfTest;

use super::idt::{ClockGateFault, FIRST_LINE_VECTOR};
use super::{clock, interrupts, storm};
use crate::mm;

/// All tests. Those that end the run show that faults are noticed and reported.
pub(crate) static SELF_TESTS: [SelfTest; 10] = [
    SelfTest {
        name: "interrupts",
        summary: "10,000 interrupts a second, DPCs and preemptions leave red zones and registers alone",
        by_default: true,
        run: |output| storm::run(output),
    },
    SelfTest {
        name: "interrupts-without-stack",
        summary: "the same without a stack of the clock's gate: must fail",
        by_default: false,
        run: |output| storm::run_control(ClockGateFault::NoStack, output),
    },
    SelfTest {
        name: "interrupts-without-sse",
        summary: "the same without restoring SSE registers: must fail",
        by_default: false,
        run: |output| storm::run_control(ClockGateFault::NoSse, output),
    },
    SelfTest {
        name: "spurious",
        summary: "interrupts 7 and 15 that no controller has in service are counted as spurious",
        by_default: true,
        run: raise_spurious_interrupts,
    },
    SelfTest {
        name: "panic",
        summary: "panics: ends the run with a report",
        by_default: false,
        run: |_| panic!("asked for on the console"),
    },
    SelfTest {
        name: "panic-in-interrupt",
        summary: "panics in a service routine: ends the run with a report",
        by_default: false,
        run: panic_in_interrupt,
    },
    SelfTest {
        name: "page-fault",
        summary: "reads through a null pointer: ends the run with a report",
        by_default: false,
        run: page_fault,
    },
    SelfTest {
        name: "stack-overflow",
        summary: "calls itself until a guard page: ends the run with a report",
        by_default: false,
        run: |_| overflow_stack(0) > 0,
    },
    SelfTest {
        name: "corrupt-stack",
        summary: "faults with a wrong stack pointer: ends the run with a report",
        by_default: false,
        run: corrupt_stack,
    },
    SelfTest {
        name: "sealed-heap",
        summary: "allocates after the heap was sealed: ends the run with a report",
        by_default: false,
        run: allocate_from_sealed_heap,
    },
];

/// The processor raises the interrupts itself, which looks as if the controllers' requests
/// had gone by the time they were asked for the vector.
fn raise_spurious_interrupts(output: &mut dyn Write) -> bool {
    const FIRST: u8 = FIRST_LINE_VECTOR + 7;
    const SECOND: u8 = FIRST_LINE_VECTOR + 15;
    let lines = [7, 15];
    let before = lines.map(interrupts::counters);
    // SAFETY: both vectors have gates, whose handlers leave every register alone.
    unsafe {
        core::arch::asm!("int {first}", "int {second}", first = const FIRST, second = const SECOND);
    }
    let after = lines.map(interrupts::counters);
    let is_right = before.iter().zip(&after).all(|(before, after)| {
        after.spurious == before.spurious + 1 && after.interrupts == before.interrupts
    });
    let [first, second] = after.map(|counters| counters.spurious);
    // The output cannot fail here.
    let _ = write!(output, "{first} on line 7, {second} on line 15");
    is_right
}

/// A service of the clock's line that does not come back.
struct Panicking {
    /// What it says.
    message: &'static str,
}

impl InterruptService for Panicking {
    fn service(&self) -> bool {
        panic!("{}", self.message)
    }
}

fn panic_in_interrupt(output: &mut dyn Write) -> bool {
    static SERVICE: Panicking = Panicking {
        message: "asked for on the console, in an interrupt",
    };
    let status = interrupts::connect(clock::LINE, true, &SERVICE);
    clock::stall(1_000_000);
    // No interrupt came.
    let _ = writeln!(output, "no clock interrupt for a second: {status}");
    false
}

fn page_fault(output: &mut dyn Write) -> bool {
    let null: *const u64 = black_box(core::ptr::null());
    // SAFETY: page 0 is not mapped, so this does not read anything but ends the run.
    let value = unsafe { null.read_volatile() };
    // It did not.
    let _ = writeln!(output, "read {value:#x} through a null pointer");
    false
}

/// Uses more stack with every call. Its result is of no meaning.
fn overflow_stack(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if depth == u64::MAX {
        return 0;
    }
    overflow_stack(black_box(depth + 1)) + room.iter().sum::<u64>()
}

/// Faults with a stack pointer that leads nowhere.
fn corrupt_stack(_: &mut dyn Write) -> bool {
    // SAFETY: the run ends here; the exception has a stack of its own.
    unsafe {
        core::arch::asm!("mov rsp, 0x1238", "ud2", options(noreturn));
    }
}

fn allocate_from_sealed_heap(output: &mut dyn Write) -> bool {
    mm::seal();
    let allocated = black_box(alloc::boxed::Box::new(black_box(1_u64)));
    // It did allocate.
    let _ = writeln!(output, "allocated at {:p}", &raw const *allocated);
    false
}
