//! Events: the dispatcher objects that code signals.

use core::fmt;

use crate::dispatcher::{ObjectKind, ObjectName};
use crate::executive::Executive;
use crate::irql::Irql;
use crate::status::NtStatus;

/// How a signalled event behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Stays signalled until cleared and releases every waiter.
    Notification,
    /// Releases one waiter and is cleared by that.
    Synchronization,
}

/// An event. Dropping it gives its place in the table back; it cannot be
/// dropped while somebody waits, because waiting borrows it.
pub struct Event {
    executive: &'static Executive,
    name: ObjectName,
}

impl Event {
    /// Makes an event; `initial` tells whether it is signalled. At or below
    /// Dispatch. Takes a place in the table, no memory.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when `Limits::events` exist.
    pub fn new(
        executive: &'static Executive,
        kind: EventKind,
        initial: bool,
    ) -> Result<Self, NtStatus> {
        let kind = match kind {
            EventKind::Notification => ObjectKind::Notification,
            EventKind::Synchronization => ObjectKind::Synchronization,
        };
        let name = executive.with_database(|database| database.create_event(kind, initial));
        let name = name.ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { executive, name })
    }

    /// Signals the event; answers whether it was signalled already. At or
    /// below Dispatch; below it, a released thread of higher priority runs
    /// before this returns.
    pub fn set(&self) -> bool {
        self.set_boosting(0)
    }

    /// The same; a thread whose wait this ends runs `increment` above its own
    /// priority until its turn is over or it waits again (as KeSetEvent does).
    pub fn set_boosting(&self, increment: u8) -> bool {
        self.executive.require_at_most(Irql::Dispatch, "Event::set");
        let signalled = self
            .executive
            .with_database(|database| database.signal(self.name.index, increment));
        self.executive.dispatch_if_due();
        signalled
    }

    /// Resets the event; answers whether it was signalled. At or below
    /// Dispatch.
    pub fn clear(&self) -> bool {
        self.executive
            .with_database(|database| database.reset(self.name.index))
    }

    /// Whether the event is signalled. At or below Dispatch.
    pub fn is_set(&self) -> bool {
        self.executive
            .with_database(|database| database.is_signalled(self.name.index))
    }

    pub(crate) fn name(&self) -> ObjectName {
        self.name
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.executive
            .with_database(|database| database.delete_event(self.name));
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Event")
            .field(&self.name.index)
            .finish()
    }
}
