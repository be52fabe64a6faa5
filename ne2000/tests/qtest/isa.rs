//! QEMU's ISA card.

use std::sync::{Arc, Mutex};

use ne2000::bus::{DataWidth, RegisterBus};
use ne2000::card::Card;
use ne2000::filter::{Multicast, ReceiveFilter, multicast_hash};
use ne2000::identify::{Chip, Limits, ProbeError};
use ne2000::interrupt::Interrupt;

use crate::bus::QtestBus;
use crate::qemu::Qemu;
use crate::session::{ADDRESS, PEER, Received, Session, frame};

const DEVICE: &str = "ne2k_isa,iobase=0x300,irq=9,mac=52:54:00:12:34:56,netdev=n0";

fn start() -> Session {
    Session::start(Qemu::start(&[DEVICE], false), 0x300)
}

#[test]
fn probe_finds_the_card_and_what_it_can_do() {
    let qemu = Arc::new(Mutex::new(Qemu::start(&[DEVICE], false)));
    let at = |port| QtestBus::new(Arc::clone(&qemu), port);
    let nothing = Card::probe(at(0x280), Limits::NONE).err();
    assert_eq!(nothing, Some(ProbeError::Absent));
    let card = Card::probe(at(0x300), Limits::NONE).expect("a card");
    let identity = card.identity();
    assert_eq!(identity.chip, Chip::Rtl8029, "QEMU's ISA card says so too");
    assert_eq!(identity.permanent_address, ADDRESS);
    assert!(identity.has_signature);
    assert_eq!((identity.memory_start, identity.memory_stop), (0x40, 0xC0));
    assert_eq!(identity.width, DataWidth::DoubleWord);
    assert!(!identity.has_readback);
    assert!(identity.is_emulated);
    // Again, on a card that is in use.
    let card = Card::probe(at(0x300), Limits::NONE).expect("a card");
    assert_eq!(card.identity().permanent_address, ADDRESS);
}

#[test]
fn other_devices_of_the_machine_are_not_taken_for_a_card() {
    // Interrupt controller, timer, keyboard, clock, DMA, IDE, and PCI's ports.
    let qemu = Arc::new(Mutex::new(Qemu::start_with(
        &["-chardev", "null,id=c0", "-chardev", "null,id=c1"],
        &["isa-serial,chardev=c0", "isa-parallel,chardev=c1"],
        false,
    )));
    for port in [
        0x20, 0x40, 0x60, 0x70, 0xC0, 0x1F0, 0x278, 0x360, 0x3F8, 0xCF8,
    ] {
        let bus = QtestBus::new(Arc::clone(&qemu), port);
        assert!(Card::probe(bus, Limits::NONE).is_err(), "port {port:#x}");
    }
}

#[test]
fn frames_of_every_kind_of_length_are_sent() {
    for width in [DataWidth::DoubleWord, DataWidth::Word] {
        let mut session = match width {
            DataWidth::DoubleWord => start(),
            _ => limited(width),
        };
        for length in [
            14, 30, 59, 60, 61, 62, 63, 64, 65, 251, 256, 511, 1000, 1513, 1514,
        ] {
            let sent = frame(PEER, length, length as u32);
            session.send(&sent);
            let mut expected = sent;
            expected.resize(length.max(60), 0);
            let arrived = session.with_qemu(Qemu::receive_frame);
            assert_eq!(arrived, expected, "length {length} {width:?}");
        }
    }
}

/// A card whose data port is used this wide only.
fn limited(width: DataWidth) -> Session {
    let mut session = start();
    let bus = QtestBus::new(Arc::clone(&session.qemu), 0x300);
    let limits = Limits {
        narrowest: width,
        widest: width,
        ..Limits::NONE
    };
    let mut card = Card::probe(bus, limits).expect("a card");
    assert_eq!(card.identity().width, width);
    card.set_filter(session.card.filter());
    card.start();
    session.card = card;
    session
}

#[test]
fn frames_of_every_kind_of_length_are_received() {
    for width in [DataWidth::DoubleWord, DataWidth::Word, DataWidth::Byte] {
        let mut session = limited(width);
        for length in [
            60, 61, 62, 63, 64, 247, 248, 249, 252, 253, 508, 1000, 1513, 1514,
        ] {
            let sent = frame(ADDRESS, length, length as u32);
            session.inject(std::slice::from_ref(&sent));
            assert_eq!(session.receive(1), [sent], "length {length} {width:?}");
        }
    }
}

#[test]
fn short_frame_from_the_network_arrives_padded() {
    let mut session = start();
    let sent = frame(ADDRESS, 42, 7);
    session.inject(std::slice::from_ref(&sent));
    let [received] = <[Vec<u8>; 1]>::try_from(session.receive(1)).expect("one frame");
    assert_eq!(received[..42], sent[..]);
    assert_eq!(received[42..], [0; 18]);
}

#[test]
fn ring_wraps_without_a_loss() {
    let mut session = start();
    // Twice around the 116 pages.
    for round in 0..12_u32 {
        let frames: Vec<_> = (0..8)
            .map(|index| frame(ADDRESS, 200 + 137 * index as usize, round * 8 + index))
            .collect();
        session.inject(&frames);
        assert_eq!(session.receive(frames.len()), frames, "round {round}");
    }
    let counters = session.card.counters();
    assert_eq!(counters.resynchronisations + counters.ring_laps, 0);
}

#[test]
fn receive_filter_is_honoured() {
    let group = [0x01, 0x00, 0x5E, 0x00, 0x00, 0x01];
    let other_group = [0x01, 0x00, 0x5E, 0x00, 0x00, 0x02];
    let stranger = [0x02, 9, 9, 9, 9, 9];
    let directed = ReceiveFilter {
        directed: true,
        ..ReceiveFilter::default()
    };
    let hash = Multicast::Hash(multicast_hash([&group]));
    let cases = [
        (directed, [false, false, false, false]),
        (
            ReceiveFilter {
                broadcast: true,
                ..directed
            },
            [true, false, false, false],
        ),
        (
            ReceiveFilter {
                multicast: hash,
                ..directed
            },
            [false, true, false, false],
        ),
        (
            ReceiveFilter {
                multicast: Multicast::All,
                ..directed
            },
            [false, true, true, false],
        ),
        (
            ReceiveFilter {
                promiscuous: true,
                ..directed
            },
            [true, true, true, true],
        ),
    ];
    let mut session = start();
    for (filter, wanted) in cases {
        session.card.set_filter(filter);
        let candidates = [[0xFF; 6], group, other_group, stranger];
        let frames = candidates.map(|destination| frame(destination, 60, 1));
        // The card's own frame comes last and shows that the others are through.
        let last = frame(ADDRESS, 60, 2);
        session.inject(&frames);
        session.inject(std::slice::from_ref(&last));
        let mut expected: Vec<_> = frames
            .into_iter()
            .zip(wanted)
            .filter_map(|(frame, wanted)| wanted.then_some(frame))
            .collect();
        expected.push(last);
        assert_eq!(session.receive(expected.len()), expected, "{filter:?}");
    }
}

#[test]
fn seed_11_changed_address_is_filtered_for() {
    let changed = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];
    let mut session = start();
    session.card.set_station_address(changed);
    assert!(session.card.reset());
    let last = frame([0xFF; 6], 60, 3);
    let new = frame(changed, 60, 2);
    session.inject(&[frame(ADDRESS, 60, 1), new.clone(), last.clone()]);
    assert_eq!(session.receive(2), [new, last]);
    assert_eq!(session.card.identity().permanent_address, ADDRESS);
}

#[test]
fn reset_keeps_address_and_filter() {
    let mut session = start();
    for round in 0..3 {
        assert!(session.card.reset());
        let sent = [frame(ADDRESS, 300, round), frame([0xFF; 6], 60, round)];
        session.inject(&sent);
        assert_eq!(session.receive(2), sent);
        let back = frame(PEER, 100, round);
        session.send(&back);
        assert_eq!(session.with_qemu(Qemu::receive_frame), back);
    }
}

#[test]
fn seed_15_interrupt_line_follows_mask_and_status() {
    let mut session = Session::start(Qemu::start(&[DEVICE], true), 0x300);
    let half = session.card.interrupt_half();
    half.enable();
    assert_eq!(session.with_qemu(|qemu| qemu.interrupt(9)), (false, 0));
    let sent = [frame(ADDRESS, 60, 1), frame(ADDRESS, 60, 2)];
    session.inject(&sent[..1]);
    wait_for_interrupt(&session);
    assert_eq!(half.service(), Interrupt::Mine);
    assert_eq!(
        session.with_qemu(|qemu| qemu.interrupt(9)),
        (false, 1),
        "masked"
    );
    // A second frame meanwhile makes no edge, unmasking does.
    session.inject(&sent[1..]);
    session.wait_for_current_page(session.card.receiver().next() + 2);
    assert_eq!(session.with_qemu(|qemu| qemu.interrupt(9)), (false, 1));
    half.enable();
    assert_eq!(
        session.with_qemu(|qemu| qemu.interrupt(9)),
        (true, 2),
        "a fresh edge"
    );
    assert_eq!(half.service(), Interrupt::Mine);
    assert_eq!(session.receive(2), sent);
    half.enable();
    assert_eq!(session.with_qemu(|qemu| qemu.interrupt(9)), (false, 2));
    assert_eq!(half.service(), Interrupt::NotMine);
    // Sending interrupts nobody: it ends within the command.
    session.send(&frame(PEER, 60, 3));
    assert_eq!(session.with_qemu(|qemu| qemu.interrupt(9)), (false, 2));
}

fn wait_for_interrupt(session: &Session) {
    let deadline = std::time::Instant::now() + crate::qemu::DEADLINE;
    while !session.with_qemu(|qemu| qemu.interrupt(9)).0 {
        assert!(std::time::Instant::now() < deadline, "no interrupt");
    }
}

#[test]
fn interrupt_can_be_provoked_for_the_line_to_be_found() {
    for line in [3, 5, 9, 10] {
        let device = format!("ne2k_isa,iobase=0x320,irq={line},mac=52:54:00:12:34:56,netdev=n0");
        let mut session = Session::start(Qemu::start(&[&device], true), 0x320);
        session.card.provoke_interrupt(true);
        assert_eq!(session.with_qemu(|qemu| qemu.interrupt(line)), (true, 1));
        session.card.provoke_interrupt(false);
        assert_eq!(session.with_qemu(|qemu| qemu.interrupt(line)), (false, 1));
    }
}

#[test]
fn data_port_goes_on_without_a_command() {
    // What the short cuts for QEMU's card rely on (hw/net/ne2000.c).
    let session = start();
    let bus = QtestBus::new(Arc::clone(&session.qemu), 0x300);
    bus.write(0x00, 0x22);
    bus.write(0x08, 0x00);
    bus.write(0x09, 0x40);
    bus.write(0x0B, 0xFF);
    bus.write_block(DataWidth::DoubleWord, b"written!");
    bus.write(0x08, 0x00);
    bus.write(0x09, 0x40);
    let mut found = [0; 8];
    bus.read_block(DataWidth::DoubleWord, &mut found[..4]);
    bus.read_block(DataWidth::Word, &mut found[4..]);
    assert_eq!(found, *b"written!");
    // Without a count nothing is written, but reads go on.
    bus.write(0x0A, 0x00);
    bus.write(0x0B, 0x00);
    bus.write(0x08, 0x00);
    bus.write(0x09, 0x40);
    bus.write_block(DataWidth::DoubleWord, b"lost");
    bus.read_block(DataWidth::DoubleWord, &mut found[..4]);
    assert_eq!(found[..4], *b"writ");
}

#[test]
fn two_isa_cards_and_a_pci_card_work_side_by_side() {
    let second = "ne2k_isa,iobase=0x280,irq=5,mac=52:54:00:12:34:57,netdev=n1";
    let third = "ne2k_pci,addr=3,mac=52:54:00:12:34:58,netdev=n2";
    let hub = |name: &str| format!("hubport,id={name},hubid=1");
    let (n1, n2) = (hub("n1"), hub("n2"));
    let mut qemu = Qemu::start_with(
        &["-netdev", &n1, "-netdev", &n2],
        &[DEVICE, second, third],
        false,
    );
    crate::pci::configure(&mut qemu);
    let mut session = Session::start(qemu, 0x300);
    let mut others = [0x280, crate::pci::BASE].map(|port| {
        let bus = QtestBus::new(Arc::clone(&session.qemu), port);
        let mut card = Card::probe(bus, Limits::NONE).expect("a card");
        card.set_filter(session.card.filter());
        card.start();
        card
    });
    let addresses = others
        .each_ref()
        .map(|card| card.identity().permanent_address[5]);
    assert_eq!(addresses, [0x57, 0x58]);
    // The first one has the test at its other end, the others have each other.
    let sent = frame(ADDRESS, 300, 1);
    session.inject(std::slice::from_ref(&sent));
    assert_eq!(session.receive(1), [sent]);
    for (from, to) in [(0, 1), (1, 0)] {
        let destination = others[to].identity().permanent_address;
        let sent = frame(destination, 500 + from, from as u32);
        others[from]
            .send([&*sent], sent.len(), || executive::time::Instant::ZERO)
            .expect("sent");
        let mut received = Received::default();
        let deadline = std::time::Instant::now() + crate::qemu::DEADLINE;
        while received.0.is_empty() {
            assert!(std::time::Instant::now() < deadline, "nothing arrives");
            others[to].service(executive::time::Instant::ZERO, &mut received);
        }
        assert_eq!(received.0, [sent]);
    }
}
