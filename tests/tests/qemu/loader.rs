//! Kernels that the loader must refuse: one clear line, and the failure exit code.

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tests::machine::Options;
use tests::script;
use tests::verdict::Verdict;

/// `bootloader_api`'s mark of a configuration section, before the version.
const CONFIGURATION_MARK: [u8; 16] = [
    0x74, 0x3c, 0xa9, 0x61, 0x09, 0x36, 0x46, 0xa0, 0xbb, 0x55, 0x5c, 0x15, 0x89, 0x15, 0x25, 0x3d,
];
/// ELF64: where the first program header lies, the size and the number of them, and within one the flags and the size in memory.
const PROGRAM_HEADER_OFFSET: usize = 0x20;
const PROGRAM_HEADER_SIZE: usize = 0x36;
const PROGRAM_HEADER_COUNT: usize = 0x38;
const FLAGS: usize = 4;
const MEMORY_SIZE: usize = 0x28;

/// Boots and checks that the loader ends with a line that holds `reason`, the only one it prints.
#[track_caller]
fn refused(options: Options, reason: &str) {
    let mut machine = options.start();
    let verdict = machine.end();
    let log = machine.serial_log();
    assert_eq!(verdict, Verdict::Fail, "{log}");
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "not one line: {lines:#?}");
    assert!(
        lines[0].starts_with("boot: ") && lines[0].contains(reason),
        "{}",
        lines[0]
    );
}

/// The kernel, changed.
#[track_caller]
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> (TempDir, PathBuf) {
    script::build();
    let mut image = fs::read(script::output().join("kernel")).expect("the kernel");
    change(&mut image);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kernel");
    fs::write(&path, image).expect("a file");
    (folder, path)
}

#[track_caller]
fn refused_when_changed(change: impl FnOnce(&mut Vec<u8>), reason: &str) {
    let (_folder, path) = changed(change);
    refused(Options::new().kernel(path), reason);
}

fn find(image: &[u8], bytes: &[u8]) -> usize {
    image
        .windows(bytes.len())
        .position(|window| window == bytes)
        .expect("the bytes in the kernel")
}

/// Where the first program header lies.
fn program_header(image: &[u8]) -> usize {
    let bytes = image[PROGRAM_HEADER_OFFSET..]
        .first_chunk()
        .expect("an ELF header");
    u64::from_le_bytes(*bytes) as usize
}

/// Where the last one lies.
fn last_program_header(image: &[u8]) -> usize {
    let size = usize::from(u16::from_le_bytes([
        image[PROGRAM_HEADER_SIZE],
        image[PROGRAM_HEADER_SIZE + 1],
    ]));
    let count = usize::from(u16::from_le_bytes([
        image[PROGRAM_HEADER_COUNT],
        image[PROGRAM_HEADER_COUNT + 1],
    ]));
    program_header(image) + size * (count - 1)
}

#[test]
fn no_kernel() {
    refused(Options::new().kernel("none"), "no kernel");
}

#[test]
fn text_instead_of_a_kernel() {
    refused(
        Options::new().kernel(script::workspace().join("Cargo.toml")),
        "not an ELF file",
    );
}

#[test]
fn a_program_of_the_host() {
    refused(
        Options::new().kernel(
            Path::new("/proc/self/exe")
                .canonicalize()
                .expect("this program"),
        ),
        "not linked at fixed addresses",
    );
}

#[test]
fn the_loader_as_its_own_kernel() {
    script::build();
    refused(
        Options::new().kernel(script::output().join("boot")),
        "no .bootloader-config section",
    );
}

#[test]
fn a_kernel_cut_in_the_middle() {
    refused_when_changed(|image| image.truncate(image.len() / 2), "truncated");
}

#[test]
fn a_kernel_cut_within_its_header() {
    refused_when_changed(|image| image.truncate(40), "truncated");
}

#[test]
fn a_kernel_of_another_machine() {
    const MACHINE: usize = 0x12;
    refused_when_changed(|image| image[MACHINE] = 183, "not for x86-64");
}

#[test]
fn a_kernel_with_a_damaged_configuration() {
    refused_when_changed(
        |image| {
            let mark = find(image, &CONFIGURATION_MARK);
            image[mark] ^= 1;
        },
        ".bootloader-config section is damaged",
    );
}

#[test]
fn a_kernel_for_another_version_of_the_contract() {
    refused_when_changed(
        |image| {
            let version = find(image, &CONFIGURATION_MARK) + CONFIGURATION_MARK.len();
            image[version] += 1;
        },
        "built with bootloader_api",
    );
}

#[test]
fn a_segment_both_writable_and_executable() {
    refused_when_changed(
        |image| {
            let header = program_header(image);
            image[header + FLAGS] = 7;
        },
        "both writable and executable",
    );
}

#[test]
fn a_kernel_larger_than_memory() {
    refused_when_changed(
        |image| {
            let size = last_program_header(image) + MEMORY_SIZE;
            image[size..size + 8].copy_from_slice(&(200_u64 << 20).to_le_bytes());
        },
        "not enough memory",
    );
}

#[test]
fn a_command_line_that_is_too_long() {
    // QEMU's own buffer for it is 4096 bytes, the end mark included (pc-bios/optionrom/pvh_main.c): a longer one overwrites what the
    // loader reads first.
    refused(
        Options::new().append(&"x".repeat(4096)),
        "command line is longer",
    );
}
