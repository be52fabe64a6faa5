//! Checking the kernel's file.

use bootloader_api::BootloaderConfig;
use bootloader_api::config::Mapping;
use proptest::prelude::*;
use std::vec::Vec;

use super::kernel_file::{
    BASE, EXECUTE, FileSegment, INTERPRETER, KernelFile, READ, TLS, WRITE, segment,
};
use crate::error::{KernelError, Version};
use crate::kernel_image::{KernelImage, Segment};

fn good() -> KernelFile {
    KernelFile::new(&BootloaderConfig::new_default())
}

fn error_of(file: &KernelFile) -> KernelError {
    KernelImage::parse(&file.write()).expect_err("a wrong kernel")
}

#[test]
fn a_good_kernel_is_taken_apart() {
    let mut file = good();
    file.segments.push(FileSegment {
        kind: TLS,
        ..segment(READ, BASE + 0x2000, &[1; 16], 64)
    });
    let bytes = file.write();
    let kernel = KernelImage::parse(&bytes).expect("a good kernel");
    assert_eq!(kernel.entry, BASE + 0x10);
    assert_eq!(kernel.segments.len(), 3);
    let data = kernel.segments[2];
    assert_eq!(
        (data.address, data.size, data.bytes),
        (BASE + 0x3080, 0x2f80, &[0xda; 0x180][..])
    );
    let rights: Vec<_> = kernel
        .segments
        .iter()
        .map(|segment| (segment.writable, segment.executable))
        .collect();
    assert_eq!(rights, [(false, true), (false, false), (true, false)]);
    let template = kernel.tls_template.expect("a template");
    assert_eq!(
        (template.start_addr, template.file_size, template.mem_size),
        (BASE + 0x2000, 16, 64)
    );
}

#[test]
fn a_file_that_is_no_elf_file_is_refused() {
    for file in [
        &b""[..],
        b"\x7f",
        b"\x7fEL",
        b"#!/bin/sh\n",
        &[0; 4096],
        &[0xff; 64],
    ] {
        assert_eq!(
            KernelImage::parse(file).expect_err("no ELF file"),
            KernelError::NotElf
        );
    }
}

#[test]
fn a_file_of_32_bits_or_of_the_other_byte_order_is_refused() {
    for (at, value) in [(4, 1), (5, 2), (4, 0), (5, 9)] {
        let mut file = good().write();
        file[at] = value;
        assert_eq!(
            KernelImage::parse(&file).expect_err("a foreign file"),
            KernelError::Not64Bit
        );
    }
}

#[test]
fn a_file_for_another_machine_or_of_another_type_is_refused() {
    assert_eq!(
        error_of(&KernelFile {
            machine: 183,
            ..good()
        }),
        KernelError::WrongMachine(183)
    );
    for file_type in [0, 1, 3, 4] {
        assert_eq!(
            error_of(&KernelFile {
                file_type,
                ..good()
            }),
            KernelError::NotStatic(file_type)
        );
    }
    let mut dynamic = good();
    dynamic.segments.push(FileSegment {
        kind: INTERPRETER,
        ..segment(READ, 0, b"/lib/ld.so", 10)
    });
    assert_eq!(error_of(&dynamic), KernelError::NotStatic(2));
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let file = good().write();
    for length in 0..file.len() {
        let expected = if length < 4 {
            KernelError::NotElf
        } else {
            KernelError::Truncated
        };
        assert_eq!(
            KernelImage::parse(&file[..length]).expect_err("a part of a file"),
            expected,
            "{length} bytes"
        );
    }
}

#[test]
fn a_file_without_the_configuration_section_is_refused() {
    assert_eq!(
        error_of(&KernelFile {
            configuration: None,
            ..good()
        }),
        KernelError::NoConfiguration
    );
}

#[test]
fn a_damaged_configuration_is_refused() {
    let serialized = BootloaderConfig::new_default().serialize().to_vec();
    let with = |configuration| {
        error_of(&KernelFile {
            configuration: Some(configuration),
            ..good()
        })
    };
    assert_eq!(with(Vec::new()), KernelError::Configuration("invalid UUID"));
    assert_eq!(
        with(serialized[..20].to_vec()),
        KernelError::Configuration("invalid len")
    );
    assert_eq!(
        with(serialized[..serialized.len() - 1].to_vec()),
        KernelError::Configuration("invalid len")
    );
    let mut foreign = serialized.clone();
    foreign[0] ^= 1;
    assert_eq!(with(foreign), KernelError::Configuration("invalid UUID"));
    let mut wrong = serialized;
    wrong[31] = 7;
    assert_eq!(
        with(wrong),
        KernelError::Configuration("invalid mapping value")
    );
}

#[test]
fn a_kernel_of_another_version_of_the_contract_is_refused() {
    let serialized = BootloaderConfig::new_default().serialize();
    let number = |at: usize| u16::from_le_bytes([serialized[at], serialized[at + 1]]);
    let own = Version {
        major: number(16),
        minor: number(18),
        patch: number(20),
    };
    for (at, kernel) in [
        (
            16,
            Version {
                major: own.major + 1,
                ..own
            },
        ),
        (
            18,
            Version {
                minor: own.minor - 1,
                ..own
            },
        ),
    ] {
        let mut configuration = serialized.to_vec();
        let value = if at == 16 { kernel.major } else { kernel.minor };
        configuration[at..at + 2].copy_from_slice(&value.to_le_bytes());
        let error = error_of(&KernelFile {
            configuration: Some(configuration),
            ..good()
        });
        assert_eq!(
            error,
            KernelError::Version {
                kernel,
                loader: own
            }
        );
    }
    let mut patched = serialized.to_vec();
    patched[20] ^= 1;
    let compatible = KernelFile {
        configuration: Some(patched),
        ..good()
    }
    .write();
    assert!(KernelImage::parse(&compatible).is_ok());
}

#[test]
fn what_the_loader_does_not_do_is_refused() {
    let mut config = BootloaderConfig::new_default();
    config.mappings.aslr = true;
    assert_eq!(
        error_of(&KernelFile::new(&config)),
        KernelError::Unsupported("randomised addresses")
    );
    let mut config = BootloaderConfig::new_default();
    config.mappings.kernel_base = Mapping::FixedAddress(0x10_0000_0000);
    assert_eq!(
        error_of(&KernelFile::new(&config)),
        KernelError::Unsupported("another base address")
    );
    let mut file = good();
    for _ in 0..2 {
        file.segments.push(FileSegment {
            kind: TLS,
            ..segment(READ, BASE + 0x2000, &[1; 16], 64)
        });
    }
    assert_eq!(
        error_of(&file),
        KernelError::Unsupported("several templates for thread-local storage")
    );
}

#[test]
fn damaged_segments_are_refused() {
    let with = |extra: FileSegment| {
        let mut file = good();
        file.segments.push(extra);
        error_of(&file)
    };
    let at = BASE + 0x10_0000;
    assert_eq!(
        with(segment(READ, at, &[0; 32], 31)),
        KernelError::BadSegment(at)
    );
    assert_eq!(
        with(segment(READ, u64::MAX - 15, &[0; 8], 17)),
        KernelError::BadSegment(u64::MAX - 15)
    );
    assert_eq!(
        with(segment(READ | WRITE | EXECUTE, at, &[0; 8], 8)),
        KernelError::WritableAndExecutable(at)
    );
    for told in [1 << 20, u64::MAX, u64::MAX - 0x100] {
        let outside = FileSegment {
            told_size: Some(told),
            ..segment(READ, at, &[0; 8], u64::MAX >> 8)
        };
        assert_eq!(with(outside), KernelError::Truncated);
    }
}

#[test]
fn the_number_of_segments_is_bounded_and_empty_ones_do_not_count() {
    let mut file = good();
    for index in 0..100 {
        file.segments
            .push(segment(READ, BASE + 0x10_0000 + index * 0x1000, &[], 0));
    }
    assert_eq!(
        KernelImage::parse(&file.write()).map(|kernel| kernel.segments.len()),
        Ok(3)
    );
    for index in 0..14 {
        file.segments
            .push(segment(READ, BASE + 0x10_0000 + index * 0x1000, &[1], 1));
    }
    assert_eq!(error_of(&file), KernelError::TooManySegments);
}

#[test]
fn the_entry_point_must_be_in_an_executable_segment() {
    for entry in [0, BASE - 1, BASE + 0x1234, BASE + 0x2000, u64::MAX] {
        assert_eq!(
            error_of(&KernelFile { entry, ..good() }),
            KernelError::EntryPoint(entry)
        );
    }
    assert_eq!(
        error_of(&KernelFile {
            segments: Vec::new(),
            ..good()
        }),
        KernelError::NoSegments
    );
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..512),
        elf: bool,
    ) {
        if elf {
            bytes.splice(0..bytes.len().min(7), [0x7f, b'E', b'L', b'F', 2, 1, 1]);
        }
        let _ = KernelImage::parse(&bytes);
    }

    #[test]
    fn a_changed_kernel_is_refused_or_still_sound(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        headers_only: bool,
    ) {
        let mut bytes = good().write();
        let end = if headers_only { 64 + 3 * 56 } else { bytes.len() };
        for (index, value) in changes {
            bytes[index.index(end)] = value;
        }
        if let Ok(kernel) = KernelImage::parse(&bytes) {
            for segment in &kernel.segments {
                prop_assert!(!(segment.writable && segment.executable));
                prop_assert!(segment.bytes.len() as u64 <= segment.size);
                prop_assert!(segment.address.checked_add(segment.size).is_some());
            }
            let holds_entry = |segment: &Segment<'_>| {
                segment.executable
                    && (segment.address..segment.address + segment.size).contains(&kernel.entry)
            };
            prop_assert!(kernel.segments.iter().any(holds_entry));
        }
    }
}
