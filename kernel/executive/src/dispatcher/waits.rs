//! Waiting for one or any of several objects, with a timeout.

use super::objects::{Object, ObjectKind, ObjectName};
use super::{Database, IDLE, MAXIMUM_WAIT_OBJECTS, NONE, Switch};
use crate::thread::ThreadState;
use crate::time::Instant;

/// One thread's place in the list of one object. The blocks of thread `n` are
/// those from `n * MAXIMUM_WAIT_OBJECTS` on.
pub(super) struct WaitBlock {
    object: u32,
    previous: u32,
    next: u32,
}

impl WaitBlock {
    pub(super) fn new() -> Self {
        Self {
            object: NONE,
            previous: NONE,
            next: NONE,
        }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitResult {
    /// By the object at this place of the list.
    Object(usize),
    /// By its timeout.
    TimedOut,
}

impl Database {
    /// Takes the first of `names` that is signalled. An object that is no more
    /// (a thread whose slot was reused) counts as signalled.
    pub(crate) fn try_acquire(&mut self, names: &[ObjectName]) -> Option<usize> {
        names
            .iter()
            .position(|&name| match self.objects.get_mut(name) {
                None => true,
                Some(Object {
                    kind: ObjectKind::Notification,
                    signalled,
                    ..
                }) => *signalled,
                Some(Object { signalled, .. }) => core::mem::replace(signalled, false),
            })
    }

    /// Makes the running thread wait for any of `names`, of which none is
    /// signalled, until `due`. The caller has checked their number.
    pub(crate) fn block(
        &mut self,
        names: &[ObjectName],
        due: Option<Instant>,
        now: Instant,
    ) -> Switch {
        let thread = self.current;
        for (place, name) in names.iter().enumerate() {
            self.append_wait(thread as usize * MAXIMUM_WAIT_OBJECTS + place, name.index);
        }
        if let Some(due) = due {
            self.heap.insert(thread, due);
        }
        let block = &mut self.threads[thread as usize];
        block.wait_count = names.len();
        block.state = ThreadState::Waiting;
        self.switch_away(now)
    }

    /// How the last wait of the running thread ended.
    pub(crate) fn wait_result(&self) -> WaitResult {
        self.threads[self.current as usize].wait_result
    }

    /// Whether the running thread may wait: the idle thread must not.
    pub(crate) fn may_wait(&self) -> bool {
        self.current != IDLE
    }

    /// Ends the wait that `block` belongs to, by that block's object.
    pub(super) fn satisfy(&mut self, block: u32, increment: u8) {
        let thread = block / MAXIMUM_WAIT_OBJECTS as u32;
        let place = block as usize % MAXIMUM_WAIT_OBJECTS;
        self.heap.remove(thread);
        self.end_wait(thread, WaitResult::Object(place), increment);
    }

    /// Makes a waiting thread ready with the wait's result, so much above its
    /// own priority for a turn.
    pub(super) fn end_wait(&mut self, thread: u32, result: WaitResult, increment: u8) {
        let block = &mut self.threads[thread as usize];
        block.wait_result = result;
        block.boost(increment);
        let count = core::mem::take(&mut block.wait_count);
        let first = thread as usize * MAXIMUM_WAIT_OBJECTS;
        for block in first..first + count {
            self.unlink_wait(block);
        }
        self.make_ready(thread);
    }

    fn append_wait(&mut self, block: usize, object: u32) {
        let list = &mut self.objects.table[object as usize];
        let previous = core::mem::replace(&mut list.last, block as u32);
        if previous == NONE {
            list.first = block as u32;
        } else {
            self.waits[previous as usize].next = block as u32;
        }
        self.waits[block] = WaitBlock {
            object,
            previous,
            next: NONE,
        };
    }

    fn unlink_wait(&mut self, block: usize) {
        let WaitBlock {
            object,
            previous,
            next,
        } = self.waits[block];
        let list = &mut self.objects.table[object as usize];
        if previous == NONE {
            list.first = next;
        } else {
            self.waits[previous as usize].next = next;
        }
        if next == NONE {
            list.last = previous;
        } else {
            self.waits[next as usize].previous = previous;
        }
    }
}
