//! The unwinder's symbols. The binaries are built with `panic = "abort"`, so nothing ever calls
//! them; the prebuilt `core` refers to them all the same.

use core::arch::naked_asm;

/// The personality routine of Rust's unwind tables. Never called.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    naked_asm!("ud2")
}

/// Goes on unwinding after a landing pad. Never called.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    naked_asm!("ud2")
}
