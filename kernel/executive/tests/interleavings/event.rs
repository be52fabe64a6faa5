//! A notification event.

use loom::sync::{Condvar, Mutex};

use crate::executive::Executive;
use crate::status::NtStatus;

#[derive(Clone, Copy, Debug)]
pub(crate) enum EventKind {
    Notification,
}

pub(crate) struct Event {
    signalled: Mutex<bool>,
    changed: Condvar,
}

impl Event {
    pub(crate) fn new(
        _executive: &'static Executive,
        EventKind::Notification: EventKind,
        initial: bool,
    ) -> Result<Self, NtStatus> {
        Ok(Self {
            signalled: Mutex::new(initial),
            changed: Condvar::new(),
        })
    }

    pub(crate) fn set_boosting(&self, _increment: u8) {
        *self
            .signalled
            .lock()
            .expect("no model panics while it holds this") = true;
        self.changed.notify_all();
    }

    pub(crate) fn clear(&self) {
        *self
            .signalled
            .lock()
            .expect("no model panics while it holds this") = false;
    }

    pub(crate) fn wait(&self) {
        let mut signalled = self
            .signalled
            .lock()
            .expect("no model panics while it holds this");
        while !*signalled {
            signalled = self
                .changed
                .wait(signalled)
                .expect("no model panics while it holds this");
        }
    }
}
