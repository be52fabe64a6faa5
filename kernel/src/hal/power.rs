//! Ends of the machine.

use x86_64::VirtAddr;
use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts, tables};
use x86_64::structures::DescriptorTablePointer;

use super::serial;

/// Port of QEMU's `isa-debug-exit`: QEMU exits with twice the value plus one.
const DEBUG_EXIT: u16 = 0xf4;
/// Everything went well: QEMU exits with 33.
const SUCCESS: u32 = 0x10;
/// Something failed: QEMU exits with 35.
const FAILURE: u32 = 0x11;

/// Power management control registers (ACPI 6.4, section 4.8.3.2) of QEMU's machines
/// `q35` and `pc`: sleep type 0, which they take for "off", and sleep enable.
const ACPI_CONTROL: [u16; 2] = [0x604, 0xb004];
const ACPI_SLEEP: u16 = 1 << 13;

/// The keyboard controller's command port and its command to reset the processor.
const KEYBOARD_COMMAND: u16 = 0x64;
const RESET: u8 = 0xfe;

/// Ends a run in which everything went well.
pub(crate) fn off() -> ! {
    end(SUCCESS)
}

/// Ends a run in which something failed.
pub(crate) fn fail() -> ! {
    end(FAILURE)
}

fn end(code: u32) -> ! {
    interrupts::disable();
    write_what_waits();
    // SAFETY: nothing runs after this that could mind.
    unsafe { Port::new(DEBUG_EXIT).write(code) };
    if code == SUCCESS {
        for control in ACPI_CONTROL {
            // SAFETY: as above; elsewhere the ports lead nowhere.
            unsafe { Port::new(control).write(ACPI_SLEEP) };
        }
    }
    halt()
}

/// Starts the machine anew.
pub(crate) fn reboot() -> ! {
    interrupts::disable();
    write_what_waits();
    // SAFETY: nothing runs after this that could mind.
    unsafe { Port::new(KEYBOARD_COMMAND).write(RESET) };
    // Where there is no keyboard controller, an exception without any gate resets the
    // processor.
    let no_gates = DescriptorTablePointer {
        limit: 0,
        base: VirtAddr::zero(),
    };
    // SAFETY: the exception is meant to find no gate.
    unsafe { tables::lidt(&no_gates) };
    interrupts::int3();
    halt()
}

/// Gives the console what its queue still holds.
fn write_what_waits() {
    serial::write_unlocked(&[]);
}

/// Stops for good, where the machine cannot be switched off.
fn halt() -> ! {
    serial::write_unlocked(b"System halted.\r\n");
    loop {
        interrupts::disable();
        hlt();
    }
}
