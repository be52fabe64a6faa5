//! Text output of commands.

use core::fmt;

use crate::machine::Machine;

/// A writer to the console that ends its lines the way terminals want them.
pub struct Output {
    machine: &'static dyn Machine,
}

impl Output {
    /// Writes to the machine's console.
    pub fn new(machine: &'static dyn Machine) -> Self {
        Self { machine }
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    self.machine.write_console(line.as_bytes());
                    self.machine.write_console(b"\r\n");
                }
                None => self.machine.write_console(line.as_bytes()),
            }
        }
        Ok(())
    }
}
