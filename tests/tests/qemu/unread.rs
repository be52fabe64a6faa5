//! A reader of the console that is late, or does not read at all.

use std::time::Duration;
use tests::PATIENCE;
use tests::machine::Options;
use tests::report::Counters;

/// More than the socket, the UART and the console's queue hold together.
const LONG_OUTPUT: &str = "stats all";
/// Longer than the console waits for a reader that does not read, unless the host is busy.
const SILENCE: Duration = Duration::from_secs(1);

#[test]
fn nothing_is_lost_while_the_host_does_not_let_the_machine_run() {
    const ROUNDS: usize = 8;
    let mut machine = Options::new().boot();
    for round in 0..ROUNDS {
        machine.console.type_line(LONG_OUTPUT);
        // The output is held up somewhere, and then the machine as a whole.
        let unread = machine.console.leave_unread();
        std::thread::sleep(Duration::from_millis(20));
        machine.suspend(true);
        std::thread::sleep(SILENCE);
        machine.suspend(false);
        drop(unread);
        let output = machine.console.output(LONG_OUTPUT, PATIENCE);
        // The last line says how many there were.
        let total = output.last().and_then(|line| line.split(' ').next());
        let total = total.and_then(|number| number.parse().ok());
        assert_eq!(
            Some(output.len().wrapping_sub(1)),
            total,
            "round {round}: {output:#?}"
        );
    }
    machine.power_off();
}

#[test]
fn after_a_reader_that_did_not_read_the_prompt_comes_again() {
    let mut machine = Options::new().boot();
    let mut silence = SILENCE;
    loop {
        machine.console.type_line(LONG_OUTPUT);
        let unread = machine.console.leave_unread();
        std::thread::sleep(silence);
        drop(unread);
        let _ = machine.console.output(LONG_OUTPUT, PATIENCE);
        let counters = Counters::read(&mut machine.console);
        if counters.get("hal.console_bytes_dropped") > 0 {
            break;
        }
        // The guest may have run for less than half of a second of them.
        silence *= 2;
        assert!(silence < PATIENCE, "nothing is dropped: {counters:?}");
    }
    machine.power_off();
}
