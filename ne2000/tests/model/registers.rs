//! The page switch.

use ne2000::RegisterBus;
use ne2000::model::{CardModel, Configuration};
use ne2000::registers::{Command, Direction, Registers};

#[test]
fn page_0_is_selected_again_after_every_other_page() {
    let model = CardModel::new(Configuration::NE2000);
    let mut registers = Registers::new(model.clone());
    let latch = registers.latch();
    registers.stop();
    assert!(latch.page0_selected());
    let mut page1 = registers.page1();
    assert!(!latch.page0_selected());
    page1.set_physical_address([1, 2, 3, 4, 5, 6]);
    page1.set_multicast_hash([9; 8]);
    page1.set_current(0x55);
    assert_eq!(model.read(0), 0x61, "page 1, stopped as before");
    drop(page1);
    assert!(latch.page0_selected());
    assert_eq!(model.read(0), 0x21);
    registers.start();
    assert_eq!(registers.page1().current(), 0x55);
    assert_eq!(registers.page1().physical_address(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(registers.page1().multicast_hash(), [9; 8]);
    assert_eq!(model.read(0), 0x22, "page 0, started as before");
}

#[test]
fn commands_have_the_datasheets_values() {
    let model = CardModel::new(Configuration::NE2000);
    let mut registers = Registers::new(model.clone());
    registers.start();
    for (direction, value) in [(Direction::Read, 0x0A), (Direction::Write, 0x12)] {
        registers.idle_remote();
        registers.page0().set_remote_count(4);
        registers.start_remote(direction);
        assert_eq!(model.read(0), value);
    }
    registers.abort_remote();
    assert_eq!(registers.command(), Command::START | Command::ABORT_REMOTE);
    registers.page0().set_transmit_count(60);
    registers.transmit();
    assert_eq!(model.read(0), 0x26);
    assert_eq!(model.take_violations(), []);
}

#[test]
fn page_2_shows_what_was_written() {
    let model = CardModel::new(Configuration::NE2000);
    let mut registers = Registers::new(model);
    registers.stop();
    registers.page0().set_page_start(0x4C);
    registers.page0().set_page_stop(0x80);
    registers.page0().set_transmit_page(0x46);
    let page2 = registers.page2();
    assert_eq!(
        (page2.page_start(), page2.page_stop(), page2.transmit_page()),
        (0x4C, 0x80, 0x46)
    );
}
