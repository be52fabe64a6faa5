//! The switch from the loader's page tables to the kernel's.
//!
//! One page holds the switching code and the GDT. It is mapped at the same address in both address
//! spaces, so that the code goes on after the switch, and the GDT stays where the processor knows
//! it until the kernel loads its own.

use core::arch::{global_asm, naked_asm};

use boot::loader::LoadedKernel;

unsafe extern "C" {
    static __switch_page: u8;
}

// Flat 64-bit code and data segments. Their accessed bits are set, since the processor could not
// set them: the page is mapped without write access.
global_asm!(
    ".section .switch, \"ax\"",
    ".balign 8",
    "boot_gdt:",
    ".quad 0",
    ".quad 0x00af9b000000ffff",
    ".quad 0x00cf93000000ffff",
    ".global boot_gdt_pointer",
    "boot_gdt_pointer:",
    ".short boot_gdt_pointer - boot_gdt - 1",
    ".quad boot_gdt",
    ".text",
);

/// Address of the page that is to be mapped in both address spaces.
pub(crate) fn page() -> u64 {
    (&raw const __switch_page) as u64
}

/// Enters the kernel on its own stack in its own address space.
///
/// # Safety
/// The page tables must map [`page`] at its own address, and the entry point, the stack and the
/// boot information where `kernel` says.
pub(crate) unsafe fn enter(kernel: &LoadedKernel) -> ! {
    let level_4 = kernel.level_4.start_address().as_u64();
    // SAFETY: passed on to the caller.
    unsafe { switch(kernel.boot_info, kernel.entry, kernel.stack_top, level_4) }
}

/// Loads CR3 and the stack pointer and jumps to the entry point, with the address of the boot
/// information as the first argument. The word pushed stands for the return address that a function
/// finds above its stack's 16-byte alignment.
#[unsafe(naked)]
#[unsafe(link_section = ".switch")]
unsafe extern "C" fn switch(boot_info: u64, entry: u64, stack_top: u64, level_4: u64) -> ! {
    naked_asm!(
        "mov cr3, rcx",
        "mov rsp, rdx",
        "xor ebp, ebp",
        "push 0",
        "jmp rsi",
    )
}
