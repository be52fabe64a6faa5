//! The bindings: NDIS's contexts, allocated once and used again.

use executive::{Executive, SpinLock};
use ndis::medium::Medium;
use ndis::{BindingHandle, NdisStatus};
use spin::Once;

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
    medium: Medium,
}

/// The context of one binding.
pub(super) struct LanAdapter {
    slot: usize,
    lan: Once<&'static Lan>,
    inner: SpinLock<Inner>,
}

impl LanAdapter {
    pub(super) fn new(executive: &'static Executive, slot: usize) -> Self {
        let inner = Inner {
            state: State::Free,
            generation: 0,
            medium: Medium::Ieee802_3,
        };
        Self {
            slot,
            lan: Once::new(),
            inner: SpinLock::new(executive, inner),
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
        inner.medium = medium;
    }

    /// Stops frames. The handle, if it was started.
    pub(super) fn stop(&self) -> Option<BindingHandle> {
        let mut inner = self.inner.lock();
        let State::Started(handle) = inner.state else {
            return None;
        };
        inner.state = State::Changing;
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
        LanBinding {
            slot: self.slot as u32,
            generation,
        }
    }

    /// The handle, if the binding is started and has this name.
    pub(super) fn handle(&self, binding: LanBinding) -> Option<BindingHandle> {
        let inner = self.inner.lock();
        match inner.state {
            State::Started(handle) if inner.generation == binding.generation => Some(handle),
            _ => None,
        }
    }

    /// The name, and the medium, if frames may come.
    pub(super) fn receiving(&self) -> Option<(LanBinding, Medium)> {
        let inner = self.inner.lock();
        match inner.state {
            State::Started(_) => Some((self.name_of(inner.generation), inner.medium)),
            _ => None,
        }
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
