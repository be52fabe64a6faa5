//! `memset`.

use core::arch::naked_asm;

/// Fills `length` bytes at `destination` with the low byte of `value` and returns `destination`.
///
/// # Safety
/// `destination` must be writable for `length` bytes.
#[unsafe(naked)]
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memset(destination: *mut u8, value: i32, length: usize) -> *mut u8 {
    naked_asm!(
        // The byte in all eight places of rsi.
        "movzx esi, sil",
        "mov rcx, 0x0101010101010101",
        "imul rsi, rcx",
        "mov rax, rdi",
        "cmp rdx, 8",
        "jb 4f",
        "cmp rdx, 32",
        "jbe 3f",
        // More than 32 bytes: all but the last one to 32.
        "sub rdx, 32",
        "2:",
        "mov [rdi], rsi",
        "mov [rdi + 8], rsi",
        "mov [rdi + 16], rsi",
        "mov [rdi + 24], rsi",
        "add rdi, 32",
        "sub rdx, 32",
        "ja 2b",
        // The last 32 bytes, some of them for the second time.
        "mov [rdi + rdx], rsi",
        "mov [rdi + rdx + 8], rsi",
        "mov [rdi + rdx + 16], rsi",
        "mov [rdi + rdx + 24], rsi",
        "ret",
        // 8 to 32 bytes: the first and the last word, and those beside them if there are so many
        // bytes.
        "3:",
        "mov [rdi], rsi",
        "mov [rdi + rdx - 8], rsi",
        "cmp edx, 16",
        "jbe 6f",
        "mov [rdi + 8], rsi",
        "mov [rdi + rdx - 16], rsi",
        "ret",
        // 4 to 7 bytes.
        "4:",
        "cmp edx, 4",
        "jb 5f",
        "mov [rdi], esi",
        "mov [rdi + rdx - 4], esi",
        "ret",
        // 1 to 3 bytes: the first, the middle and the last one, which may be the same.
        "5:",
        "test edx, edx",
        "jz 6f",
        "mov ecx, edx",
        "shr ecx, 1",
        "mov [rdi], sil",
        "mov [rdi + rcx], sil",
        "mov [rdi + rdx - 1], sil",
        "6:",
        "ret",
    )
}
