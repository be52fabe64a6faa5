//! SELECT: polling endpoints for events.
//!
//! A poll is level-triggered: it answers at once when something it asks for is
//! already so. Else it waits, registered at each of its endpoints, so that an
//! event costs as much as there are polls at that endpoint, however many
//! endpoints there are.

use executive::status::NtStatus;
use executive::time::Instant;

use crate::device::{Afd, Outcome};
use crate::handle::Handle;
use crate::ioctl::{
    MAXIMUM_POLL_HANDLES, PollEvents, PollHandle, PollInfo, PollTimeout, PollWriter,
};
use crate::pending::Operation;
use crate::request::AfdIrp;
use crate::table::Key;

/// What one pending poll wants to see at one endpoint.
#[derive(Debug)]
pub(crate) struct Registration {
    poll: Key,
    endpoint: Key,
    /// The endpoint's name in the poll.
    handle: Handle,
    events: PollEvents,
    /// The poll's next registration.
    next: Option<Key>,
}

/// A poll that an event ends.
#[derive(Debug)]
pub(crate) struct PollHit {
    poll: Key,
    entry: PollHandle,
}

/// A poll after it was checked and every endpoint was looked at.
struct Evaluation {
    /// The endpoint it was issued on.
    issuer: Key,
    timeout: PollTimeout,
    exclusive: bool,
    /// Handles that have something to show; they are in the reply.
    count: usize,
    /// Bytes of the reply.
    information: usize,
}

impl Afd {
    /// Submits a poll.
    pub(crate) fn select(&mut self, mut irp: AfdIrp, now: Instant) {
        self.counters.polls += 1;
        match self.evaluate(&mut irp) {
            Err(status) => self.complete(irp, status.into()),
            Ok(evaluation) => {
                if evaluation.exclusive {
                    self.end_exclusive_poll(evaluation.issuer);
                }
                if evaluation.count > 0 || evaluation.timeout == PollTimeout::Now {
                    self.complete(irp, Ok(evaluation.information).into());
                } else {
                    self.wait_for_events(irp, evaluation.issuer, evaluation.timeout.deadline(now));
                }
            }
        }
    }

    /// Checks a poll and writes what each of its endpoints shows into the
    /// reply. A handle that names nothing fails the poll as a whole.
    fn evaluate(&self, irp: &mut AfdIrp) -> Result<Evaluation, NtStatus> {
        let (request, reply) = irp.parts_mut();
        let issuer = self.handles.endpoint(request.handle)?;
        let payload = request.input.as_slice();
        let info = PollInfo::parse(payload)?;
        let PollInfo {
            raw_timeout,
            exclusive,
            ..
        } = info;
        if request.output_length < payload.len() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let mut count = 0;
        let information = reply.output.fill_within(request.output_length, |buffer| {
            let mut writer = PollWriter::new(buffer, raw_timeout, exclusive)?;
            for wanted in info.handles() {
                let events = self
                    .events_of(wanted.handle)
                    .ok_or(NtStatus::INVALID_HANDLE)?;
                let events = events & wanted.events;
                if !events.is_empty() {
                    writer.push(PollHandle {
                        events,
                        status: NtStatus::SUCCESS,
                        ..wanted
                    })?;
                }
            }
            count = writer.count();
            Ok(writer.finish())
        })?;
        Ok(Evaluation {
            issuer,
            timeout: info.timeout(),
            exclusive,
            count,
            information,
        })
    }

    fn events_of(&self, handle: Handle) -> Option<PollEvents> {
        let endpoint = self.handles.endpoint(handle).ok()?;
        Some(self.endpoints.get(endpoint)?.poll_events())
    }

    /// An exclusive poll ends the main poll of the endpoint it is issued on if
    /// that is exclusive too, with nothing to show.
    fn end_exclusive_poll(&mut self, issuer: Key) {
        let main = self.endpoints.get(issuer).and_then(|block| block.main_poll);
        if let Some(main) = main
            && self
                .pending
                .get(main)
                .is_some_and(|pending| is_exclusive(&pending.irp))
        {
            self.end_poll(main, NtStatus::SUCCESS, &[]);
        }
    }

    fn wait_for_events(&mut self, irp: AfdIrp, issuer: Key, deadline: Option<Instant>) {
        let Some(poll) = self.pend(
            irp,
            issuer,
            Operation::Poll {
                registrations: None,
            },
        ) else {
            return;
        };
        if !self.register(poll) {
            self.counters.pending_full += 1;
            self.complete_pending(poll, NtStatus::INSUFFICIENT_RESOURCES.into());
            return;
        }
        if let Some(deadline) = deadline {
            self.pending.set_deadline(poll, deadline);
        }
        if let Some(block) = self.endpoints.get_mut(issuer) {
            block.main_poll.get_or_insert(poll);
        }
    }

    /// Registers a waiting poll at each of its endpoints; `false` when there
    /// is no room for all.
    fn register(&mut self, poll: Key) -> bool {
        for index in 0..MAXIMUM_POLL_HANDLES {
            let Some(wanted) = self
                .pending
                .get(poll)
                .and_then(|pending| wanted(&pending.irp, index))
            else {
                return true;
            };
            if self.register_at(poll, wanted).is_none() {
                return false;
            }
        }
        true
    }

    fn register_at(&mut self, poll: Key, wanted: PollHandle) -> Option<()> {
        let PollHandle { handle, events, .. } = wanted;
        let endpoint = self.handles.endpoint(handle).ok()?;
        let block = self.endpoints.get_mut(endpoint)?;
        let Operation::Poll { registrations } = &mut self.pending.get_mut(poll)?.operation else {
            return None;
        };
        let registration = Registration {
            poll,
            endpoint,
            handle,
            events,
            next: *registrations,
        };
        let key = self
            .registrations
            .push_back(&mut block.registrations, registration)
            .ok()?;
        *registrations = Some(key);
        Some(())
    }

    /// Takes the registrations of a poll, of which the first is given, from
    /// their endpoints.
    pub(crate) fn unregister(&mut self, first: Option<Key>) {
        let mut next = first;
        while let Some(key) = next
            && let Some(registration) = self.registrations.get(key)
            && let Some(block) = self.endpoints.get_mut(registration.endpoint)
        {
            next = registration.next;
            self.registrations.remove(&mut block.registrations, key);
        }
    }

    /// Something may have happened at an endpoint: ends the polls that have
    /// waited for it. As on Windows a poll that has waited shows the endpoint
    /// once, however often it names it.
    pub(crate) fn signal(&mut self, endpoint: Key) {
        let Some(block) = self.endpoints.get(endpoint) else {
            return;
        };
        if block.registrations.is_empty() {
            return;
        }
        let seen = block.poll_events();
        let mut hits = core::mem::take(&mut self.hits);
        for (_, registration) in self.registrations.iter(&block.registrations) {
            let Registration { poll, handle, .. } = *registration;
            let events = seen & (registration.events | PollEvents::LOCAL_CLOSE);
            let is_new = hits.last().is_none_or(|hit: &PollHit| hit.poll != poll);
            if !events.is_empty() && is_new && hits.len() < hits.capacity() {
                let entry = PollHandle {
                    handle,
                    events,
                    status: NtStatus::SUCCESS,
                };
                hits.push(PollHit { poll, entry });
            }
        }
        for hit in hits.drain(..) {
            self.end_poll(hit.poll, NtStatus::SUCCESS, &[hit.entry]);
        }
        self.hits = hits;
    }

    /// The time of a poll is over.
    pub(crate) fn expire_poll(&mut self, poll: Key) {
        self.counters.polls_timed_out += 1;
        self.end_poll(poll, NtStatus::TIMEOUT, &[]);
    }

    /// Ends a waiting poll with the given entries.
    pub(crate) fn end_poll(&mut self, poll: Key, status: NtStatus, entries: &[PollHandle]) {
        let Some(pending) = self.pending.get_mut(poll) else {
            return;
        };
        let outcome = answer(&mut pending.irp, status, entries);
        self.complete_pending(poll, outcome);
    }
}

/// The payload of a poll that was checked when it was submitted.
fn poll_info(irp: &AfdIrp) -> Option<PollInfo<'_>> {
    PollInfo::parse(irp.request().input.as_slice()).ok()
}

fn is_exclusive(irp: &AfdIrp) -> bool {
    poll_info(irp).is_some_and(|info| info.exclusive)
}

fn wanted(irp: &AfdIrp, index: usize) -> Option<PollHandle> {
    poll_info(irp)?.handle(index)
}

/// Writes a poll's answer: its own timeout and the entries.
fn answer(irp: &mut AfdIrp, status: NtStatus, entries: &[PollHandle]) -> Outcome {
    let (request, reply) = irp.parts_mut();
    let written = PollInfo::parse(request.input.as_slice()).and_then(|info| {
        reply.output.fill_within(request.output_length, |buffer| {
            let mut writer = PollWriter::new(buffer, info.raw_timeout, info.exclusive)?;
            entries.iter().try_for_each(|entry| writer.push(*entry))?;
            Ok(writer.finish())
        })
    });
    match written {
        Ok(information) => Outcome {
            status,
            information,
        },
        Err(status) => status.into(),
    }
}
