//! A card in QEMU that was probed and started.

use std::sync::{Arc, Mutex};
use std::time::Instant as HostInstant;

use executive::time::Instant;
use ne2000::card::Card;
use ne2000::filter::{Address, ReceiveFilter};
use ne2000::identify::Limits;
use ne2000::receive::{Overwritten, ReceivedFrame};
use ne2000::service::{CardEvents, Service};

use crate::bus::QtestBus;
use crate::qemu::{DEADLINE, Qemu};

/// The address QEMU's cards are given.
pub(crate) const ADDRESS: Address = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/// The station at the other end.
pub(crate) const PEER: Address = [0x02, 0, 0, 0, 0, 9];

/// A running card.
pub(crate) struct Session {
    pub(crate) qemu: Arc<Mutex<Qemu>>,
    pub(crate) card: Card<QtestBus>,
    pub(crate) received: Received,
}

/// The frames received.
#[derive(Default)]
pub(crate) struct Received(pub(crate) Vec<Vec<u8>>);

impl CardEvents<QtestBus> for Received {
    fn received(&mut self, frame: &mut ReceivedFrame<'_, QtestBus>) {
        let mut payload = vec![0; frame.payload_size()];
        match frame.read_payload(0, &mut payload) {
            Ok(length) => assert_eq!(length, payload.len()),
            Err(Overwritten) => return,
        }
        self.0.push([frame.header(), &payload].concat());
    }

    fn transmit_slot_free(&mut self) {}
}

impl Session {
    /// Probes the card at `port` and starts it.
    pub(crate) fn start(qemu: Qemu, port: u16) -> Self {
        Self::start_limited(qemu, port, Limits::NONE)
    }

    /// The same with a card that isn't used to the full.
    pub(crate) fn start_limited(qemu: Qemu, port: u16, limits: Limits) -> Self {
        let qemu = Arc::new(Mutex::new(qemu));
        let bus = QtestBus::new(Arc::clone(&qemu), port);
        let mut card = Card::probe(bus, limits).expect("QEMU's card is found");
        card.set_filter(ReceiveFilter {
            directed: true,
            broadcast: true,
            ..ReceiveFilter::default()
        });
        card.start();
        Self {
            qemu,
            card,
            received: Received::default(),
        }
    }

    pub(crate) fn with_qemu<R>(&self, action: impl FnOnce(&mut Qemu) -> R) -> R {
        action(&mut self.qemu.lock().expect("no test thread has panicked"))
    }

    /// Sends frames to the card.
    pub(crate) fn inject(&self, frames: &[Vec<u8>]) {
        for frame in frames {
            self.with_qemu(|qemu| qemu.send_frame(frame));
        }
    }

    /// Serves the card until so many frames have been received.
    pub(crate) fn receive(&mut self, count: usize) -> Vec<Vec<u8>> {
        let deadline = HostInstant::now() + DEADLINE;
        while self.received.0.len() < count {
            assert!(
                HostInstant::now() < deadline,
                "{} of {count} frames received, {:?}",
                self.received.0.len(),
                self.card.counters()
            );
            self.serve();
        }
        std::mem::take(&mut self.received.0)
    }

    /// One pass of the deferred half.
    pub(crate) fn serve(&mut self) {
        match self.card.service(Instant::ZERO, &mut self.received) {
            Service::Done | Service::MoreWork => {}
            Service::NeedsReset => assert!(self.card.reset()),
            other => panic!("the pass ended with {other:?}"),
        }
    }

    /// Waits, without taking anything from the card, until its current page is
    /// `page`.
    pub(crate) fn wait_for_current_page(&mut self, page: u8) {
        let deadline = HostInstant::now() + DEADLINE;
        loop {
            let current = self.card.current_page();
            if current == page {
                return;
            }
            assert!(
                HostInstant::now() < deadline,
                "the current page is {current:#x}, not {page:#x}"
            );
        }
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        self.card
            .send([frame], frame.len(), || Instant::ZERO)
            .expect("the frame is taken");
    }
}

/// A frame whose payload is made from `seed`.
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
