//! Writes kernel files, right and wrong ones.

use std::vec::Vec;

use bootloader_api::BootloaderConfig;

/// A part of a kernel file that is to be loaded.
#[derive(Clone, Debug)]
pub(super) struct FileSegment {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) address: u64,
    pub(super) bytes: Vec<u8>,
    /// Size in memory.
    pub(super) size: u64,
    /// Replaces the size in the file that the header tells.
    pub(super) told_size: Option<u64>,
}

pub(super) const LOAD: u32 = 1;
pub(super) const INTERPRETER: u32 = 3;
pub(super) const TLS: u32 = 7;
pub(super) const READ: u32 = 4;
pub(super) const WRITE: u32 = 2;
pub(super) const EXECUTE: u32 = 1;

/// A kernel file to be written.
#[derive(Clone, Debug)]
pub(super) struct KernelFile {
    pub(super) machine: u16,
    pub(super) file_type: u16,
    pub(super) entry: u64,
    pub(super) segments: Vec<FileSegment>,
    pub(super) configuration: Option<Vec<u8>>,
}

/// Where the kernels of these tests are linked.
pub(super) const BASE: u64 = 0xffff_ffff_8000_0000;

pub(super) fn segment(flags: u32, address: u64, bytes: &[u8], size: u64) -> FileSegment {
    FileSegment {
        kind: LOAD,
        flags,
        address,
        bytes: bytes.to_vec(),
        size,
        told_size: None,
    }
}

impl KernelFile {
    /// A kernel that can be loaded: text, read-only data, and data with zeros behind it.
    pub(super) fn new(config: &BootloaderConfig) -> Self {
        Self {
            machine: 62,
            file_type: 2,
            entry: BASE + 0x10,
            segments: std::vec![
                segment(READ | EXECUTE, BASE, &[0xc3; 0x1234], 0x1234),
                segment(READ, BASE + 0x2000, &[0x52; 0x1000], 0x1000),
                segment(READ | WRITE, BASE + 0x3080, &[0xda; 0x180], 0x2f80),
            ],
            configuration: Some(config.serialize().to_vec()),
        }
    }

    /// The file: ELF header, program headers, contents, section names, section headers.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut contents_at = 64 + 56 * self.segments.len() as u64;
        let mut headers = Vec::new();
        let mut contents: Vec<u8> = Vec::new();
        for segment in &self.segments {
            let told_size = segment.told_size.unwrap_or(segment.bytes.len() as u64);
            headers.extend(
                [segment.kind, segment.flags]
                    .iter()
                    .flat_map(|word| word.to_le_bytes()),
            );
            let words = [
                contents_at,
                segment.address,
                segment.address,
                told_size,
                segment.size,
                0x1000,
            ];
            headers.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            contents.extend(&segment.bytes);
            contents_at += segment.bytes.len() as u64;
        }
        let names = b"\0.bootloader-config\0.shstrtab\0";
        let mut sections = std::vec![0_u8; 64];
        if let Some(configuration) = &self.configuration {
            sections.extend(section_header(
                1,
                1,
                contents_at,
                configuration.len() as u64,
            ));
            contents.extend(configuration);
            contents_at += configuration.len() as u64;
        }
        sections.extend(section_header(20, 3, contents_at, names.len() as u64));
        contents.extend(names);
        contents_at += names.len() as u64;

        let section_count = (sections.len() / 64) as u16;
        let mut file = std::vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend(self.file_type.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        file.extend(
            [self.entry, 64, contents_at]
                .iter()
                .flat_map(|word| word.to_le_bytes()),
        );
        file.extend(0_u32.to_le_bytes());
        let halves = [
            64,
            56,
            self.segments.len() as u16,
            64,
            section_count,
            section_count - 1,
        ];
        file.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
        file.extend(headers);
        file.extend(contents);
        file.extend(sections);
        file
    }
}

fn section_header(name: u32, kind: u32, offset: u64, size: u64) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend([name, kind].iter().flat_map(|word| word.to_le_bytes()));
    header.extend(
        [0, 0, offset, size, 0, 1, 0]
            .iter()
            .flat_map(|word: &u64| word.to_le_bytes()),
    );
    header
}
