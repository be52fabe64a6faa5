//! The kernel's ELF file, checked before a byte of it is used.

use bootloader_api::BootloaderConfig;
use bootloader_api::config::{ApiVersion, Mapping};
use bootloader_api::info::TlsTemplate;
use elf::abi;
use elf::endian::LittleEndian;
use elf::segment::ProgramHeader;
use elf::{ElfBytes, ParseError};
use heapless::Vec;

use crate::error::{KernelError, Version};

/// Most segments to load; a linked kernel has three or four.
pub const MAX_SEGMENTS: usize = 16;

/// The section in which `bootloader_api::entry_point!` leaves its configuration.
const CONFIGURATION_SECTION: &str = ".bootloader-config";

/// Bytes of the identifier at the start of the configuration; the version (three 16-bit numbers)
/// follows.
const CONFIGURATION_ID_SIZE: usize = 16;

/// A part of the file to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Virtual address of its first byte.
    pub address: u64,
    /// Bytes in memory, never 0; those after `bytes` are zero.
    pub size: u64,
    /// Bytes from the file, at most `size`.
    pub bytes: &'a [u8],
    /// Whether it may be written.
    pub writable: bool,
    /// Whether it may be executed; never together with `writable`.
    pub executable: bool,
}

/// A kernel that can be loaded.
#[derive(Debug)]
pub struct KernelImage<'a> {
    /// What the kernel asks the loader for.
    pub config: BootloaderConfig,
    /// Virtual address of the entry point, in an executable segment.
    pub entry: u64,
    /// What to load.
    pub segments: Vec<Segment<'a>, MAX_SEGMENTS>,
    /// The template for thread-local storage, if there is one.
    pub tls_template: Option<TlsTemplate>,
}

impl<'a> KernelImage<'a> {
    /// Checks `file` and finds what is to be loaded.
    ///
    /// # Errors
    /// [`KernelError`], one for each thing that can be wrong.
    pub fn parse(file: &'a [u8]) -> Result<Self, KernelError> {
        if !file.starts_with(&abi::ELFMAGIC) {
            return Err(KernelError::NotElf);
        }
        check_identification(file)?;
        let elf =
            ElfBytes::<LittleEndian>::minimal_parse(file).map_err(|error| parse_error(&error))?;
        if elf.ehdr.e_machine != abi::EM_X86_64 {
            return Err(KernelError::WrongMachine(elf.ehdr.e_machine));
        }
        if elf.ehdr.e_type != abi::ET_EXEC {
            return Err(KernelError::NotStatic(elf.ehdr.e_type));
        }
        let config = configuration(&elf)?;
        let mut segments = Vec::new();
        let mut tls_template = None;
        for header in elf.segments().into_iter().flat_map(|table| table.iter()) {
            match header.p_type {
                abi::PT_LOAD if header.p_memsz > 0 => {
                    segments
                        .push(segment(&elf, &header)?)
                        .map_err(|_| KernelError::TooManySegments)?;
                }
                abi::PT_TLS if tls_template.is_some() => {
                    return Err(KernelError::Unsupported(
                        "several templates for thread-local storage",
                    ));
                }
                abi::PT_TLS => tls_template = Some(template(&header)),
                abi::PT_INTERP => return Err(KernelError::NotStatic(elf.ehdr.e_type)),
                _ => {}
            }
        }
        check_entry(elf.ehdr.e_entry, &segments)?;
        Ok(Self {
            config,
            entry: elf.ehdr.e_entry,
            segments,
            tls_template,
        })
    }
}

/// The class and byte order, which the parser would otherwise report as it comes to them.
fn check_identification(file: &[u8]) -> Result<(), KernelError> {
    match (file.get(abi::EI_CLASS), file.get(abi::EI_DATA)) {
        (Some(&abi::ELFCLASS64), Some(&abi::ELFDATA2LSB)) => Ok(()),
        (Some(_), Some(_)) => Err(KernelError::Not64Bit),
        _ => Err(KernelError::Truncated),
    }
}

fn parse_error(error: &ParseError) -> KernelError {
    match error {
        ParseError::BadMagic(_) => KernelError::NotElf,
        ParseError::UnsupportedElfClass(_) | ParseError::UnsupportedElfEndianness(_) => {
            KernelError::Not64Bit
        }
        _ => KernelError::Truncated,
    }
}

fn configuration(elf: &ElfBytes<'_, LittleEndian>) -> Result<BootloaderConfig, KernelError> {
    let header = elf
        .section_header_by_name(CONFIGURATION_SECTION)
        .map_err(|error| parse_error(&error))?
        .ok_or(KernelError::NoConfiguration)?;
    let (bytes, compression) = elf
        .section_data(&header)
        .map_err(|error| parse_error(&error))?;
    if compression.is_some() {
        return Err(KernelError::Configuration("compressed"));
    }
    check_version(bytes)?;
    let config = BootloaderConfig::deserialize(bytes).map_err(KernelError::Configuration)?;
    if config.mappings.aslr {
        return Err(KernelError::Unsupported("randomised addresses"));
    }
    if config.mappings.kernel_base != Mapping::Dynamic {
        return Err(KernelError::Unsupported("another base address"));
    }
    Ok(config)
}

/// `BootloaderConfig::deserialize` reads the version and does not compare it. Before version 1 the
/// minor number tells compatible versions apart.
fn check_version(bytes: &[u8]) -> Result<(), KernelError> {
    let own_bytes = BootloaderConfig::new_default().serialize();
    let identifier = own_bytes.get(..CONFIGURATION_ID_SIZE);
    if bytes.get(..CONFIGURATION_ID_SIZE) != identifier {
        return Err(KernelError::Configuration("invalid UUID"));
    }
    let number = |index: usize| {
        let at = CONFIGURATION_ID_SIZE + 2 * index;
        let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
        bytes
            .map(|bytes| u16::from_le_bytes(*bytes))
            .ok_or(KernelError::Configuration("invalid len"))
    };
    let kernel = Version {
        major: number(0)?,
        minor: number(1)?,
        patch: number(2)?,
    };
    let own = ApiVersion::default();
    let loader = Version {
        major: own.version_major(),
        minor: own.version_minor(),
        patch: own.version_patch(),
    };
    if (kernel.major, kernel.minor) == (loader.major, loader.minor) {
        Ok(())
    } else {
        Err(KernelError::Version { kernel, loader })
    }
}

fn segment<'a>(
    elf: &ElfBytes<'a, LittleEndian>,
    header: &ProgramHeader,
) -> Result<Segment<'a>, KernelError> {
    let address = header.p_vaddr;
    let bytes = elf
        .segment_data(header)
        .map_err(|error| parse_error(&error))?;
    if header.p_filesz > header.p_memsz || address.checked_add(header.p_memsz).is_none() {
        return Err(KernelError::BadSegment(address));
    }
    let writable = header.p_flags & abi::PF_W != 0;
    let executable = header.p_flags & abi::PF_X != 0;
    if writable && executable {
        return Err(KernelError::WritableAndExecutable(address));
    }
    Ok(Segment {
        address,
        size: header.p_memsz,
        bytes,
        writable,
        executable,
    })
}

fn template(header: &ProgramHeader) -> TlsTemplate {
    TlsTemplate {
        start_addr: header.p_vaddr,
        file_size: header.p_filesz,
        mem_size: header.p_memsz,
    }
}

fn check_entry(entry: u64, segments: &[Segment<'_>]) -> Result<(), KernelError> {
    if segments.is_empty() {
        return Err(KernelError::NoSegments);
    }
    let inside = |segment: &&Segment<'_>| {
        entry
            .checked_sub(segment.address)
            .is_some_and(|at| at < segment.size)
    };
    match segments.iter().find(inside) {
        Some(segment) if segment.executable => Ok(()),
        _ => Err(KernelError::EntryPoint(entry)),
    }
}
