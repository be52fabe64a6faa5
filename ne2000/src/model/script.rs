//! Runs a card and the driver's card half by a script of bytes, for fuzzing.
//!
//! Every sequence of bytes is a script: frames, faults, register contents nobody
//! expects, and passes of the deferred half in between.

use alloc::vec;
use alloc::vec::Vec;

use executive::time::{Duration, Instant};

use super::{CardModel, Configuration, Faults, Personality, Transmission};
use crate::bus::DataWidth;
use crate::card::{Card, Health};
use crate::filter::{Address, Multicast, ReceiveFilter};
use crate::identify::Limits;
use crate::interrupt::Interrupt;
use crate::receive::{Drained, Overwritten, ReceivedFrame};
use crate::registers::{InterruptStatus, ReceiveStatus};
use crate::ring::{LONGEST_FRAME, MINIMUM_FRAME};
use crate::service::{CardEvents, INTERRUPT_LIMIT, STOP_TIME, Service};

/// Passes of the deferred half, resets among them, after which a card must have
/// come to rest.
const PASSES_TO_REST: usize = 64;

/// Accesses that one pass may make at most: every round may read a whole ring.
const ACCESSES_PER_PASS: u64 = 4096 * INTERRUPT_LIMIT as u64;

/// Runs a card by `script` and checks what must hold whatever happens:
///
/// - every pass of the deferred half ends within bounds, and the card comes to
///   rest;
/// - a frame handed up has a length that Ethernet has, and the counter of
///   received frames agrees with what was handed up;
/// - unless the script changed ring headers or registers behind the driver's
///   back: a frame handed up is one that was put in, unchanged, handed up once
///   and in order, and the driver broke no rule of the chip;
/// - with all faults gone, a reset brings the card back and a frame gets
///   through either way.
///
/// # Panics
/// When one of these does not hold.
pub fn run_script(script: &[u8]) {
    let mut bytes = Bytes(script);
    let configuration = configuration(bytes.next());
    let Some(mut run) = Run::new(configuration) else {
        return;
    };
    while let Some(operation) = bytes.0.first().copied() {
        bytes.next();
        run.now += Duration::from_micros(10);
        run.perform(operation, &mut bytes);
    }
    run.finish();
}

/// The script; past its end it is all zeros.
struct Bytes<'s>(&'s [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.next(), self.next()])
    }

    /// Mostly the shortest and the longest frames, and sometimes too long ones.
    fn length(&mut self) -> usize {
        let (kind, value) = (self.next(), usize::from(self.number()));
        match kind % 32 {
            0..12 => MINIMUM_FRAME,
            12..20 => 1514,
            20 => value,
            _ => MINIMUM_FRAME + value % 1455,
        }
    }
}

fn configuration(choice: u8) -> Configuration {
    let base = match choice & 1 {
        0 => Configuration::QEMU,
        _ => Configuration::NE2000,
    };
    Configuration {
        memory_stop: [0x60, 0x80, 0xC0, 0x60][usize::from(choice >> 1 & 3)],
        widest: match choice >> 3 & 3 {
            0 => DataWidth::Byte,
            1 => DataWidth::Word,
            _ => base.widest,
        },
        transmit_accesses: (choice & 0x20 != 0).then_some(64),
        ..base
    }
}

/// A frame to `destination`, all of it made from `seed`.
fn frame(destination: Address, length: usize, seed: u32) -> Vec<u8> {
    let mut frame = Vec::with_capacity(length);
    frame.extend(destination);
    frame.extend([0x02, 0, 0, 0, 0, 1, 0x88, 0xB5]);
    frame.extend(seed.to_be_bytes());
    let mut state = seed | 1;
    while frame.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        frame.push((state >> 24) as u8);
    }
    frame.truncate(length.max(MINIMUM_FRAME));
    frame
}

/// What is handed up.
#[derive(Default)]
struct Sink {
    frames: Vec<Vec<u8>>,
    /// How a frame is read: whole, in pieces, or not at all.
    manner: u8,
    unread: u64,
}

impl<B: crate::bus::RegisterBus> CardEvents<B> for Sink {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, B>) {
        assert!((MINIMUM_FRAME..=LONGEST_FRAME).contains(&frame.length()));
        if self.manner == 3 {
            self.unread += 1;
            return;
        }
        let mut payload = vec![0; frame.payload_size()];
        let piece = match self.manner {
            0 => payload.len(),
            1 => 64,
            _ => 301,
        };
        for (index, part) in payload.chunks_mut(piece.max(1)).enumerate() {
            match frame.read_payload(index * piece, part) {
                Ok(length) => assert_eq!(length, part.len()),
                Err(Overwritten) => return,
            }
        }
        self.frames.push([frame.header(), &payload].concat());
    }

    fn transmit_slot_free(&mut self) {}
}

struct Run {
    model: CardModel,
    card: Card<CardModel>,
    sink: Sink,
    address: Address,
    personality: Personality,
    faults: Faults,
    now: Instant,
    seed: u32,
    /// Something was changed behind the driver's back.
    tampered: bool,
}

impl Run {
    /// A running card; `None` if there is none that can be used.
    fn new(configuration: Configuration) -> Option<Self> {
        let model = CardModel::new(configuration);
        let mut card = Card::probe(model.clone(), Limits::NONE).ok()?;
        card.set_filter(ReceiveFilter {
            directed: true,
            broadcast: true,
            ..ReceiveFilter::default()
        });
        card.start();
        model.record_stored();
        Some(Self {
            model,
            card,
            sink: Sink::default(),
            address: configuration.address,
            personality: configuration.personality,
            faults: Faults::default(),
            now: Instant::from_millis(1),
            seed: 0,
            tampered: false,
        })
    }

    fn frame(&mut self, length: usize) -> Vec<u8> {
        // Frames longer than Ethernet has may overrun what is not read yet.
        self.tampered |= length > LONGEST_FRAME;
        self.seed += 1;
        frame(self.address, length, self.seed)
    }

    fn perform(&mut self, operation: u8, bytes: &mut Bytes<'_>) {
        match operation % 24 {
            0..=5 => {
                let frame = self.frame(bytes.length());
                self.model.inject(&frame);
            }
            6 => {
                let frame = self.frame(bytes.length());
                self.model.inject_after(u64::from(bytes.next()), frame);
            }
            7 => {
                let frame = self.frame(bytes.length());
                let errors = ReceiveStatus::from_bits_truncate(bytes.next() & 0x0E);
                self.model.inject_with_errors(&frame, errors);
            }
            8 | 9 => self.service(),
            10 => self.drain(usize::from(bytes.next() % 32)),
            11 => self.send(bytes.length()),
            12 => self.end_transmission(bytes.next()),
            13 => self.interrupt(),
            14 => self.check(),
            15 => self.reset(),
            16 => self.set_filter(bytes.next()),
            17 => self.sink.manner = bytes.next() & 3,
            18 => {
                self.faults.completion_delay = u32::from(bytes.next());
                self.model.set_faults(self.faults);
            }
            _ => self.tamper(operation % 24, bytes),
        }
    }

    /// What no card does, or only a broken one.
    fn tamper(&mut self, operation: u8, bytes: &mut Bytes<'_>) {
        self.tampered = true;
        match operation {
            19 => {
                let change = [bytes.next(), bytes.next(), bytes.next(), bytes.next()];
                self.model.corrupt_next_header(move |header| {
                    for (byte, change) in header.iter_mut().zip(change) {
                        *byte ^= change;
                    }
                });
            }
            20 => self.model.set_current_page(bytes.next()),
            21 => {
                let bits = InterruptStatus::from_bits_truncate(bytes.next());
                self.model.raise(bits);
            }
            22 => {
                let amounts = [bytes.next(), bytes.next(), bytes.next()];
                self.model.add_tally(amounts);
            }
            _ => {
                let kind = bytes.next();
                self.faults = Faults {
                    stuck_status: if kind & 1 != 0 { bytes.next() } else { 0 },
                    absent: kind & 0x0E == 0x0E,
                    no_write_completion: kind & 0x30 == 0x30,
                    no_read_completion: kind & 0x40 != 0,
                    stop_cuts_transmission: kind & 0x80 != 0,
                    ..self.faults
                };
                self.model.set_faults(self.faults);
            }
        }
    }

    /// Passes of the deferred half until the card is at rest.
    fn service(&mut self) {
        for _ in 0..PASSES_TO_REST {
            self.model.take_accesses();
            let ended = self.card.service(self.now, &mut self.sink);
            let accesses = self.model.take_accesses();
            let polls = u64::from(self.faults.no_write_completion) * 2_000_000;
            assert!(
                accesses.reads + accesses.writes <= ACCESSES_PER_PASS + polls,
                "one pass: {accesses:?}"
            );
            match ended {
                Service::Done | Service::Absent => return,
                Service::WaitUntil(time) => {
                    assert!(time.duration_since(self.now) <= STOP_TIME);
                    self.now = time;
                }
                Service::NeedsReset => self.reset(),
                Service::MoreWork => {}
            }
        }
        panic!("the card does not come to rest");
    }

    fn drain(&mut self, mut budget: usize) {
        let sink = &mut self.sink;
        let drained = self.card.drain(&mut budget, |frame| sink.received(frame));
        if drained == Drained::Broken {
            self.reset();
        }
    }

    fn send(&mut self, length: usize) {
        let frame = self.frame(length);
        let (front, back) = frame.split_at(frame.len() / 3);
        let _ = self.card.send([front, back], frame.len(), || self.now);
    }

    fn end_transmission(&mut self, kind: u8) {
        let outcome = match kind & 7 {
            0 => Transmission::ExcessiveCollisions,
            1 => Transmission::CarrierLost,
            2 => Transmission::FifoUnderrun,
            3 => Transmission::LateCollision,
            4 => Transmission::Hangs,
            _ => Transmission::Sent(kind >> 4),
        };
        self.model.plan_transmissions([outcome]);
        self.model.end_transmission();
    }

    /// An interrupt on the card's line, whoever raised it.
    fn interrupt(&mut self) {
        let half = self.card.interrupt_half();
        half.enable();
        let mine = half.service() == Interrupt::Mine;
        half.disable();
        if mine {
            self.service();
        }
    }

    fn check(&mut self) {
        self.now += Duration::from_millis(250);
        if self.card.check(self.now) == Health::NeedsReset {
            self.reset();
        }
    }

    /// A reset unmasks a card that was recovering; here it is polled.
    fn reset(&mut self) {
        self.card.reset();
        self.card.interrupt_half().disable();
    }

    fn set_filter(&mut self, choice: u8) {
        self.card.set_filter(ReceiveFilter {
            directed: true,
            broadcast: choice & 1 != 0,
            multicast: match choice >> 1 & 3 {
                0 => Multicast::None,
                1 => Multicast::All,
                _ => Multicast::Hash([choice; 8]),
            },
            promiscuous: choice & 8 != 0,
        });
    }

    fn finish(mut self) {
        self.service();
        let counters = self.card.counters();
        let received = counters.frames_received - counters.frames_overwritten;
        let taken = self.sink.frames.len() as u64 + self.sink.unread;
        assert_eq!(received, taken, "counted and handed up");
        if !self.tampered {
            self.check_frames();
            assert_eq!(self.model.take_violations(), []);
        }
        self.comes_back();
    }

    /// Each frame is one that was stored, unchanged, once, in order.
    fn check_frames(&self) {
        let stored = self.model.take_stored();
        let mut rest = stored.iter();
        for frame in &self.sink.frames {
            assert!(
                rest.any(|other| other == frame),
                "a frame of {} bytes that did not arrive so or then, {:?}",
                frame.len(),
                self.personality
            );
        }
    }

    /// Without faults, a reset mends everything.
    fn comes_back(&mut self) {
        self.model.calm();
        self.faults = Faults::default();
        self.sink = Sink::default();
        assert!(self.card.reset());
        self.card.interrupt_half().disable();
        self.model.take_sent();
        let wanted = self.frame(1514);
        self.model.inject(&wanted);
        self.service();
        assert_eq!(self.sink.frames, [wanted], "received after the reset");
        let sent = self.frame(MINIMUM_FRAME);
        assert_eq!(self.card.send([&*sent], sent.len(), || self.now), Ok(()));
        self.model.end_transmission();
        assert_eq!(self.model.take_sent(), [sent], "sent after the reset");
    }
}
