//! The local APIC, in virtual wire mode: the interrupts of the 8259A pass through it
//! (Intel SDM volume 3, section 10.1; MultiProcessor Specification 1.4, section
//! 3.6.2.2). Firmware usually leaves it so, but some machines have none.

use volatile::access::ReadWrite;
use volatile::{VolatilePtr, VolatileRef};
use x86_64::registers::model_specific::Msr;

use super::idt::APIC_SPURIOUS_VECTOR;
use crate::mm;

/// Model-specific register with the APIC's address and its global enable.
const IA32_APIC_BASE: Msr = Msr::new(0x1b);
/// Bits of the address.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// Global enable.
const ENABLED: u64 = 1 << 11;
/// The registers are model-specific ones instead of memory.
const X2APIC: u64 = 1 << 10;

/// CPUID leaf 1, EDX: there is a local APIC.
const CPUID_APIC: u32 = 1 << 9;

/// Bytes of the register page.
const REGISTER_BYTES: u64 = 4096;
/// Words of the register page.
const REGISTER_WORDS: usize = 1024;

/// Byte offsets of registers.
const SPURIOUS_VECTOR: usize = 0xf0;
const LOCAL_INTERRUPT_0: usize = 0x350;
const LOCAL_INTERRUPT_1: usize = 0x360;

/// Spurious-vector register: the APIC is enabled.
const SOFTWARE_ENABLE: u32 = 1 << 8;
/// Local vector table: the interrupt comes from an 8259A, which gives the vector.
const DELIVER_EXTERNAL: u32 = 0x700;
/// Local vector table: the interrupt is non-maskable.
const DELIVER_NON_MASKABLE: u32 = 0x400;

/// Lets the interrupts of the 8259A through. Does nothing where there is no local
/// APIC.
pub(crate) fn init() {
    if core::arch::x86_64::__cpuid(1).edx & CPUID_APIC == 0 {
        return;
    }
    // SAFETY: processors with a local APIC have the register, and reading it changes
    // nothing.
    let base = unsafe { IA32_APIC_BASE.read() };
    if base & ENABLED == 0 || base & X2APIC != 0 {
        return;
    }
    // SAFETY: this is where the processor says its local APIC is.
    match unsafe { mm::map_device(base & ADDRESS, REGISTER_BYTES) } {
        Ok(registers) => {
            // SAFETY: the page was just mapped for this alone.
            let mut registers =
                unsafe { VolatileRef::<[u32; REGISTER_WORDS]>::new(registers.cast()) };
            set_virtual_wire(registers.as_mut_ptr());
        }
        Err(status) => log::error!(target: "hal", "local APIC cannot be mapped: {status}"),
    }
}

fn set_virtual_wire(registers: VolatilePtr<'_, [u32; REGISTER_WORDS], ReadWrite>) {
    for (offset, value) in [
        (
            SPURIOUS_VECTOR,
            SOFTWARE_ENABLE | u32::from(APIC_SPURIOUS_VECTOR),
        ),
        (LOCAL_INTERRUPT_0, DELIVER_EXTERNAL),
        (LOCAL_INTERRUPT_1, DELIVER_NON_MASKABLE),
    ] {
        // SAFETY: the offsets lie within the register page.
        let register = unsafe { registers.map(|page| page.cast::<u32>().byte_add(offset)) };
        register.write(value);
    }
}
