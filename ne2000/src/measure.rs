//! The bare card's speed: frames moved in a loop over the ports, without NDIS
//! and what is above it.
//!
//! A miniport can be ordered to do this through [`OID_MEASURE`]: setting it
//! measures, and a query gives the result.

use executive::time::{Duration, Instant};

use crate::bus::RegisterBus;
use crate::card::Card;
use crate::receive::{Drained, ReceivedFrame};
use crate::service::{CardEvents, Service};
use crate::transmit::{ETHERNET_HEADER_SIZE, MAXIMUM_FRAME, SendRefusal};

/// Private object identifier: set an [`Order`], query the [`Measurement`].
pub const OID_MEASURE: u32 = 0xFF83_9001;

/// A measurement without a frame for this long is over.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long the card is left alone when its ring was found empty. An emulator
/// that serialises port accesses with the delivery of frames, as QEMU does with
/// its big lock, would have no time for the latter between looks without a
/// pause; the ring holds what comes in the meantime.
const PAUSE: Duration = Duration::from_micros(100);

/// Looks at the clock in a pause, at most.
const PAUSE_LOOKS: u32 = 10_000;

/// A destination no station has, and an EtherType for experiments (IEEE 802).
const HEADER: [u8; ETHERNET_HEADER_SIZE] = [
    0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x88, 0xB5,
];

/// Which way frames are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the card's memory and onto the wire.
    Send,
    /// Off the wire and out of the card's memory.
    Receive,
}

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Which way.
    pub direction: Direction,
    /// Bytes of a frame, header included: 60 to 1514.
    pub size: u16,
    /// Frames.
    pub count: u32,
}

impl Order {
    /// Size of the encoded form in bytes.
    pub const LENGTH: usize = 8;

    /// The encoded form: direction, a zero, size, count, numbers little-endian.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let direction = match self.direction {
            Direction::Send => 0,
            Direction::Receive => 1,
        };
        let [size_low, size_high] = self.size.to_le_bytes();
        let [a, b, c, d] = self.count.to_le_bytes();
        [direction, 0, size_low, size_high, a, b, c, d]
    }

    /// Reads the encoded form; `None` if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [direction, 0, size_low, size_high, a, b, c, d] = *bytes else {
            return None;
        };
        let direction = match direction {
            0 => Direction::Send,
            1 => Direction::Receive,
            _ => return None,
        };
        let size = u16::from_le_bytes([size_low, size_high]);
        (60..=MAXIMUM_FRAME)
            .contains(&usize::from(size))
            .then_some(Self {
                direction,
                size,
                count: u32::from_le_bytes([a, b, c, d]),
            })
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measurement {
    /// Frames moved.
    pub frames: u32,
    /// The time they took: sending, from the first to the end of the last;
    /// receiving, from the end of the first to the end of the last.
    pub time: Duration,
}

impl Measurement {
    /// Size of the encoded form in bytes.
    pub const LENGTH: usize = 12;

    /// The encoded form: frames, microseconds, little-endian.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let fields = self.frames.to_le_bytes().into_iter();
        let fields = fields.chain(self.time.as_micros().to_le_bytes());
        for (byte, field) in bytes.iter_mut().zip(fields) {
            *byte = field;
        }
        bytes
    }

    /// Reads the encoded form.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let [a, b, c, d, time @ ..] = *bytes;
        Self {
            frames: u32::from_le_bytes([a, b, c, d]),
            time: Duration::from_micros(u64::from_le_bytes(time)),
        }
    }
}

/// Measures as ordered. The card runs and is masked; `now` gives the time.
pub fn measure<B: RegisterBus>(
    card: &mut Card<B>,
    order: Order,
    now: impl Fn() -> Instant,
) -> Measurement {
    match order.direction {
        Direction::Send => send(card, order, now),
        Direction::Receive => receive(card, order, now),
    }
}

fn send<B: RegisterBus>(
    card: &mut Card<B>,
    order: Order,
    now: impl Fn() -> Instant,
) -> Measurement {
    let mut frame = [0x55; MAXIMUM_FRAME];
    for (byte, header) in frame.iter_mut().zip(HEADER) {
        *byte = header;
    }
    let (frame, _) = frame.split_at(usize::from(order.size).min(MAXIMUM_FRAME));
    let started = now();
    let mut frames = 0;
    while frames < order.count {
        match card.send([frame], frame.len(), || started) {
            Ok(()) => frames += 1,
            Err(SendRefusal::Busy) if now().duration_since(started) < PATIENCE => {
                serve(card, now());
            }
            Err(_) => break,
        }
    }
    while card.transmitter.is_leaving() && now().duration_since(started) < PATIENCE {
        serve(card, now());
    }
    Measurement {
        frames,
        time: now().duration_since(started),
    }
}

fn serve<B: RegisterBus>(card: &mut Card<B>, now: Instant) {
    if card.service(now, &mut Discard) == Service::NeedsReset {
        card.reset();
    }
}

/// Takes whole frames into one buffer; frames of another size aren't counted.
fn receive<B: RegisterBus>(
    card: &mut Card<B>,
    order: Order,
    now: impl Fn() -> Instant,
) -> Measurement {
    let mut buffer = [0; MAXIMUM_FRAME];
    let started = now();
    let mut first = None;
    let mut last = started;
    let mut frames = 0;
    while frames < order.count {
        let before = frames;
        let mut budget = 64;
        let drained = card.drain(&mut budget, |frame| {
            let wanted = frame.length() == usize::from(order.size);
            let whole = frame.read_payload(0, &mut buffer).is_ok();
            frames += u32::from(wanted && whole && frames < order.count);
        });
        if drained == Drained::Broken {
            card.reset();
        }
        if frames > before {
            last = now();
            // The batch the first frame came with doesn't count: nothing is
            // known of the time before it.
            first.get_or_insert((last, frames));
        } else {
            if now().duration_since(last) >= PATIENCE {
                break;
            }
            pause(&now);
        }
    }
    let (since, uncounted) = first.unwrap_or((last, 0));
    let time = last.duration_since(since);
    // Stretched to all frames, as if the first batch had taken its share.
    let counted = u64::from(frames - uncounted);
    let share = match counted {
        0 => time.as_micros(),
        _ => time.as_micros() * u64::from(frames) / counted,
    };
    Measurement {
        frames,
        time: Duration::from_micros(share),
    }
}

/// Lets [`PAUSE`] pass, or what is long enough should the clock stand still.
fn pause(now: &impl Fn() -> Instant) {
    let started = now();
    for _ in 0..PAUSE_LOOKS {
        if now().duration_since(started) >= PAUSE {
            return;
        }
        core::hint::spin_loop();
    }
}

/// Lets the events of a measurement go.
struct Discard;

impl<B> CardEvents<B> for Discard {
    fn received(&mut self, _: &mut ReceivedFrame<'_, B>) {}

    fn transmit_slot_free(&mut self) {}
}
