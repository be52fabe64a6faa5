//! Memory functions and unwinder symbols for the bare-metal binaries.
//!
//! The `core` and `alloc` of the host triple call `memcpy`, `memmove`, `memset`, `memcmp`, `bcmp`
//! and `strlen` by their C names and refer to the unwinder; no C library is linked, so this crate
//! supplies them. A binary takes it in by `use rt as _;`. Nothing that runs on the host may do so:
//! it would replace the C library's functions there.
//!
//! All functions are naked: written in Rust, a copying loop may be compiled into a call of the very
//! function it is in. No SIMD registers are used, so they may be called before the FPU is set up
//! and cost nothing extra in an emulator that runs SIMD slowly.
#![no_std]

#[cfg(test)]
extern crate std;

mod compare;
mod copy;
mod fill;
#[cfg(not(test))]
mod unwind;

pub use compare::{bcmp, memcmp, strlen};
pub use copy::{memcpy, memmove};
pub use fill::memset;

#[cfg(test)]
mod tests;
