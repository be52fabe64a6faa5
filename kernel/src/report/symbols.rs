//! Names of functions, from the symbol table of the kernel's own ELF file.

use core::fmt;
use core::ops::Range;

use elf::ElfBytes;
use elf::abi::{SHT_STRTAB, SHT_SYMTAB, STT_FUNC};
use elf::endian::LittleEndian;
use elf::string_table::StringTable;
use elf::symbol::SymbolTable;
use heapless::Vec;
use rustc_demangle::demangle;
use spin::Once;

static SYMBOLS: Once<Symbols> = Once::new();

struct Symbols {
    table: SymbolTable<'static, LittleEndian>,
    names: StringTable<'static>,
}

/// Takes the symbol table from the kernel's ELF file.
///
/// Returns which bytes of the file must stay as they are; nothing else of it is
/// looked at again. `None` if the file has no symbols.
pub(crate) fn load(image: &'static [u8]) -> Option<Vec<Range<usize>, 2>> {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(image).ok()?;
    let (table, names) = elf.symbol_table().ok()??;
    let headers = elf.section_headers()?;
    let symbols = headers.iter().find(|header| header.sh_type == SHT_SYMTAB)?;
    let strings = headers
        .get(usize::try_from(symbols.sh_link).ok()?)
        .ok()
        .filter(|header| header.sh_type == SHT_STRTAB)?;
    let mut kept = Vec::new();
    for header in [symbols, strings] {
        let start = usize::try_from(header.sh_offset).ok()?;
        let end = start.checked_add(usize::try_from(header.sh_size).ok()?)?;
        kept.push(start..end).ok()?;
    }
    SYMBOLS.call_once(|| Symbols { table, names });
    Some(kept)
}

/// Displays an address as `function + offset`, or as nothing if no function is known
/// there.
pub(crate) struct Symbolic(pub(crate) u64);

impl fmt::Display for Symbolic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((name, offset)) = SYMBOLS.get().and_then(|symbols| symbols.find(self.0)) else {
            return Ok(());
        };
        write!(formatter, "{:#} + {offset:#x}", demangle(name))
    }
}

impl Symbols {
    /// The function that holds an address, and how far into it that is.
    fn find(&self, address: u64) -> Option<(&'static str, u64)> {
        let symbol = self
            .table
            .iter()
            .filter(|symbol| symbol.st_symtype() == STT_FUNC && symbol.st_value <= address)
            .max_by_key(|symbol| symbol.st_value)?;
        let offset = address - symbol.st_value;
        if symbol.st_size != 0 && offset >= symbol.st_size {
            return None;
        }
        Some((self.names.get(symbol.st_name as usize).ok()?, offset))
    }
}
