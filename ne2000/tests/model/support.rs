//! A running card on a model, and what it received.

use executive::time::Instant;
use ne2000::card::Card;
use ne2000::filter::{Address, ReceiveFilter};
use ne2000::identify::Limits;
use ne2000::model::{CardModel, Configuration};
use ne2000::receive::{Overwritten, ReceivedFrame};
use ne2000::service::{CardEvents, Service};

/// A card that was started, and its model.
pub(crate) struct Running {
    pub(crate) model: CardModel,
    pub(crate) card: Card<CardModel>,
    pub(crate) events: Events,
    pub(crate) now: Instant,
}

/// What the deferred half reported.
#[derive(Default)]
pub(crate) struct Events {
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) slots_freed: usize,
}

impl CardEvents<CardModel> for Events {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, CardModel>) {
        self.frames.extend(whole(frame));
    }

    fn transmit_slot_free(&mut self) {
        self.slots_freed += 1;
    }
}

/// One who does not care what is reported.
pub(crate) struct Ignore;

impl<B> CardEvents<B> for Ignore {
    fn received(&mut self, _: &mut ReceivedFrame<'_, B>) {}

    fn transmit_slot_free(&mut self) {}
}

/// The whole frame: header, lookahead, and the rest read from the card; `None`
/// if the card has written over it.
pub(crate) fn whole(frame: &mut ReceivedFrame<'_, CardModel>) -> Option<Vec<u8>> {
    let mut bytes = frame.header().to_vec();
    let mut payload = vec![0; frame.payload_size()];
    match frame.read_payload(0, &mut payload) {
        Ok(length) => assert_eq!(length, payload.len()),
        Err(Overwritten) => return None,
    }
    bytes.extend(payload);
    Some(bytes)
}

impl Running {
    /// Starts a card of this configuration with a filter for its own address
    /// and broadcasts.
    pub(crate) fn new(configuration: Configuration) -> Self {
        let model = CardModel::new(configuration);
        let mut card = Card::probe(model.clone(), Limits::NONE).expect("the card is found");
        card.set_filter(ReceiveFilter {
            directed: true,
            broadcast: true,
            ..ReceiveFilter::default()
        });
        card.start();
        model.take_accesses();
        Self {
            model,
            card,
            events: Events::default(),
            now: Instant::from_millis(1),
        }
    }

    pub(crate) fn address(&self) -> Address {
        self.card.identity().permanent_address
    }

    /// A frame to the card, its bytes made from `seed`.
    pub(crate) fn frame(&self, length: usize, seed: u32) -> Vec<u8> {
        frame(self.address(), length, seed)
    }

    /// Passes of the deferred half until it is done or wants something else.
    pub(crate) fn service(&mut self) -> Service {
        for _ in 0..1000 {
            match self.card.service(self.now, &mut self.events) {
                Service::MoreWork => {}
                other => return other,
            }
        }
        panic!("the deferred half never comes to an end");
    }

    pub(crate) fn take_frames(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.events.frames)
    }

    /// Sends a frame that is in one piece.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<(), ne2000::transmit::SendRefusal> {
        self.card.send([frame], frame.len(), || self.now)
    }
}

/// A frame to `destination`, its payload made from `seed`.
pub(crate) fn frame(destination: Address, length: usize, seed: u32) -> Vec<u8> {
    let mut frame = Vec::with_capacity(length);
    frame.extend(destination);
    frame.extend([0x02, 0, 0, 0, 0, 1, 0x88, 0xB5]);
    frame.extend(seed.to_be_bytes());
    let mut state = seed | 1;
    while frame.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        frame.push((state >> 24) as u8);
    }
    frame.truncate(length);
    frame
}

/// Bytes, and how many were given.
type Values = (Vec<u8>, usize);

/// A bus that leads to a model at first, and later reads as the next of a list
/// of bytes, over and over.
#[derive(Clone)]
pub(crate) struct Noise {
    model: CardModel,
    noise: std::sync::Arc<std::sync::Mutex<Option<Values>>>,
}

impl Noise {
    pub(crate) fn new(model: CardModel) -> Self {
        Self {
            model,
            noise: std::sync::Arc::default(),
        }
    }

    pub(crate) fn begin(&self, values: Vec<u8>) {
        *self.noise.lock().expect("not poisoned") = Some((values, 0));
    }

    fn next(&self) -> Option<u8> {
        let mut noise = self.noise.lock().expect("not poisoned");
        let (values, position) = noise.as_mut()?;
        *position += 1;
        Some(values[*position % values.len()])
    }
}

impl ne2000::RegisterBus for Noise {
    fn read(&self, offset: u8) -> u8 {
        self.next().unwrap_or_else(|| self.model.read(offset))
    }

    fn write(&self, offset: u8, value: u8) {
        self.model.write(offset, value);
    }

    fn read_block(&self, width: ne2000::DataWidth, buffer: &mut [u8]) {
        self.model.read_block(width, buffer);
        for byte in buffer {
            if let Some(noise) = self.next() {
                *byte = noise;
            }
        }
    }

    fn write_block(&self, width: ne2000::DataWidth, bytes: &[u8]) {
        self.model.write_block(width, bytes);
    }
}
