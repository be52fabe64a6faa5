//! Reading the PVH start information.

use proptest::prelude::*;

use super::machine::Machine;
use crate::boot_data::MAX_COMMAND_LINE;
use crate::error::BootError;

const SIZE: u64 = 0x40_0000;

fn machine(command_line: &[u8]) -> Machine {
    let mut machine = Machine::new(SIZE);
    machine.set_up(b"kernel", command_line);
    machine
}

#[test]
fn the_start_information_is_read() {
    let machine = machine(b"Ne2000.Irq=9");
    let data = machine.boot_data().expect("good start information");
    let module = machine.module_address(6);
    assert_eq!(data.kernel, module..module + 6);
    assert_eq!(data.command_line, b"Ne2000.Irq=9");
    assert_eq!(data.rsdp, Some(0xf_59d0));
    assert_eq!(data.keep, Some(0x4000..0x400c));
    assert_eq!(data.memory_map.memory_end(), SIZE - 0x2_0000);
}

#[test]
fn command_line_and_root_pointer_may_be_missing() {
    let mut machine = machine(b"x");
    machine.patch_start_info(24, 0);
    machine.patch_start_info(32, 0);
    let data = machine.boot_data().expect("good start information");
    assert_eq!((data.command_line, data.rsdp), (&b""[..], None));
}

#[test]
fn a_command_line_that_is_too_long_is_refused() {
    let longest = [b'x'; MAX_COMMAND_LINE];
    assert_eq!(
        machine(&longest)
            .boot_data()
            .expect("the longest command line")
            .command_line,
        longest
    );
    let error = machine(&[b'x'; MAX_COMMAND_LINE + 1])
        .boot_data()
        .expect_err("too long");
    assert_eq!(error, BootError::CommandLineTooLong);
}

#[test]
fn a_missing_module_is_reported_as_that() {
    let mut machine = machine(b"");
    machine.patch_start_info(12, 0);
    assert_eq!(
        machine.boot_data().expect_err("no module"),
        BootError::NoKernel
    );
}

#[test]
fn damaged_start_information_is_refused() {
    for (offset, value) in [
        (0, 0x336e_c579),
        (4, 0),
        (16, 0),
        (20, 1),
        (16, SIZE as u32 - 31),
        (24, SIZE as u32),
        (28, 1),
        (40, 0),
        (40, SIZE as u32 - 24),
        (44, u32::MAX),
    ] {
        let mut machine = machine(b"");
        machine.patch_start_info(offset, value);
        assert_eq!(
            machine.boot_data().expect_err("damaged"),
            BootError::StartInfo,
            "{value:#x} at {offset}"
        );
    }
}

#[test]
fn a_memory_map_of_too_many_entries_is_refused() {
    for count in [129, u32::MAX] {
        let mut machine = machine(b"");
        machine.patch_start_info(48, count);
        assert_eq!(
            machine.boot_data().expect_err("too many"),
            BootError::MemoryMapTooLong
        );
    }
}

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0..SIZE as u32 + 0x100]
}

proptest! {
    #[test]
    fn any_start_information_is_read_or_refused(
        words in proptest::collection::vec((1..14_u64, word()), 1..6),
    ) {
        let mut machine = machine(b"Key=value");
        for (index, value) in words {
            machine.patch_start_info(4 * index, value);
        }
        let _ = machine.boot();
    }
}
