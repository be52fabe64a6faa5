//! Reading the multiboot2 boot information.

use std::vec::Vec;

use crate::boot_data::{BootData, MAX_COMMAND_LINE};
use crate::error::BootError;
use crate::multiboot;

/// The boot information as GRUB writes it, in memory that is aligned as the protocol demands.
struct Information(Vec<u64>);

impl Information {
    fn new(tags: &[(u32, Vec<u8>)]) -> Self {
        let mut bytes = std::vec![0_u8; 8];
        for (kind, contents) in tags.iter().chain([&(0, Vec::new())]) {
            bytes.extend(kind.to_le_bytes());
            bytes.extend((8 + contents.len() as u32).to_le_bytes());
            bytes.extend(contents);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        let size = bytes.len() as u32;
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        Self(
            bytes
                .chunks_exact(8)
                .map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
                .collect(),
        )
    }

    fn read(&self) -> Result<BootData<'_>, BootError> {
        // SAFETY: written as the protocol says, and left alone.
        unsafe { multiboot::boot_data(self.0.as_ptr().cast()) }
    }

    fn address(&self) -> u64 {
        self.0.as_ptr() as u64
    }
}

fn module(start: u32, end: u32) -> (u32, Vec<u8>) {
    (
        3,
        [&start.to_le_bytes()[..], &end.to_le_bytes(), b"kernel\0"].concat(),
    )
}

fn command_line(line: &[u8]) -> (u32, Vec<u8>) {
    (1, [line, b"\0"].concat())
}

fn memory_map() -> (u32, Vec<u8>) {
    let mut contents = Vec::new();
    contents.extend(24_u32.to_le_bytes());
    contents.extend(0_u32.to_le_bytes());
    for (start, length, kind) in [
        (0, 0x9_fc00, 1),
        (0x10_0000, 0xee_0000, 1),
        (0xfe_0000, 0x2_0000, 3_u64),
    ] {
        contents.extend(
            [start, length, kind]
                .iter()
                .flat_map(|word| word.to_le_bytes()),
        );
    }
    (6, contents)
}

/// The root pointer of ACPI 1.0 in a tag of type 14, that of ACPI 2.0 in one of type 15.
fn root_pointer(kind: u32) -> (u32, Vec<u8>) {
    (
        kind,
        [
            &b"RSD PTR "[..],
            if kind == 14 { &[0; 12] } else { &[0; 28] },
        ]
        .concat(),
    )
}

#[test]
fn the_boot_information_is_read() {
    let information = Information::new(&[
        command_line(b"Ne2000.Irq=9"),
        module(0x20_0000, 0x20_1234),
        module(1, 2),
        memory_map(),
    ]);
    let data = information.read().expect("good boot information");
    assert_eq!(
        data.kernel,
        0x20_0000..0x20_1234,
        "the first module is the kernel"
    );
    assert_eq!(data.command_line, b"Ne2000.Irq=9");
    assert_eq!(data.memory_map.memory_end(), 0x100_0000);
    assert_eq!(
        data.keep,
        Some(information.address()..information.address() + 8 * information.0.len() as u64)
    );
    assert_eq!(data.rsdp, None);
}

#[test]
fn the_newer_root_pointer_is_taken() {
    let both = Information::new(&[
        root_pointer(14),
        root_pointer(15),
        module(1, 2),
        memory_map(),
    ]);
    let data = both.read().expect("good boot information");
    let at = (data.rsdp.expect("a root pointer") - both.address()) / 8;
    assert_eq!(
        (at, both.0[at as usize]),
        (1 + 4 + 1, u64::from_le_bytes(*b"RSD PTR "))
    );
}

#[test]
fn what_is_missing_is_reported() {
    let error = |tags: &[_]| {
        Information::new(tags)
            .read()
            .expect_err("something missing")
    };
    assert_eq!(error(&[memory_map()]), BootError::NoKernel);
    assert_eq!(error(&[module(1, 2)]), BootError::BootInformation);
    assert_eq!(
        error(&[
            module(1, 2),
            memory_map(),
            command_line(&[b'x'; MAX_COMMAND_LINE + 1])
        ]),
        BootError::CommandLineTooLong
    );
    assert_eq!(
        Information(std::vec![0; 4])
            .read()
            .expect_err("no boot information"),
        BootError::BootInformation
    );
    let information = Information::new(&[module(1, 2), memory_map()]);
    assert_eq!(
        information
            .read()
            .expect("good boot information")
            .command_line,
        b""
    );
}
