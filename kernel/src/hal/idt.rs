//! The interrupt descriptor table.

use spin::Once;
use x86_64::VirtAddr;
use x86_64::structures::idt::{Entry, InterruptDescriptorTable};

use super::gdt::GateStack;
use super::stubs::{
    exception_stub, exception_stub_with_code, interrupt_stub, interrupt_stub_without_sse,
};

/// Vector of ISA line 0; the other fifteen follow.
pub(crate) const FIRST_LINE_VECTOR: u8 = 0x20;

/// Vector that the local APIC raises when an interrupt goes away before it is taken.
pub(crate) const APIC_SPURIOUS_VECTOR: u8 = 0xff;

/// What the control of the interrupt test takes away from the clock's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockGateFault {
    /// The gate uses the interrupted stack, over its red zone.
    NoStack,
    /// The stub does not restore the SSE registers.
    NoSse,
}

static TABLE: Once<InterruptDescriptorTable> = Once::new();
static TABLE_WITHOUT_STACK: Once<InterruptDescriptorTable> = Once::new();
static TABLE_WITHOUT_SSE: Once<InterruptDescriptorTable> = Once::new();

/// Fills one gate in.
fn set<F>(entry: &mut Entry<F>, stub: unsafe extern "C" fn(), stack: GateStack) {
    // SAFETY: the stub does what the gate's kind of entry asks for, and each stack is
    // used by gates that cannot interrupt one another: device interrupts come only
    // when enabled, and exceptions and non-maskable interrupts never return.
    unsafe {
        entry
            .set_handler_addr(VirtAddr::from_ptr(stub as *const ()))
            .set_stack_index(stack as u16);
    }
}

/// The gates of all exceptions.
fn set_exceptions(table: &mut InterruptDescriptorTable) {
    use GateStack::{DoubleFault, Exception, NonMaskable};

    set(&mut table.divide_error, exception_stub::<0>, Exception);
    set(&mut table.debug, exception_stub::<1>, Exception);
    set(
        &mut table.non_maskable_interrupt,
        exception_stub::<2>,
        NonMaskable,
    );
    set(&mut table.breakpoint, exception_stub::<3>, Exception);
    set(&mut table.overflow, exception_stub::<4>, Exception);
    set(
        &mut table.bound_range_exceeded,
        exception_stub::<5>,
        Exception,
    );
    set(&mut table.invalid_opcode, exception_stub::<6>, Exception);
    set(
        &mut table.device_not_available,
        exception_stub::<7>,
        Exception,
    );
    set(
        &mut table.double_fault,
        exception_stub_with_code::<8>,
        DoubleFault,
    );
    set(
        &mut table.invalid_tss,
        exception_stub_with_code::<10>,
        Exception,
    );
    set(
        &mut table.segment_not_present,
        exception_stub_with_code::<11>,
        Exception,
    );
    set(
        &mut table.stack_segment_fault,
        exception_stub_with_code::<12>,
        Exception,
    );
    set(
        &mut table.general_protection_fault,
        exception_stub_with_code::<13>,
        Exception,
    );
    set(
        &mut table.page_fault,
        exception_stub_with_code::<14>,
        Exception,
    );
    set(
        &mut table.x87_floating_point,
        exception_stub::<16>,
        Exception,
    );
    set(
        &mut table.alignment_check,
        exception_stub_with_code::<17>,
        Exception,
    );
    set(&mut table.machine_check, exception_stub::<18>, NonMaskable);
    set(
        &mut table.simd_floating_point,
        exception_stub::<19>,
        Exception,
    );
    set(&mut table.virtualization, exception_stub::<20>, Exception);
    set(
        &mut table.cp_protection_exception,
        exception_stub_with_code::<21>,
        Exception,
    );
}

/// The gates of the sixteen ISA lines and of the local APIC.
fn set_interrupts(table: &mut InterruptDescriptorTable) {
    let stubs: [unsafe extern "C" fn(); 16] = [
        interrupt_stub::<0x20>,
        interrupt_stub::<0x21>,
        interrupt_stub::<0x22>,
        interrupt_stub::<0x23>,
        interrupt_stub::<0x24>,
        interrupt_stub::<0x25>,
        interrupt_stub::<0x26>,
        interrupt_stub::<0x27>,
        interrupt_stub::<0x28>,
        interrupt_stub::<0x29>,
        interrupt_stub::<0x2a>,
        interrupt_stub::<0x2b>,
        interrupt_stub::<0x2c>,
        interrupt_stub::<0x2d>,
        interrupt_stub::<0x2e>,
        interrupt_stub::<0x2f>,
    ];
    for (vector, stub) in (FIRST_LINE_VECTOR..).zip(stubs) {
        set(&mut table[vector], stub, GateStack::Interrupt);
    }
    set(
        &mut table[APIC_SPURIOUS_VECTOR],
        interrupt_stub::<APIC_SPURIOUS_VECTOR>,
        GateStack::Interrupt,
    );
}

fn table() -> InterruptDescriptorTable {
    let mut table = InterruptDescriptorTable::new();
    set_exceptions(&mut table);
    set_interrupts(&mut table);
    table
}

/// Loads the table; the segments must be loaded.
pub(crate) fn load() {
    TABLE.call_once(table).load();
}

/// Loads a table whose clock gate has a fault. [`load`] brings the right one back.
///
/// # Safety
/// Until then the clock must interrupt nothing but code that can bear the fault.
pub(crate) unsafe fn load_with_fault(fault: ClockGateFault) {
    match fault {
        ClockGateFault::NoStack => TABLE_WITHOUT_STACK.call_once(|| {
            let mut table = table();
            // SAFETY: the stub is that of the same gate; what goes wrong without a
            // stack is up to the caller.
            unsafe {
                table[FIRST_LINE_VECTOR].set_handler_addr(VirtAddr::from_ptr(
                    interrupt_stub::<FIRST_LINE_VECTOR> as *const (),
                ));
            }
            table
        }),
        ClockGateFault::NoSse => TABLE_WITHOUT_SSE.call_once(|| {
            let mut table = table();
            set(
                &mut table[FIRST_LINE_VECTOR],
                interrupt_stub_without_sse::<FIRST_LINE_VECTOR>,
                GateStack::Interrupt,
            );
            table
        }),
    }
    .load();
}
