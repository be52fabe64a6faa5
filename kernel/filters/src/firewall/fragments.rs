//! What was decided about the first fragments of datagrams, for those that follow.

use core::net::Ipv4Addr;

use executive::{Duration, Instant};
use netstack::wire::ipv4;

use super::table::Decider;
use crate::Direction;

/// Datagrams that are remembered.
const MAXIMUM_DATAGRAMS: usize = 32;

/// How long a decision lasts: as long as a host waits for the rest of a datagram (RFC 1122 section
/// 3.3.2, the lower bound).
const LIFETIME: Duration = Duration::from_secs(60);

/// What the fragments of one datagram have in common (RFC 791 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Datagram {
    direction: Direction,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    identification: u16,
}

impl Datagram {
    const fn of(direction: Direction, header: &ipv4::Repr) -> Self {
        Self {
            direction,
            source: header.source,
            destination: header.destination,
            protocol: header.protocol,
            identification: header.identification,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    datagram: Datagram,
    decider: Decider,
    decided: Instant,
}

/// A cache of decisions; the oldest gives way.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragments {
    entries: heapless::Vec<Entry, MAXIMUM_DATAGRAMS>,
}

impl Fragments {
    /// Remembers who decided about the first fragment of a datagram.
    pub(super) fn remember(
        &mut self,
        direction: Direction,
        header: &ipv4::Repr,
        decider: Decider,
        now: Instant,
    ) {
        let entry = Entry {
            datagram: Datagram::of(direction, header),
            decider,
            decided: now,
        };
        let place = self
            .entries
            .iter_mut()
            .find(|known| known.datagram == entry.datagram);
        if let Some(place) = place {
            *place = entry;
        } else if let Err(entry) = self.entries.push(entry) {
            let oldest = self.entries.iter_mut().min_by_key(|known| known.decided);
            if let Some(oldest) = oldest {
                *oldest = entry;
            }
        }
    }

    /// Who decided about the first fragment of the datagram that this is a fragment of, if that is
    /// known.
    pub(super) fn recall(
        &self,
        direction: Direction,
        header: &ipv4::Repr,
        now: Instant,
    ) -> Option<Decider> {
        let datagram = Datagram::of(direction, header);
        self.entries
            .iter()
            .find(|known| known.datagram == datagram && now - known.decided < LIFETIME)
            .map(|known| known.decider)
    }

    /// Forgets everything: the rules have changed.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}
