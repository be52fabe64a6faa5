//! The loader: takes the kernel that QEMU (PVH) or a multiboot2 boot loader such as GRUB has put
//! into memory, and starts it by the contract of the `bootloader_api` crate.
//!
//! This library is all of it that touches no hardware, so that it runs in host tests as it does on
//! the machine:
//!
//! | Module | Duty |
//! |---|---|
//! | [`boot_data`] | what the loader is given: memory map, kernel module, command line |
//! | [`pvh`], [`multiboot`] | reading it from the two boot protocols |
//! | [`memory_map`], [`frames`] | which physical memory is free |
//! | [`kernel_image`] | checking the kernel's ELF file |
//! | [`layout`] | where everything goes in the kernel's address space |
//! | [`address_space`] | the page tables |
//! | [`loader`] | the steps in their order |
//!
//! The binary beside it holds the 32-bit entry, the serial line, and the jump.
//!
//! Whatever is wrong with what it is given, the loader prints one line that starts with `boot: `
//! ([`error::BootError`]) and leaves QEMU with the failure code of [`exit`].
#![no_std]

#[cfg(test)]
extern crate std;

pub mod address_space;
pub mod boot_data;
pub mod error;
pub mod exit;
pub mod frames;
pub mod kernel_image;
pub mod layout;
pub mod loader;
pub mod memory_map;
pub mod multiboot;
pub mod physical_memory;
pub mod pvh;

#[cfg(test)]
mod tests;
