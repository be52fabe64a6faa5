//! The interrupt half, the bounded deferred half, and shared lines.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use executive::time::Instant;
use ne2000::bus::{DataWidth, RegisterBus};
use ne2000::card::{Card, Health};
use ne2000::identify::Limits;
use ne2000::interrupt::Interrupt;
use ne2000::model::{CardModel, Configuration, Faults};
use ne2000::registers::InterruptStatus;
use ne2000::service::{INTERRUPT_LIMIT, Service};

use crate::support::{Ignore, Running};

#[test]
fn seed_15_service_routine_masks_the_card_and_leaves_the_rest_to_the_deferred_half() {
    let mut running = Running::new(Configuration::QEMU);
    let half = running.card.interrupt_half();
    half.enable();
    running.model.inject(&running.frame(60, 1));
    assert!(running.model.interrupt_line());
    running.model.take_accesses();
    assert_eq!(half.service(), Interrupt::Mine);
    let accesses = running.model.take_accesses();
    assert_eq!((accesses.reads, accesses.writes), (1, 1));
    assert!(!running.model.interrupt_line());
    assert_eq!(running.service(), Service::Done);
    assert_eq!(running.events.frames.len(), 1);
    half.enable();
    assert!(!running.model.interrupt_line());
    assert_eq!(half.counters().recognised, 1);
}

#[test]
fn interrupt_of_another_device_on_the_line_is_not_claimed() {
    let running = Running::new(Configuration::QEMU);
    let half = running.card.interrupt_half();
    half.enable();
    assert_eq!(half.service(), Interrupt::NotMine);
    assert_eq!(half.counters().not_mine, 1);
    assert_eq!(half.in_force(), half.causes());
    // A cause that isn't enabled doesn't make it the card's either.
    running.model.raise(InterruptStatus::REMOTE_DMA_COMPLETE);
    assert_eq!(half.service(), Interrupt::NotMine);
}

#[test]
fn interrupt_while_the_deferred_half_is_due_is_not_claimed_twice() {
    let running = Running::new(Configuration::QEMU);
    let half = running.card.interrupt_half();
    half.enable();
    running.model.inject(&running.frame(60, 1));
    assert_eq!(half.service(), Interrupt::Mine);
    assert_eq!(half.service(), Interrupt::NotMine);
    assert_eq!(half.counters().while_masked, 1);
    assert!(half.in_force().is_empty());
}

/// Writes down the register accesses.
#[derive(Clone)]
struct Traced(CardModel, Arc<Mutex<Vec<(char, u8, u8)>>>);

impl RegisterBus for Traced {
    fn read(&self, offset: u8) -> u8 {
        let value = self.0.read(offset);
        self.1
            .lock()
            .expect("not poisoned")
            .push(('r', offset, value));
        value
    }

    fn write(&self, offset: u8, value: u8) {
        self.1
            .lock()
            .expect("not poisoned")
            .push(('w', offset, value));
        self.0.write(offset, value);
    }

    fn read_block(&self, width: DataWidth, buffer: &mut [u8]) {
        self.0.read_block(width, buffer);
    }

    fn write_block(&self, width: DataWidth, bytes: &[u8]) {
        self.0.write_block(width, bytes);
    }
}

#[test]
fn seed_16_causes_are_acknowledged_first_and_served_from_the_low_bit_up() {
    let model = CardModel::new(Configuration {
        transmit_accesses: None,
        ..Configuration::NE2000
    });
    let trace = Arc::new(Mutex::new(Vec::new()));
    let mut card =
        Card::probe(Traced(model.clone(), Arc::clone(&trace)), Limits::NONE).expect("a card");
    card.start();
    card.send([&[0; 60][..]], 60, || Instant::ZERO)
        .expect("sent");
    model.raise(
        InterruptStatus::all() - InterruptStatus::RESET - InterruptStatus::OVERWRITE_WARNING,
    );
    trace.lock().expect("not poisoned").clear();
    assert_eq!(card.service(Instant::ZERO, &mut Ignore), Service::Done);
    let trace: Vec<_> = trace
        .lock()
        .expect("not poisoned")
        .iter()
        .filter_map(|access| match access {
            ('r', 0x07, value) if value.trailing_zeros() >= 6 => Some("status again"),
            ('r', 0x07, 0x6F) => Some("status"),
            ('w', 0x07, 0x2F) => Some("acknowledge"),
            // CURR is read on page 1.
            ('w', 0x00, 0x62) => Some("PRX"),
            ('r', 0x04, _) => Some("PTX"),
            ('r', 0x0D, _) => Some("tally"),
            _ => None,
        })
        .collect();
    assert_eq!(
        trace,
        [
            "status",
            "acknowledge",
            "PRX",
            "PTX",
            "tally",
            "tally",
            "tally",
            "status again"
        ],
        "PRX, PTX, RXE, TXE, CNT in this order"
    );
}

#[test]
fn seed_16_interrupt_loop_is_bounded() {
    for (configuration, stuck) in [Configuration::NE2000, Configuration::QEMU]
        .into_iter()
        .flat_map(|configuration| (1..=0xFF_u8).map(move |stuck| (configuration, stuck)))
    {
        let mut running = Running::new(configuration);
        running.model.set_faults(Faults {
            stuck_status: stuck,
            ..Faults::default()
        });
        running.model.take_accesses();
        let causes = running.card.interrupt_half().causes().bits();
        let transmit = 0x0A * u8::from(configuration.realtek_id == [0, 0]);
        let ended = running.card.service(running.now, &mut running.events);
        if stuck & 0x10 != 0 {
            assert!(
                matches!(ended, Service::WaitUntil(_)),
                "{stuck:#x}: {ended:?}"
            );
        } else if stuck & (causes | transmit) != 0 {
            assert_eq!(ended, Service::MoreWork, "{stuck:#x}");
        } else {
            assert_eq!(ended, Service::Done, "{stuck:#x}");
        }
        let accesses = running.model.take_accesses();
        assert!(
            accesses.total() <= 40 * INTERRUPT_LIMIT as u64,
            "{stuck:#x}: {accesses:?}"
        );
    }
}

#[test]
fn status_stuck_at_any_value_is_left_alone_and_mended_by_a_reset() {
    for configuration in [Configuration::NE2000, Configuration::QEMU] {
        for stuck in 1..=0xFF_u8 {
            let mut running = Running::new(configuration);
            running.model.set_faults(Faults {
                stuck_status: stuck,
                ..Faults::default()
            });
            let mut passes = 0;
            loop {
                passes += 1;
                assert!(passes < 100, "{stuck:#x}: no end");
                match running.card.service(running.now, &mut running.events) {
                    Service::Done => break,
                    Service::WaitUntil(time) => running.now = time,
                    Service::MoreWork => {}
                    other => panic!("{stuck:#x}: {other:?}"),
                }
            }
            // Nothing is left that would hold the line up.
            let half = running.card.interrupt_half();
            half.enable();
            assert!(!running.model.interrupt_line(), "{stuck:#x}");
            half.disable();
            // What isn't stuck works.
            let frame = running.frame(100, 1);
            running.model.inject(&frame);
            running.card.drain(&mut 8, |frame| {
                running.events.frames.extend(crate::support::whole(frame));
            });
            assert_eq!(running.take_frames(), [frame], "{stuck:#x}");
            if running.card.counters().stuck_causes > 0 {
                assert_eq!(running.card.check(running.now), Health::NeedsReset);
            }
            running.model.set_faults(Faults::default());
            assert!(running.card.reset());
            let frame = running.frame(100, 2);
            running.model.inject(&frame);
            assert_eq!(running.service(), Service::Done);
            assert_eq!(running.take_frames(), [frame], "{stuck:#x}");
        }
    }
}

#[test]
fn seed_16_status_is_read_again_each_round() {
    for configuration in [Configuration::QEMU, Configuration::NE2000] {
        let mut running = Running::new(configuration);
        running.model.inject(&running.frame(60, 0));
        // These come while the ones before are being taken.
        for round in 1..6 {
            let frame = running.frame(60, round);
            running.model.inject_after(6 * u64::from(round), frame);
        }
        assert_eq!(
            running.card.service(running.now, &mut running.events),
            Service::Done
        );
        assert!(
            running.events.frames.len() >= 3,
            "{} frames in one pass",
            running.events.frames.len()
        );
    }
}

#[test]
fn counter_interrupt_reads_the_tally_counters() {
    let mut running = Running::new(Configuration::NE2000);
    running.model.add_tally([3, 0x80, 7]);
    assert_eq!(running.service(), Service::Done);
    let counters = running.card.counters();
    assert_eq!(counters.counter_interrupts, 1);
    assert_eq!(
        (
            counters.tally_alignment_errors,
            counters.tally_crc_errors,
            counters.tally_missed
        ),
        (3, 0x80, 7)
    );
    assert!(!running.model.interrupt_line());
}

#[test]
fn lost_interrupt_is_noticed_and_raised_again() {
    let mut running = Running::new(Configuration::QEMU);
    let half = running.card.interrupt_half();
    half.enable();
    let edges = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&edges);
    running.model.set_interrupt_hook(move |up| {
        counted.fetch_add(usize::from(up), Ordering::Relaxed);
    });
    running.model.set_faults(Faults {
        lost_edges: 1,
        ..Faults::default()
    });
    running.model.inject(&running.frame(60, 1));
    assert_eq!(edges.load(Ordering::Relaxed), 0);
    assert_eq!(running.card.check(running.now), Health::InterruptLost);
    assert_eq!(edges.load(Ordering::Relaxed), 1, "a fresh edge");
    assert_eq!(half.service(), Interrupt::Mine);
    assert_eq!(running.service(), Service::Done);
    half.enable();
    assert_eq!(running.card.check(running.now), Health::Good);
    assert_eq!(running.card.counters().lost_interrupts, 1);
}
