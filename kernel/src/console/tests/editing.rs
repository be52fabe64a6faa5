//! Lines: editing, typing ahead, Ctrl-C.

use proptest::prelude::*;

use executive::Duration;

use super::{COMMAND_LINE, converse, run_console};
use crate::console::{Line, LineEditor, MAXIMUM_LINE};
use crate::tests::machine::TestSystem;

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
