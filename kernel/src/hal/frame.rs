//! What an interrupt or exception leaves of the interrupted code.

use core::fmt;
use core::mem::offset_of;

use crate::mm::Plain;

/// State of the interrupted code, as the stubs lay it out, lowest address first.
///
/// The last five words are what the processor itself pushes (and what `iretq`
/// takes). Its address is a multiple of 16.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterruptFrame {
    /// SSE registers; the prebuilt `core` uses them freely. Filled in for interrupts
    /// only: exceptions never return.
    pub(crate) xmm: [u128; 16],
    /// SSE control and status.
    pub(crate) mxcsr: u64,
    /// Makes the number of words even, as the processor aligns what it pushes to 16
    /// bytes.
    padding: u64,
    pub(crate) r15: u64,
    pub(crate) r14: u64,
    pub(crate) r13: u64,
    pub(crate) r12: u64,
    pub(crate) rbp: u64,
    pub(crate) rbx: u64,
    pub(crate) r11: u64,
    pub(crate) r10: u64,
    pub(crate) r9: u64,
    pub(crate) r8: u64,
    pub(crate) rdi: u64,
    pub(crate) rsi: u64,
    pub(crate) rdx: u64,
    pub(crate) rcx: u64,
    pub(crate) rax: u64,
    pub(crate) vector: u64,
    /// What the processor adds for some exceptions; else 0.
    pub(crate) error_code: u64,
    pub(crate) rip: u64,
    pub(crate) cs: u64,
    pub(crate) rflags: u64,
    pub(crate) rsp: u64,
    pub(crate) ss: u64,
}

// SAFETY: it consists of numbers.
unsafe impl Plain for InterruptFrame {}

/// RFLAGS.IF: interrupts are enabled.
pub(crate) const INTERRUPT_FLAG: u64 = 1 << 9;

// The stubs rely on these.
const _: () = {
    assert!(offset_of!(InterruptFrame, mxcsr) == 256);
    assert!(offset_of!(InterruptFrame, r15) == 272);
    assert!(offset_of!(InterruptFrame, rax) == 384);
    assert!(offset_of!(InterruptFrame, vector) == 392);
    assert!(offset_of!(InterruptFrame, rip) == 408);
    assert!(offset_of!(InterruptFrame, ss) == 440);
    assert!(size_of::<InterruptFrame>() == 448);
};

impl fmt::Display for InterruptFrame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "  rip {:016x}  rflags {:08x}  cs {:02x}  ss {:02x}  error code {:x}",
            self.rip, self.rflags, self.cs, self.ss, self.error_code
        )?;
        let rows = [
            [("rax", self.rax), ("rbx", self.rbx), ("rcx", self.rcx)],
            [("rdx", self.rdx), ("rsi", self.rsi), ("rdi", self.rdi)],
            [("rbp", self.rbp), ("rsp", self.rsp), (" r8", self.r8)],
            [(" r9", self.r9), ("r10", self.r10), ("r11", self.r11)],
            [("r12", self.r12), ("r13", self.r13), ("r14", self.r14)],
        ];
        for row in rows {
            for (name, value) in row {
                write!(formatter, "  {name} {value:016x}")?;
            }
            writeln!(formatter)?;
        }
        write!(formatter, "  r15 {:016x}", self.r15)
    }
}
