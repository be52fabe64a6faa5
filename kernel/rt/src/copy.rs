//! `memcpy` and `memmove`.
//!
//! Up to 32 bytes go through registers, every load before the first store, so that it does not
//! matter how the areas overlap. Longer areas are copied 32 bytes at a time by four 64-bit loads
//! and stores. In QEMU's translator this loop takes 70 % of the time of `rep movsq` and 40 % of
//! that of an SSE loop (1514 bytes: 227, 315 and 610 ns), and for short areas there is no cost of
//! starting it (64 bytes: 10, 15 and 16 ns).

use core::arch::naked_asm;

/// Copies `length` bytes from `source` to `destination` and returns `destination`.
///
/// # Safety
/// `source` must be readable and `destination` writable for `length` bytes. If the areas overlap
/// and are longer than 32 bytes, `destination` must lie below `source` by 32 bytes or more;
/// `memmove` relies on it.
#[unsafe(naked)]
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memcpy(destination: *mut u8, source: *const u8, length: usize) -> *mut u8 {
    naked_asm!(
        "mov rax, rdi",
        "cmp rdx, 16",
        "jb 4f",
        "cmp rdx, 32",
        "jbe 3f",
        // More than 32 bytes: 64 at a time, then 32, all but the last one to 32.
        "sub rdx, 32",
        "cmp rdx, 64",
        "jbe 2f",
        "8:",
        "mov rcx, [rsi]",
        "mov r8, [rsi + 8]",
        "mov r9, [rsi + 16]",
        "mov r10, [rsi + 24]",
        "mov [rdi], rcx",
        "mov [rdi + 8], r8",
        "mov [rdi + 16], r9",
        "mov [rdi + 24], r10",
        "mov rcx, [rsi + 32]",
        "mov r8, [rsi + 40]",
        "mov r9, [rsi + 48]",
        "mov r10, [rsi + 56]",
        "mov [rdi + 32], rcx",
        "mov [rdi + 40], r8",
        "mov [rdi + 48], r9",
        "mov [rdi + 56], r10",
        "add rsi, 64",
        "add rdi, 64",
        "sub rdx, 64",
        "cmp rdx, 64",
        "ja 8b",
        "2:",
        "mov rcx, [rsi]",
        "mov r8, [rsi + 8]",
        "mov r9, [rsi + 16]",
        "mov r10, [rsi + 24]",
        "mov [rdi], rcx",
        "mov [rdi + 8], r8",
        "mov [rdi + 16], r9",
        "mov [rdi + 24], r10",
        "add rsi, 32",
        "add rdi, 32",
        "sub rdx, 32",
        "ja 2b",
        // The last 32 bytes, some of them for the second time.
        "mov rcx, [rsi + rdx]",
        "mov r8, [rsi + rdx + 8]",
        "mov r9, [rsi + rdx + 16]",
        "mov r10, [rsi + rdx + 24]",
        "mov [rdi + rdx], rcx",
        "mov [rdi + rdx + 8], r8",
        "mov [rdi + rdx + 16], r9",
        "mov [rdi + rdx + 24], r10",
        "ret",
        // 16 to 32 bytes.
        "3:",
        "mov rcx, [rsi]",
        "mov r8, [rsi + 8]",
        "mov r9, [rsi + rdx - 16]",
        "mov r10, [rsi + rdx - 8]",
        "mov [rdi], rcx",
        "mov [rdi + 8], r8",
        "mov [rdi + rdx - 16], r9",
        "mov [rdi + rdx - 8], r10",
        "ret",
        // 8 to 15 bytes.
        "4:",
        "cmp edx, 8",
        "jb 5f",
        "mov rcx, [rsi]",
        "mov r8, [rsi + rdx - 8]",
        "mov [rdi], rcx",
        "mov [rdi + rdx - 8], r8",
        "ret",
        // 4 to 7 bytes.
        "5:",
        "cmp edx, 4",
        "jb 6f",
        "mov ecx, [rsi]",
        "mov r8d, [rsi + rdx - 4]",
        "mov [rdi], ecx",
        "mov [rdi + rdx - 4], r8d",
        "ret",
        // 1 to 3 bytes: the first, the middle and the last one, which may be the same.
        "6:",
        "test edx, edx",
        "jz 7f",
        "mov r10d, edx",
        "shr r10d, 1",
        "movzx ecx, byte ptr [rsi]",
        "movzx r8d, byte ptr [rsi + r10]",
        "movzx r9d, byte ptr [rsi + rdx - 1]",
        "mov [rdi], cl",
        "mov [rdi + r10], r8b",
        "mov [rdi + rdx - 1], r9b",
        "7:",
        "ret",
    )
}

/// Copies `length` bytes from `source` to `destination`, which may overlap in any way, and returns
/// `destination`.
///
/// # Safety
/// `source` must be readable and `destination` writable for `length` bytes.
#[unsafe(naked)]
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memmove(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> *mut u8 {
    naked_asm!(
        "cmp rdx, 32",
        "jbe {memcpy}",
        // As unsigned numbers, destination - source >= length unless the destination begins inside
        // the source.
        "mov rcx, rdi",
        "sub rcx, rsi",
        "cmp rcx, rdx",
        "jb 3f",
        // Less than 32 bytes below the source, `memcpy` would read bytes of the end that it has
        // written before.
        "cmp rcx, -32",
        "jbe {memcpy}",
        // Upwards by words, the last eight bytes loaded first and stored last.
        "mov rax, rdi",
        "mov r8, [rsi + rdx - 8]",
        "lea r9, [rdi + rdx - 8]",
        "lea rcx, [rdx - 1]",
        "shr rcx, 3",
        "rep movsq",
        "mov [r9], r8",
        "ret",
        // Downwards to the first 32 bytes or less, which go through registers.
        "3:",
        "mov rcx, [rsi + rdx - 8]",
        "mov r8, [rsi + rdx - 16]",
        "mov r9, [rsi + rdx - 24]",
        "mov r10, [rsi + rdx - 32]",
        "mov [rdi + rdx - 8], rcx",
        "mov [rdi + rdx - 16], r8",
        "mov [rdi + rdx - 24], r9",
        "mov [rdi + rdx - 32], r10",
        "sub rdx, 32",
        "cmp rdx, 32",
        "ja 3b",
        "jmp {memcpy}",
        memcpy = sym memcpy,
    )
}
