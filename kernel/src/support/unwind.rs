//! One step up the call stack by the unwind tables (`.eh_frame`).
//!
//! There are no frame pointers to follow in the prebuilt `core`, but every function
//! has unwind tables, with `panic = "abort"` as well. All memory is read through
//! [`Unwinder::read`], which refuses what is not mapped, so a corrupt stack ends the
//! walk and nothing worse.

use core::ops::Range;

use gimli::{
    BaseAddresses, CfaRule, EhFrame, EndianSlice, LittleEndian, Register, RegisterRule,
    UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow, X86_64,
};

/// Registers of the System V ABI's DWARF numbering (section 3.6.2): 0 to 15 are the
/// general ones.
const GENERAL_REGISTERS: usize = 16;

/// Registers that a callee keeps, so that a caller's value is known.
const KEPT: [Register; 6] = [
    X86_64::RBX,
    X86_64::RBP,
    X86_64::R12,
    X86_64::R13,
    X86_64::R14,
    X86_64::R15,
];

/// Most register rules of one function: the kept registers, the return address, and
/// some room.
const MAX_RULES: usize = 16;

/// Keeps the unwinder's tables on the stack; there is no heap when it is needed.
struct StoreOnStack;

impl UnwindContextStorage<usize> for StoreOnStack {
    type Rules = [(Register, RegisterRule<usize>); MAX_RULES];
    type Stack = [UnwindTableRow<usize, Self>; 3];
}

/// The registers of one activation of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// Where the function is at work.
    pub rip: u64,
    /// Whether `rip` is the very instruction, as after an interrupt or a fault, and
    /// not the one behind a call.
    pub exact: bool,
    general: [u64; GENERAL_REGISTERS],
}

impl Registers {
    /// At work at `rip`; the general registers are 0.
    pub fn at(rip: u64, exact: bool) -> Self {
        Self {
            rip,
            exact,
            general: [0; GENERAL_REGISTERS],
        }
    }

    /// The value of a general register.
    pub fn get(&self, register: Register) -> u64 {
        self.general
            .get(usize::from(register.0))
            .copied()
            .unwrap_or(0)
    }

    /// Sets a general register; others are ignored.
    pub fn set(&mut self, register: Register, value: u64) {
        if let Some(slot) = self.general.get_mut(usize::from(register.0)) {
            *slot = value;
        }
    }
}

/// Walks from a function to its caller.
#[derive(Clone, Copy)]
pub struct Unwinder<'a> {
    /// The unwind tables.
    pub tables: &'a [u8],
    /// Address the tables are linked at.
    pub tables_address: u64,
    /// Addresses of code.
    pub text: (u64, u64),
    /// Reads the eight bytes at an address; `None` if it is not mapped.
    pub read: fn(u64) -> Option<u64>,
}

impl Unwinder<'_> {
    /// The registers of the caller, or `None` at the end of what can be known.
    ///
    /// The stack pointer only ever grows, so a walk ends.
    pub fn caller(&self, registers: &Registers) -> Option<Registers> {
        let caller = self
            .by_tables(registers)
            .or_else(|| self.of_leaf(registers))?;
        let (old, new) = (registers.get(X86_64::RSP), caller.get(X86_64::RSP));
        (new > old && self.is_code(caller.rip)).then_some(caller)
    }

    /// Whether `address` lies in the kernel's code.
    pub fn is_code(&self, address: u64) -> bool {
        let (start, end) = self.text;
        Range { start, end }.contains(&address)
    }

    /// The caller by the function's unwind table.
    fn by_tables(&self, registers: &Registers) -> Option<Registers> {
        // A call may be the last instruction of a function that does not return: the
        // address behind it then belongs to the next function.
        let address = if registers.exact {
            registers.rip
        } else {
            registers.rip.checked_sub(1)?
        };
        let tables = EhFrame::from(EndianSlice::new(self.tables, LittleEndian));
        let bases = BaseAddresses::default()
            .set_eh_frame(self.tables_address)
            .set_text(self.text.0);
        let mut context = UnwindContext::<usize, StoreOnStack>::new_in();
        let row = tables
            .unwind_info_for_address(&bases, &mut context, address, EhFrame::cie_from_offset)
            .ok()?;
        let CfaRule::RegisterAndOffset { register, offset } = *row.cfa() else {
            return None;
        };
        let frame = registers.get(register).wrapping_add_signed(offset);
        let return_address = self.restore(row, X86_64::RA, frame, registers)?;
        let mut caller = Registers::at(return_address, false);
        caller.set(X86_64::RSP, frame);
        for register in KEPT {
            caller.set(register, self.restore(row, register, frame, registers)?);
        }
        Some(caller)
    }

    /// The caller's value of one register.
    fn restore(
        &self,
        row: &UnwindTableRow<usize, StoreOnStack>,
        register: Register,
        frame: u64,
        registers: &Registers,
    ) -> Option<u64> {
        match row.register(register) {
            None | Some(RegisterRule::Undefined) if register == X86_64::RA => None,
            None | Some(RegisterRule::Undefined | RegisterRule::SameValue) => {
                Some(registers.get(register))
            }
            Some(RegisterRule::Offset(offset)) => (self.read)(frame.wrapping_add_signed(offset)),
            Some(RegisterRule::ValOffset(offset)) => Some(frame.wrapping_add_signed(offset)),
            Some(RegisterRule::Register(other)) => Some(registers.get(other)),
            Some(_) => None,
        }
    }

    /// The caller of code without a table, if it was interrupted: the memory functions
    /// in assembly push nothing, and a call to a wrong address has pushed nothing but
    /// the return address either.
    fn of_leaf(&self, registers: &Registers) -> Option<Registers> {
        if !registers.exact {
            return None;
        }
        let stack = registers.get(X86_64::RSP);
        let mut caller = Registers {
            rip: (self.read)(stack)?,
            exact: false,
            ..*registers
        };
        caller.set(X86_64::RSP, stack.wrapping_add(8));
        Some(caller)
    }
}
