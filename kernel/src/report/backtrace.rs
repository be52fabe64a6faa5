//! Prints the chain of calls.

use core::arch::naked_asm;
use core::fmt::{self, Write};
use core::slice;

use gimli::X86_64;
use wiring::support::unwind::{Registers, Unwinder};

use super::symbols::Symbolic;
use crate::hal::frame::InterruptFrame;
use crate::mm;

/// Longest chain that is followed.
const MAX_CALLS: usize = 500;

unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __eh_frame_start: u8;
    static __eh_frame_end: u8;
    /// Where the handler of a device interrupt returns to in its stub; the stack
    /// pointer is the interrupt's frame there.
    static hal_interrupt_return: u8;
}

/// Callee-saved registers and what a function finds on its entry.
#[repr(C)]
#[derive(Default)]
struct Captured {
    rbx: u64,
    rbp: u64,
    r12: u64,
    r13: u64,
    r14: u64,
    r15: u64,
    rsp: u64,
    rip: u64,
}

/// Captures the registers of the caller as they are after the call.
#[unsafe(naked)]
extern "C" fn capture(captured: &mut Captured) {
    naked_asm!(
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "lea rax, [rsp + 8]",
        "mov [rdi + 48], rax",
        "mov rax, [rsp]",
        "mov [rdi + 56], rax",
        "ret",
    )
}

impl From<&Captured> for Registers {
    fn from(captured: &Captured) -> Self {
        let mut registers = Self::at(captured.rip, false);
        registers.set(X86_64::RBX, captured.rbx);
        registers.set(X86_64::RBP, captured.rbp);
        registers.set(X86_64::R12, captured.r12);
        registers.set(X86_64::R13, captured.r13);
        registers.set(X86_64::R14, captured.r14);
        registers.set(X86_64::R15, captured.r15);
        registers.set(X86_64::RSP, captured.rsp);
        registers
    }
}

impl From<&InterruptFrame> for Registers {
    fn from(frame: &InterruptFrame) -> Self {
        let mut registers = Self::at(frame.rip, true);
        for (register, value) in [
            (X86_64::RAX, frame.rax),
            (X86_64::RDX, frame.rdx),
            (X86_64::RCX, frame.rcx),
            (X86_64::RBX, frame.rbx),
            (X86_64::RSI, frame.rsi),
            (X86_64::RDI, frame.rdi),
            (X86_64::RBP, frame.rbp),
            (X86_64::RSP, frame.rsp),
            (X86_64::R8, frame.r8),
            (X86_64::R9, frame.r9),
            (X86_64::R10, frame.r10),
            (X86_64::R11, frame.r11),
            (X86_64::R12, frame.r12),
            (X86_64::R13, frame.r13),
            (X86_64::R14, frame.r14),
            (X86_64::R15, frame.r15),
        ] {
            registers.set(register, value);
        }
        registers
    }
}

/// Writes the chain of calls that led to the interrupted code of `frame`, or to the
/// caller.
pub(super) fn write(output: &mut dyn Write, frame: Option<&InterruptFrame>) -> fmt::Result {
    let unwinder = unwinder();
    let mut registers: Registers = if let Some(frame) = frame {
        frame.into()
    } else {
        let mut captured = Captured::default();
        capture(&mut captured);
        (&captured).into()
    };
    let mut printer = Printer::new(output);
    printer.begin()?;
    for _ in 0..MAX_CALLS {
        printer.call(&registers)?;
        let caller = if registers.rip == &raw const hal_interrupt_return as u64 {
            let frame = mm::peek::<InterruptFrame>(registers.get(X86_64::RSP));
            if let Some(frame) = &frame {
                printer.interrupt(frame)?;
            }
            frame.as_ref().map(Registers::from)
        } else {
            unwinder.caller(&registers)
        };
        let Some(caller) = caller else {
            break;
        };
        registers = caller;
    }
    printer.end()
}

/// Prints calls, and those of a recursion once.
struct Printer<'a> {
    output: &'a mut dyn Write,
    number: usize,
    last: u64,
    repetitions: usize,
}

impl<'a> Printer<'a> {
    fn new(output: &'a mut dyn Write) -> Self {
        Self {
            output,
            number: 0,
            last: 0,
            repetitions: 0,
        }
    }

    fn begin(&mut self) -> fmt::Result {
        writeln!(self.output, "backtrace:")
    }

    fn call(&mut self, registers: &Registers) -> fmt::Result {
        let address = registers.rip;
        if address == self.last {
            self.repetitions += 1;
        } else {
            self.end_repetition()?;
            // Behind a call that never returns there may be the next function.
            let name = Symbolic(address.saturating_sub(u64::from(!registers.exact)));
            writeln!(self.output, "  {:3}: {address:#018x} {name}", self.number)?;
        }
        self.last = address;
        self.number += 1;
        Ok(())
    }

    fn interrupt(&mut self, frame: &InterruptFrame) -> fmt::Result {
        // The interrupted code may be what was printed last.
        self.last = 0;
        writeln!(
            self.output,
            "       interrupt, vector {:#04x}",
            frame.vector
        )
    }

    fn end_repetition(&mut self) -> fmt::Result {
        match core::mem::take(&mut self.repetitions) {
            0 => Ok(()),
            times => writeln!(self.output, "       the same {times} times more"),
        }
    }

    fn end(mut self) -> fmt::Result {
        self.end_repetition()?;
        writeln!(
            self.output,
            "source lines: addr2line -Cfipe target/qemu/kernel ADDRESS..."
        )
    }
}

/// The unwinder over the kernel's own tables.
fn unwinder() -> Unwinder<'static> {
    let (start, end) = (&raw const __eh_frame_start, &raw const __eh_frame_end);
    // SAFETY: the linker script puts the tables between the two symbols, in a
    // read-only segment.
    let tables = unsafe { slice::from_raw_parts(start, end as usize - start as usize) };
    Unwinder {
        tables,
        tables_address: start as u64,
        text: (&raw const __text_start as u64, &raw const __text_end as u64),
        read: mm::peek::<u64>,
    }
}
