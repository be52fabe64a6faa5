//! Segments, the task state segment and the stacks that interrupt gates switch to.

use core::cell::UnsafeCell;
use core::ops::Range;

use spin::Once;
use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::registers::segmentation::SegmentSelector;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::tss::TaskStateSegment;

/// A stack in the kernel's image with a page below it that is taken out of the
/// address space once memory management runs.
#[repr(C, align(4096))]
struct GuardedStack<const BYTES: usize> {
    guard: UnsafeCell<[u8; GUARD_BYTES]>,
    stack: UnsafeCell<[u8; BYTES]>,
}

// SAFETY: Rust code never refers to the bytes; the processor uses a stack for one
// gate at a time, with interrupts disabled.
unsafe impl<const BYTES: usize> Sync for GuardedStack<BYTES> {}

/// Bytes of the guard page.
pub(crate) const GUARD_BYTES: usize = 4096;

impl<const BYTES: usize> GuardedStack<BYTES> {
    const fn new() -> Self {
        Self {
            guard: UnsafeCell::new([0; GUARD_BYTES]),
            stack: UnsafeCell::new([0; BYTES]),
        }
    }

    fn top(&self) -> VirtAddr {
        VirtAddr::from_ptr(self.stack.get()) + BYTES as u64
    }

    fn guard(&self) -> Range<u64> {
        let start = self.guard.get() as u64;
        start..start + GUARD_BYTES as u64
    }
}

/// The stack an interrupt gate switches to: an index into the interrupt stack table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateStack {
    /// Double fault. It has its own, since it may be raised on any other one.
    DoubleFault = 0,
    /// Every other exception.
    Exception = 1,
    /// Device interrupts, which only pass over it (see `stubs`).
    Interrupt = 2,
    /// Non-maskable interrupt and machine check, which come at any time.
    NonMaskable = 3,
}

static DOUBLE_FAULT_STACK: GuardedStack<{ 16 * 1024 }> = GuardedStack::new();
static EXCEPTION_STACK: GuardedStack<{ 32 * 1024 }> = GuardedStack::new();
static INTERRUPT_STACK: GuardedStack<4096> = GuardedStack::new();
static NON_MASKABLE_STACK: GuardedStack<{ 16 * 1024 }> = GuardedStack::new();

static TASK_STATE: Once<TaskStateSegment> = Once::new();
static SEGMENTS: Once<(
    GlobalDescriptorTable,
    SegmentSelector,
    SegmentSelector,
    SegmentSelector,
)> = Once::new();

/// Guard pages below the gate stacks.
pub(crate) fn guard_pages() -> [Range<u64>; 4] {
    [
        DOUBLE_FAULT_STACK.guard(),
        EXCEPTION_STACK.guard(),
        INTERRUPT_STACK.guard(),
        NON_MASKABLE_STACK.guard(),
    ]
}

fn task_state() -> TaskStateSegment {
    let mut task_state = TaskStateSegment::new();
    let mut stacks = task_state.interrupt_stack_table;
    stacks[GateStack::DoubleFault as usize] = DOUBLE_FAULT_STACK.top();
    stacks[GateStack::Exception as usize] = EXCEPTION_STACK.top();
    stacks[GateStack::Interrupt as usize] = INTERRUPT_STACK.top();
    stacks[GateStack::NonMaskable as usize] = NON_MASKABLE_STACK.top();
    task_state.interrupt_stack_table = stacks;
    task_state
}

/// Loads the kernel's segments and task state segment. To be called once, with
/// interrupts disabled.
pub(crate) fn load() {
    let task_state = TASK_STATE.call_once(task_state);
    let (table, code, data, task) = SEGMENTS.call_once(|| {
        let mut table = GlobalDescriptorTable::new();
        let code = table.append(Descriptor::kernel_code_segment());
        let data = table.append(Descriptor::kernel_data_segment());
        let task = table.append(Descriptor::tss_segment(task_state));
        (table, code, data, task)
    });
    table.load();
    // SAFETY: the selectors lead to the matching kind of descriptor in the table that
    // was just loaded and lives for ever.
    unsafe {
        CS::set_reg(*code);
        SS::set_reg(*data);
        DS::set_reg(*data);
        ES::set_reg(*data);
        load_tss(*task);
    }
}
