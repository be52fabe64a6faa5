//! Threads' contexts and the switch between them.

use core::arch::naked_asm;
use core::cell::UnsafeCell;

use executive::{NtStatus, ThreadId};

use super::system;
use crate::mm;

/// Most threads, the idle thread included.
pub(crate) const MAX_THREADS: usize = 128;

/// A thread's context while it does not run.
struct Context {
    stack_pointer: u64,
    /// Which thread it is of.
    thread: ThreadId,
}

struct Contexts([UnsafeCell<Context>; MAX_THREADS]);

// SAFETY: a context is only accessed while its thread is made, which does not run yet,
// when it first runs, and in the switch, with interrupts disabled.
unsafe impl Sync for Contexts {}

static CONTEXTS: Contexts = Contexts(
    [const {
        UnsafeCell::new(Context {
            stack_pointer: 0,
            thread: ThreadId::IDLE,
        })
    }; MAX_THREADS],
);

/// What [`switch_stack`] takes from the stack of a thread that goes on, lowest address
/// first: the registers that the System V ABI lets a function keep, and where to go on.
#[repr(C)]
struct SwitchFrame {
    mxcsr: u64,
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    rbx: u64,
    rbp: u64,
    return_address: u64,
}

/// SSE control and status: no exceptions, round to nearest (as after reset).
const MXCSR: u64 = 0x1f80;

/// Prepares a thread so that the first switch to it calls the executive.
///
/// # Errors
/// Those of [`mm::map_stack`].
pub(crate) fn create(thread: ThreadId, stack_bytes: usize) -> Result<(), NtStatus> {
    let context = CONTEXTS
        .0
        .get(thread.index())
        .ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
    let top = mm::map_stack(thread.index(), stack_bytes)?;
    let frame = (top - size_of::<SwitchFrame>() as u64).as_mut_ptr::<SwitchFrame>();
    // SAFETY: the frame lies on the new stack, which nothing uses yet, and the context
    // is that of a thread that does not run.
    unsafe {
        frame.write(SwitchFrame {
            mxcsr: MXCSR,
            r15: 0,
            r14: 0,
            r13: 0,
            r12: thread.index() as u64,
            rbx: 0,
            rbp: 0,
            return_address: thread_entry as *const () as u64,
        });
        context.get().write(Context {
            stack_pointer: frame as u64,
            thread,
        });
    }
    Ok(())
}

/// Saves the running thread as `from` and goes on with `to`. Returns when something
/// switches to `from` again. Interrupts must be disabled.
pub(crate) fn switch(from: ThreadId, to: ThreadId) {
    let (Some(from), Some(to)) = (CONTEXTS.0.get(from.index()), CONTEXTS.0.get(to.index())) else {
        panic!("switch from thread {from} to {to}, which have no context");
    };
    // SAFETY: `from` is the running thread, whose context nobody else uses, and `to`
    // has a context that `create` or a switch left.
    unsafe {
        switch_stack(
            &raw mut (*from.get()).stack_pointer,
            (*to.get()).stack_pointer,
        );
    }
}

/// Pushes what a function must keep, saves the stack pointer at `save`, and does the
/// reverse on the stack `next`.
///
/// The other SSE registers and flags are the caller's to keep; an interrupt that leads
/// here has saved them in its frame.
///
/// # Safety
/// `save` must be writable and `next` must be the stack pointer of a thread that does
/// not run. Interrupts must be disabled.
#[unsafe(naked)]
unsafe extern "C" fn switch_stack(save: *mut u64, next: u64) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "stmxcsr [rsp]",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "ldmxcsr [rsp]",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// Where a new thread begins: its slot is in r12.
///
/// # Safety
/// Only to be reached through [`switch_stack`].
#[unsafe(naked)]
unsafe extern "C" fn thread_entry() -> ! {
    naked_asm!(
        ".cfi_startproc",
        // The outermost function.
        ".cfi_undefined rip",
        "mov rdi, r12",
        "call {start}",
        "ud2",
        ".cfi_endproc",
        start = sym start,
    )
}

extern "C" fn start(index: usize) -> ! {
    let Some(context) = CONTEXTS.0.get(index) else {
        panic!("a thread starts in slot {index}, which does not exist");
    };
    // SAFETY: the thread has just been switched to; nothing writes its context now.
    let thread = unsafe { (*context.get()).thread };
    system::start_thread(thread)
}
