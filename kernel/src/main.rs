//! The kernel for PCs: brings the machine up and hands it to the wiring.

#![no_std]
#![no_main]

extern crate alloc;

// The memory functions that the compiler calls.
use rt as _;

mod hal;
mod mm;
mod report;

use alloc::vec::Vec;
use core::slice;

use bootloader_api::config::Mapping;
use bootloader_api::info::Optional;
use bootloader_api::{BootInfo, BootloaderConfig, entry_point};
use executive::{Executive, NtStatus};
use ne2000::BusOpener;
use wiring::{Hardware, PciCard};

use hal::port_bus::PortBus;
use hal::{apic, clock, console, gdt, idt, interrupts, log, pci, serial, storm, system, vga};

static BOOTLOADER_CONFIGURATION: BootloaderConfig = {
    let mut configuration = BootloaderConfig::new_default();
    configuration.kernel_stack_size = mm::layout::BOOT_STACK_SIZE;
    configuration.mappings.physical_memory =
        Some(Mapping::FixedAddress(mm::layout::PHYSICAL_MEMORY));
    configuration.mappings.dynamic_range_start = Some(mm::layout::LOADER);
    configuration
};

entry_point!(main, config = &BOOTLOADER_CONFIGURATION);

/// Entered by the loader, with interrupts disabled.
fn main(boot_info: &'static mut BootInfo) -> ! {
    clock::start();
    gdt::load();
    idt::load();
    serial::init();
    log::init();
    let command_line = command_line(boot_info);
    mm::init(boot_info);
    mm::init_heap(command_line);
    interrupts::init();
    apic::init();
    clock::calibrate();
    vga::init();
    let memory = mm::figures();
    ::log::info!(
        target: "hal",
        "{} KiB of memory, {} KiB heap, time-stamp counter at {} kHz",
        memory.physical >> 10,
        memory.heap >> 10,
        clock::frequency() / 1000
    );
    let executive = system::init(&wiring::executive_limits());
    if let Err(status) = start(executive, command_line) {
        panic!("the system cannot be started: {status}");
    }
    executive.run_idle()
}

/// Starts everything above the machine; it runs once this thread goes idle.
fn start(executive: &'static Executive, command_line: &'static [u8]) -> Result<(), NtStatus> {
    console::init(executive)?;
    storm::init(executive)?;
    clock::set_tick_rate(clock::TICKS_PER_SECOND);
    wiring::start(Hardware {
        machine: &system::PC,
        executive,
        bus: &system::PC,
        opener: BusOpener::new(|_, port| PortBus::new(port)),
        pci_cards: pci_cards(),
        command_line,
    })
}

/// The kernel's command line, which the loader hands over as the ramdisk.
fn command_line(boot_info: &BootInfo) -> &'static [u8] {
    let (Optional::Some(address), Ok(length)) = (
        boot_info.ramdisk_addr,
        usize::try_from(boot_info.ramdisk_len),
    ) else {
        return &[];
    };
    // SAFETY: the loader has mapped the bytes there, for good.
    unsafe { slice::from_raw_parts(address as *const u8, length) }
}

/// The cards on the PCI bus that the driver knows.
fn pci_cards() -> Vec<PciCard> {
    let mut cards = Vec::new();
    pci::devices(|device| {
        let Some(kind) = ne2000::pci::find(device.vendor, device.device) else {
            return false;
        };
        ::log::info!(target: "hal", "PCI {}: {}", device.address, kind.name);
        cards.push(PciCard {
            port: device.port,
            interrupt: device.interrupt,
            limits: kind.limits,
        });
        true
    });
    cards
}
