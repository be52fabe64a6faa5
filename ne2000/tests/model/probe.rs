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

/// Sixteen plain registers without pages: not a DP8390.
#[derive(Clone)]
struct PlainRegisters(Arc<Mutex<([u8; 16], usize)>>);

impl RegisterBus for PlainRegisters {
    fn read(&self, offset: u8) -> u8 {
        let registers = self.0.lock().expect("not poisoned");
        registers
            .0
            .get(usize::from(offset))
            .copied()
            .unwrap_or(0xFF)
    }

    fn write(&self, offset: u8, value: u8) {
        let mut registers = self.0.lock().expect("not poisoned");
        registers.1 += 1;
        if let Some(register) = registers.0.get_mut(usize::from(offset)) {
            *register = value;
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
    for first in [0x00, 0x21, 0x37, 0xC7, 0x03] {
        let mut content: [u8; 16] = core::array::from_fn(|index| 0x90 + index as u8);
        content[0] = first;
        let bus = PlainRegisters(Arc::new(Mutex::new((content, 0))));
        assert_eq!(
            Card::probe(bus.clone(), Limits::NONE).err(),
            Some(ProbeError::OtherHardware)
        );
        let (after, writes) = *bus.0.lock().expect("not poisoned");
        assert_eq!(after, content, "first register {first:#x}");
        assert!(writes <= 7);
    }
}
