//! The console over a whole system on a simulated machine.

mod commands;
mod editing;
mod filters;
mod hostile;

use std::string::String;

use executive::{Executive, Priority};

use super::{Console, LineEditor, Session};
use crate::tests::machine::{TestMachine, TestSystem};

const COMMAND_LINE: &str = "Ne2000.Port=0x300 Ne2000.Irq=9";

/// Types bytes at a console of a whole system; gives what it wrote, prompt and
/// echo included.
fn converse(typed: &[u8]) -> String {
    let test = TestSystem::new(0, COMMAND_LINE);
    let (system, machine) = (test.system, test.machine);
    let typed = typed.to_vec();
    test.simulation.run(move || {
        let mut session = Session::new(system);
        let mut editor = LineEditor::new(machine);
        for byte in typed {
            editor.take(byte, &mut |line| session.run(&line));
        }
    });
    machine.take_output()
}

/// Runs the console's own thread while `type_at` types at it.
fn run_console(
    type_at: impl FnOnce(&'static TestMachine, &'static Executive) + Send + 'static,
) -> String {
    let test = TestSystem::new(0, COMMAND_LINE);
    let (system, machine) = (test.system, test.machine);
    test.simulation.run(move || {
        let executive = system.executive;
        let started = executive.spawn("console", Priority::NORMAL, 65536, move || {
            Console::new(system).run()
        });
        started.unwrap();
        type_at(machine, executive);
    });
    machine.take_output()
}
