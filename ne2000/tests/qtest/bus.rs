//! Register accesses as qtest commands.

use std::sync::{Arc, Mutex, MutexGuard};

use ne2000::{DATA_PORT, DataWidth, RegisterBus};

use crate::qemu::Qemu;

/// The ports of a card in QEMU.
#[derive(Clone)]
pub(crate) struct QtestBus {
    qemu: Arc<Mutex<Qemu>>,
    base: u16,
}

impl QtestBus {
    pub(crate) fn new(qemu: Arc<Mutex<Qemu>>, base: u16) -> Self {
        Self { qemu, base }
    }

    fn qemu(&self) -> MutexGuard<'_, Qemu> {
        self.qemu.lock().expect("no test thread has panicked")
    }

    fn port(&self, offset: u8) -> u16 {
        self.base + u16::from(offset)
    }
}

fn number(answer: &str) -> u32 {
    let digits = answer.strip_prefix("0x").expect("a hexadecimal number");
    u32::from_str_radix(digits, 16).expect("a 32-bit number")
}

const fn letter(width: DataWidth) -> char {
    match width {
        DataWidth::Byte => 'b',
        DataWidth::Word => 'w',
        DataWidth::DoubleWord => 'l',
    }
}

impl RegisterBus for QtestBus {
    fn read(&self, offset: u8) -> u8 {
        let answer = self
            .qemu()
            .command(&format!("inb {:#x}", self.port(offset)));
        number(&answer) as u8
    }

    fn write(&self, offset: u8, value: u8) {
        self.qemu()
            .command(&format!("outb {:#x} {value:#x}", self.port(offset)));
    }

    fn read_block(&self, width: DataWidth, buffer: &mut [u8]) {
        let command = format!("in{} {:#x}", letter(width), self.port(DATA_PORT));
        let commands = vec![command; buffer.len() / width.bytes()];
        let answers = self.qemu().commands(&commands);
        for (access, answer) in buffer.chunks_exact_mut(width.bytes()).zip(answers) {
            access.copy_from_slice(&number(&answer).to_le_bytes()[..width.bytes()]);
        }
    }

    fn write_block(&self, width: DataWidth, bytes: &[u8]) {
        let commands: Vec<String> = bytes
            .chunks_exact(width.bytes())
            .map(|access| {
                let mut word = [0; 4];
                word[..access.len()].copy_from_slice(access);
                let value = u32::from_le_bytes(word);
                format!(
                    "out{} {:#x} {value:#x}",
                    letter(width),
                    self.port(DATA_PORT)
                )
            })
            .collect();
        self.qemu().commands(&commands);
    }
}
