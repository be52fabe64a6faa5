//! Cards and interrupt lines.

use tests::machine::Options;
use tests::services::{ECHO, Exchange, Protocol};

/// Boots, moves data, and checks what `nic` says about the card.
#[track_caller]
fn works(options: Options, described: &[&str]) {
    let mut machine = options.forward(Protocol::Udp, ECHO).boot();
    Exchange {
        count: 500,
        outstanding: 8,
        largest: 1472,
        seed: 2,
    }
    .run(&machine.forward(Protocol::Udp, ECHO).udp());
    let nic = machine.console.command("nic").join("\n");
    for text in described {
        assert!(nic.contains(text), "`{text}` is not in:\n{nic}");
    }
    machine.power_off();
}

#[test]
fn isa_irq_9_found_by_probing() {
    works(
        Options::new().irq(9),
        &["isa", "port 0x300", "irq 9 probed"],
    );
}

#[test]
fn isa_irq_5_found_by_probing() {
    works(Options::new().irq(5), &["irq 5 probed"]);
}

#[test]
fn isa_irq_3_found_by_probing() {
    works(Options::new().irq(3), &["irq 3 probed"]);
}

#[test]
fn isa_irq_15_found_by_probing() {
    works(Options::new().irq(15), &["irq 15 probed"]);
}

#[test]
fn a_line_that_the_serial_port_has_is_refused_and_told() {
    let mut machine = Options::new().irq(4).boot();
    let records = machine.console.records().join("\n");
    assert!(records.contains("ERROR ne2000"), "{records}");
    let ping = machine.console.command("ping 10.0.2.2 1").join("\n");
    assert!(ping.contains("error: "), "{ping}");
    machine.power_off();
}

#[test]
fn isa_irq_5_from_the_command_line() {
    works(
        Options::new().irq(5).append("Ne2000.Irq=5"),
        &["irq 5 configured"],
    );
}

#[test]
fn isa_at_another_port() {
    works(
        Options::new().port(0x280).append("Ne2000.Port=0x280"),
        &["port 0x280"],
    );
}

#[test]
fn pci() {
    works(Options::new().pci(), &["pci", "mac 52:54:00:12:34:56"]);
}

#[test]
fn a_line_on_which_nothing_comes_leaves_the_console_alive() {
    // The card raises line 5, the configuration says 7.
    let mut machine = Options::new().irq(5).append("Ne2000.Irq=7").boot();
    machine.console.command("ping 10.0.2.2 1");
    let nic = machine.console.command("nic").join("\n");
    assert!(nic.contains("irq 7 configured"), "{nic}");
    machine.power_off();
}
