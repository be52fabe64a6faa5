//! Processor exceptions. None is expected, so each ends the run with a report.

use core::fmt;

use x86_64::registers::control::Cr2;
use x86_64::structures::idt::PageFaultErrorCode;

use super::frame::InterruptFrame;
use crate::{mm, report};

/// Vector of the page fault.
const PAGE_FAULT: u64 = 14;

/// Called by the exception stubs, with interrupts disabled, on the exception's stack.
pub(super) extern "C" fn exception_entry(frame: &InterruptFrame) -> ! {
    if frame.vector == PAGE_FAULT {
        report::exception(format_args!("{}", PageFault::new(frame)), frame);
    }
    report::exception(
        format_args!("{} (vector {})", name(frame.vector), frame.vector),
        frame,
    )
}

/// Names of exceptions (Intel SDM volume 3, table 6-1).
fn name(vector: u64) -> &'static str {
    match vector {
        0 => "divide error",
        1 => "debug exception",
        2 => "non-maskable interrupt",
        3 => "breakpoint",
        4 => "overflow",
        5 => "BOUND range exceeded",
        6 => "invalid opcode",
        7 => "device not available",
        8 => "double fault",
        10 => "invalid TSS",
        11 => "segment not present",
        12 => "stack-segment fault",
        13 => "general protection",
        16 => "x87 floating-point error",
        17 => "alignment check",
        18 => "machine check",
        19 => "SIMD floating-point exception",
        20 => "virtualization exception",
        21 => "control protection exception",
        _ => "reserved exception",
    }
}

/// A page fault in words.
struct PageFault {
    address: u64,
    code: PageFaultErrorCode,
}

impl PageFault {
    fn new(frame: &InterruptFrame) -> Self {
        Self {
            address: Cr2::read_raw(),
            code: PageFaultErrorCode::from_bits_truncate(frame.error_code),
        }
    }
}

impl fmt::Display for PageFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = if self.code.contains(PageFaultErrorCode::INSTRUCTION_FETCH) {
            "execution"
        } else if self.code.contains(PageFaultErrorCode::CAUSED_BY_WRITE) {
            "write"
        } else {
            "read"
        };
        let cause = if self.code.contains(PageFaultErrorCode::PROTECTION_VIOLATION) {
            "not allowed there"
        } else {
            "not mapped"
        };
        write!(
            formatter,
            "page fault (vector 14): {access} at {:#x}, {cause}",
            self.address
        )?;
        if let Some(guard) = mm::guard_page(self.address) {
            write!(formatter, ": {guard}")?;
        }
        Ok(())
    }
}
