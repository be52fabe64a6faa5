use std::string::String;

use proptest::prelude::*;

use executive::{Duration, Executive, Priority};

use super::{Console, Line, LineEditor, MAXIMUM_LINE};
use crate::tests::machine::{TestMachine, TestSystem};

const COMMAND_LINE: &str = "Ne2000.Port=0x300 Ne2000.Irq=9";

/// Types bytes at a console of a whole system; gives what it wrote, prompt and
/// echo included.
fn converse(typed: &[u8]) -> String {
    let test = TestSystem::new(0, COMMAND_LINE);
    let (system, machine) = (test.system, test.machine);
    let typed = typed.to_vec();
    test.simulation.run(move || {
        let mut session = super::Session::new(system);
        let mut editor = LineEditor::new(machine);
        for byte in typed {
            editor.take(byte, &mut |line| session.run(&line));
        }
    });
    machine.take_output()
}

#[test]
fn unknown_commands_say_where_the_known_ones_are() {
    let output = converse(b"frobnicate 1\r");
    assert!(output.contains("error: unknown command `frobnicate`; `help` lists them\r\n"));
    assert!(output.ends_with("net> "));
}

#[test]
fn bad_arguments_say_what_was_expected() {
    for (typed, error) in [
        (
            "ping",
            "error: ADDRESS expected\r\nusage: ping ADDRESS [COUNT]\r\n",
        ),
        (
            "ping x.y",
            "error: ADDRESS expected, found `x.y`\r\nusage: ping",
        ),
        (
            "ping 10.0.2.2 0",
            "error: COUNT must be 1 to 100000, found `0`\r\nusage: ping",
        ),
        (
            "ping 10.0.2.2 1 z",
            "error: unexpected argument `z`\r\nusage: ping",
        ),
        (
            "uptime --now",
            "error: unexpected argument `now`\r\nusage: uptime\r\n",
        ),
        (
            "log loud",
            "error: off, error, warn, info, debug or trace expected, found `loud`",
        ),
        (
            "log debug nobody",
            "error: TARGET (`log` lists them) expected, found `nobody`",
        ),
        (
            "stats nobody",
            "error: `all` or the name of a layer expected, found `nobody`",
        ),
        (
            "selftest nobody",
            "error: NAME of a self test expected, found `nobody`",
        ),
    ] {
        let output = converse(std::format!("{typed}\r").as_bytes());
        assert!(output.contains(error), "{typed}: {output}");
    }
}

#[test]
fn every_command_prints_something_and_comes_back_to_the_prompt() {
    for command in super::commands::COMMANDS {
        if matches!(command.name, "ping" | "poweroff" | "reboot" | "bench") {
            continue;
        }
        let output = converse(std::format!("{}\r", command.name).as_bytes());
        let lines = output.lines().count();
        assert!(lines >= 3, "{}: {output}", command.name);
        assert!(!output.contains("error:"), "{}: {output}", command.name);
        assert!(output.ends_with("\r\nnet> "), "{}: {output}", command.name);
    }
}

#[test]
fn self_tests_are_counted_by_their_verdicts() {
    assert!(converse(b"selftest\r").contains("pass good: \r\n1 passed, 0 failed\r\n"));
    assert!(converse(b"selftest bad\r").contains("fail bad: \r\n0 passed, 1 failed\r\n"));
}

#[test]
fn a_line_that_does_not_fit_is_refused_whole() {
    let mut typed = std::vec![b'1'; MAXIMUM_LINE + 1];
    typed.extend(b"\ruptime\r");
    let output = converse(&typed);
    assert!(output.contains("error: line too long (at most 128 characters)\r\n"));
    assert!(!output.contains("unknown command"));
    assert!(
        output.contains("up 0."),
        "the next line is a new one: {output}"
    );
}

#[test]
fn a_line_of_the_greatest_length_is_run() {
    let mut typed = b"uptime ".to_vec();
    typed.resize(MAXIMUM_LINE, b' ');
    typed.push(b'\r');
    assert!(converse(&typed).contains("up 0."));
}

#[test]
fn control_c_drops_the_line() {
    let output = converse(b"poweroff\x03uptime\r");
    assert!(output.contains("^C\r\n"));
    assert!(output.contains("up 0."));
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

#[test]
fn control_c_ends_a_running_command() {
    let output = run_console(|machine, executive| {
        machine.type_bytes(b"ping 10.0.2.77 100000\r");
        executive.sleep(Duration::from_millis(2500));
        machine.type_bytes(b"\x03");
        executive.sleep(Duration::from_millis(500));
    });
    assert!(
        output.contains("3 sent, 0 received, 3 lost\r\nnet> "),
        "{output}"
    );
}

#[test]
fn what_is_typed_during_a_command_is_kept_for_the_next_line() {
    let output = run_console(|machine, executive| {
        machine.type_bytes(b"ping 10.0.2.77 1\r");
        executive.sleep(Duration::from_millis(100));
        machine.type_bytes(b"uptime\r");
        executive.sleep(Duration::from_secs(2));
    });
    assert!(
        output.contains("1 lost\r\nnet> uptime\r\nup 1."),
        "{output}"
    );
}

#[test]
fn control_u_and_history_edit_the_line() {
    assert!(converse(b"poweroff\x15uptime\r").contains("up 0."));
    let output = converse(b"uptime\r\x1b[A\r");
    assert_eq!(output.matches("up 0.").count(), 2);
    assert!(converse(b"ptime\x01u\r").contains("up 0."));
    assert!(converse(b"uptimex\x08\r").contains("up 0."));
    assert!(converse(b"uptimex\x7f\r").contains("up 0."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_may_be_typed(typed in proptest::collection::vec(any::<u8>(), 0..600)) {
        let test = TestSystem::new(0, COMMAND_LINE);
        let mut editor = LineEditor::new(test.machine);
        for byte in typed {
            editor.take(byte, &mut |line| {
                if let Line::Command(command) = line {
                    assert!(command.name().len() <= MAXIMUM_LINE);
                }
            });
        }
    }
}
