//! The device's requests to the transport, and their names.

use executive::time::{Duration, Instant};
use netstack::Stack;
use netstack::tdi::{ReceiveRequest, RequestId};

use crate::device::Afd;
use crate::endpoint::State;
use crate::table::Key;

/// How long a receive that the transport refused waits before it is posted
/// again.
const REPOST_DELAY: Duration = Duration::from_millis(50);

/// The room of a posted receive in bytes: any datagram fits, and what an
/// endpoint may keep is decided by its window.
const POSTED_LENGTH: usize = 65_535;

/// A request to the transport. Its number carries the generation of what it
/// belongs to, so a completion that comes too late belongs to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TransportRequest {
    /// The receive that an endpoint keeps posted.
    Receive(Key),
    /// A send in progress.
    Send(Key),
}

/// The bit that tells sends; slot indices stay below it.
const SEND_BIT: u64 = 1 << 31;

impl TransportRequest {
    pub(crate) const fn id(self) -> RequestId {
        match self {
            Self::Receive(endpoint) => RequestId(endpoint.to_raw()),
            Self::Send(send) => RequestId(send.to_raw() | SEND_BIT),
        }
    }

    pub(crate) const fn from_id(id: RequestId) -> Self {
        let key = Key::from_raw(id.0 & !SEND_BIT);
        if id.0 & SEND_BIT == 0 {
            Self::Receive(key)
        } else {
            Self::Send(key)
        }
    }
}

impl Afd {
    /// Posts the one receive that an endpoint with an address always has with
    /// the transport. One that is refused is tried again later, so that the
    /// endpoint does not stay deaf.
    pub(crate) fn post_receive(&mut self, endpoint: Key, stack: &mut Stack, now: Instant) {
        let Some(block) = self.endpoints.get_mut(endpoint) else {
            return;
        };
        let Some(address) = block.address.filter(|_| !block.receive.is_posted) else {
            return;
        };
        let id = TransportRequest::Receive(endpoint).id();
        let request = ReceiveRequest::new(POSTED_LENGTH).staying_posted();
        let status = stack.receive_datagram(address, id, request);
        block.receive.is_posted = status.is_success();
        if !block.receive.is_posted {
            self.counters.receive_posts_refused += 1;
            log::debug!(target: "afd", "posting a receive failed: {status}");
            self.repost_at.get_or_insert(now + REPOST_DELAY);
        }
    }

    /// Posts the receives that were refused.
    pub(crate) fn repost_receives(&mut self, stack: &mut Stack, now: Instant) {
        self.repost_at = None;
        let mut slot = 0;
        while let Some(key) = self.endpoints.next_from(slot) {
            slot = key.index() + 1;
            let is_bound = |state| matches!(state, State::Bound | State::Connected);
            if self
                .endpoints
                .get(key)
                .is_some_and(|block| is_bound(block.state))
            {
                self.post_receive(key, stack, now);
            }
        }
    }
}
