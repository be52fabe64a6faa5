//! QEMU's PCI card.

use crate::qemu::{DEADLINE, Qemu};
use crate::session::{ADDRESS, PEER, Session, frame};
use ne2000::identify::Chip;
use ne2000::interrupt::Interrupt;

const DEVICE: &str = "ne2k_pci,addr=3,mac=52:54:00:12:34:56,netdev=n0";
pub(crate) const BASE: u16 = 0xC000;
const LINE: usize = 11;

/// Does what firmware does: gives the card its ports and its interrupt.
pub(crate) fn configure(qemu: &mut Qemu) {
    let mut write = |device: u32, function: u32, register: u32, size: char, value: u32| {
        let address = 0x8000_0000 | device << 11 | function << 8 | register & !3;
        qemu.command(&format!("outl 0xcf8 {address:#x}"));
        qemu.command(&format!(
            "out{size} {:#x} {value:#x}",
            0xCFC + (register & 3)
        ));
    };
    write(3, 0, 0x10, 'l', u32::from(BASE));
    write(3, 0, 0x04, 'w', 1);
    for pin in 0..4 {
        write(1, 0, 0x60 + pin, 'b', LINE as u32);
    }
}

fn start() -> Session {
    let mut qemu = Qemu::start(&[DEVICE], true);
    configure(&mut qemu);
    Session::start(qemu, BASE)
}

#[test]
fn probe_finds_the_card() {
    let session = start();
    let identity = session.card.identity();
    assert_eq!(identity.chip, Chip::Rtl8029);
    assert_eq!(identity.permanent_address, ADDRESS);
    assert_eq!(identity.memory_size(), 32 * 1024);
    assert_eq!(identity.width, ne2000::DataWidth::DoubleWord);
}

#[test]
fn frames_are_sent_and_received() {
    let mut session = start();
    for length in [60, 61, 515, 1514] {
        let sent = frame(PEER, length, length as u32);
        session.send(&sent);
        assert_eq!(session.with_qemu(Qemu::receive_frame), sent);
        let sent = frame(ADDRESS, length, length as u32);
        session.inject(std::slice::from_ref(&sent));
        assert_eq!(session.receive(1), [sent]);
    }
}

#[test]
fn level_triggered_interrupt_goes_with_the_mask() {
    let mut session = start();
    let half = session.card.interrupt_half();
    half.enable();
    let sent = frame(ADDRESS, 60, 1);
    session.inject(std::slice::from_ref(&sent));
    let deadline = std::time::Instant::now() + DEADLINE;
    while !session.with_qemu(|qemu| qemu.interrupt(LINE)).0 {
        assert!(std::time::Instant::now() < deadline, "no interrupt");
    }
    assert_eq!(half.service(), Interrupt::Mine);
    assert!(!session.with_qemu(|qemu| qemu.interrupt(LINE)).0);
    assert_eq!(session.receive(1), [sent]);
    half.enable();
    assert!(!session.with_qemu(|qemu| qemu.interrupt(LINE)).0);
}
