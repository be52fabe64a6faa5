//! The bindings: NDIS's contexts, allocated once and used again.

use core::sync::atomic::{AtomicU64, Ordering};

use executive::{Executive, SpinLock};
use ndis::medium::Medium;
use ndis::{BindingHandle, NdisStatus};
use spin::Once;

use super::protocol::MEDIA;
use super::{Lan, LanBinding};

/// How far a binding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody's.
    Free,
    /// An adapter is being opened, or closed.
    Changing,
    /// Frames come and go.
    Started(BindingHandle),
}

struct Inner {
    state: State,
    generation: u32,
}

/// The context of one binding.
pub(super) struct LanAdapter {
    slot: usize,
    lan: Once<&'static Lan>,
    inner: SpinLock<Inner>,
    /// What a frame is told by, without the lock: the generation in the upper
    /// half, [`OURS`] and the number of the medium and one in the lower; 0: no
    /// frames come.
    receiving: AtomicU64,
}

/// The medium is one of ours.
const OURS: u64 = 1 << 31;

impl LanAdapter {
    pub(super) fn new(executive: &'static Executive, slot: usize) -> Self {
        let inner = Inner {
            state: State::Free,
            generation: 0,
        };
        Self {
            slot,
            lan: Once::new(),
            inner: SpinLock::new(executive, inner),
            receiving: AtomicU64::new(0),
        }
    }

    /// Says whose this is, before NDIS knows of it.
    pub(super) fn belongs_to(&self, lan: &'static Lan) {
        self.lan.call_once(|| lan);
    }

    /// Whose this is.
    pub(super) fn lan(&self) -> Option<&'static Lan> {
        self.lan.get().copied()
    }

    /// Takes this if it is free, under a new name.
    pub(super) fn claim(&self) -> bool {
        let mut inner = self.inner.lock();
        let free = inner.state == State::Free;
        if free {
            inner.state = State::Changing;
            inner.generation = inner.generation.wrapping_add(1);
        }
        free
    }

    /// The adapter is open: frames may come and go.
    pub(super) fn start(&self, handle: BindingHandle, medium: Medium) {
        let mut inner = self.inner.lock();
        inner.state = State::Started(handle);
        let ours = if MEDIA.contains(&medium) { OURS } else { 0 };
        let receiving = u64::from(inner.generation) << 32 | ours | u64::from(medium as u32 + 1);
        self.receiving.store(receiving, Ordering::Relaxed);
    }

    /// Stops frames. The handle, if it was started.
    pub(super) fn stop(&self) -> Option<BindingHandle> {
        let mut inner = self.inner.lock();
        let State::Started(handle) = inner.state else {
            return None;
        };
        inner.state = State::Changing;
        self.receiving.store(0, Ordering::Relaxed);
        Some(handle)
    }

    /// The adapter is closed: this is nobody's again.
    pub(super) fn free(&self) {
        self.inner.lock().state = State::Free;
    }

    /// This binding's name now.
    pub(super) fn name(&self) -> LanBinding {
        self.name_of(self.inner.lock().generation)
    }

    const fn name_of(&self, generation: u32) -> LanBinding {
        LanBinding::new(self.slot, generation)
    }

    /// The handle, if the binding is started and has this name.
    pub(super) fn handle(&self, binding: LanBinding) -> Option<BindingHandle> {
        let inner = self.inner.lock();
        match inner.state {
            State::Started(handle) if inner.generation == binding.generation() => Some(handle),
            _ => None,
        }
    }

    /// The name, and the number of the medium, if frames may come.
    pub(super) fn receiving(&self) -> Option<(LanBinding, u32)> {
        let receiving = self.receiving.load(Ordering::Relaxed);
        let medium = ((receiving & !OURS) as u32).checked_sub(1)?;
        Some((self.name_of((receiving >> 32) as u32), medium))
    }

    /// The name, and whether frames may come and the medium is one of ours.
    #[inline]
    pub(super) fn taking(&self) -> (LanBinding, bool) {
        let receiving = self.receiving.load(Ordering::Relaxed);
        let name = self.name_of((receiving >> 32) as u32);
        (name, receiving & OURS != 0)
    }
}

impl Lan {
    /// A free binding, claimed, with places for what it has to tell.
    pub(super) fn claim(&'static self) -> Result<&'static LanAdapter, NdisStatus> {
        let adapter = self
            .adapters
            .iter()
            .find(|adapter| adapter.claim())
            .ok_or(NdisStatus::RESOURCES)?;
        if self.events.reserve() {
            Ok(adapter)
        } else {
            adapter.free();
            Err(NdisStatus::RESOURCES)
        }
    }
}
