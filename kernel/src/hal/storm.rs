//! The proof of the interrupt path: interrupts at a high rate, whose handlers and DPCs
//! dirty every SSE register, while two threads that preempt each other hold patterns in
//! their red zones and in all registers.

use core::arch::{asm, naked_asm};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU64, Ordering};

use executive::{Dpc, Duration, Executive, Irql, NtStatus, Priority};
use ndis::platform::InterruptService;
use spin::Once;

use super::idt::{self, ClockGateFault};
use super::lock::InterruptsDisabled;
use super::{clock, interrupts, system};

/// Interrupts in a second during the test.
const RATE: u64 = 10_000;

/// Interrupts that the test waits for.
const INTERRUPTS: u64 = 5000;

/// DPCs and preemptions of which there must be as many at least.
const DPCS: u64 = 500;
const PREEMPTIONS: u64 = 20;

/// When the test stops waiting.
const DEADLINE: Duration = Duration::from_secs(20);

/// Turns of the waiting loop of one round. A round takes about half the time between
/// two interrupts.
const TURNS: u64 = 20_000;

/// Bytes of the threads' stacks, on which interrupts and DPCs run too.
const STACK_BYTES: usize = 64 * 1024;

/// What [`hold_patterns`] may find changed.
const SSE_CHANGED: u64 = 1 << 0;
const RED_ZONE_CHANGED: u64 = 1 << 1;
const GENERAL_CHANGED: u64 = 1 << 2;

/// The test's state, which is also a second service of the clock's line.
struct Storm {
    /// What each interrupt queues.
    dpc: Once<&'static Dpc>,
    interrupts: AtomicU64,
    dpcs: AtomicU64,
    rounds: AtomicU64,
    sse_changed: AtomicU64,
    red_zone_changed: AtomicU64,
    general_changed: AtomicU64,
}

static STORM: Storm = Storm {
    dpc: Once::new(),
    interrupts: AtomicU64::new(0),
    dpcs: AtomicU64::new(0),
    rounds: AtomicU64::new(0),
    sse_changed: AtomicU64::new(0),
    red_zone_changed: AtomicU64::new(0),
    general_changed: AtomicU64::new(0),
};

impl InterruptService for Storm {
    fn service(&self) -> bool {
        self.interrupts.fetch_add(1, Ordering::Relaxed);
        dirty_sse();
        if let Some(dpc) = self.dpc.get() {
            dpc.queue();
        }
        true
    }
}

/// What the test saw.
struct Findings {
    rounds: u64,
    interrupts: u64,
    dpcs: u64,
    preemptions: u64,
    sse_changed: u64,
    red_zone_changed: u64,
    general_changed: u64,
}

impl Findings {
    /// There were interrupts enough, and nothing was changed.
    fn passed(&self) -> bool {
        self.interrupts >= INTERRUPTS
            && self.sse_changed + self.red_zone_changed + self.general_changed == 0
    }

    /// There were DPCs and preemptions enough, too.
    fn covered_dispatching(&self) -> bool {
        self.dpcs >= DPCS && self.preemptions >= PREEMPTIONS
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} interrupts, {} DPCs, {} preemptions, {} rounds; changed: SSE registers {}, \
             red zone {}, general registers {}",
            self.interrupts,
            self.dpcs,
            self.preemptions,
            self.rounds,
            self.sse_changed,
            self.red_zone_changed,
            self.general_changed
        )
    }
}

/// Makes what the test needs, while allocation is possible.
///
/// # Errors
/// When the executive has no DPC left.
pub(crate) fn init(executive: &'static Executive) -> Result<(), NtStatus> {
    let dpc = Dpc::new(executive, "interrupt test", || {
        STORM.dpcs.fetch_add(1, Ordering::Relaxed);
        dirty_sse();
    })?;
    STORM.dpc.call_once(|| dpc);
    Ok(())
}

/// Runs the test. Passive.
pub(super) fn run(output: &mut dyn Write) -> bool {
    test(output, |executive| {
        // Both begin before one is waited for, so that they take turns.
        let threads = [(); 2].map(|()| {
            executive.spawn_static("interrupt test", Priority::NORMAL, STACK_BYTES, &hold)
        });
        for thread in threads {
            thread?.join(None).ok()?;
        }
        Ok(())
    })
    .is_some_and(|findings| findings.passed() && findings.covered_dispatching())
}

/// Runs the control of the test, which fails if the test is any good: with a fault in
/// the clock's gate. Passive.
pub(super) fn run_control(fault: ClockGateFault, output: &mut dyn Write) -> bool {
    test(output, |executive| {
        // At Dispatch no thread and no DPC runs, and interrupts are enabled in
        // `hold_patterns` only: the faulty gate interrupts nothing else.
        let _raised = executive.raise_irql(Irql::Dispatch);
        let _disabled = InterruptsDisabled::enter();
        // SAFETY: see above.
        unsafe { idt::load_with_fault(fault) };
        hold();
        idt::load();
        Ok(())
    })
    .is_some_and(|findings| findings.passed())
}

/// Lets the storm blow while `body` runs. `None` if it could not.
fn test(
    output: &mut dyn Write,
    body: impl FnOnce(&'static Executive) -> Result<(), NtStatus>,
) -> Option<Findings> {
    let executive = system::executive()?;
    for count in [
        &STORM.interrupts,
        &STORM.dpcs,
        &STORM.rounds,
        &STORM.sse_changed,
        &STORM.red_zone_changed,
        &STORM.general_changed,
    ] {
        count.store(0, Ordering::Relaxed);
    }
    let preemptions = executive.counters().preemptions;
    let result = interrupts::connect(clock::LINE, true, &STORM)
        .ok()
        .and_then(|()| {
            clock::set_tick_rate(RATE);
            let result = body(executive);
            clock::set_tick_rate(clock::TICKS_PER_SECOND);
            interrupts::disconnect(clock::LINE, &STORM);
            result
        });
    // Output that cannot be written is no finding.
    if let Err(status) = result {
        let _ = writeln!(output, "not run: {status}");
        return None;
    }
    let findings = Findings {
        rounds: STORM.rounds.load(Ordering::Relaxed),
        interrupts: STORM.interrupts.load(Ordering::Relaxed),
        dpcs: STORM.dpcs.load(Ordering::Relaxed),
        preemptions: executive.counters().preemptions - preemptions,
        sse_changed: STORM.sse_changed.load(Ordering::Relaxed),
        red_zone_changed: STORM.red_zone_changed.load(Ordering::Relaxed),
        general_changed: STORM.general_changed.load(Ordering::Relaxed),
    };
    let _ = writeln!(output, "{findings}");
    Some(findings)
}

/// Holds patterns until there were interrupts enough.
fn hold() {
    let end = clock::now() + DEADLINE;
    while STORM.interrupts.load(Ordering::Relaxed) < INTERRUPTS && clock::now() < end {
        let round = STORM.rounds.fetch_add(1, Ordering::Relaxed);
        let disabled = InterruptsDisabled::enter();
        // SAFETY: the function accesses its own stack only; interrupts are disabled.
        let changed = unsafe { hold_patterns(round << 32, TURNS) };
        drop(disabled);
        for (bit, count) in [
            (SSE_CHANGED, &STORM.sse_changed),
            (RED_ZONE_CHANGED, &STORM.red_zone_changed),
            (GENERAL_CHANGED, &STORM.general_changed),
        ] {
            if changed & bit != 0 {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Leaves no SSE register as it was.
fn dirty_sse() {
    // SAFETY: only registers that are declared are written.
    unsafe {
        asm!(
            "pcmpeqd xmm0, xmm0",
            "pcmpeqd xmm1, xmm1",
            "pcmpeqd xmm2, xmm2",
            "pcmpeqd xmm3, xmm3",
            "pcmpeqd xmm4, xmm4",
            "pcmpeqd xmm5, xmm5",
            "pcmpeqd xmm6, xmm6",
            "pcmpeqd xmm7, xmm7",
            "pcmpeqd xmm8, xmm8",
            "pcmpeqd xmm9, xmm9",
            "pcmpeqd xmm10, xmm10",
            "pcmpeqd xmm11, xmm11",
            "pcmpeqd xmm12, xmm12",
            "pcmpeqd xmm13, xmm13",
            "pcmpeqd xmm14, xmm14",
            "pcmpeqd xmm15, xmm15",
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nomem, nostack, preserves_flags)
        );
    }
}

/// Fills the 128 bytes below the stack pointer and all registers with patterns made
/// from `seed`, waits for `turns` turns of a loop with interrupts enabled, and answers
/// which of them have changed ([`SSE_CHANGED`], ...).
///
/// # Safety
/// The stack must have room for 200 bytes. Interrupts must be disabled.
#[unsafe(naked)]
unsafe extern "C" fn hold_patterns(seed: u64, turns: u64) -> u64 {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        // SSE registers: seed + number in both halves.
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
        "lea rax, [rdi + \\n]",
        "movq xmm\\n, rax",
        "punpcklqdq xmm\\n, xmm\\n",
        ".endr",
        // Red zone: seed + 0x100 + number.
        ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16",
        "lea rax, [rdi + 0x100 + \\n]",
        "mov [rsp - 8 * \\n], rax",
        ".endr",
        // General registers: seed + 0x200.
        ".irp r, rbx, rbp, rdx, r8, r9, r10, r11, r12, r13, r14, r15",
        "lea \\r, [rdi + 0x200]",
        ".endr",
        "mov rcx, rsi",
        "sti",
        "2:",
        "dec rcx",
        "jnz 2b",
        "cli",
        // General registers: differences gather in rbx.
        "sub rbx, rdi",
        "sub rbx, 0x200",
        ".irp r, rbp, rdx, r8, r9, r10, r11, r12, r13, r14, r15",
        "sub \\r, rdi",
        "sub \\r, 0x200",
        "or rbx, \\r",
        ".endr",
        "or rbx, rcx",
        // Red zone: differences gather in r8.
        "xor r8d, r8d",
        ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16",
        "lea rax, [rdi + 0x100 + \\n]",
        "xor rax, [rsp - 8 * \\n]",
        "or r8, rax",
        ".endr",
        // SSE registers, both halves: differences gather in r9.
        "xor r9d, r9d",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
        "lea rcx, [rdi + \\n]",
        "movq rax, xmm\\n",
        "xor rax, rcx",
        "or r9, rax",
        "punpckhqdq xmm\\n, xmm\\n",
        "movq rax, xmm\\n",
        "xor rax, rcx",
        "or r9, rax",
        ".endr",
        "xor eax, eax",
        "test r9, r9",
        "jz 3f",
        "or eax, {sse}",
        "3:",
        "test r8, r8",
        "jz 4f",
        "or eax, {red_zone}",
        "4:",
        "test rbx, rbx",
        "jz 5f",
        "or eax, {general}",
        "5:",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        sse = const SSE_CHANGED,
        red_zone = const RED_ZONE_CHANGED,
        general = const GENERAL_CHANGED,
    )
}
