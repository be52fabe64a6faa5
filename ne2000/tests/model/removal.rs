//! A card that is taken out of its slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use executive::time::Instant;
use ne2000::bus::{DataWidth, RegisterBus};
use ne2000::card::{Card, Health};
use ne2000::identify::Limits;
use ne2000::interrupt::Interrupt;
use ne2000::model::{CardModel, Configuration, Faults};
use ne2000::service::Service;

use crate::support::{Events, Ignore, Running};

#[test]
fn card_that_is_taken_out_is_recognised_everywhere() {
    let absent = Faults {
        absent: true,
        ..Faults::default()
    };
    let mut running = Running::new(Configuration::QEMU);
    let half = running.card.interrupt_half();
    half.enable();
    running.model.inject(&running.frame(60, 1));
    running.model.set_faults(absent);
    // The last interrupt it had raised still comes.
    assert_eq!(half.service(), Interrupt::Mine);
    assert_eq!(
        running.card.service(running.now, &mut running.events),
        Service::Absent
    );
    assert_eq!(half.service(), Interrupt::NotMine);
    assert!(running.send(&[1; 60]).is_err());
    assert_eq!(running.card.check(running.now), Health::Absent);
    assert!(!running.card.reset());
    assert_eq!(running.card.counters().card_absent, 2);

    let mut running = Running::new(Configuration::QEMU);
    running.model.set_faults(absent);
    assert_eq!(running.card.check(running.now), Health::Absent);

    // Put back in, it comes up again.
    running.model.set_faults(Faults::default());
    assert!(running.card.reset());
    let mut events = Events::default();
    running.model.inject(&running.frame(60, 1));
    assert_eq!(
        running.card.service(running.now, &mut events),
        Service::Done
    );
    assert_eq!(events.frames.len(), 1);
}

/// A card that is taken out at a certain access.
#[derive(Clone)]
struct TakenOut {
    model: CardModel,
    left: Arc<AtomicUsize>,
}

impl TakenOut {
    fn count(&self) {
        match self.left.load(Ordering::Relaxed) {
            usize::MAX => {}
            0 => self.model.set_faults(Faults {
                absent: true,
                ..Faults::default()
            }),
            left => self.left.store(left - 1, Ordering::Relaxed),
        }
    }
}

impl RegisterBus for TakenOut {
    fn read(&self, offset: u8) -> u8 {
        self.count();
        self.model.read(offset)
    }

    fn write(&self, offset: u8, value: u8) {
        self.count();
        self.model.write(offset, value);
    }

    fn read_block(&self, width: DataWidth, buffer: &mut [u8]) {
        self.count();
        self.model.read_block(width, buffer);
    }

    fn write_block(&self, width: DataWidth, bytes: &[u8]) {
        self.count();
        self.model.write_block(width, bytes);
    }
}

#[test]
fn card_taken_out_at_any_access_is_recognised_soon() {
    for configuration in [Configuration::QEMU, Configuration::NE2000] {
        for access in 0..80 {
            let model = CardModel::new(configuration);
            let bus = TakenOut {
                model: model.clone(),
                left: Arc::new(AtomicUsize::new(usize::MAX)),
            };
            let mut card = Card::probe(bus.clone(), Limits::NONE).expect("a card");
            card.start();
            let own = card.station_address();
            for length in [60, 1514, 300] {
                model.inject(&crate::support::frame(own, length, 1));
            }
            bus.left.store(access, Ordering::Relaxed);
            let mut passes = 0;
            while card.service(Instant::ZERO, &mut Ignore) == Service::MoreWork {
                passes += 1;
                assert!(passes < 20, "access {access}");
            }
            let _ = card.send([&[0; 60][..]], 60, || Instant::ZERO);
            model.set_faults(Faults {
                absent: true,
                ..Faults::default()
            });
            assert_eq!(card.check(Instant::ZERO), Health::Absent, "access {access}");
            assert!(!card.reset());
            assert_eq!(card.interrupt_half().service(), Interrupt::NotMine);
        }
    }
}
