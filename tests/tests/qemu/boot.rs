//! Machines and memory sizes that the kernel comes up on.

use std::net::Ipv4Addr;
use tests::machine::{Machine, Options};
use tests::peer::{self, GUEST, GUEST_HARDWARE, Message};
use tests::report::{Memory, Table};
use tests::services::{ECHO, Exchange, Protocol};

/// What every machine has to be able to do: answer its console, and datagrams through the card.
#[track_caller]
fn works(options: Options) {
    let mut machine = options.forward(Protocol::Udp, ECHO).boot();
    echoes(&machine);
    let memory = Memory::read(&mut machine.console);
    assert!(memory.sealed, "the heap is open after the start");
    machine.power_off();
}

#[track_caller]
fn echoes(machine: &Machine) {
    Exchange {
        count: 200,
        outstanding: 4,
        largest: 1472,
        seed: 1,
    }
    .run(&machine.forward(Protocol::Udp, ECHO).udp());
}

#[test]
fn pc_with_16_mib() {
    works(Options::new().memory("16M"));
}

#[test]
fn pc_with_128_mib() {
    works(Options::new().memory("128M"));
}

#[test]
fn pc_with_4_gib() {
    works(Options::new().memory("4G"));
}

#[test]
fn q35() {
    // Line 9 is the ACPI controller's, too.
    works(Options::new().machine("q35").irq(9));
}

#[test]
fn q35_with_the_pci_card() {
    works(Options::new().machine("q35").pci());
}

#[test]
fn isapc() {
    works(Options::new().machine("isapc"));
}

#[test]
fn microvm_with_an_isa_card() {
    works(Options::new().machine("microvm").irq(5));
}

#[test]
fn grub_iso() {
    works(Options::new().iso());
}

#[test]
fn without_a_card_the_console_works() {
    let mut machine = Options::new().no_card().boot();
    let help = machine.console.command("help");
    assert!(
        help.iter().any(|line| line.starts_with("poweroff")),
        "{help:#?}"
    );
    machine.power_off();
}

#[test]
fn reset_by_the_console_boots_again() {
    let mut machine = Options::new().allow_reboot().boot();
    machine.console.type_line("reboot");
    machine.console.expect("rebooting");
    machine.console.wait_for_prompt();
    let uptime = machine.console.command("uptime");
    assert!(
        uptime.iter().any(|line| line.starts_with("up ")),
        "{uptime:?}"
    );
    machine.power_off();
}

#[test]
fn the_first_frame_is_on_the_wire_before_the_prompt() {
    let mut machine = Options::new().wire().boot();
    let frame = machine
        .take_wire()
        .receive_now()
        .expect("a frame before the prompt");
    let Message::Arp {
        source,
        target,
        destination,
        ..
    } = peer::read(&frame)
    else {
        panic!("not an ARP packet: {frame:02x?}");
    };
    assert_eq!(source, (GUEST_HARDWARE, GUEST));
    assert_eq!(
        (target.1, destination),
        (GUEST, peer::BROADCAST),
        "a gratuitous ARP tells everyone its own address"
    );
    machine.power_off();
}

#[test]
fn addresses_come_from_the_command_line() {
    let mut machine = Options::new()
        .append("Tcpip.IPAddress=192.168.7.9/28")
        .append("Tcpip.Gateway=192.168.7.1")
        .wire()
        .boot();
    let table = Table::read(&mut machine.console, "ipconfig");
    assert_eq!(
        table.find("INTERFACE", "Ne2000", "ADDRESS"),
        Some("192.168.7.9/28")
    );
    assert_eq!(
        table.find("INTERFACE", "Ne2000", "GATEWAY"),
        Some("192.168.7.1")
    );
    let frame = machine
        .take_wire()
        .receive_now()
        .expect("a frame before the prompt");
    let Message::Arp { source, .. } = peer::read(&frame) else {
        panic!("not an ARP packet: {frame:02x?}")
    };
    assert_eq!(source.1, Ipv4Addr::new(192, 168, 7, 9));
    machine.power_off();
}

#[test]
fn words_that_nobody_knows_are_reported_by_name() {
    let machine = Options::new()
        .append("Ne2000.Irk=9")
        .append("nonsense")
        .append("=5")
        .append("Tcpip.IPAddress=10.0.2.300/24")
        .append("Tcpip.Gateway=")
        .append("\u{7f}\u{e4}.\u{fc}=\u{df}")
        .boot();
    let records = machine.console.records().join("\n");
    for word in ["Ne2000.Irk", "nonsense", "=5", "10.0.2.300/24", "Gateway"] {
        assert!(
            records.contains(word),
            "`{word}` is not reported:\n{records}"
        );
    }
    machine.power_off();
}
