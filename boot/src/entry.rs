//! The entry in 32-bit protected mode, by either boot protocol, and the way from there to 64-bit
//! Rust.
//!
//! Both protocols enter with flat segments, paging off and interrupts off. The code checks that the
//! processor can do what is needed, maps the first 4 GiB at their own addresses by 2 MiB pages,
//! turns on long mode with execute-disable and write protection, and calls [`crate::loader_main`].

use core::arch::global_asm;
use core::ops::Range;

use boot::exit;
use x86_64::registers::control::{Cr0Flags, Cr4Flags, EferFlags};

/// Tells `loader_main` that a PVH loader (QEMU) entered.
const PVH: u64 = 0;
/// Tells `loader_main` that a multiboot2 loader (GRUB) entered.
pub(crate) const MULTIBOOT2: u64 = 1;

/// Bytes of the loader's stack. A debug build takes 104 KiB of it, a release build 42 KiB; the kernel
/// gets all of it back.
const STACK_SIZE: usize = 256 * 1024;

/// Physical address extension, and SSE with its exceptions.
const CR4: u64 = Cr4Flags::PHYSICAL_ADDRESS_EXTENSION
    .union(Cr4Flags::OSFXSR)
    .union(Cr4Flags::OSXMMEXCPT_ENABLE)
    .bits();
/// Long mode, and execute-disable.
const EFER: u64 = EferFlags::LONG_MODE_ENABLE
    .union(EferFlags::NO_EXECUTE_ENABLE)
    .bits();
/// Paging with write protection for the kernel too, and floating point without emulation or traps.
const CR0_SET: u64 = Cr0Flags::PAGING
    .union(Cr0Flags::WRITE_PROTECT)
    .union(Cr0Flags::NUMERIC_ERROR)
    .union(Cr0Flags::MONITOR_COPROCESSOR)
    .bits();
const CR0_CLEAR: i32 = !(Cr0Flags::EMULATE_COPROCESSOR
    .union(Cr0Flags::TASK_SWITCHED)
    .bits() as i32);

unsafe extern "C" {
    static __loader_start: u8;
    static __loader_end: u8;
}

/// Physical addresses of the loader, with its stack and tables.
pub(crate) fn loader_image() -> Range<u64> {
    (&raw const __loader_start) as u64..(&raw const __loader_end) as u64
}

// The headers by which the two boot protocols know the loader.
global_asm!(
    // Multiboot2 specification 3.1.1: magic number, architecture (i386), length, checksum, tags.
    // The entry address is ELF's own unless the tag of type 3 names one; type 6 asks for modules at
    // page boundaries.
    ".section .multiboot2, \"a\"",
    ".balign 8",
    "5:",
    ".long 0xe85250d6, 0, 6f - 5b, -(0xe85250d6 + (6f - 5b))",
    ".short 3, 0",
    ".long 12, boot_multiboot2_entry",
    ".balign 8",
    ".short 6, 0",
    ".long 8",
    ".short 0, 0",
    ".long 8",
    "6:",
    // Xen's note of type 18 (XEN_ELFNOTE_PHYS32_ENTRY): the physical address of the 32-bit entry.
    ".section .note.pvh, \"a\", @note",
    ".balign 4",
    ".long 4, 8, 18",
    ".asciz \"Xen\"",
    ".quad boot_pvh_entry",
    ".text",
);

global_asm!(
    ".code32",
    ".global boot_multiboot2_entry",
    "boot_multiboot2_entry:",
    "mov ebp, {multiboot2}",
    "jmp 2f",
    ".global boot_pvh_entry",
    "boot_pvh_entry:",
    "mov ebp, {pvh}",
    "2:",
    "cli",
    "cld",
    "mov esp, offset boot_stack_end",
    // EBX (where the boot information is) is lost by CPUID.
    "mov edi, ebx",

    // The processor must have long mode, execute-disable, and SSE2 with FXSAVE.
    "mov eax, 1",
    "cpuid",
    "and edx, {cpuid_fxsr_sse_sse2}",
    "cmp edx, {cpuid_fxsr_sse_sse2}",
    "mov esi, offset boot_no_sse2",
    "jne boot_fail",
    "mov eax, 0x80000000",
    "cpuid",
    "cmp eax, 0x80000001",
    "mov esi, offset boot_no_long_mode",
    "jb boot_fail",
    "mov eax, 0x80000001",
    "cpuid",
    "test edx, {cpuid_long_mode}",
    "jz boot_fail",
    "test edx, {cpuid_execute_disable}",
    "mov esi, offset boot_no_execute_disable",
    "jz boot_fail",

    // There must be memory where the loader's last page table goes.
    "mov dword ptr [boot_tables_end - 4], 0x5aa55aa5",
    "cmp dword ptr [boot_tables_end - 4], 0x5aa55aa5",
    "mov esi, offset boot_no_memory",
    "jne boot_fail",

    // Page tables: four level 2 tables of 2 MiB pages, one after the other.
    "mov ecx, 2048",
    "mov eax, 0x83",
    "mov edx, offset boot_level_2",
    "3:",
    "mov [edx], eax",
    "add eax, 0x200000",
    "add edx, 8",
    "dec ecx",
    "jnz 3b",
    "mov eax, offset boot_level_2 + 3",
    "mov [boot_level_3], eax",
    "add eax, 0x1000",
    "mov [boot_level_3 + 8], eax",
    "add eax, 0x1000",
    "mov [boot_level_3 + 16], eax",
    "add eax, 0x1000",
    "mov [boot_level_3 + 24], eax",
    "mov eax, offset boot_level_3 + 3",
    "mov [boot_level_4], eax",
    "mov eax, offset boot_level_4",
    "mov cr3, eax",

    "mov eax, cr4",
    "or eax, {cr4}",
    "mov cr4, eax",
    "mov ecx, 0xc0000080",
    "rdmsr",
    "or eax, {efer}",
    "wrmsr",
    "mov eax, cr0",
    "and eax, {cr0_clear}",
    "or eax, {cr0_set}",
    "mov cr0, eax",
    "lgdt [boot_gdt_pointer]",
    "push 8",
    "mov eax, offset boot_long_mode",
    "push eax",
    "retf",

    // Prints the string at ESI and ends the machine, without relying on memory to write to.
    "boot_fail:",
    "mov edi, offset boot_uart_setup",
    "3:",
    "movzx edx, word ptr [edi]",
    "test edx, edx",
    "jz 4f",
    "mov al, [edi + 2]",
    "out dx, al",
    "add edi, 3",
    "jmp 3b",
    "4:",
    "movzx ebx, byte ptr [esi]",
    "test ebx, ebx",
    "jz 6f",
    "inc esi",
    "mov ecx, 100000",
    "mov edx, 0x3fd",
    "5:",
    "in al, dx",
    "test al, 0x20",
    "loopz 5b",
    "mov edx, 0x3f8",
    "mov eax, ebx",
    "out dx, al",
    "jmp 4b",
    "6:",
    "mov edx, {exit_port}",
    "mov eax, {exit_failure}",
    "out dx, eax",
    "7:",
    "cli",
    "hlt",
    "jmp 7b",

    ".code64",
    "boot_long_mode:",
    "mov eax, 16",
    "mov ds, eax",
    "mov es, eax",
    "mov ss, eax",
    "xor eax, eax",
    "mov fs, eax",
    "mov gs, eax",
    "fninit",
    "ldmxcsr [rip + boot_mxcsr]",
    // The upper halves are undefined after the switch to 64-bit mode.
    "mov esp, esp",
    "mov esi, edi",
    "mov edi, ebp",
    "xor ebp, ebp",
    "call {main}",
    "ud2",

    ".section .rodata.boot_entry, \"a\"",
    "boot_no_sse2: .asciz \"boot: the processor has no SSE2\\r\\n\"",
    "boot_no_long_mode: .asciz \"boot: the processor has no 64-bit mode\\r\\n\"",
    "boot_no_execute_disable: .asciz \"boot: the processor cannot forbid execution of pages (NX)\\r\\n\"",
    "boot_no_memory: .asciz \"boot: not enough memory for the loader\\r\\n\"",
    // Port and value, up to port 0: no interrupts; divisor 1 (115200 baud); 8 data bits, no parity,
    // 1 stop bit; FIFO on; data terminal ready, request to send.
    "boot_uart_setup:",
    ".short 0x3f9; .byte 0",
    ".short 0x3fb; .byte 0x80",
    ".short 0x3f8; .byte 1",
    ".short 0x3f9; .byte 0",
    ".short 0x3fb; .byte 3",
    ".short 0x3fa; .byte 7",
    ".short 0x3fc; .byte 3",
    ".short 0",
    ".balign 4",
    "boot_mxcsr: .long 0x1f80",

    ".section .bss.boot_entry, \"aw\", @nobits",
    ".balign 4096",
    "boot_stack: .skip {stack_size}",
    "boot_stack_end:",
    "boot_level_4: .skip 4096",
    "boot_level_3: .skip 4096",
    "boot_level_2: .skip 4 * 4096",
    "boot_tables_end:",
    ".text",
    multiboot2 = const MULTIBOOT2,
    pvh = const PVH,
    cpuid_fxsr_sse_sse2 = const 1 << 24 | 1 << 25 | 1 << 26,
    cpuid_long_mode = const 1 << 29,
    cpuid_execute_disable = const 1 << 20,
    cr4 = const CR4,
    efer = const EFER,
    cr0_clear = const CR0_CLEAR,
    cr0_set = const CR0_SET as i32,
    exit_port = const exit::PORT,
    exit_failure = const exit::FAILURE,
    stack_size = const STACK_SIZE,
    main = sym crate::loader_main,
);
