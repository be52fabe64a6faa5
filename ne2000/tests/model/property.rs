//! Random frames, drains and faults: every frame is delivered unchanged, once,
//! in order, or it is counted as lost.

use executive::time::{Duration, Instant};
use ne2000::card::Card;
use ne2000::filter::{Multicast, ReceiveFilter};
use ne2000::identify::Limits;
use ne2000::model::{CardModel, Configuration, Faults, Transmission};
use ne2000::receive::ReceivedFrame;
use ne2000::registers::ReceiveStatus;
use ne2000::service::{CardEvents, STOP_TIME, Service};
use proptest::prelude::*;

use crate::support::{Noise, Running};

#[derive(Debug, Clone)]
enum Step {
    Inject(usize),
    InjectLater(u64, usize),
    InjectWithError(usize),
    Service,
    Drain(usize),
    Send(usize),
    EndTransmission(u8),
    BadHeader(usize, u8),
    SlowCompletion(u32),
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![3 => 60_usize..=1514, 3 => Just(60_usize), 2 => Just(1514_usize)];
    prop_oneof![
        12 => length.clone().prop_map(Step::Inject),
        4 => (1_u64..120, length.clone()).prop_map(|(after, length)| Step::InjectLater(after, length)),
        1 => length.clone().prop_map(Step::InjectWithError),
        4 => Just(Step::Service),
        2 => (1_usize..8).prop_map(Step::Drain),
        3 => length.prop_map(Step::Send),
        2 => (0_u8..6).prop_map(Step::EndTransmission),
        // Not the low byte of the length, nor a page more or less: nothing tells
        // those from a chip that counts differently.
        1 => prop_oneof![
            any::<u8>().prop_map(|value| Step::BadHeader(0, value | 0x01)),
            any::<u8>().prop_map(|value| Step::BadHeader(1, value & 0xF0 | 0x10)),
            any::<u8>().prop_map(|value| Step::BadHeader(3, value & 0xF0 | 0x10)),
        ],
        1 => (0_u32..50).prop_map(Step::SlowCompletion),
        1 => Just(Step::Reset),
    ]
}

/// What was put in, and what must be explained by a counter.
struct Ledger {
    running: Running,
    next_seed: u32,
    sent: Vec<Vec<u8>>,
    refused: usize,
}

impl Ledger {
    fn frame(&mut self, length: usize) -> Vec<u8> {
        self.next_seed += 1;
        self.running.frame(length, self.next_seed)
    }

    fn service(&mut self) {
        for _ in 0..20 {
            match self.running.service() {
                Service::Done | Service::Absent => return,
                Service::WaitUntil(_) => self.running.now += STOP_TIME,
                Service::NeedsReset => self.reset(),
                Service::MoreWork => {}
            }
        }
        panic!("the card never comes to rest");
    }

    /// A reset unmasks a card that was recovering; here it is polled.
    fn reset(&mut self) {
        assert!(self.running.card.reset());
        self.running.card.interrupt_half().disable();
    }

    fn run(&mut self, step: &Step) {
        self.running.now += Duration::from_micros(10);
        match *step {
            Step::Inject(length) => {
                let frame = self.frame(length);
                self.running.model.inject(&frame);
            }
            Step::InjectLater(after, length) => {
                let frame = self.frame(length);
                self.running.model.inject_after(after, frame);
            }
            Step::InjectWithError(length) => {
                let frame = self.frame(length);
                self.running
                    .model
                    .inject_with_errors(&frame, ReceiveStatus::CRC_ERROR);
            }
            Step::Service => self.service(),
            Step::Drain(budget) => {
                let mut budget = budget;
                let frames = &mut self.running.events.frames;
                let _ = self.running.card.drain(&mut budget, |frame| {
                    frames.extend(crate::support::whole(frame));
                });
            }
            Step::Send(length) => {
                let frame = self.frame(length);
                match self.running.send(&frame) {
                    Ok(()) => self.sent.push(frame),
                    Err(_) => self.refused += 1,
                }
            }
            Step::EndTransmission(kind) => {
                let outcome = match kind {
                    0 => Transmission::ExcessiveCollisions,
                    1 => Transmission::CarrierLost,
                    _ => Transmission::Sent(kind - 2),
                };
                self.running.model.plan_transmissions([outcome]);
                self.running.model.end_transmission();
            }
            Step::BadHeader(index, value) => {
                self.running
                    .model
                    .corrupt_next_header(move |header| header[index] ^= value);
            }
            Step::SlowCompletion(reads) => self.running.model.set_faults(Faults {
                completion_delay: reads,
                ..Faults::default()
            }),
            Step::Reset => self.reset(),
        }
    }
}

/// Whether each of `part` is in `whole`, in the same order.
fn in_order(part: &[Vec<u8>], whole: &[Vec<u8>]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|frame| rest.any(|other| other == frame))
}

fn check(configuration: Configuration, steps: Vec<Step>, forged: bool) {
    let mut ledger = Ledger {
        running: Running::new(configuration),
        next_seed: 0,
        sent: Vec::new(),
        refused: 0,
    };
    ledger.running.model.record_stored();
    for step in steps {
        if forged || !matches!(step, Step::BadHeader(..)) {
            ledger.run(&step);
        }
    }
    for _ in 0..3 {
        ledger.service();
        ledger.running.model.end_transmission();
    }
    // Accesses enough for every frame that is still to come.
    for _ in 0..50 {
        ledger.running.card.update_counters();
    }
    ledger.service();

    let Ledger {
        mut running,
        next_seed,
        sent,
        refused,
    } = ledger;
    running.card.update_counters();
    assert_eq!(running.model.take_violations(), []);
    let counters = *running.card.counters();
    let fate = running.model.fate();
    let frames = running.take_frames();

    // Frames come out in the order of their seeds, whole.
    let seeds: Vec<u32> = frames
        .iter()
        .map(|frame| u32::from_be_bytes(frame[14..18].try_into().expect("four bytes")))
        .collect();
    let expected: Vec<Vec<u8>> = seeds
        .iter()
        .zip(&frames)
        .map(|(seed, frame)| running.frame(frame.len(), *seed))
        .collect();
    assert_eq!(frames, expected, "unchanged");
    let mut unique = seeds.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), seeds.len(), "once");
    assert!(seeds.iter().all(|seed| (1..=next_seed).contains(seed)));
    assert_eq!(
        counters.frames_received - counters.frames_overwritten,
        frames.len() as u64
    );
    assert!(in_order(&frames, &running.model.take_stored()), "in order");

    // What was stored and didn't come out has a counter that says why.
    let lost = fate.stored - frames.len() as u64;
    let explained = counters.resynchronisations
        + counters.ring_laps
        + counters.ring_full_turns
        + counters.resets
        + counters.receive_bad_length
        + counters.receive_crc_errors
        + counters.receive_alignment_errors
        + counters.receive_fifo_overruns
        + counters.receive_marked_missed;
    assert!(
        lost == 0 || explained > 0,
        "{lost} lost frames, {counters:?}"
    );
    let laps = counters.ring_laps + counters.ring_full_turns;
    if counters.resets + counters.resynchronisations + laps == 0 {
        assert_eq!(lost, explained);
    }
    if configuration.personality == ne2000::model::Personality::Datasheet {
        assert_eq!(counters.tally_missed, fate.missed);
        assert_eq!(counters.tally_crc_errors, fate.errors);
    }
    // What left the card is what was sent, in order.
    let left = running.model.take_sent();
    assert!(in_order(&left, &sent));
    let failed = counters.transmit_excessive_collisions + counters.transmit_carrier_lost;
    let ended = left.len() as u64 + failed;
    // A frame that was leaving when the card was reset may have left after all.
    let least = sent.len() as u64 - counters.transmit_lost_in_reset;
    assert!(
        (least..=sent.len() as u64).contains(&ended),
        "{ended} of {}",
        sent.len()
    );
    assert_eq!(counters.frames_sent, sent.len() as u64);
    assert_eq!(counters.transmit_slots_busy, refused as u64);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_frame_is_delivered_or_counted_on_the_datasheets_card(
        steps in proptest::collection::vec(step(), 1..200)
    ) {
        check(Configuration { transmit_accesses: None, ..Configuration::NE2000 }, steps, true);
    }

    #[test]
    fn every_frame_is_delivered_or_counted_on_qemus_card(
        steps in proptest::collection::vec(step(), 1..200)
    ) {
        // A small ring is lapped often.
        check(Configuration { memory_stop: 0x60, ..Configuration::QEMU }, steps, false);
    }

    #[test]
    fn no_register_contents_make_the_driver_fail(
        values in proptest::collection::vec(any::<u8>(), 1..512),
    ) {
        exercise(&values);
    }
}

/// Does everything the driver can do while every read gives a byte of `values`.
fn exercise(values: &[u8]) {
    let noise = Noise::new(CardModel::new(Configuration::QEMU));
    noise.begin(values.to_vec());
    let _ = Card::probe(noise, Limits::NONE);

    let noise = Noise::new(CardModel::new(Configuration::QEMU));
    let mut card = Card::probe(noise.clone(), Limits::NONE).expect("a card");
    card.start();
    let half = card.interrupt_half();
    half.enable();
    noise.begin(values.to_vec());
    let mut now = Instant::ZERO;
    for round in 0..8_u8 {
        now += STOP_TIME;
        let _ = half.service();
        let _ = card.service(now, &mut Whole);
        let _ = card.send([&[round; 60][..]], 60, || now);
        card.set_filter(ReceiveFilter {
            multicast: Multicast::Hash([round; 8]),
            ..ReceiveFilter::default()
        });
        let _ = card.check(now);
        let _ = card.drain(&mut 10, |frame| {
            let _ = frame.read_payload(0, &mut [0; 1600]);
        });
        if round == 4 {
            card.reset();
        }
    }
    card.stop();
}

struct Whole;

impl CardEvents<Noise> for Whole {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, Noise>) {
        let mut payload = [0; 1600];
        if let Ok(length) = frame.read_payload(0, &mut payload) {
            assert_eq!(length, frame.payload_size());
        }
    }

    fn transmit_slot_free(&mut self) {}
}
