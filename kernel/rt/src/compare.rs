//! `memcmp`, `bcmp` and `strlen`.

use core::arch::naked_asm;

/// Compares `length` bytes; the result is negative, zero or positive as the first byte that differs
/// is smaller in `left`, there is none, or it is larger.
///
/// Eight bytes at a time; a difference is decided by the two words in big-endian order.
///
/// # Safety
/// Both areas must be readable for `length` bytes.
#[unsafe(naked)]
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    naked_asm!(
        "sub rdx, 8",
        "jb 3f",
        "2:",
        "mov rcx, [rdi]",
        "mov r8, [rsi]",
        "cmp rcx, r8",
        "jne 5f",
        "add rdi, 8",
        "add rsi, 8",
        "sub rdx, 8",
        "jae 2b",
        // The rest, one byte at a time.
        "3:",
        "add rdx, 8",
        "jz 6f",
        "4:",
        "movzx eax, byte ptr [rdi]",
        "movzx ecx, byte ptr [rsi]",
        "sub eax, ecx",
        "jne 7f",
        "inc rdi",
        "inc rsi",
        "dec rdx",
        "jnz 4b",
        "6:",
        "xor eax, eax",
        "7:",
        "ret",
        "5:",
        "bswap rcx",
        "bswap r8",
        "xor eax, eax",
        "cmp rcx, r8",
        "seta al",
        "lea eax, [rax + rax - 1]",
        "ret",
    )
}

/// Compares `length` bytes; the result is zero when all are equal.
///
/// # Safety
/// Both areas must be readable for `length` bytes.
#[unsafe(naked)]
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    naked_asm!("jmp {memcmp}", memcmp = sym memcmp)
}

/// Counts the bytes before the first zero byte.
///
/// # Safety
/// `string` must be readable up to and including its zero byte.
#[unsafe(naked)]
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn strlen(string: *const u8) -> usize {
    naked_asm!(
        "mov rax, rdi",
        "jmp 3f",
        "2:",
        "inc rax",
        "3:",
        "cmp byte ptr [rax], 0",
        "jne 2b",
        "sub rax, rdi",
        "ret",
    )
}
