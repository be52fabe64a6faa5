//! The loader's binary: the 32-bit entry, the serial line, and the jump into the kernel. Everything
//! between is in the library beside it.
#![no_std]
#![no_main]

mod entry;
mod serial;
mod switch;

use core::arch::x86_64::__cpuid;
use core::fmt;
use core::panic::PanicInfo;

use boot::boot_data::BootData;
use boot::error::BootError;
use boot::loader::{self, Environment, LoadedKernel};
use boot::physical_memory::PhysicalMemory;
use boot::{exit, multiboot, pvh};
use rt as _;
use x86_64::instructions::port::Port;

/// What the entry code maps at physical = virtual addresses.
const IDENTITY_MAPPED: u64 = 1 << 32;

/// Extended CPUID leaf whose EDX tells of 1 GiB pages in this bit.
const CPUID_EXTENDED_FEATURES: u32 = 0x8000_0001;
const CPUID_GIANT_PAGES: u32 = 1 << 26;

/// Called by the entry code in 64-bit mode with the protocol it was entered by and the address of
/// what that left.
extern "C" fn loader_main(protocol: u64, information: u64) -> ! {
    // SAFETY: the entry code maps this much, and no other processor or device is at work.
    let memory = unsafe { PhysicalMemory::new(0, IDENTITY_MAPPED) };
    // SAFETY: nothing else has run since the boot protocol handed over.
    match unsafe { load(&memory, protocol, information) } {
        // SAFETY: `load` built the address space and everything in it.
        Ok(kernel) => unsafe { switch::enter(&kernel) },
        Err(error) => fail(format_args!("{error}")),
    }
}

/// # Safety
/// `information` must be what the protocol handed over, unchanged since.
unsafe fn load(
    memory: &PhysicalMemory,
    protocol: u64,
    information: u64,
) -> Result<LoadedKernel, BootError> {
    // SAFETY: passed on to the caller.
    let data: BootData<'_> = unsafe {
        if protocol == entry::MULTIBOOT2 {
            multiboot::boot_data(core::ptr::with_exposed_provenance(information as usize))?
        } else {
            pvh::boot_data(memory, information)?
        }
    };
    let environment = Environment {
        image: entry::loader_image(),
        switch_page: switch::page(),
        has_giant_pages: __cpuid(CPUID_EXTENDED_FEATURES).edx & CPUID_GIANT_PAGES != 0,
    };
    // SAFETY: the firmware's memory map is all there is to believe, and no one else runs.
    unsafe { loader::load(memory, &data, &environment) }
}

/// Prints the line that says why, and ends the machine with the failure code.
fn fail(reason: fmt::Arguments<'_>) -> ! {
    serial::print_line(format_args!("boot: {reason}"));
    // SAFETY: the port belongs to QEMU's exit device, and to nothing on machines that have none.
    unsafe { Port::<u32>::new(exit::PORT).write(exit::FAILURE) };
    loop {
        x86_64::instructions::interrupts::disable();
        x86_64::instructions::hlt();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    fail(format_args!("{info}"))
}
