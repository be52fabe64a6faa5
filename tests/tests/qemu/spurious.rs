//! Interrupts whose cause has gone by the time the processor takes them.

use tests::machine::Options;
use tests::monitor::Monitor;
use tests::peer::Peer;
use tests::report::Counters;

/// The second interrupt controller's interrupt mask.
const MASK: u16 = 0xa1;
/// Line 12 there, the mouse's, which the guest has no use for.
const LINE_12: u8 = 1 << 4;

// The keyboard controller (8042).
const KEYBOARD_DATA: u16 = 0x60;
const KEYBOARD_COMMAND: u16 = 0x64;
const WRITE_MODE: u8 = 0x60;
const MOUSE_INTERRUPT: u8 = 0x02;
/// The next byte written to the data port comes back as if the mouse had sent it.
const ECHO_FROM_MOUSE: u8 = 0xd3;

#[test]
fn line_15_pulled_for_nothing_is_counted_and_all_goes_on() {
    const ROUNDS: u64 = 50;
    let mut machine = Options::new().irq(5).wire().monitored().boot();
    let peer = Peer::new(machine.take_wire());
    peer.ping();
    let mut monitor = machine.monitor();
    let before = Counters::read(&mut machine.console);
    pull_line_12(&mut monitor);
    for round in 1..=ROUNDS {
        request_and_take_back(&mut monitor);
        Counters::grown_until(&mut machine.console, &before, |grown| {
            grown.get("hal.line_15_spurious") == round
        });
        peer.ping();
    }
    let grown = Counters::read(&mut machine.console).since(&before);
    assert_eq!(grown.get("hal.line_7_spurious"), 0, "{grown:?}");
    assert_eq!(grown.get("icmp.echo_replies_sent"), ROUNDS, "{grown:?}");
    machine.power_off();
}

/// The line is masked, so that nothing comes of it yet.
#[track_caller]
fn pull_line_12(monitor: &mut Monitor) {
    monitor.write_port(KEYBOARD_COMMAND, WRITE_MODE);
    monitor.write_port(KEYBOARD_DATA, MOUSE_INTERRUPT);
    monitor.write_port(KEYBOARD_COMMAND, ECHO_FROM_MOUSE);
    monitor.write_port(KEYBOARD_DATA, 0);
}

/// While the processor stands still, the line is unmasked and masked again: then the second controller has nothing to say any more, but the
/// first one still remembers that it asked.
#[track_caller]
fn request_and_take_back(monitor: &mut Monitor) {
    monitor.stop();
    let mask = monitor.read_port(MASK);
    assert_ne!(mask & LINE_12, 0, "line 12 is in use");
    monitor.write_port(MASK, mask & !LINE_12);
    monitor.write_port(MASK, mask);
    monitor.go_on();
}
