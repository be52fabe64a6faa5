//! Interrupts of other devices on the card's line, at the worst of times.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use executive::time::Instant;
use ne2000::bus::{DataWidth, RegisterBus};
use ne2000::card::Card;
use ne2000::filter::{Multicast, ReceiveFilter};
use ne2000::identify::Limits;
use ne2000::interrupt::{Interrupt, InterruptHalf};
use ne2000::model::{CardModel, Configuration};
use ne2000::receive::ReceivedFrame;
use ne2000::service::{CardEvents, Service};

use crate::support::frame;

/// Calls the interrupt half before every access to the card, as a device that
/// shares the line may do.
#[derive(Clone)]
struct Interrupted {
    model: CardModel,
    half: Arc<Mutex<Option<InterruptHalf<Interrupted>>>>,
    /// The interrupt half is running: it isn't interrupted itself.
    inside: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    claimed: Arc<AtomicUsize>,
}

impl Interrupted {
    fn interrupt(&self) {
        if self.inside.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(half) = &*self.half.lock().expect("not poisoned") {
            self.calls.fetch_add(1, Ordering::Relaxed);
            if half.service() == Interrupt::Mine {
                self.claimed.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.inside.store(false, Ordering::Relaxed);
    }
}

impl RegisterBus for Interrupted {
    fn read(&self, offset: u8) -> u8 {
        self.interrupt();
        self.model.read(offset)
    }

    fn write(&self, offset: u8, value: u8) {
        self.interrupt();
        self.model.write(offset, value);
    }

    fn read_block(&self, width: DataWidth, buffer: &mut [u8]) {
        self.interrupt();
        self.model.read_block(width, buffer);
    }

    fn write_block(&self, width: DataWidth, bytes: &[u8]) {
        self.interrupt();
        self.model.write_block(width, bytes);
    }
}

struct Collect(Vec<Vec<u8>>);

impl CardEvents<Interrupted> for Collect {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, Interrupted>) {
        let mut payload = vec![0; frame.payload_size()];
        assert_eq!(frame.read_payload(0, &mut payload), Ok(payload.len()));
        self.0.push([frame.header(), &payload].concat());
    }

    fn transmit_slot_free(&mut self) {}
}

#[test]
fn shared_line_in_the_middle_of_anything_does_not_disturb_the_card() {
    for configuration in [Configuration::NE2000, Configuration::QEMU] {
        let model = CardModel::new(configuration);
        let bus = Interrupted {
            model: model.clone(),
            half: Arc::default(),
            inside: Arc::default(),
            calls: Arc::default(),
            claimed: Arc::default(),
        };
        let mut card = Card::probe(bus.clone(), Limits::NONE).expect("a card");
        let filter = |byte| ReceiveFilter {
            directed: true,
            multicast: Multicast::Hash([byte; 8]),
            ..ReceiveFilter::default()
        };
        card.set_filter(filter(0));
        card.start();
        let half = card.interrupt_half();
        *bus.half.lock().expect("not poisoned") = Some(half.clone());
        let address = card.station_address();
        let mut collected = Collect(Vec::new());
        let mut frames = Vec::new();
        for seed in 0..40_u8 {
            half.enable();
            let frame = frame(address, 60 + 31 * usize::from(seed), u32::from(seed));
            // Now before, now in the middle of what follows.
            model.inject_after(u64::from(seed % 20), frame.clone());
            frames.push(frame);
            card.set_filter(filter(seed));
            assert_eq!(model.multicast_hash(), [seed; 8]);
            card.send([&[seed; 60][..]], 60, || Instant::ZERO)
                .expect("sent");
            let _ = card.check(Instant::ZERO);
            if bus.claimed.swap(0, Ordering::Relaxed) == 0 {
                assert_eq!(half.in_force(), half.causes());
                half.disable();
            }
            assert!(half.in_force().is_empty());
            assert!(!model.interrupt_line(), "a masked card's line is down");
            for _ in 0..3 {
                assert_eq!(card.service(Instant::ZERO, &mut collected), Service::Done);
            }
        }
        assert_eq!(
            bus.claimed.load(Ordering::Relaxed),
            0,
            "never claimed while masked"
        );
        assert_eq!(collected.0, frames);
        assert_eq!(model.take_violations(), []);
        assert!(bus.calls.load(Ordering::Relaxed) > 1000);
    }
}

#[test]
fn interrupt_in_the_middle_of_unmasking_leaves_the_card_masked() {
    let model = CardModel::new(Configuration::NE2000);
    let bus = Interrupted {
        model: model.clone(),
        half: Arc::default(),
        inside: Arc::default(),
        calls: Arc::default(),
        claimed: Arc::default(),
    };
    let mut card = Card::probe(bus.clone(), Limits::NONE).expect("a card");
    card.set_filter(ReceiveFilter {
        directed: true,
        ..ReceiveFilter::default()
    });
    card.start();
    let half = card.interrupt_half();
    model.inject(&frame(card.station_address(), 60, 1));
    *bus.half.lock().expect("not poisoned") = Some(half.clone());
    half.enable();
    // The cause was pending and on the line before the mask was written.
    assert_eq!(bus.claimed.load(Ordering::Relaxed), 1);
    assert!(half.in_force().is_empty());
    assert!(!model.interrupt_line());
}

#[test]
fn two_cards_on_one_line_are_both_served() {
    let configurations = [
        Configuration::NE2000,
        Configuration {
            address: [2, 0, 0, 0, 0, 2],
            ..Configuration::QEMU
        },
    ];
    let mut cards = configurations.map(|configuration| {
        let model = CardModel::new(configuration);
        let mut card = Card::probe(model.clone(), Limits::NONE).expect("a card");
        card.set_filter(ReceiveFilter {
            directed: true,
            ..ReceiveFilter::default()
        });
        card.start();
        card.interrupt_half().enable();
        (model, card, Collected::default())
    });
    let mut sent: [Vec<Vec<u8>>; 2] = Default::default();
    for seed in 0..200_u32 {
        // Now one, now the other, now both at once.
        for (index, (model, card, _)) in cards.iter().enumerate() {
            if seed % 3 != index as u32 {
                let frame = frame(card.station_address(), 60 + 7 * seed as usize, seed);
                model.inject(&frame);
                sent[index].push(frame);
            }
        }
        // The line is up while either card pulls it: everyone on it is asked
        // until nobody has anything left.
        let mut rounds = 0;
        while cards.iter().any(|(model, ..)| model.interrupt_line()) {
            rounds += 1;
            assert!(rounds <= 4, "the line stays up");
            for (_, card, collected) in &mut cards {
                let half = card.interrupt_half();
                if half.service() == Interrupt::Mine {
                    assert_eq!(card.service(Instant::ZERO, collected), Service::Done);
                    half.enable();
                }
            }
        }
    }
    for ((model, card, collected), sent) in cards.into_iter().zip(sent) {
        assert_eq!(collected.0, sent);
        let interrupts = card.interrupt_half().counters();
        assert_eq!(interrupts.recognised, sent.len() as u64);
        assert!(interrupts.not_mine > 0, "asked for the other's too");
        assert_eq!(model.take_violations(), []);
    }
}

#[derive(Default)]
struct Collected(Vec<Vec<u8>>);

impl CardEvents<CardModel> for Collected {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, CardModel>) {
        self.0.extend(crate::support::whole(frame));
    }

    fn transmit_slot_free(&mut self) {}
}
