//! Requests that are not over, and those that are and have not been fetched.

use executive::status::NtStatus;

use super::{Completion, CompletionKind, ReceiveRequest, RequestId};
use crate::stack::Queue;
use crate::table::{Handle, HashChains, List, Lists, Slots};

/// What a request waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Waiting {
    /// A datagram for the address object in this slot.
    Receive(usize, ReceiveRequest),
    /// A neighbour, as this waiting packet.
    Send(Handle),
}

struct Request {
    id: RequestId,
    waiting: Waiting,
}

/// The open requests, found by their names. Each has its place until its
/// completion has been fetched, so that there is always room for that.
pub(super) struct Requests {
    slots: Slots<Request>,
    chains: HashChains,
    lists: Lists,
    completions: Queue<Completion>,
}

impl Requests {
    pub(super) fn new(size: usize, secret: u64) -> Self {
        Self {
            slots: Slots::new(size),
            chains: HashChains::new(size, secret),
            lists: Lists::new(size),
            completions: Queue::new(size),
        }
    }

    pub(super) fn has_completion(&self) -> bool {
        !self.completions.is_empty()
    }

    pub(super) fn next_completion(&mut self) -> Option<Completion> {
        self.completions.pop()
    }

    fn find(&self, id: RequestId) -> Option<usize> {
        self.chains.find(id.0, |slot| {
            self.slots.at(slot).is_some_and(|request| request.id == id)
        })
    }

    /// Whether there can be another request, or a completion of one that stays.
    fn has_room(&self) -> bool {
        self.slots.len() + self.completions.len() < self.slots.capacity()
    }

    /// Whether no more than `most` completions wait, and each request can stay
    /// and have `more` of them.
    pub(super) fn completions_may_wait(&self, most: usize, more: usize) -> bool {
        let waiting = self.completions.len();
        let needed = self.slots.len() * (1 + more);
        waiting <= most && waiting + needed <= self.slots.capacity()
    }

    /// Whether another request can be taken in.
    pub(super) fn check(&self, id: RequestId) -> Result<(), NtStatus> {
        if !self.has_room() {
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        if self.find(id).is_some() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        Ok(())
    }

    fn add(&mut self, id: RequestId, waiting: Waiting) -> Result<usize, NtStatus> {
        let slot = self
            .slots
            .insert(Request { id, waiting })
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?
            .slot();
        self.chains.insert(id.0, slot);
        Ok(slot)
    }

    fn remove(&mut self, slot: usize) -> Option<Request> {
        let request = self.slots.remove_at(slot)?;
        self.chains.remove(request.id.0, slot);
        Some(request)
    }

    pub(super) fn add_receive(
        &mut self,
        id: RequestId,
        object: usize,
        receives: &mut List,
        request: ReceiveRequest,
    ) -> Result<(), NtStatus> {
        self.check(id)?;
        let slot = self.add(id, Waiting::Receive(object, request))?;
        self.lists.push_back(receives, slot);
        Ok(())
    }

    pub(super) fn add_send(&mut self, id: RequestId, pending: Handle) -> Result<(), NtStatus> {
        self.check(id)?;
        self.add(id, Waiting::Send(pending)).map(|_| ())
    }

    /// The receive that was posted first, and how many bytes it wants at most;
    /// it leaves unless it stays posted.
    #[inline(always)]
    pub(super) fn next_receive(&mut self, receives: &mut List) -> Option<(RequestId, usize)> {
        let slot = receives.first()?;
        let posted = self.slots.at(slot)?;
        let Waiting::Receive(_, request) = &posted.waiting else {
            return None;
        };
        let next = (posted.id, request.length);
        if !request.stays_posted {
            return self.pop_receive(receives).map(|_| next);
        }
        if receives.len() > 1 {
            self.lists.remove(receives, slot);
            self.lists.push_back(receives, slot);
        }
        self.has_room().then_some(next)
    }

    /// Takes the receive that was posted first.
    pub(super) fn pop_receive(&mut self, receives: &mut List) -> Option<(RequestId, usize)> {
        let slot = self.lists.pop_front(receives)?;
        let Request { id, waiting } = self.remove(slot)?;
        match waiting {
            Waiting::Receive(_, request) => Some((id, request.length)),
            Waiting::Send(_) => None,
        }
    }

    /// What a request waits for.
    pub(super) fn waiting(&self, id: RequestId) -> Option<Waiting> {
        let request = self.slots.at(self.find(id)?)?;
        Some(request.waiting)
    }

    /// Takes a receive out of its address object's list.
    pub(super) fn remove_receive(&mut self, id: RequestId, receives: &mut List) {
        if let Some(slot) = self.find(id) {
            self.lists.remove(receives, slot);
            self.remove(slot);
        }
    }

    /// Ends a send.
    pub(super) fn complete_send(&mut self, id: RequestId, status: NtStatus, bytes: usize) {
        let Some(slot) = self.find(id) else {
            return;
        };
        self.remove(slot);
        let bytes = if status.is_success() { bytes } else { 0 };
        self.complete(Completion {
            request: id,
            status,
            kind: CompletionKind::Sent { bytes },
        });
    }

    /// Queues the completion of a request that was taken out.
    #[inline(always)]
    pub(super) fn complete(&mut self, completion: Completion) {
        // There is room: the request had a place in the sum of both. Dropped
        // here, what is never there would cost a call each time.
        if let Err(completion) = self.completions.push(completion) {
            no_room(completion);
        }
    }
}

#[cold]
fn no_room(completion: Completion) {
    drop(completion);
}
