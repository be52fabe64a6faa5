//! Entry and exit of interrupts and exceptions, in assembly.
//!
//! The prebuilt `core` uses SSE registers and the red zone, the 128 bytes below the
//! stack pointer that a leaf function may use without moving it. The processor would
//! push over the red zone, so every gate switches to a stack of its own. A device
//! interrupt uses that stack only to step around the red zone: it builds its
//! [`InterruptFrame`] on the interrupted stack, 128 bytes further down, and goes on
//! there. So the gate's stack is free again at once, and the DPCs and thread switches
//! that an interrupt brings about happen on the interrupted thread's own stack.
//! Interrupts stay disabled from entry to exit, but for what
//! `Executive::dispatch_interrupt` enables.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::exceptions::exception_entry;
use super::frame::InterruptFrame;
use super::interrupts::interrupt_entry;

/// Bytes below the stack pointer that belong to the interrupted function (System V
/// ABI for AMD64, section 3.2.2).
const RED_ZONE: usize = 128;

/// Defines the common body of the interrupt stubs, once as it is and once with a
/// fault for the control of the interrupt test.
macro_rules! interrupt_body {
    ($(#[$attribute:meta])* $name:ident, $return_label:literal, $restore_sse:literal) => {
        $(#[$attribute])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                // On the gate's stack: vector, rip, cs, rflags, rsp, ss.
                "push rax",
                "push rcx",
                "mov rcx, [rsp + 48]",
                "lea rax, [rcx - {red_zone} - {size}]",
                "and rax, -16",
                "mov [rax + {rip} + 24], rcx",
                "mov rcx, [rsp + 56]",
                "mov [rax + {rip} + 32], rcx",
                "mov rcx, [rsp + 40]",
                "mov [rax + {rip} + 16], rcx",
                "mov rcx, [rsp + 32]",
                "mov [rax + {rip} + 8], rcx",
                "mov rcx, [rsp + 24]",
                "mov [rax + {rip}], rcx",
                "mov rcx, [rsp + 16]",
                "mov [rax + {vector}], rcx",
                "mov rcx, [rsp + 8]",
                "mov [rax + {rax}], rcx",
                "mov rcx, [rsp]",
                "mov [rax + {rax} - 8], rcx",
                // From here on the interrupted stack, below its red zone.
                "mov rsp, rax",
                "mov qword ptr [rsp + {vector} + 8], 0",
                "mov [rsp + {rax} - 16], rdx",
                "mov [rsp + {rax} - 24], rsi",
                "mov [rsp + {rax} - 32], rdi",
                "mov [rsp + {rax} - 40], r8",
                "mov [rsp + {rax} - 48], r9",
                "mov [rsp + {rax} - 56], r10",
                "mov [rsp + {rax} - 64], r11",
                "mov [rsp + {rax} - 72], rbx",
                "mov [rsp + {rax} - 80], rbp",
                "mov [rsp + {rax} - 88], r12",
                "mov [rsp + {rax} - 96], r13",
                "mov [rsp + {rax} - 104], r14",
                "mov [rsp + {rax} - 112], r15",
                ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                "movaps [rsp + 16 * \\n], xmm\\n",
                ".endr",
                "stmxcsr [rsp + {mxcsr}]",
                "cld",
                "mov rdi, rsp",
                "call {entry}",
                concat!(".globl ", $return_label),
                concat!($return_label, ":"),
                ".if {restore_sse}",
                "ldmxcsr [rsp + {mxcsr}]",
                ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                "movaps xmm\\n, [rsp + 16 * \\n]",
                ".endr",
                ".endif",
                "mov r15, [rsp + {rax} - 112]",
                "mov r14, [rsp + {rax} - 104]",
                "mov r13, [rsp + {rax} - 96]",
                "mov r12, [rsp + {rax} - 88]",
                "mov rbp, [rsp + {rax} - 80]",
                "mov rbx, [rsp + {rax} - 72]",
                "mov r11, [rsp + {rax} - 64]",
                "mov r10, [rsp + {rax} - 56]",
                "mov r9, [rsp + {rax} - 48]",
                "mov r8, [rsp + {rax} - 40]",
                "mov rdi, [rsp + {rax} - 32]",
                "mov rsi, [rsp + {rax} - 24]",
                "mov rdx, [rsp + {rax} - 16]",
                "mov rcx, [rsp + {rax} - 8]",
                "mov rax, [rsp + {rax}]",
                "add rsp, {rip}",
                "iretq",
                red_zone = const RED_ZONE,
                size = const size_of::<InterruptFrame>(),
                rip = const offset_of!(InterruptFrame, rip),
                rax = const offset_of!(InterruptFrame, rax),
                vector = const offset_of!(InterruptFrame, vector),
                mxcsr = const offset_of!(InterruptFrame, mxcsr),
                restore_sse = const $restore_sse,
                entry = sym interrupt_entry,
            )
        }
    };
}

interrupt_body!(
    /// Common body of all interrupt stubs.
    ///
    /// # Safety
    /// Only to be jumped to from [`interrupt_stub`].
    interrupt_common, "hal_interrupt_return", 1
);
interrupt_body!(
    /// As [`interrupt_common`], but the interrupted code finds the handler's values in
    /// its SSE registers.
    ///
    /// # Safety
    /// Only to be jumped to from [`interrupt_stub_without_sse`].
    interrupt_common_without_sse, "hal_interrupt_return_without_sse", 0
);

/// Entry of device interrupt `VECTOR`.
///
/// # Safety
/// Only to be entered by the processor through an interrupt gate.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn interrupt_stub<const VECTOR: u8>() {
    naked_asm!(
        "push {vector}",
        "jmp {common}",
        vector = const VECTOR as u32,
        common = sym interrupt_common,
    )
}

/// As [`interrupt_stub`] for the control of the interrupt test: it does not restore
/// the SSE registers.
///
/// # Safety
/// As [`interrupt_stub`]; and whatever is interrupted must not rely on them.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn interrupt_stub_without_sse<const VECTOR: u8>() {
    naked_asm!(
        "push {vector}",
        "jmp {common}",
        vector = const VECTOR as u32,
        common = sym interrupt_common_without_sse,
    )
}

/// Entry of exception `VECTOR`, for which the processor pushes no error code.
///
/// # Safety
/// Only to be entered by the processor through an interrupt gate with a stack.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn exception_stub<const VECTOR: u8>() {
    naked_asm!(
        "push 0",
        "push {vector}",
        "jmp {common}",
        vector = const VECTOR as u32,
        common = sym exception_common,
    )
}

/// Entry of exception `VECTOR`, for which the processor pushes an error code.
///
/// # Safety
/// Only to be entered by the processor through an interrupt gate with a stack.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn exception_stub_with_code<const VECTOR: u8>() {
    naked_asm!(
        "push {vector}",
        "jmp {common}",
        vector = const VECTOR as u32,
        common = sym exception_common,
    )
}

/// Builds the frame on the exception's stack. An exception never returns, so nothing
/// of the interrupted stack is touched: it may be what is wrong.
///
/// # Safety
/// Only to be jumped to from the exception stubs.
#[unsafe(naked)]
unsafe extern "C" fn exception_common() -> ! {
    naked_asm!(
        "sub rsp, {vector}",
        "mov [rsp + {rax}], rax",
        "mov [rsp + {rax} - 8], rcx",
        "mov [rsp + {rax} - 16], rdx",
        "mov [rsp + {rax} - 24], rsi",
        "mov [rsp + {rax} - 32], rdi",
        "mov [rsp + {rax} - 40], r8",
        "mov [rsp + {rax} - 48], r9",
        "mov [rsp + {rax} - 56], r10",
        "mov [rsp + {rax} - 64], r11",
        "mov [rsp + {rax} - 72], rbx",
        "mov [rsp + {rax} - 80], rbp",
        "mov [rsp + {rax} - 88], r12",
        "mov [rsp + {rax} - 96], r13",
        "mov [rsp + {rax} - 104], r14",
        "mov [rsp + {rax} - 112], r15",
        "cld",
        "mov rdi, rsp",
        "call {entry}",
        "ud2",
        rax = const offset_of!(InterruptFrame, rax),
        vector = const offset_of!(InterruptFrame, vector),
        entry = sym exception_entry,
    )
}
