//! What the wrapper keeps for each binding (its packet filter, multicast list and lookahead), and
//! the union over the bindings, which the card gets.

use super::Adapter;
use super::loopback::Loopback;
use super::request::QueuedRequest;
use super::state::{Core, Due};
use crate::binding::{Binding, MulticastError, MulticastList};
use crate::filter::PacketFilter;
use crate::oid::Oid;
use crate::protocol::{Request, RequestKind};
use crate::status::NdisStatus;

/// What a request that fails after all has to put back.
pub(super) enum Undo {
    Nothing,
    Filter(PacketFilter),
    Multicast(MulticastList),
    Lookahead(u32),
}

impl Undo {
    pub(super) fn perform(self, binding: &Binding) {
        match self {
            Self::Nothing => {}
            Self::Filter(filter) => {
                binding.set_filter(filter);
            }
            Self::Multicast(list) => {
                binding.set_multicast(list);
            }
            Self::Lookahead(lookahead) => {
                binding.set_lookahead(lookahead);
            }
        }
    }
}

impl Adapter {
    /// Answers what the wrapper keeps for a binding.
    pub(super) fn answer_for(binding: &Binding, request: &mut Request) -> Option<NdisStatus> {
        let answered = match request.oid() {
            Oid::GEN_CURRENT_PACKET_FILTER => {
                request.answer(&binding.filter().bits().to_le_bytes())
            }
            Oid::GEN_CURRENT_LOOKAHEAD if binding.lookahead() != 0 => {
                request.answer(&binding.lookahead().to_le_bytes())
            }
            Oid::GEN_PROTOCOL_OPTIONS => request.answer(&binding.options().to_le_bytes()),
            Oid::IEEE_802_3_MULTICAST_LIST => request.answer(&binding.multicast().to_bytes()),
            _ => return None,
        };
        Some(answered.err().unwrap_or(NdisStatus::SUCCESS))
    }

    /// Sets what the wrapper keeps for a binding: PENDING if the card must be told.
    pub(super) fn set_for(
        &self,
        binding: &Binding,
        queued: &mut QueuedRequest,
    ) -> Option<NdisStatus> {
        let bytes = queued.request.bytes();
        let number = || bytes.first_chunk().copied().map(u32::from_le_bytes);
        let status = match queued.request.oid() {
            Oid::GEN_CURRENT_PACKET_FILTER => match number().map(PacketFilter::from_bits) {
                None => NdisStatus::INVALID_LENGTH,
                Some(None) => NdisStatus::INVALID_DATA,
                Some(Some(filter)) => {
                    queued.undo = Undo::Filter(binding.set_filter(filter));
                    NdisStatus::PENDING
                }
            },
            Oid::GEN_CURRENT_LOOKAHEAD => match number() {
                None => NdisStatus::INVALID_LENGTH,
                Some(lookahead) => {
                    queued.undo = Undo::Lookahead(binding.set_lookahead(lookahead));
                    NdisStatus::PENDING
                }
            },
            Oid::IEEE_802_3_MULTICAST_LIST => match MulticastList::parse(bytes) {
                Err(MulticastError::Length) => NdisStatus::INVALID_LENGTH,
                Err(MulticastError::NotGroup) => NdisStatus::INVALID_DATA,
                Err(MulticastError::Full) => NdisStatus::MULTICAST_FULL,
                Ok(list) => {
                    let before = binding.set_multicast(list);
                    if self.multicast_union().is_none() {
                        binding.set_multicast(before);
                        return Some(NdisStatus::MULTICAST_FULL);
                    }
                    queued.undo = Undo::Multicast(before);
                    NdisStatus::PENDING
                }
            },
            Oid::GEN_PROTOCOL_OPTIONS => match number() {
                None => NdisStatus::INVALID_LENGTH,
                Some(options) => {
                    binding.set_options(options);
                    self.core.lock().update_loopback();
                    NdisStatus::SUCCESS
                }
            },
            _ => return None,
        };
        let length = bytes.len();
        if status.is_success() {
            queued.request.set_information(length);
        } else if status == NdisStatus::INVALID_LENGTH {
            let is_list = queued.request.oid() == Oid::IEEE_802_3_MULTICAST_LIST;
            let needed = if is_list {
                length.next_multiple_of(6)
            } else {
                4
            };
            queued.request.set_needed(needed);
        }
        Some(status)
    }

    /// The request that sets the union over the bindings; `None` if the card has it already.
    pub(super) fn union_of(&self, oid: Oid) -> Option<Request> {
        match oid {
            Oid::GEN_CURRENT_PACKET_FILTER => {
                let mut core = self.core.lock();
                core.update_loopback();
                let filters = core.bindings.iter().map(|bound| bound.binding.filter());
                let mut union = filters.fold(PacketFilter::empty(), PacketFilter::union);
                if core.loopback != Loopback::OfMiniport {
                    // What this machine sends is looped back without the card.
                    union.remove(PacketFilter::ALL_LOCAL);
                }
                if union == core.hardware_filter && !core.filter_unknown {
                    return None;
                }
                Request::set(oid, &union.bits().to_le_bytes()).ok()
            }
            Oid::GEN_CURRENT_LOOKAHEAD => {
                let core = self.core.lock();
                let largest = core
                    .bindings
                    .iter()
                    .map(|bound| bound.binding.lookahead())
                    .max()?;
                Request::set(oid, &largest.to_le_bytes())
                    .ok()
                    .filter(|_| largest != 0)
            }
            Oid::IEEE_802_3_MULTICAST_LIST => {
                Request::set(oid, &self.multicast_union()?.to_bytes()).ok()
            }
            _ => None,
        }
    }

    /// The multicast addresses of all bindings; `None` if they are too many.
    fn multicast_union(&self) -> Option<MulticastList> {
        let core = self.core.lock();
        let mut union = MulticastList::new();
        for bound in &core.bindings {
            for address in bound.binding.multicast().iter() {
                union.insert(address).ok()?;
            }
        }
        Some(union)
    }
}

impl Core {
    /// The card has this packet filter.
    pub(super) fn set_hardware_filter(&mut self, filter: PacketFilter) {
        self.hardware_filter = filter;
        self.filter_unknown = false;
    }

    /// The card may have what `request` was to set, or not.
    pub(super) fn forget_setting(&mut self, request: &Request) {
        if request.kind() == RequestKind::Query {
            return;
        }
        match request.oid() {
            Oid::GEN_CURRENT_PACKET_FILTER => {
                self.filter_unknown = true;
                self.due |= Due::PACKET_FILTER;
            }
            Oid::IEEE_802_3_MULTICAST_LIST => self.due |= Due::MULTICAST_LIST,
            Oid::GEN_CURRENT_LOOKAHEAD => self.due |= Due::LOOKAHEAD,
            _ => {}
        }
    }
}

/// The packet filter that a request sets.
pub(super) fn filter_in(request: &Request) -> Option<PacketFilter> {
    let is_filter = request.oid() == Oid::GEN_CURRENT_PACKET_FILTER;
    let bits = request.bytes().first_chunk().copied()?;
    (is_filter && request.kind() == RequestKind::Set)
        .then(|| PacketFilter::from_bits_retain(u32::from_le_bytes(bits)))
}
