//! Finding a card: registers, PROM, memory size, data port.

use ne2000::bus::{DataWidth, RegisterBus};
use ne2000::card::Card;
use ne2000::identify::{Chip, Limits, ProbeError};
use ne2000::model::{CardModel, Configuration, Faults, Personality};
use std::sync::{Arc, Mutex};

fn identity(configuration: Configuration) -> ne2000::identify::Identity {
    let card = Card::probe(CardModel::new(configuration), Limits::NONE).expect("a card");
    *card.identity()
}

#[test]
fn qemu_card_is_identified() {
    let identity = identity(Configuration::QEMU);
    assert_eq!(identity.chip, Chip::Rtl8029);
    assert_eq!(identity.width, DataWidth::DoubleWord);
    assert_eq!((identity.memory_start, identity.memory_stop), (0x40, 0xC0));
    assert_eq!(identity.memory_size(), 32 * 1024);
    assert_eq!(identity.permanent_address, Configuration::QEMU.address);
    assert!(identity.has_signature);
    assert!(!identity.has_readback);
}

#[test]
fn sixteen_bit_card_with_16_kib_is_identified() {
    let identity = identity(Configuration::NE2000);
    assert_eq!(identity.chip, Chip::Dp8390);
    assert_eq!(identity.width, DataWidth::Word);
    assert_eq!(identity.memory_size(), 16 * 1024);
    assert!(identity.has_readback);
}

#[test]
fn memory_that_appears_again_behind_its_end_is_not_counted_twice() {
    for (memory_stop, kib) in [(0x60, 8), (0x80, 16), (0xC0, 32)] {
        let identity = identity(Configuration {
            memory_stop,
            echoes: true,
            ..Configuration::NE2000
        });
        assert_eq!(identity.memory_size(), kib * 1024);
    }
}

#[test]
fn eight_bit_card_with_8_kib_is_identified() {
    let identity = identity(Configuration {
        memory_start: 0x20,
        memory_stop: 0x40,
        widest: DataWidth::Byte,
        eight_bit: true,
        ..Configuration::NE2000
    });
    assert_eq!(identity.width, DataWidth::Byte);
    assert_eq!((identity.memory_start, identity.memory_stop), (0x20, 0x40));
    assert_eq!(identity.permanent_address, Configuration::NE2000.address);
    assert!(identity.has_signature);
}

#[test]
fn sixteen_bit_card_in_an_8_bit_slot_is_used_byte_wide() {
    let identity = identity(Configuration {
        widest: DataWidth::Byte,
        ..Configuration::NE2000
    });
    assert_eq!(identity.width, DataWidth::Byte);
    assert_eq!(identity.memory_size(), 16 * 1024);
}

#[test]
fn realtek_isa_chip_is_identified() {
    let identity = identity(Configuration {
        realtek_id: [0x50, 0x70],
        ..Configuration::NE2000
    });
    assert_eq!(identity.chip, Chip::Rtl8019As);
}

#[test]
fn limits_of_a_pci_clone_are_kept() {
    let limits = ne2000::pci::find(0x12C3, 0x5598).expect("known").limits;
    let model = CardModel::new(Configuration {
        widest: DataWidth::DoubleWord,
        ..Configuration::NE2000
    });
    let card = Card::probe(model, limits).expect("a card");
    assert_eq!(card.identity().width, DataWidth::DoubleWord);
    assert_eq!(card.identity().memory_stop, 0x60);
    let limits = ne2000::pci::find(0x1106, 0x0926).expect("known").limits;
    let card = Card::probe(CardModel::new(Configuration::QEMU), limits).expect("a card");
    assert_eq!(card.identity().width, DataWidth::Word);
}

#[test]
fn card_without_memory_or_address_is_refused() {
    let probe = |configuration| {
        Card::probe(CardModel::new(configuration), Limits::NONE).expect_err("no usable card")
    };
    assert_eq!(
        probe(Configuration {
            memory_start: 0x40,
            memory_stop: 0x40,
            echoes: false,
            ..Configuration::NE2000
        }),
        ProbeError::NoMemory
    );
    for address in [[0; 6], [0x01, 0, 0x5E, 0, 0, 1], [0xFF; 6]] {
        let configuration = Configuration {
            address,
            ..Configuration::QEMU
        };
        assert_eq!(probe(configuration), ProbeError::NoAddress);
    }
}

#[test]
fn card_that_never_reports_its_reset_is_gone_on_with() {
    for personality in [Personality::Datasheet, Personality::Qemu] {
        let model = CardModel::new(Configuration {
            personality,
            ..Configuration::NE2000
        });
        model.set_faults(Faults {
            no_reset_status: true,
            ..Faults::default()
        });
        assert!(Card::probe(model, Limits::NONE).is_ok());
    }
}

#[test]
fn emulated_card_is_told_from_a_real_one() {
    assert!(identity(Configuration::QEMU).is_emulated);
    assert!(!identity(Configuration::NE2000).is_emulated);
    // A real RTL8029: the same identification.
    let real = identity(Configuration {
        realtek_id: [0x50, 0x43],
        widest: DataWidth::DoubleWord,
        ..Configuration::NE2000
    });
    assert_eq!(real.chip, Chip::Rtl8029);
    assert!(!real.is_emulated);
}

#[test]
fn open_port_is_never_tried_on_a_real_card() {
    // An access without a remote DMA may hang a real bus.
    for widest in [DataWidth::Byte, DataWidth::Word, DataWidth::DoubleWord] {
        let model = CardModel::new(Configuration {
            realtek_id: [0x50, 0x43],
            widest,
            ..Configuration::NE2000
        });
        assert!(Card::probe(model.clone(), Limits::NONE).is_ok());
        assert_eq!(model.take_violations(), []);
    }
}

#[test]
fn limits_of_every_pci_clone() {
    let known = ne2000::pci::PCI_CARDS.map(|card| {
        let limits = card.limits;
        let stop = limits.memory_stop;
        (
            card.vendor,
            card.device,
            limits.narrowest,
            limits.widest,
            stop,
        )
    });
    let (byte, word, double) = (DataWidth::Byte, DataWidth::Word, DataWidth::DoubleWord);
    assert_eq!(
        known,
        [
            (0x10EC, 0x8029, byte, double, 0xE0),
            (0x1050, 0x0940, byte, double, 0xE0),
            (0x1050, 0x5A5A, byte, double, 0xE0),
            (0x11F6, 0x1401, byte, double, 0xE0),
            (0x8E2E, 0x3000, byte, double, 0xE0),
            (0x4A14, 0x5000, byte, double, 0xE0),
            (0x1106, 0x0926, word, word, 0xE0),
            (0x10BD, 0x0E34, byte, double, 0xE0),
            (0x12C3, 0x0058, word, word, 0xE0),
            (0x12C3, 0x5598, double, double, 0x60),
            (0x8C4A, 0x1980, byte, double, 0xE0),
            (0x1186, 0x0300, byte, double, 0xE0),
        ]
    );
    for card in ne2000::pci::PCI_CARDS {
        assert_eq!(
            ne2000::pci::find(card.vendor, card.device),
            Some(&card).copied().as_ref()
        );
        let model = CardModel::new(Configuration {
            widest: DataWidth::DoubleWord,
            ..Configuration::NE2000
        });
        let found = Card::probe(model.clone(), card.limits).expect("a card");
        let width = found.identity().width;
        assert_eq!(width, card.limits.widest, "{}", card.name);
        assert!(found.identity().memory_stop <= card.limits.memory_stop);
        assert_eq!(model.take_violations(), [], "{}", card.name);
    }
}

#[test]
fn nothing_at_the_ports_is_only_read() {
    let model = CardModel::new(Configuration::QEMU);
    model.set_faults(Faults {
        absent: true,
        ..Faults::default()
    });
    assert_eq!(
        Card::probe(model.clone(), Limits::NONE).err(),
        Some(ProbeError::Absent)
    );
    let accesses = model.take_accesses();
    assert_eq!(
        (accesses.reads, accesses.writes, accesses.blocks),
        (2, 0, 0)
    );
}

/// What other hardware does with its sixteen registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Keeps what is written.
    Keeps,
    /// Takes no writes: status registers.
    Ignores,
    /// Reads as something else each time: a queue, a counter.
    Changes,
}

/// Sixteen registers without pages: not a DP8390.
#[derive(Clone)]
struct OtherHardware {
    manner: Manner,
    state: Arc<Mutex<OtherState>>,
}

#[derive(Clone, Copy)]
struct OtherState {
    registers: [u8; 16],
    reads: u8,
    writes: usize,
}

impl OtherHardware {
    fn new(manner: Manner, registers: [u8; 16]) -> Self {
        let state = OtherState {
            registers,
            reads: 0,
            writes: 0,
        };
        Self {
            manner,
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> OtherState {
        *self.state.lock().expect("not poisoned")
    }
}

impl RegisterBus for OtherHardware {
    fn read(&self, offset: u8) -> u8 {
        assert!(offset < 0x10, "a port beyond the registers was read");
        let mut state = self.state.lock().expect("not poisoned");
        state.reads = state.reads.wrapping_add(1);
        let changed = if self.manner == Manner::Changes {
            state.reads.wrapping_mul(29)
        } else {
            0
        };
        state.registers[usize::from(offset)] ^ changed
    }

    fn write(&self, offset: u8, value: u8) {
        assert!(offset < 0x10, "a port beyond the registers was written");
        let mut state = self.state.lock().expect("not poisoned");
        state.writes += 1;
        if self.manner == Manner::Keeps {
            state.registers[usize::from(offset)] = value;
        }
    }

    fn read_block(&self, _: DataWidth, _: &mut [u8]) {
        panic!("the data port of other hardware was read");
    }

    fn write_block(&self, _: DataWidth, _: &[u8]) {
        panic!("the data port of other hardware was written");
    }
}

#[test]
fn other_hardware_is_left_as_it_was() {
    for manner in [Manner::Keeps, Manner::Ignores, Manner::Changes] {
        let mut untouched = 0;
        for first in 0..=u8::MAX {
            let mut content: [u8; 16] = core::array::from_fn(|index| 0x90 + index as u8);
            content[0] = first;
            let hardware = OtherHardware::new(manner, content);
            let found = Card::probe(hardware.clone(), Limits::NONE).err();
            assert_eq!(
                found,
                Some(ProbeError::OtherHardware),
                "{manner:?} {first:#x}"
            );
            let after = hardware.state();
            assert_eq!(after.registers, content, "{manner:?} {first:#x}");
            assert!(after.writes <= 7, "{manner:?} {first:#x}");
            untouched += usize::from(after.writes == 0);
        }
        // More than half of all values can't be a command register's.
        assert!(untouched > 128, "{manner:?}: {untouched} not written to");
    }
}
