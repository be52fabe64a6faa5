//! How the driver comes to a card's ports.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::bus::PORT_COUNT;
use crate::identify::Limits;

/// Cards that can be driven at the same time.
const CLAIMS: usize = 16;

/// A place in the table that no card has.
const FREE: u32 = u32::MAX;

/// The bus a card is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusKind {
    /// ISA: ports by jumper, found by probing.
    Isa,
    /// PCI: ports by the first base address register.
    Pci,
}

impl fmt::Display for BusKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Isa => "isa",
            Self::Pci => "pci",
        })
    }
}

type Open<B> = Box<dyn Fn(BusKind, u16) -> Option<B> + Send + Sync>;
type LimitsOf = Box<dyn Fn(u16) -> Limits + Send + Sync>;

/// Opens the ports of cards; the driver's own context.
pub struct BusOpener<B> {
    open: Open<B>,
    limits: LimitsOf,
    claimed: Arc<[AtomicU32; CLAIMS]>,
}

impl<B> BusOpener<B> {
    /// Opens with `open`, given the bus and the first of [`PORT_COUNT`] ports;
    /// `None` if they belong to someone else.
    pub fn new(open: impl Fn(BusKind, u16) -> Option<B> + Send + Sync + 'static) -> Self {
        Self {
            open: Box::new(open),
            limits: Box::new(|_| Limits::NONE),
            claimed: Arc::new([const { AtomicU32::new(FREE) }; CLAIMS]),
        }
    }

    /// Has `limits` say, by the first port, what a PCI card is known not to do
    /// (see [`pci::find`](crate::pci::find)).
    #[must_use]
    pub fn with_limits(mut self, limits: impl Fn(u16) -> Limits + Send + Sync + 'static) -> Self {
        self.limits = Box::new(limits);
        self
    }

    /// Opens the ports unless a card of this driver has them.
    pub(super) fn open(&self, kind: BusKind, port: u16) -> Option<(B, Claim)> {
        let overlaps = |other: u32| other.abs_diff(u32::from(port)) < u32::from(PORT_COUNT);
        let mut others = self.claimed.iter();
        if others.any(|other| overlaps(other.load(Ordering::Acquire))) {
            return None;
        }
        let claim = self.claim(port)?;
        Some(((self.open)(kind, port)?, claim))
    }

    pub(super) fn limits(&self, kind: BusKind, port: u16) -> Limits {
        match kind {
            BusKind::Isa => Limits::NONE,
            BusKind::Pci => (self.limits)(port),
        }
    }

    fn claim(&self, port: u16) -> Option<Claim> {
        let index = self.claimed.iter().position(|place| {
            place
                .compare_exchange(FREE, u32::from(port), Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
        })?;
        Some(Claim {
            claimed: Arc::clone(&self.claimed),
            index,
        })
    }
}

impl<B> fmt::Debug for BusOpener<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BusOpener").finish_non_exhaustive()
    }
}

/// The ports are a card's while this is held.
#[derive(Debug)]
pub(super) struct Claim {
    claimed: Arc<[AtomicU32; CLAIMS]>,
    index: usize,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(place) = self.claimed.get(self.index) {
            place.store(FREE, Ordering::Release);
        }
    }
}
