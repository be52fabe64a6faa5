//! Reads page tables as the processor does, without the code that wrote them.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::machine::Machine;
use crate::loader::LoadedKernel;

const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// A mapping that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    pub(super) physical: u64,
    pub(super) size: u64,
    pub(super) writable: bool,
    pub(super) executable: bool,
}

impl Mapped {
    /// Not both at once.
    pub(super) fn is_writable_or_executable(&self) -> bool {
        !(self.writable && self.executable)
    }
}

/// Every mapping of the kernel's address space by its virtual address.
pub(super) fn walk(machine: &Machine, kernel: &LoadedKernel) -> BTreeMap<u64, Mapped> {
    let mut found = BTreeMap::new();
    let all = Rights {
        writable: true,
        executable: true,
    };
    descend(
        machine,
        kernel.level_4.start_address().as_u64(),
        4,
        0,
        all,
        &mut found,
    );
    found
}

/// The physical address of a virtual one.
pub(super) fn translate(mappings: &BTreeMap<u64, Mapped>, address: u64) -> Option<u64> {
    let (start, mapped) = mappings.range(..=address).next_back()?;
    (address - start < mapped.size).then_some(mapped.physical + (address - start))
}

/// Reads bytes of the kernel's address space.
pub(super) fn read(
    machine: &Machine,
    mappings: &BTreeMap<u64, Mapped>,
    address: u64,
    length: u64,
) -> Vec<u8> {
    (address..address + length)
        .flat_map(|address| {
            machine.read(translate(mappings, address).expect("a mapped address"), 1)
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Rights {
    writable: bool,
    executable: bool,
}

fn descend(
    machine: &Machine,
    table: u64,
    level: u32,
    start: u64,
    above: Rights,
    found: &mut BTreeMap<u64, Mapped>,
) {
    let span = 1_u64 << (12 + 9 * (level - 1));
    for index in 0..512 {
        let entry = machine.read_u64(table + 8 * index);
        if entry & 1 == 0 {
            continue;
        }
        assert_eq!(entry & 4, 0, "no page is open to user mode");
        let address = canonical(start + index * span);
        let rights = Rights {
            writable: above.writable && entry & 2 != 0,
            executable: above.executable && entry >> 63 == 0,
        };
        if level == 1 || entry & 0x80 != 0 {
            let physical = entry & ADDRESS;
            assert_eq!(physical % span, 0, "large pages are aligned");
            found.insert(
                address,
                Mapped {
                    physical,
                    size: span,
                    writable: rights.writable,
                    executable: rights.executable,
                },
            );
        } else if entry & ADDRESS != table {
            descend(machine, entry & ADDRESS, level - 1, address, rights, found);
        }
    }
}

fn canonical(address: u64) -> u64 {
    ((address << 16).cast_signed() >> 16).cast_unsigned()
}
